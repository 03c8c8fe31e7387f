"""Jobs: made from a submission, ready when their manifest is committed."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence

from conductor_core.digest import Digest
from conductor_core.documents import canonical_bytes, from_json
from conductor_core.frames import FrameSet, scout_frames
from conductor_core.manifest import Manifest, parse_manifest
from conductor_core.paths import ClientPath
from conductor_core.submission import Submission
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from conductor_service import manifests, objects
from conductor_service.database import Database, Unit
from conductor_service.door import Why
from conductor_service.equipment import Equipment
from conductor_service.errors import Absent, Busy, Invalid, NotAllowedNow, ObjectsMissing
from conductor_service.marks import mark_job
from conductor_service.models import Account, Job, Project, Step, Task, new_id
from conductor_service.states import UPLOAD_HOLD, JobState, TaskState
from conductor_service.store import Store
from conductor_service.tokens import Principal
from conductor_service.waiting import drop_holds, held, wait

#: of one job: every change of all its tasks holds the database's one pen, while runners want to report
MAX_TASKS = 20_000

_PROJECT_ID = select(Project.id).where(
    Project.account_id == bindparam("account_id"), (Project.name == bindparam("name")) | (Project.id == bindparam("name"))
)


def find_project(session: Session, account_id: str, name: str) -> Project:
    """Return a project of the account by name or id.

    Raises:
        Absent: there is none.
    """
    query = select(Project).where(Project.account_id == account_id, (Project.name == name) | (Project.id == name))
    found = session.scalars(query).first()
    if found is None:
        raise Absent("project", name)
    return found


def find_project_id(database: Database, account_id: str, name: str) -> str:
    """Return the id of a project of the account by name or id, as cheaply as can be: it is asked for with every object.

    Raises:
        Absent: there is none.
    """
    with database.engine.connect() as connection:
        found = connection.execute(_PROJECT_ID, {"account_id": account_id, "name": name}).scalar()
    if found is None:
        raise Absent("project", name)
    return str(found)


def find_job(session: Session, account_id: str, name: str) -> Job:
    """Return a job of the account by id or number.

    Raises:
        Absent: there is none.
    """
    query = select(Job).where(Job.account_id == account_id)
    by_number = name.isascii() and name.isdigit() and len(name) < 10
    found = session.scalars(query.where(Job.number == int(name) if by_number else Job.id == name)).first()
    if found is None:
        raise Absent("job", name)
    return found


def submission_of(job: Job) -> Submission:
    """Return what was asked for."""
    return _submission(job.submission)


@functools.lru_cache(maxsize=64)
def _submission(text: str) -> Submission:
    """Return a submission from its JSON; remembered, since every task of a job asks several times."""
    return from_json(Submission, json.loads(text))


def check_size(submission: Submission) -> None:
    """Refuse a job of so many tasks that all others would wait for it.

    Raises:
        Invalid: it has more than `MAX_TASKS`.
    """
    tasks = sum(math.ceil(len(FrameSet.parse(step.frames)) / step.chunk_size) for step in submission.steps)
    if tasks > MAX_TASKS:
        reason = f"make {tasks:,} tasks, a job may have {MAX_TASKS:,}"
        raise Invalid("steps", reason, "Give each task more frames (chunk_size), or submit several jobs.")


def create_job(unit: Unit, who: Principal, project: Project, submission: Submission, equipment: Equipment) -> tuple[Job, bool]:
    """Make a job in state `uploading`, and return it and True; False for a submission id that was seen before."""
    query = select(Job).where(Job.account_id == who.account_id, Job.submission_id == submission.id)
    known = unit.session.scalars(query).first()
    if known is not None:
        return known, False
    job = Job(
        id=new_id(),
        account_id=who.account_id,
        project_id=project.id,
        number=_next_number(unit, who.account_id),
        submission_id=submission.id,
        submitted_by=who.name,
        title=submission.title,
        priority=submission.priority,
        instance_type=submission.instance_type,
        preemptible=submission.preemptible,
        max_instances=submission.max_instances,
        submission=canonical_bytes(submission).decode(),
        package=equipment.to_text(),
        state=JobState.UPLOADING,
        has_dependencies=any(step.after for step in submission.steps),
        scouts_ended=False if any(step.scouts.strip() for step in submission.steps) else None,
        created=unit.now,
    )
    unit.session.add(job)
    unit.session.flush()
    _add_steps(unit, job, submission)
    mark_job(unit.session, job.id, submission)
    unit.job_changed(job)
    return job, True


def _next_number(unit: Unit, account_id: str) -> int:
    """Return the next job number, taken by an update so that two services cannot take the same."""
    statement = update(Account).where(Account.id == account_id).values(next_job_number=Account.next_job_number + 1)
    taken = unit.session.execute(
        statement.returning(Account.next_job_number), execution_options={"synchronize_session": False}
    ).scalar_one()
    return taken - 1


def _add_steps(unit: Unit, job: Job, submission: Submission) -> None:
    steps: list[dict[str, object]] = []
    tasks: list[dict[str, object]] = []
    for position, step in enumerate(submission.steps):
        step_id = new_id()
        row = {"id": step_id, "job_id": job.id, "position": position, "name": step.name, "frames": step.frames}
        steps.append({**row, "after": list(step.after)})
        frames = FrameSet.parse(step.frames)
        scouts = frozenset(scout_frames(step.scouts, frames))
        for chunk in frames.chunks(step.chunk_size):
            scout = not scouts.isdisjoint(chunk)
            task = _task_row(job, step_id, len(tasks), chunk)
            tasks.append({**task, "scout": scout, "awaits_release": bool(scouts) and not scout})
    unit.session.execute(insert(Step), steps)
    unit.session.execute(insert(Task), tasks)


def _task_row(job: Job, step_id: str, index: int, frames: tuple[int, ...]) -> dict[str, object]:
    return {
        "id": new_id(),
        "job_id": job.id,
        "step_id": step_id,
        "index": index,
        "frames": list(frames),
        "frame_count": len(frames),
        "frames_done": [],
        "state": TaskState.PENDING,
        "version": 1,
    }


def check_manifest_fits(submission: Submission, manifest: Manifest) -> None:
    """Refuse a manifest that cannot be this job's.

    Raises:
        Invalid: another flavour, or the scene is not in it.
    """
    if manifest.flavour is not submission.flavour:
        raise Invalid("flavour", f"is {manifest.flavour.value}, the submission is {submission.flavour.value}")
    if submission.scene:
        scene = ClientPath.parse(submission.scene, submission.flavour)
        if not any(ClientPath.parse(e.path, manifest.flavour) == scene for e in manifest.entries if e.kind != "directory"):
            raise Invalid("entries", f"do not have the scene {submission.scene!r}", "Submit the scene file with its files.")
    _check_scripts_sent(submission, manifest)


def _check_scripts_sent(submission: Submission, manifest: Manifest) -> None:
    """Refuse a manifest without the scripts that the software would look for on the instance."""
    wanted = {"startup script": submission.scripts.startup, "plug-in folder": submission.scripts.plug_in_folders}
    if not any(wanted.values()):
        return
    sent: set[tuple[str, ...]] = set()
    for entry in manifest.entries:
        key = ClientPath.parse(entry.path, manifest.flavour).key
        while key and key not in sent:  # what lies above one that was seen was seen too
            sent.add(key)
            key = key[:-1]
    for what, paths in wanted.items():
        for text in paths:
            if ClientPath.parse(text, submission.flavour).key not in sent:
                raise Invalid("entries", f"do not have the {what} {text!r}", "Send it along with the scene's files.")


def commit_manifest(
    unit: Unit, job: Job, named: manifests.NamedManifest, *, for_scouts: bool = False, grown_from: str | None = None, why: Why
) -> None:
    """Fix which files a job has, and let its tasks go; the manifest's own bytes are in the store already.

    With `for_scouts` the manifest names what the scout frames need: they go, all else waits for the manifest of the whole
    job, which must have all that this one has: `grown_from` is what `check_grows` has seen of that.

    Raises:
        ObjectsMissing: the project cannot see some of them, or the store lost them.
        Invalid: there are no scout frames.
        NotAllowedNow: the job has another manifest, or was killed.
        Busy: the manifest for the scout frames came just now.
    """
    digest = named.digest
    if job.manifest == digest and (for_scouts or not job.for_scouts):
        return
    if job.manifest is not None and (for_scouts or not job.for_scouts):
        raise NotAllowedNow(f"Job {job.number} has another manifest already.", next_step="Submit a new job.")
    if job.manifest is None and job.state is JobState.KILLED:
        raise NotAllowedNow(f"Job {job.number} was killed.", allowed=("retry",))
    if for_scouts and unit.session.scalars(select(Task.id).where(Task.job_id == job.id, Task.scout).limit(1)).first() is None:
        raise Invalid("scouts", f"are none: job {job.number} has no scout frames", "Commit the manifest of the whole job.")
    if job.manifest is not None and job.manifest != grown_from:
        raise Busy(f"The manifest for the scout frames of job {job.number} came just now.")
    there = objects.present(unit.session, job.project_id, list(named.objects))
    missing = [d for d in named.objects if d not in there]
    if missing:
        raise ObjectsMissing(missing)
    manifests.keep(unit, named)
    job.manifest, job.for_scouts = digest, for_scouts
    unit.session.flush()
    unit.job_changed(job)
    tasks = tasks_of(unit.session, job)
    if not for_scouts:
        freed = held(unit.session, tasks, name=UPLOAD_HOLD)
        drop_holds(unit, tasks, name=UPLOAD_HOLD)
        for task in tasks:
            if task.id in freed:
                unit.task_changed(task)
    wait(unit, job, [task for task in tasks if task.state in (TaskState.PENDING, TaskState.HOLDING)], why)


def check_grows(job: Job, named: manifests.NamedManifest, store: Store) -> str | None:
    """Refuse a manifest of the whole job that lacks something of what its scout frames were given; return what those were given.

    It is read before the transaction that commits: nobody waits for the store then.

    Raises:
        Invalid: a file lacks, or is another.
    """
    if job.manifest is None or not job.for_scouts or job.manifest == named.digest:
        return job.manifest
    given = parse_manifest(b"".join(store.read(Digest(job.manifest)))).entries
    lost = next(iter(sorted(set(given) - set(named.manifest.entries), key=lambda entry: entry.path)), None)
    if lost is not None:
        raise Invalid("entries", f"do not have {lost.path!r} as the scout frames were given it", "Submit a new job.")
    return job.manifest


def tasks_of(session: Session, job: Job) -> Sequence[Task]:
    """Return a job's tasks in their order."""
    return session.scalars(select(Task).where(Task.job_id == job.id).order_by(Task.index)).all()
