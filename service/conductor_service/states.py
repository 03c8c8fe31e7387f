"""Which states there are and what may follow what: pure tables and functions, no database.

`door.py` is the only caller that acts on them. A person's verbs (hold, resume, release, kill, retry) are kept apart from the
moves: a verb says what somebody wants, the table says what a task can do.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from conductor_core.submission import Retries

from conductor_service.retry_policy import is_last_try


class TaskState(str, enum.Enum):
    """Where a task stands."""

    PENDING = "pending"
    READY = "ready"
    RUNNING = "running"
    HOLDING = "holding"
    SUCCESS = "success"
    FAILED = "failed"
    PREEMPTED = "preempted"
    KILLED = "killed"
    SKIPPED = "skipped"


class AttemptState(str, enum.Enum):
    """How one run of a task stands or ended."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    PREEMPTED = "preempted"
    KILLED = "killed"
    LOST = "lost"


class JobState(str, enum.Enum):
    """What a job's manifest and tasks come to."""

    UPLOADING = "uploading"
    PENDING = "pending"
    RUNNING = "running"
    HOLDING = "holding"
    SUCCESS = "success"
    FAILED = "failed"
    KILLED = "killed"


class Verb(str, enum.Enum):
    """What a person may ask of tasks."""

    HOLD = "hold"
    RESUME = "resume"
    RELEASE = "release"
    KILL = "kill"
    RETRY = "retry"


#: the hold that people put on and take back
USER_HOLD = "user"
#: the hold of what waits until somebody has looked at the scout frames
SCOUT_HOLD = "scout"
#: the hold of what waits for files that come after those of the scout frames
UPLOAD_HOLD = "upload"

_S = TaskState
_WAITING = frozenset({_S.PENDING, _S.READY, _S.HOLDING})

#: The transition table. A task that waits goes from one way of waiting to another as holds and dependencies come and
#: go; every end state has a way back (retry), so nothing sticks.
MOVES: Mapping[TaskState, frozenset[TaskState]] = {
    _S.PENDING: frozenset({_S.READY, _S.HOLDING, _S.KILLED, _S.SKIPPED}),
    _S.READY: frozenset({_S.RUNNING, _S.PENDING, _S.HOLDING, _S.KILLED, _S.SKIPPED, _S.FAILED}),
    _S.HOLDING: frozenset({_S.PENDING, _S.READY, _S.KILLED, _S.SKIPPED}),
    _S.RUNNING: frozenset({_S.SUCCESS, _S.FAILED, _S.PREEMPTED, _S.KILLED, _S.READY, _S.HOLDING}),
    _S.SUCCESS: _WAITING,
    _S.FAILED: _WAITING,
    _S.PREEMPTED: _WAITING,
    _S.KILLED: _WAITING,
    _S.SKIPPED: _WAITING,
}

#: States that need no more work.
ENDED = frozenset({_S.SUCCESS, _S.FAILED, _S.PREEMPTED, _S.KILLED, _S.SKIPPED})

#: Which verbs a task in each state can follow, as far as its holds allow it (`allowed_verbs`). A running task may be held: it
#: finishes the frames under way, and waits if it has to be tried again.
VERBS: Mapping[TaskState, frozenset[Verb]] = {
    _S.PENDING: frozenset({Verb.HOLD, Verb.KILL}),
    _S.READY: frozenset({Verb.HOLD, Verb.KILL}),
    _S.RUNNING: frozenset({Verb.HOLD, Verb.RESUME, Verb.KILL}),
    _S.HOLDING: frozenset({Verb.HOLD, Verb.RESUME, Verb.RELEASE, Verb.KILL}),
    _S.SUCCESS: frozenset({Verb.RETRY}),
    _S.FAILED: frozenset({Verb.RETRY}),
    _S.PREEMPTED: frozenset({Verb.RETRY}),
    _S.KILLED: frozenset({Verb.RETRY}),
    _S.SKIPPED: frozenset({Verb.RETRY}),
}

#: What `retry` takes when nobody says which states: everything that ended without success.
RETRIED_BY_DEFAULT = frozenset({_S.FAILED, _S.PREEMPTED, _S.KILLED, _S.SKIPPED})


def allowed_moves(state: TaskState) -> tuple[TaskState, ...]:
    """Return the states that may follow `state`, in a fixed order."""
    return tuple(s for s in TaskState if s in MOVES[state])


