"""Outputs: published once, under the fence of the current attempt, into the project's file tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from conductor_core.digest import parse_digest
from conductor_core.errors import PathError
from conductor_core.paths import ClientPath, Flavour
from conductor_core.sequences import output_folder
from conductor_core.submission import Step as SubmittedStep
from sqlalchemy import func, select

from conductor_service import licences, objects
from conductor_service.database import Unit
from conductor_service.errors import Invalid, ObjectsMissing, StaleAttempt
from conductor_service.jobs import submission_of
from conductor_service.leases import refuse, staleness
from conductor_service.models import Attempt, Job, OutputFile, ProjectFile, Step, Task, new_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """One file as a runner publishes it."""

    path: str
    digest: str
    size: int
    step: str
    mode: int = 0
    mtime_ns: int = 0
    frame: int | None = None
    width: int = 0
    height: int = 0
    layers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no file has."""
        parse_digest(self.digest)
        if self.size < 0:
            raise ValueError(f"size {self.size} is negative")


def output_folders(step: SubmittedStep, flavour: Flavour) -> tuple[ClientPath, ...]:
    """Return the folders that a step may write to, one for each of its outputs."""
    return tuple(output_folder(ClientPath.parse(output.path, flavour)) for output in step.outputs)


def check_place(record: OutputRecord, step: SubmittedStep, flavour: Flavour) -> ClientPath:
    """Return where an output belongs.

    Raises:
        Invalid: the path is malformed, or lies outside the folders of the step's outputs.
    """
    try:
        path = ClientPath.parse(record.path, flavour)
    except PathError as exc:
        raise Invalid("path", f"is no path: {exc.what}") from exc
    folders = output_folders(step, flavour)
    if not any(path.is_within(folder) and path != folder for folder in folders):
        allowed = ", ".join(f.text for f in folders) or "none"
        raise Invalid("path", f"{record.path!r} lies outside the output folders of step {step.name!r}", f"They are: {allowed}.")
    return path


def publish(
    unit: Unit, attempt: Attempt, fence: int, records: Sequence[OutputRecord], completes: Sequence[int] = ()
) -> list[OutputFile] | StaleAttempt:
    """Accept outputs of the current attempt; what was accepted before, by this or a former attempt, stays as it is.

    `completes` are the frames of which nothing more will come: a later attempt need not render them. The runner alone knows
    that: a step may write more than it declares.

    Raises:
        Invalid: a record does not belong to the task.
        ObjectsMissing: the bytes of one were not sent.
    """
    task = unit.session.get_one(Task, attempt.task_id)
    stale = staleness(attempt, task, fence)
    if stale:
        return refuse(unit, attempt, "publish", fence, stale)
    job = unit.session.get_one(Job, task.job_id)
    submission = submission_of(job)
    name = unit.session.get_one(Step, task.step_id).name
    step = next(s for s in submission.steps if s.name == name)
    lacking = {r.digest for r in records} - objects.visible(unit.session, job.project_id, [r.digest for r in records])
    if lacking:
        raise ObjectsMissing(sorted(lacking))
    published = []
    for record in records:
        if record.step != name:
            raise Invalid("step", f"is {record.step!r}, the task is of step {name!r}")
        if record.frame is not None and record.frame not in task.frames:
            raise Invalid("frame", f"{record.frame} is not a frame of task {task.index}")
        path = check_place(record, step, submission.flavour)
        published.append(_accept(unit, job, attempt, record, path))
    unknown = set(completes) - set(task.frames)
    if unknown:
        raise Invalid("completes", f"has frame {min(unknown)}, which task {task.index} does not have")
    _note_frames(unit, task, step, completes)
    licences.note_rendered(unit, attempt)
    return published


def _accept(unit: Unit, job: Job, attempt: Attempt, record: OutputRecord, path: ClientPath) -> OutputFile:
    query = select(OutputFile).where(
        OutputFile.task_id == attempt.task_id, OutputFile.generation == attempt.generation, OutputFile.path == path.text
    )
    known = unit.session.scalars(query).first()
    if known is not None:
        return known
    output = OutputFile(
        id=new_id(),
        job_id=job.id,
        task_id=attempt.task_id,
        attempt_id=attempt.id,
        generation=attempt.generation,
        step=record.step,
        frame=record.frame,
        path=path.text,
        digest=record.digest,
        size=record.size,
        mode=record.mode,
        # a task may set any time on its file; one in the future would pass for newer than the artist's own work
        mtime_ns=min(record.mtime_ns, _nanoseconds(unit.now)),
        width=record.width,
        height=record.height,
        layers=list(record.layers),
        created=unit.now,
    )
    unit.session.add(output)
    unit.session.flush()
    _add_version(unit, job, output)
    unit.output_changed(output)
    unit.job_changed(job)
    return output


def _nanoseconds(moment: datetime) -> int:
    """Return a time as files have it, exact to the microsecond: a float has not the digits."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _add_version(unit: Unit, job: Job, output: OutputFile) -> None:
    """Put an output into the project's tree as the newest version of its path."""
    newest = select(func.max(ProjectFile.version)).where(
        ProjectFile.project_id == job.project_id, ProjectFile.path == output.path
    )
    version = (unit.session.scalar(newest) or 0) + 1
    unit.session.add(
        ProjectFile(
            project_id=job.project_id,
            path=output.path,
            version=version,
            digest=output.digest,
            output_id=output.id,
            created=unit.now,
        )
    )


def _note_frames(unit: Unit, task: Task, step: SubmittedStep, completes: Sequence[int]) -> None:
    """Count those frames as done that are complete, and of which a step that declares outputs has at least one."""
    query = select(OutputFile.frame).where(OutputFile.task_id == task.id, OutputFile.generation == task.generation)
    there = set(unit.session.scalars(query.where(OutputFile.frame.in_(completes)).distinct())) if completes else set()
    done = {frame for frame in completes if frame in there or not step.outputs} | set(task.frames_done)
    frames_done = [f for f in task.frames if f in done]
    if frames_done != task.frames_done:
        task.frames_done = frames_done
        unit.task_changed(task)
