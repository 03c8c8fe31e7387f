"""How a job's tasks wait: for the manifest, for steps that come first, for the last hold to go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from conductor_service.database import Unit
from conductor_service.door import Why, move
from conductor_service.models import Hold, Job, Step, Task
from conductor_service.states import ENDED, TaskState, waiting_state

SCHEDULER = Why("scheduler")


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


def held(session: Session, tasks: Iterable[Task]) -> set[str]:
    """Return the ids of those tasks that have a hold."""
    ids = [task.id for task in tasks]
    found: set[str] = set()
    for start in range(0, len(ids), 5000):
        found.update(session.scalars(select(Hold.task_id).where(Hold.task_id.in_(ids[start : start + 5000]))))
    return found


def wait(unit: Unit, job: Job, tasks: Sequence[Task], why: Why) -> None:
    """Move tasks to the state that they wait in: holding, pending or ready."""
    standing = standings_of(unit.session, job)
    holding = held(unit.session, tasks)
    groups: dict[TaskState, list[Task]] = defaultdict(list)
    for task in tasks:
        to = waiting_state(held=task.id in holding, blocked=standing[task.step_id].blocked)
        if to is not task.state:
            groups[to].append(task)
    for to, group in groups.items():
        move(unit, group, to, why)


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
    ids = [task.id for task in tasks]
    for start in range(0, len(ids), 5000):
        statement = delete(Hold).where(Hold.task_id.in_(ids[start : start + 5000]))
        if name:
            statement = statement.where(Hold.name == name)
        unit.session.execute(statement, execution_options={"synchronize_session": False})
