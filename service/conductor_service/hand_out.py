"""Which task an instance gets next: by priority, then age of the job, then scout frames, then order of the tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from conductor_core.documents import to_json
from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import Session

from conductor_service import licences
from conductor_service.database import Unit
from conductor_service.door import Why, move
from conductor_service.equipment import kept_equipment
from conductor_service.inputs import inputs_of
from conductor_service.jobs import submission_of
from conductor_service.leases import all_done, failures_of, lose
from conductor_service.models import Attempt, Instance, Job, Project, Step, Task, new_id
from conductor_service.retry_policy import ELSEWHERE_FOR, is_last_try
from conductor_service.states import AttemptState, JobState, TaskState
from conductor_service.views import JsonObject

#: of the tasks that failed before: a job in which everything fails must not hold the pen for long
_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """How long leases last."""

    #: after a beat
    renewed: timedelta
    #: before the first beat: short, since an answer that never reached the runner should not cost a whole lease
    first: timedelta


@dataclass(frozen=True, slots=True)
class Candidate:
    """A job with work for an instance, as the choice sees it."""

    job: str
    priority: int
    number: int
    max_instances: int
    #: instances that work on it now
    instances: frozenset[str]


def choose_job(candidates: Sequence[Candidate], instance: str) -> list[str]:
    """Return the jobs that an instance may work on, best first.

    Highest priority first, then the oldest. A job at its limit of instances takes no further one.
    """
    free = [c for c in candidates if not c.max_instances or instance in c.instances or len(c.instances) < c.max_instances]
    return [c.job for c in sorted(free, key=lambda c: (-c.priority, c.number))]


def any_work(session: Session, instance: Instance) -> bool:
    """Tell whether there may be a task for an instance: one cheap look, for the many times when there is none."""
    query = select(Task.id).join(Job, Job.id == Task.job_id).where(Task.state == TaskState.READY, *_fitting(instance)).limit(1)
    return session.scalars(query).first() is not None


def _fitting(instance: Instance) -> tuple[ColumnElement[bool], ...]:
    """Return what makes a job one that an instance can work on."""
    return (
        Job.account_id == instance.account_id,
        Job.instance_type == instance.type,
        Job.preemptible == instance.preemptible,
        Job.state.in_([JobState.PENDING, JobState.RUNNING]),
    )


def work_for(session: Session, instance: Instance) -> list[Candidate]:
    """Return the jobs with ready tasks for this kind of instance."""
    ready = exists().where(Task.job_id == Job.id, Task.state == TaskState.READY)
    query = select(Job.id, Job.priority, Job.number, Job.max_instances).where(*_fitting(instance), ready)
    rows = session.execute(query).all()
    limited = [row.id for row in rows if row.max_instances]
    used: dict[str, set[str]] = {}
    if limited:
        running = select(Attempt.job_id, Attempt.instance_id).where(Attempt.released.is_(None), Attempt.job_id.in_(limited))
        for job, where in session.execute(running.distinct()):
            used.setdefault(job, set()).add(where)
    return [Candidate(r.id, r.priority, r.number, r.max_instances, frozenset(used.get(r.id, ()))) for r in rows]


def next_task(session: Session, job: str, instance: Instance, sessions: Sequence[str], now: datetime) -> Task | None:
    """Return the job's first ready task for an instance: scout frames before all else, then steps that its runner has loaded.

    A task whose former attempt may still run somewhere (killed, but neither confirmed nor run out) is passed over. One that
    failed on this very instance comes last, and not at all for a while where another instance could take it.
    """
    alive = exists().where(Attempt.task_id == Task.id, Attempt.released.is_(None), Attempt.expires > now)
    ready = select(Task).where(Task.job_id == job, Task.state == TaskState.READY, ~alive).order_by(Task.index)
    fresh = ready.where(Task.failures == 0).limit(1)
    loaded = [key.partition("/")[2] for key in sessions if key.startswith(f"{job}/")]
    queries = [fresh.where(Task.scout), fresh]
    if loaded:
        steps = select(Step.id).where(Step.job_id == job, Step.name.in_(loaded))
        queries.insert(1, fresh.where(Task.step_id.in_(steps)))
    task = next((task for q in queries if (task := session.scalars(q).first()) is not None), None)
    return task or _failed_before(session, ready, instance, now)


def _failed_before(session: Session, ready: Select[Task], instance: Instance, now: datetime) -> Task | None:
    """Return the first task that failed before, best one that did so elsewhere."""
    tasks = session.scalars(ready.where(Task.failures > 0).limit(_LOOKED_AT)).all()
    ids = [task.attempt_id for task in tasks]
    failed = (Attempt.id.in_(ids), Attempt.instance_id == instance.id, Attempt.state == AttemptState.FAILED)
    last = select(Attempt.task_id, Attempt.generation, Attempt.ended).where(*failed)
    here = {(row.task_id, row.generation): row.ended for row in session.execute(last)} if tasks else {}
    elsewhere = next((t for t in tasks if (t.id, t.generation) not in here), None)
    if elsewhere is not None or not tasks or not _has_siblings(session, instance):
        return elsewhere or next(iter(tasks), None)
    return next((t for t in tasks if here[t.id, t.generation] <= now - ELSEWHERE_FOR), None)


def _has_siblings(session: Session, instance: Instance) -> bool:
    """Tell whether another instance lives, or comes up, that can take the same work."""
    same = (Instance.account_id == instance.account_id, Instance.type == instance.type)
    staying = (Instance.preemptible == instance.preemptible, Instance.ended.is_(None), Instance.retired.is_(None))
    return session.scalars(select(Instance.id).where(*same, *staying, Instance.id != instance.id).limit(1)).first() is not None


def hand_out(unit: Unit, instance: Instance, sessions: Sequence[str], times: LeaseTimes) -> JsonObject | None:
    """Lease the best task to an instance and return its Assignment; None where there is nothing to do."""
    jobs = choose_job(work_for(unit.session, instance), instance.id)
    waits = licences.waits_of(unit.session, jobs)
    for job_id in jobs:
        if not licences.may_take(waits.get(job_id), sessions, unit.now):
            continue
        task = next_task(unit.session, job_id, instance, sessions, unit.now)
        if task is not None:
            attempt = _lease(unit, instance, task, times)
            licences.note_lease(unit, attempt, sessions)
            return assignment(unit.session, attempt)
    return None


def _lease(unit: Unit, instance: Instance, task: Task, times: LeaseTimes) -> Attempt:
    """Make the task's next attempt; a former one whose lease has run out is given up first: one at a time has a task."""
    former = select(Attempt).where(Attempt.task_id == task.id, Attempt.released.is_(None))
    for attempt in unit.session.scalars(former).all() if task.attempt_id else ():
        lose(unit, attempt, "its lease had run out")
    if all_done(task):
        # It failed with all its frames there: something beside them is lacking, and all of it is rendered again. What counts
        # as done from now on is what this try completes, so that a machine lost after its last frame costs no third one.
        task.frames_done = []
    task.fence += 1
    task.attempts_made += 1
    attempt = Attempt(
        id=new_id(),
        task_id=task.id,
        job_id=task.job_id,
        instance_id=instance.id,
        number=task.attempts_made,
        fence=task.fence,
        generation=task.generation,
        state=AttemptState.RUNNING,
        started=unit.now,
        expires=unit.now + times.first,
    )
    unit.session.add(attempt)
    task.attempt_id = attempt.id
    move(unit, [task], TaskState.RUNNING, Why("scheduler", f"leased to instance {instance.id}"))
    instance.idle_since = None
    unit.instance_changed(instance)
    return attempt


