"""What people ask of tasks: hold, resume, release, kill, retry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from conductor_service import licences, manifests, waiting
from conductor_service.clock import milliseconds_between
from conductor_service.database import Unit
from conductor_service.door import Why, move
from conductor_service.errors import Invalid, NotAllowedNow
from conductor_service.models import Attempt, Instance, Job, LicenceWait, Task
from conductor_service.states import (
    ENDED,
    RETRIED_BY_DEFAULT,
    SCOUT_HOLD,
    USER_HOLD,
    AttemptState,
    TaskState,
    Verb,
    allowed_verbs,
)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which tasks of a job, and why; None: all that the verb fits."""

    tasks: tuple[str, ...] | None = None
    states: tuple[TaskState, ...] | None = None
    reason: str = ""


def apply(unit: Unit, job: Job, verb: Verb, wish: Wish, *, actor: str) -> int:
    """Do what somebody wishes, and return how many tasks it changed.

    Raises:
        Invalid: a task named is not of this job.
        NotAllowedNow: it changes none; `allowed` has the verbs that would.
    """
    chosen = _chosen(unit, job, wish)
    named = wish.tasks is not None or wish.states is not None
    why = Why(actor, wish.reason or f"{verb.value} by {actor}", "user")
    changed = _VERBS[verb](unit, job, chosen, why, named)
    if not changed:
        what = f"None of the {len(chosen)} tasks chosen in job {job.number} can follow {verb.value!r}."
        states = Counter(task.state for task in chosen)
        wait = licences.is_waiting(unit.session.get(LicenceWait, job.id))
        possible = allowed_verbs(states, waiting.holds(unit.session, chosen), named=named, licence=wait)
        raise NotAllowedNow(what, allowed=[v for v in possible if v != verb.value])
    waiting.settle(unit, job)
    if verb is Verb.RETRY:
        changed -= sum(task.state is TaskState.SKIPPED for task in chosen)
        if not changed:
            what = f"The {len(chosen)} tasks chosen in job {job.number} wait for a step that did not succeed."
            raise NotAllowedNow(what, next_step="What helps: retry the step before them.")
    return changed


def _chosen(unit: Unit, job: Job, wish: Wish) -> list[Task]:
    tasks = list(unit.session.scalars(select(Task).where(Task.job_id == job.id).order_by(Task.index)))
    if wish.tasks is not None:
        unknown = set(wish.tasks) - {task.id for task in tasks}
        if unknown:
            raise Invalid("tasks", f"names {sorted(unknown)[0]!r}, which is not a task of job {job.number}")
        tasks = [task for task in tasks if task.id in set(wish.tasks)]
    if wish.states is not None:
        tasks = [task for task in tasks if task.state in wish.states]
    return tasks


def _hold(unit: Unit, _job: Job, tasks: Sequence[Task], why: Why, _named: bool) -> int:
    """Put the hold beside tasks that wait or run; those that run finish, and wait only if they must be tried again."""
    holding = waiting.held(unit.session, tasks, name=USER_HOLD)
    new = [t for t in tasks if t.state not in ENDED and t.id not in holding]
    waiting.put_hold(unit, new, USER_HOLD, why)
    move(unit, [t for t in new if t.state in (TaskState.PENDING, TaskState.READY)], TaskState.HOLDING, why)
    return len(new)


def _resume(unit: Unit, job: Job, tasks: Sequence[Task], why: Why, _named: bool) -> int:
    holding = waiting.held(unit.session, tasks, name=USER_HOLD)
    freed = [t for t in tasks if t.id in holding]
    waiting.drop_holds(unit, freed, name=USER_HOLD)
    waiting.wait(unit, job, [t for t in freed if t.state is TaskState.HOLDING], why)
    for task in freed:
        unit.task_changed(task)
    return len(freed)


def _release(unit: Unit, job: Job, tasks: Sequence[Task], why: Why, _named: bool) -> int:
    """Let tasks go that waited for the scout frames; one that was killed meanwhile is not held again by a retry, either."""
    holding = waiting.held(unit.session, tasks, name=SCOUT_HOLD)
    waiting.let_go(unit, tasks)
    waiting.wait(unit, job, [t for t in tasks if t.id in holding and t.state is TaskState.HOLDING], why)
    return len(holding)


def _kill(unit: Unit, _job: Job, tasks: Sequence[Task], why: Why, _named: bool) -> int:
    """End tasks at once; a runner at work on one learns it with its next beat.

    Until it says that all is dead, or its lease runs out, the task is not leased again, even if somebody retries it.
    """
    doomed = [t for t in tasks if t.state in (TaskState.PENDING, TaskState.READY, TaskState.HOLDING, TaskState.RUNNING)]
    for task in doomed:
        if task.state is TaskState.RUNNING:
            _kill_attempt(unit, task, why)
        task.cause, task.message = "user", why.reason
    waiting.drop_holds(unit, doomed)
    move(unit, doomed, TaskState.KILLED, why)
    return len(doomed)


def _kill_attempt(unit: Unit, task: Task, why: Why) -> None:
    attempt = unit.session.get_one(Attempt, task.attempt_id)
    attempt.state = AttemptState.KILLED
    attempt.ended = unit.now
    attempt.milliseconds = milliseconds_between(attempt.started, unit.now)
    attempt.cause, attempt.message = "user", why.reason
    unit.instance_changed(unit.session.get_one(Instance, attempt.instance_id))


def _retry(unit: Unit, job: Job, tasks: Sequence[Task], why: Why, named: bool) -> int:
    """Let ended tasks wait for another try, with all tries given back.

    Frames that are done stay done, unless the task had succeeded: then all of it is wanted again, as a new generation. What
    waits for a licence asks for one now.
    """
    _check_inputs(unit, job)
    allowed = RETRIED_BY_DEFAULT | ({TaskState.SUCCESS} if named else set())
    again = [t for t in tasks if t.state in allowed]
    asked = [t for t in tasks if t.state is TaskState.READY]
    waited = (again or asked) and licences.forget(unit, job)
    for task in again:
        if task.state is TaskState.SUCCESS:
            task.generation += 1
            task.frames_done = []
        task.failures = task.preemptions = 0
        task.cause = task.message = ""
    waiting.wait(unit, job, again, why)
    return len(again) + (len(asked) if waited else 0)


def _check_inputs(unit: Unit, job: Job) -> None:
    """Refuse to try what has nothing to try it with.

    Raises:
        NotAllowedNow: the job's files were removed from the store.
    """
    manifest = manifests.stored(unit.session, job.manifest) if job.manifest else None
    if manifest is not None and manifest.removed is not None:
        what = (
            f"The files of job {job.number} were removed from the store on {manifest.removed:%Y-%m-%d}, long after it had ended."
        )
        raise NotAllowedNow(what, next_step="Submit the scene again: what the store lacks is uploaded.")


_VERBS: Mapping[Verb, Callable[[Unit, Job, Sequence[Task], Why, bool], int]] = {
    Verb.HOLD: _hold,
    Verb.RESUME: _resume,
    Verb.RELEASE: _release,
    Verb.KILL: _kill,
    Verb.RETRY: _retry,
}
