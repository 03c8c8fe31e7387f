"""The one door: nothing else changes a task's state.

`move` is a compare-and-set on (state, version), in bulk: either every task moves or the transaction is undone. The
history (`Transition`) and, when the transaction ends, the events are written with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, insert, update
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


_TABLE = Task.__table__
_COMPARE_AND_SET = (
    update(Task)
    .where(_TABLE.c.id == bindparam("b_id"), _TABLE.c.state == bindparam("b_state"), _TABLE.c.version == bindparam("b_version"))
    .values(state=bindparam("b_to"), version=_TABLE.c.version + 1)
)


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
    _compare_and_set(unit, tasks, to)
    rows = [_history(unit, task, to, why) for task in tasks]
    unit.session.execute(insert(Transition), rows)
    for task in tasks:
        set_committed_value(task, "state", to)
        set_committed_value(task, "version", task.version + 1)
        unit.task_changed(task)
    if to is TaskState.READY:
        unit.work = True


def _compare_and_set(unit: Unit, tasks: Sequence[Task], to: TaskState) -> None:
    unit.session.flush()
    rows = [{"b_id": t.id, "b_state": t.state, "b_version": t.version, "b_to": to} for t in tasks]
    result = unit.session.connection().execute(_COMPARE_AND_SET, rows)
    if result.rowcount != len(rows):
        raise NotAllowedNow(f"One of {len(rows)} tasks was changed by somebody else at the same moment.", allowed=("ask again",))


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
