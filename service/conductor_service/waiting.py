"""How a job's tasks wait: for the manifest, for steps that come first, for scout frames, for the last hold to go."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from conductor_service.database import Unit
from conductor_service.door import Why, move
from conductor_service.models import Hold, Job, Step, Task
from conductor_service.states import ENDED, SCOUT_HOLD, UPLOAD_HOLD, TaskState, waiting_state

SCHEDULER = Why("scheduler")
#: ids in one statement, which every database takes
_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Standing:
    """What a step's `after` comes to."""

    #: something it waits for has not succeeded yet
    blocked: bool
    #: something it waits for has ended without success
    doomed: bool


def standings(steps: Sequence[Step], counts: Mapping[str, Mapping[TaskState, int]], *, uploading: bool) -> dict[str, Standing]:
    """Return the standing of each step, by its id, from how many tasks of each step (by id) are in each state."""
    by_name = {step.name: step for step in steps}
    result = {}
    for step in steps:
        before = [counts.get(by_name[name].id, {}) for name in step.after]
        succeeded = [all(state is TaskState.SUCCESS for state in c) for c in before]
        ended = [all(state in ENDED for state in c) for c in before]
        doomed = any(end and not success for end, success in zip(ended, succeeded, strict=True))
        result[step.id] = Standing(uploading or not all(succeeded), doomed)
    return result


def standings_of(session: Session, job: Job) -> dict[str, Standing]:
    """Return the standing of each step of a job, by its id."""
    steps = session.scalars(select(Step).where(Step.job_id == job.id).order_by(Step.position)).all()
    counts: dict[str, dict[TaskState, int]] = defaultdict(dict)
    if job.has_dependencies:
        query = select(Task.step_id, Task.state, func.count()).where(Task.job_id == job.id).group_by(Task.step_id, Task.state)
        for step, state, count in session.execute(query):
            counts[step][state] = count
    return standings(steps, counts, uploading=job.manifest is None)


def held(session: Session, tasks: Iterable[Task], *, name: str = "") -> set[str]:
    """Return the ids of those tasks that have a hold, any or the one of a name."""
    found: set[str] = set()
    for ids in _slices(tasks):
        query = select(Hold.task_id).where(Hold.task_id.in_(ids))
        found.update(session.scalars(query.where(Hold.name == name) if name else query))
    return found


def holds(session: Session, tasks: Iterable[Task]) -> Counter[str]:
    """Count the holds of tasks by name."""
    found: Counter[str] = Counter()
    for ids in _slices(tasks):
        query = select(Hold.name, func.count()).where(Hold.task_id.in_(ids)).group_by(Hold.name)
        found.update(dict(session.execute(query).all()))
    return found


def _slices(tasks: Iterable[Task]) -> list[list[str]]:
    ids = [task.id for task in tasks]
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]


def put_hold(unit: Unit, tasks: Sequence[Task], name: str, why: Why) -> None:
    """Put a hold beside tasks that have none of this name."""
    if tasks:
        row = {"name": name, "actor": why.actor, "reason": why.reason, "created": unit.now}
        unit.session.execute(insert(Hold), [{"task_id": task.id, **row} for task in tasks])
    for task in tasks:
        unit.task_changed(task)


def wait(unit: Unit, job: Job, tasks: Sequence[Task], why: Why) -> None:
    """Move tasks to the state that they wait in: holding, pending or ready.

    Whichever way one comes to wait, what has not been let go after the scout frames is held.
    """
    _hold_for_upload(unit, job, tasks)
    _hold_for_scouts(unit, job, tasks)
    standing = standings_of(unit.session, job)
    holding = held(unit.session, tasks)
    groups: dict[TaskState, list[Task]] = defaultdict(list)
    for task in tasks:
        to = waiting_state(held=task.id in holding, blocked=standing[task.step_id].blocked)
        if to is not task.state:
            groups[to].append(task)
    for to, group in groups.items():
        move(unit, group, to, why)


def _hold_for_upload(unit: Unit, job: Job, tasks: Sequence[Task]) -> None:
    """Hold what is no scout frame for as long as only the files of the scout frames are there."""
    waiting = [task for task in tasks if not task.scout] if job.for_scouts else []
    holding = held(unit.session, waiting, name=UPLOAD_HOLD)
    why = Why(SCHEDULER.actor, "its files are still being sent")
    put_hold(unit, [task for task in waiting if task.id not in holding], UPLOAD_HOLD, why)


def _hold_for_scouts(unit: Unit, job: Job, tasks: Sequence[Task]) -> None:
    """Hold what waits for scout frames; before the manifest is there everything waits for that."""
    waiting = [task for task in tasks if task.awaits_release] if job.manifest is not None else []
    holding = held(unit.session, waiting, name=SCOUT_HOLD)
    why = Why(SCHEDULER.actor, "the scout frames come first; `release` lets the others go")
    put_hold(unit, [task for task in waiting if task.id not in holding], SCOUT_HOLD, why)


def let_go(unit: Unit, tasks: Sequence[Task]) -> None:
    """Have tasks wait for scout frames no more, now and when they are tried again; their holds go, they do not move yet."""
    waiting = [task for task in tasks if task.awaits_release]
    drop_holds(unit, waiting, name=SCOUT_HOLD)
    for ids in _slices(waiting):
        statement = update(Task).where(Task.id.in_(ids)).values(awaits_release=False)
        unit.session.execute(statement, execution_options={"synchronize_session": False})
    for task in waiting:
        set_committed_value(task, "awaits_release", False)
        unit.task_changed(task)


def settle(unit: Unit, job: Job) -> None:
    """Let go what waited for a step that has succeeded now, and skip what waited for one that has not.

    What was skipped waits again when the step before it is tried again, and so does what was ready and has not begun.
    Repeated until nothing moves: a skipped step dooms the next one.
    """
    while job.has_dependencies and _settle_once(unit, job):
        pass


def _settle_once(unit: Unit, job: Job) -> bool:
    moved = False
    for step, standing in standings_of(unit.session, job).items():
        waiting = [TaskState.PENDING, TaskState.HOLDING] if standing.doomed else [TaskState.SKIPPED]
        waiting.append(TaskState.READY if standing.blocked else TaskState.PENDING)
        tasks = unit.session.scalars(select(Task).where(Task.step_id == step, Task.state.in_(waiting)).order_by(Task.index)).all()
        if not tasks:
            continue
        moved = True
        if standing.doomed:
            drop_holds(unit, tasks)
            move(unit, tasks, TaskState.SKIPPED, Why("scheduler", "a step that comes first did not succeed"))
        else:
            wait(unit, job, tasks, SCHEDULER)
    return moved


def drop_holds(unit: Unit, tasks: Sequence[Task], *, name: str = "") -> None:
    """Take holds away, all or those of one name."""
    for ids in _slices(tasks):
        statement = delete(Hold).where(Hold.task_id.in_(ids))
        if name:
            statement = statement.where(Hold.name == name)
        unit.session.execute(statement, execution_options={"synchronize_session": False})