def held_attempts(session: Session, instance_id: str) -> Sequence[Attempt]:
    """Return the attempts that an instance works on, as the service knows it."""
    query = select(Attempt).where(
        Attempt.instance_id == instance_id, Attempt.released.is_(None), Attempt.state == AttemptState.RUNNING
    )
    return session.scalars(query.order_by(Attempt.started)).all()


def assignment(session: Session, attempt: Attempt) -> JsonObject:
    """Return the Assignment of an attempt: the frames of its task that are not done yet, and all that they need."""
    task = session.get_one(Task, attempt.task_id)
    job = session.get_one(Job, task.job_id)
    step_row = session.get_one(Step, task.step_id)
    submission = submission_of(job)
    step = next(s for s in submission.steps if s.name == step_row.name)
    done = set(task.frames_done)
    before = failures_of(session, task, "bad-output")
    inputs = inputs_of(session, task)
    last = is_last_try(task.failures, "bad-output", submission.retries, same=before)
    return {
        "attempt": {"id": attempt.id, "fence": attempt.fence, "number": attempt.number, "last_try": last},
        "job": {
            "id": job.id,
            "number": job.number,
            "title": job.title,
            "project": session.get_one(Project, job.project_id).name,
        },
        "task": {"id": task.id, "index": task.index, "frames": [f for f in task.frames if f not in done] or task.frames},
        "step": to_json(step),
        "scene": submission.scene,
        "flavour": submission.flavour.value,
        **kept_equipment(job.package),
        "manifest": job.manifest,
        "inputs": inputs.key(session) if inputs else "",
        "environment": to_json(submission.environment),
        "limits": to_json(submission.limits),
        "scripts": to_json(submission.scripts),
        # what was laid out for the scout frames is not all that the others need
        "session": f"{job.id}/{'scouts/' if job.for_scouts else ''}{step.name}",
    }