def allowed_verbs(
    tasks: Mapping[TaskState, int], holds: Mapping[str, int], *, named: bool = False, licence: bool = False
) -> tuple[str, ...]:
    """Return the verbs that at least one of some tasks can follow.

    Args:
        tasks: how many are in each state.
        holds: how many have the hold of each name.
        named: whether somebody has said which tasks: only then is a success rendered again.
        licence: whether they wait for a licence: then a retry asks for one at once.
    """
    there = {state for state, count in tasks.items() if count}
    possible = {verb for state in there for verb in VERBS[state]}
    if holds.get(USER_HOLD, 0) >= sum(tasks[state] for state in there - ENDED):
        possible.discard(Verb.HOLD)
    for verb, name in ((Verb.RESUME, USER_HOLD), (Verb.RELEASE, SCOUT_HOLD)):
        if not holds.get(name, 0):
            possible.discard(verb)
    if not named and not there & RETRIED_BY_DEFAULT:
        possible.discard(Verb.RETRY)
    if licence and TaskState.READY in there:
        possible.add(Verb.RETRY)
    return tuple(verb.value for verb in Verb if verb in possible)


def derive_job_state(*, uploading: bool, tasks: Mapping[TaskState, int]) -> JobState:
    """Return a job's state from whether its manifest is committed and how many tasks are in each state.

    Between two tasks of a job that has begun it stays `running`, so that it does not flicker. A job is `holding` when
    nothing runs or is ready and something is held: what waits for a held step cannot start either.
    """
    count = {state: tasks.get(state, 0) for state in TaskState}
    if all(count[s] == 0 for s in TaskState if s not in ENDED):
        return _ended(count)
    if uploading:
        return JobState.UPLOADING
    if count[_S.RUNNING]:
        return JobState.RUNNING
    if count[_S.HOLDING] and not count[_S.READY]:
        return JobState.HOLDING
    begun = count[_S.SUCCESS] + count[_S.FAILED] + count[_S.PREEMPTED]
    return JobState.RUNNING if begun else JobState.PENDING


def _ended(count: Mapping[TaskState, int]) -> JobState:
    if count[_S.FAILED] or count[_S.PREEMPTED]:
        return JobState.FAILED
    if count[_S.KILLED]:
        return JobState.KILLED
    return JobState.FAILED if count[_S.SKIPPED] else JobState.SUCCESS


def waiting_state(*, held: bool, blocked: bool) -> TaskState:
    """Return how a task waits: held, blocked by a manifest or step that is not there yet, or ready."""
    if held:
        return TaskState.HOLDING
    return TaskState.PENDING if blocked else TaskState.READY


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a task was given up so far, by cause."""

    failures: int = 0
    preemptions: int = 0


def after_attempt(
    outcome: AttemptState,
    *,
    cause: str,
    tries: Tries,
    retries: Retries,
    held: bool,
    done: bool = False,
    same: int = 0,
    waits: bool | None = None,
) -> tuple[TaskState, Tries]:
    """Return where a task goes when its current attempt ended, and the new counts.

    Which failures are worth another try is said by `retry_policy`. A lost instance counts as a preemption: neither is the
    scene's fault. Where all was accepted (`done`) before the machine went, there is nothing left to do. `same` is how often
    it failed of this cause before. One that `waits` for a licence has not failed; where that wait is over (False), it has for good.
    """
    if outcome is AttemptState.SUCCESS or (done and outcome in (AttemptState.LOST, AttemptState.PREEMPTED)):
        return TaskState.SUCCESS, tries
    if outcome is AttemptState.KILLED:
        return TaskState.KILLED, tries
    again = waiting_state(held=held, blocked=False)
    if waits is not None:
        return (again if waits else TaskState.FAILED), tries
    if outcome is AttemptState.FAILED:
        last = is_last_try(tries.failures, cause, retries, same=same)
        return TaskState.FAILED if last else again, Tries(tries.failures + 1, tries.preemptions)
    tries = Tries(tries.failures, tries.preemptions + 1)
    if tries.preemptions > retries.preemption:
        return (TaskState.PREEMPTED if outcome is AttemptState.PREEMPTED else TaskState.FAILED), tries
    return again, tries
