"""The one door: nothing else changes a task's state.

`move` is a compare-and-set on (state, version), in bulk: either every task moves or the transaction is undone. The
history (`Transition`) and, when the transaction ends, the events are written with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Table, bindparam, insert, update
from sqlalchemy.orm.attributes import set_committed_value

from conductor_service.database import Unit
from conductor_service.errors import NotAllowedNow
from conductor_service.models import Task, Transition
from conductor_service.states import MOVES, TaskState, allowed_moves


@dataclass(frozen=True, slots=True)
class Why:
    """Who wants a move, and the reasons that people and statistics see."""

    #: a person's name, `runner`, `scheduler`
    actor: str
    reason: str = ""
    #: one of the causes of docs/api.md, or empty
    cause: str = ""


#: all that changes in a task's life: what a caller set on it before the move is written with the move
_WRITTEN = (
    "state",
    "version",
    "frames_done",
    "fence",
    "generation",
    "attempt_id",
    "attempts_made",
    "failures",
    "preemptions",
    "cause",
    "message",
)
_TASK = cast(Table, Task.__table__)
_UPDATE = (
    update(_TASK)
    .where(_TASK.c.id == bindparam("b_id"), _TASK.c.version == bindparam("b_version"))
    .values({name: bindparam(name) for name in _WRITTEN})
)


_HISTORY = insert(cast(Table, Transition.__table__))


def move(unit: Unit, tasks: Sequence[Task], to: TaskState, why: Why) -> None:
    """Move tasks to a state.

    Raises:
        NotAllowedNow: the table forbids it for one of them, or one changed since it was read; nothing has moved.
    """
    if not tasks:
        return
    for task in tasks:
        if to not in MOVES[task.state]:
            raise _forbidden(task, to)
    history = [_history(unit, task, to, why) for task in tasks]
    for task in tasks:
        task.state = to
        task.version += 1
        unit.task_changed(task)
    _compare_and_set(unit, tasks)
    unit.session.connection().execute(_HISTORY, history)
    if to is TaskState.READY:
        unit.work = True


def _compare_and_set(unit: Unit, tasks: Sequence[Task]) -> None:
    """Write the tasks where they still have the version that they were read at: with it goes the state.

    One statement with many parameters, whose count of rows is checked as a whole: SQLAlchemy's own flush asks for it
    after each row, which takes seconds for a job of 20,000 tasks, and nobody else can write meanwhile.
    """
    rows = [{"b_id": t.id, "b_version": t.version - 1, **{name: getattr(t, name) for name in _WRITTEN}} for t in tasks]
    with unit.session.no_autoflush:
        written = unit.session.connection().execute(_UPDATE, rows).rowcount
    if written != len(tasks):
        what = f"One of {len(tasks)} tasks was changed by somebody else at the same moment."
        raise NotAllowedNow(what, next_step="Ask again.")
    for task, row in zip(tasks, rows, strict=True):
        for name in _WRITTEN:
            set_committed_value(task, name, row[name])


def _history(unit: Unit, task: Task, to: TaskState, why: Why) -> dict[str, object]:
    return {
        "task_id": task.id,
        "version": task.version + 1,
        "before": task.state,
        "after": to,
        "actor": why.actor,
        "reason": why.reason,
        "cause": why.cause,
        "at": unit.now,
    }


def _forbidden(task: Task, to: TaskState) -> NotAllowedNow:
    allowed = [s.value for s in allowed_moves(task.state)]
    return NotAllowedNow(f"Task {task.index} is {task.state.value} and cannot become {to.value}.", allowed=allowed)
