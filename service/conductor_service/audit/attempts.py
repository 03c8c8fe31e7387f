"""Attempts: leases that are held by somebody, one per task, with times that make sense."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select

from conductor_service.audit.kinds import Ground, Seen, kind
from conductor_service.clock import iso, milliseconds_between
from conductor_service.models import Attempt, Instance, Job, Task
from conductor_service.states import AttemptState, TaskState

_REPORT = "Please report it, with the attempt: nothing that Conductor does leaves one like this."
_RESTART = "Restart the service: leases that nobody renews run out then. Please report it if it stays."
_RUNNING = Attempt.state == AttemptState.RUNNING


@kind("attempt-astray", _RESTART)
def attempt_astray(ground: Ground) -> Iterator[Seen]:
    """An attempt runs, and is not the one that its task is running by."""
    astray = or_(Task.state != TaskState.RUNNING, Task.attempt_id != Attempt.id)
    query = select(Attempt.id, Task.index, Job.number, Task.state).join(Task, Task.id == Attempt.task_id)
    for row in ground.rows(query.join(Job, Job.id == Task.job_id).where(_RUNNING, astray)):
        task = f"Task {row.index} of job {row.number}"
        yield Seen(f"attempt {row.id}", f"{task} is {row.state.value}, and its attempt {row.id} is kept as running.")


@kind("attempt-on-ended-instance", _RESTART)
def attempt_on_ended_instance(ground: Ground) -> Iterator[Seen]:
    """An attempt is not released, though its instance has ended."""
    query = select(Attempt.id, Attempt.instance_id).join(Instance, Instance.id == Attempt.instance_id)
    for row in ground.rows(query.where(Attempt.released.is_(None), Instance.ended.is_not(None))):
        what = f"Attempt {row.id} still has its task, and instance {row.instance_id}, where it ran, has ended."
        yield Seen(f"attempt {row.id}", what)


@kind("attempts-overlap", _RESTART)
def attempts_overlap(ground: Ground) -> Iterator[Seen]:
    """A task has more than one attempt that is not released."""
    query = (
        select(Task.id, Task.index, Job.number, func.count().label("attempts"))
        .join(Attempt, Attempt.task_id == Task.id)
        .join(Job, Job.id == Task.job_id)
        .where(Attempt.released.is_(None))
        .group_by(Task.id, Task.index, Job.number)
        .having(func.count() > 1)
    )
    for row in ground.rows(query):
        yield Seen(f"task {row.id}", f"Task {row.index} of job {row.number} has {row.attempts} attempts at once.")


@kind("attempt-end", _REPORT)
def attempt_end(ground: Ground) -> Iterator[Seen]:
    """An attempt has ended without a time of its end, or runs and has one."""
    query = select(Attempt.id, Attempt.state).where(Attempt.ended.is_not(None) == _RUNNING)
    for row in ground.rows(query):
        has = "has a time of its end" if row.state is AttemptState.RUNNING else "has no time of its end"
        yield Seen(f"attempt {row.id}", f"Attempt {row.id} is {row.state.value}, and {has}.")


@kind("attempt-times", "The bill of its job counts this time: set it right by hand, and please report it.")
def attempt_times(ground: Ground) -> Iterator[Seen]:
    """An attempt's times run backwards, lie before its instance's launch, or are not what is billed."""
    columns = (Attempt.id, Attempt.started, Attempt.ended, Attempt.released, Attempt.milliseconds, Instance.launched)
    for row in ground.rows(select(*columns).join(Instance, Instance.id == Attempt.instance_id)):
        wrong = _wrong_times(_Times(row.started, row.ended, row.released, row.milliseconds, row.launched))
        if wrong:
            yield Seen(f"attempt {row.id}", f"Attempt {row.id} {wrong}.")


@dataclass(frozen=True, slots=True)
class _Times:
    started: datetime
    ended: datetime | None
    released: datetime | None
    milliseconds: int
    launched: datetime


def _wrong_times(times: _Times) -> str:
    """Return what is wrong with an attempt's times; empty where nothing is."""
    if times.started < times.launched:
        return f"started at {iso(times.started)}, before its instance was launched at {iso(times.launched)}"
    if times.ended is None:
        return ""
    if times.ended < times.started:
        return f"ended at {iso(times.ended)}, before it started at {iso(times.started)}"
    took = milliseconds_between(times.started, times.ended)
    if times.milliseconds != took:
        return f"took {took} ms, and is billed as {times.milliseconds} ms"
    if times.released is not None and times.released < times.ended:
        return f"was released at {iso(times.released)}, before it ended at {iso(times.ended)}"
    return ""
