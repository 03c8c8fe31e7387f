"""The history of tasks: an unbroken chain of allowed moves from `pending` to where the task is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from conductor_service.audit.kinds import Ground, Seen, kind
from conductor_service.models import Job, Task, Transition
from conductor_service.states import MOVES, TaskState

_REPORT = "Please report it, with the task: only the one door changes a task's state, and it writes this history."


@kind("task-version", _REPORT)
def task_version(ground: Ground) -> Iterator[Seen]:
    """A task's version is not one more than the moves in its history."""
    moves = select(func.count()).where(Transition.task_id == Task.id).scalar_subquery()
    query = select(Task.id, Task.index, Job.number, Task.version, moves.label("moves")).join(Job, Job.id == Task.job_id)
    for row in ground.rows(query.where(Task.version != moves + 1)):
        yield Seen(f"task {row.id}", f"Task {row.index} of job {row.number} has version {row.version} after {row.moves} moves.")


@kind("history-forbidden", _REPORT)
def history_forbidden(ground: Ground) -> Iterator[Seen]:
    """A move in a task's history is one that the table forbids."""
    query = select(Transition.task_id, Transition.version, Transition.before, Transition.after)
    for row in ground.rows(query):
        if row.after not in MOVES[row.before]:
            what = f"{_name(ground.session, row.task_id)} went from {row.before.value} to {row.after.value}"
            yield Seen(f"task {row.task_id}", f"{what} (version {row.version}), which is not allowed.")


@kind("history-broken", _REPORT)
def history_broken(ground: Ground) -> Iterator[Seen]:
    """A task's history does not lead from pending, step by step, to its state."""
    columns = (Transition.task_id, Transition.version, Transition.before, Transition.after)
    query = select(*columns, Task.state).join(Task, Task.id == Transition.task_id)
    for task, rows in groupby(ground.rows(query.order_by(Transition.task_id, Transition.version)), key=lambda row: row.task_id):
        broken = _break(rows)
        if broken:
            yield Seen(f"task {task}", f"The history of {_name(ground.session, task, lower=True)} {broken}.")
    never_moved = select(Task.id, Task.state).where(Task.version == 1, Task.state != TaskState.PENDING)
    for row in ground.rows(never_moved):
        name = _name(ground.session, row.id)
        yield Seen(f"task {row.id}", f"{name} is {row.state.value}, and never moved from pending.")


def _break(rows: Iterator[Row[str, int, TaskState, TaskState, TaskState]]) -> str:
    """Return where a history breaks off; empty where it is whole."""
    at, last = TaskState.PENDING, None
    for row in rows:
        if row.before is not at:
            return f"goes on from {row.before.value} at version {row.version}, where it had come to {at.value}"
        at, last = row.after, row
    if last is not None and last.state is not at:
        return f"leads to {at.value}, the task is {last.state.value}"
    return ""


def _name(session: Session, task_id: str, *, lower: bool = False) -> str:
    row = session.execute(select(Task.index, Job.number).join(Job, Job.id == Task.job_id).where(Task.id == task_id)).first()
    if row is None:
        return f"{'task' if lower else 'Task'} {task_id}"
    return f"{'task' if lower else 'Task'} {row.index} of job {row.number}"
