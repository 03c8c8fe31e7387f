"""Tasks: against their attempts and their holds."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import exists, func, or_, select

from conductor_service.audit.kinds import Ground, Seen, kind
from conductor_service.models import Attempt, Hold, Job, Task
from conductor_service.states import ENDED, SCOUT_HOLD, UPLOAD_HOLD, AttemptState, TaskState

_REPORT = "Please report it, with the task: nothing that Conductor does leaves one like this."
_NAMED = (Task.id, Task.index, Job.number)


def _name(index: int, job: int) -> str:
    return f"Task {index} of job {job}"


@kind("task-attempt", _REPORT)
def task_attempt(ground: Ground) -> Iterator[Seen]:
    """A task's newest attempt, or the number of its attempts, is not the one that it names."""
    newest = select(Attempt.task_id, func.max(Attempt.number).label("number"), func.count().label("made"))
    latest = newest.group_by(Attempt.task_id).subquery()
    of_it = select(Attempt.id).where(Attempt.task_id == Task.id, Attempt.number == latest.c.number).scalar_subquery()
    query = (
        select(*_NAMED, Task.attempt_id, Task.attempts_made, of_it.label("there"), latest.c.made)
        .join(Job, Job.id == Task.job_id)
        .outerjoin(latest, latest.c.task_id == Task.id)
        .where(or_(Task.attempt_id.is_distinct_from(of_it), Task.attempts_made != func.coalesce(latest.c.made, 0)))
    )
    for row in ground.rows(query):
        yield Seen(
            f"task {row.id}",
            f"{_name(row[1], row[2])} names attempt {row.attempt_id} and counts {row.attempts_made};"
            f" its newest is {row.there}, and there are {row.made or 0}.",
        )


@kind("task-fence", _REPORT)
def task_fence(ground: Ground) -> Iterator[Seen]:
    """A task's fencing token is not that of its newest attempt."""
    newest = select(func.max(Attempt.fence)).where(Attempt.task_id == Task.id).scalar_subquery()
    fence = func.coalesce(newest, 0)
    query = select(*_NAMED, Task.fence, fence.label("there")).join(Job, Job.id == Task.job_id).where(Task.fence != fence)
    for row in ground.rows(query):
        yield Seen(
            f"task {row.id}", f"{_name(row[1], row[2])} has fence {row.fence}, the highest of its attempts is {row.there}."
        )


@kind("running-without-attempt", "Restart the service; if it stays, kill the task and retry it. Please report it as well.")
def running_without_attempt(ground: Ground) -> Iterator[Seen]:
    """A task is running, and none of its attempts is."""
    live = exists().where(Attempt.id == Task.attempt_id, Attempt.state == AttemptState.RUNNING, Attempt.released.is_(None))
    query = select(*_NAMED).join(Job, Job.id == Task.job_id).where(Task.state == TaskState.RUNNING, ~live)
    for row in ground.rows(query):
        yield Seen(f"task {row.id}", f"{_name(row[1], row[2])} is running, and no attempt of it is: nothing will end it.")


@kind("hold-on-ended", _REPORT)
def hold_on_ended(ground: Ground) -> Iterator[Seen]:
    """A task that has ended has a hold."""
    query = select(*_NAMED, Task.state, Hold.name).join(Job, Job.id == Task.job_id).join(Hold, Hold.task_id == Task.id)
    for row in ground.rows(query.where(Task.state.in_(ENDED))):
        yield Seen(f"task {row.id}", f"{_name(row[1], row[2])} is {row.state.value}, and has the hold {row.name!r}.")


@kind("holding-without-hold", "Kill the task and retry it: it would wait for ever. Please report it as well.")
def holding_without_hold(ground: Ground) -> Iterator[Seen]:
    """A task is holding, and nothing holds it."""
    held = exists().where(Hold.task_id == Task.id)
    query = select(*_NAMED).join(Job, Job.id == Task.job_id).where(Task.state == TaskState.HOLDING, ~held)
    for row in ground.rows(query):
        yield Seen(f"task {row.id}", f"{_name(row[1], row[2])} is holding, and has no hold that could be taken away.")


@kind("hold-without-effect", "Resume the task and hold it again. Please report it as well.")
def hold_without_effect(ground: Ground) -> Iterator[Seen]:
    """A task has a hold, and waits as if it had none."""
    query = select(*_NAMED, Task.state, Hold.name).join(Job, Job.id == Task.job_id).join(Hold, Hold.task_id == Task.id)
    for row in ground.rows(query.where(Task.state.in_([TaskState.PENDING, TaskState.READY]))):
        yield Seen(f"task {row.id}", f"{_name(row[1], row[2])} is {row.state.value}, in spite of the hold {row.name!r}.")


@kind("upload-hold-astray", "Kill the task and retry it. Please report it as well.")
def upload_hold_astray(ground: Ground) -> Iterator[Seen]:
    """A task is held for files of its job, which are all there."""
    held = exists().where(Hold.task_id == Task.id, Hold.name == UPLOAD_HOLD)
    query = select(*_NAMED).join(Job, Job.id == Task.job_id)
    for row in ground.rows(query.where(held, ~Job.for_scouts)):
        yield Seen(f"task {row.id}", f"{_name(row[1], row[2])} has the hold {UPLOAD_HOLD!r}, and all files of its job are there.")


_SCOUT_HOLD = exists().where(Hold.task_id == Task.id, Hold.name == SCOUT_HOLD)


@kind("scout-hold-missing", "Hold the task until you have seen the scout frames. Please report it as well.")
def scout_hold_missing(ground: Ground) -> Iterator[Seen]:
    """A task that is to wait for the scout frames is not held by them."""
    query = select(*_NAMED, Task.state).join(Job, Job.id == Task.job_id)
    waits = (Task.awaits_release, Task.state.not_in(ENDED), Job.manifest.is_not(None), ~_SCOUT_HOLD)
    for row in ground.rows(query.where(*waits)):
        yield Seen(f"task {row.id}", f"{_name(row[1], row[2])} is {row.state.value}, and should wait for the scout frames.")


@kind("scout-hold-astray", "Kill the task and retry it: no release lets it go. Please report it as well.")
def scout_hold_astray(ground: Ground) -> Iterator[Seen]:
    """A task is held for the scout frames, and does not wait for them."""
    query = select(*_NAMED).join(Job, Job.id == Task.job_id)
    for row in ground.rows(query.where(~Task.awaits_release, _SCOUT_HOLD)):
        yield Seen(f"task {row.id}", f"{_name(row[1], row[2])} has the hold {SCOUT_HOLD!r}, and nothing to wait for.")
