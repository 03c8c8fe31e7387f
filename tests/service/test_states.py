"""The transition table and the pure functions around it."""

from __future__ import annotations

import pytest
from conductor_core.submission import Retries
from conductor_service.states import (
    ENDED,
    MOVES,
    VERBS,
    AttemptState,
    JobState,
    TaskState,
    Tries,
    Verb,
    after_attempt,
    allowed_moves,
    allowed_verbs,
    derive_job_state,
    waiting_state,
)
from hypothesis import given
from hypothesis import strategies as st

S = TaskState
COUNTS = st.dictionaries(st.sampled_from(list(TaskState)), st.integers(1, 5), min_size=1)


def test_every_state_has_a_way_out() -> None:
    """From each state some move and some verb lead on, so that no task can stick."""
    for state in TaskState:
        assert MOVES[state], state
        assert VERBS[state], state


@pytest.mark.parametrize("state", list(TaskState))
def test_ready_can_be_reached_from_every_state(state: TaskState) -> None:
    """Whatever happened to a task, there is a way for it to run again."""
    reached, todo = {state}, [state]
    while todo:
        for following in MOVES[todo.pop()] - reached:
            reached.add(following)
            todo.append(following)
    assert S.READY in reached


def test_nothing_goes_to_running_but_ready() -> None:
    """A task runs only when it was ready: leased once, after its last hold is gone."""
    assert [s for s in TaskState if S.RUNNING in MOVES[s]] == [S.READY]
    assert [s for s in TaskState if S.SUCCESS in MOVES[s]] == [S.RUNNING]


def test_allowed_moves_keep_their_order() -> None:
    """The moves named in an error come in one order, whatever a set's order is."""
    assert allowed_moves(S.HOLDING) == (S.PENDING, S.READY, S.KILLED, S.SKIPPED)


@pytest.mark.parametrize(
    ("tasks", "holds", "verbs"),
    [
        ({S.READY: 1, S.FAILED: 2}, {}, ("hold", "kill", "retry")),
        ({S.READY: 1, S.FAILED: 0}, {}, ("hold", "kill")),
        ({S.HOLDING: 2}, {"user": 2}, ("resume", "kill")),
        ({S.HOLDING: 2, S.READY: 1}, {"user": 2}, ("hold", "resume", "kill")),
        ({S.HOLDING: 2}, {"scout": 2}, ("hold", "release", "kill")),
        ({S.HOLDING: 2}, {"scout": 2, "user": 1}, ("hold", "resume", "release", "kill")),
        ({S.HOLDING: 2}, {"scout": 2, "user": 2}, ("resume", "release", "kill")),
        ({S.RUNNING: 1}, {"user": 1}, ("resume", "kill")),
        ({S.SUCCESS: 3}, {}, ()),
        ({}, {}, ()),
    ],
    ids=["mixed", "none failed", "held", "held in part", "scouts", "both", "all both", "running", "done", "nothing"],
)
def test_allowed_verbs(tasks: dict[TaskState, int], holds: dict[str, int], verbs: tuple[str, ...]) -> None:
    """The verbs are those that change at least one of the tasks."""
    assert allowed_verbs(tasks, holds) == verbs


def test_a_success_is_retried_when_it_is_named() -> None:
    """What has succeeded is rendered again only if somebody says which."""
    assert allowed_verbs({S.SUCCESS: 1}, {}, named=True) == ("retry",)


@pytest.mark.parametrize(
    ("uploading", "tasks", "expected"),
    [
        (True, {S.PENDING: 3}, JobState.UPLOADING),
        (True, {S.HOLDING: 3}, JobState.UPLOADING),
        (True, {S.KILLED: 3}, JobState.KILLED),
        (False, {S.READY: 3}, JobState.PENDING),
        (False, {S.READY: 2, S.RUNNING: 1}, JobState.RUNNING),
        (False, {S.READY: 2, S.SUCCESS: 1}, JobState.RUNNING),
        (False, {S.HOLDING: 2, S.SUCCESS: 1}, JobState.HOLDING),
        (False, {S.HOLDING: 2, S.PENDING: 1}, JobState.HOLDING),
        (False, {S.HOLDING: 2, S.READY: 1}, JobState.PENDING),
        (False, {S.HOLDING: 2, S.RUNNING: 1}, JobState.RUNNING),
        (False, {S.SUCCESS: 2}, JobState.SUCCESS),
        (False, {S.SUCCESS: 2, S.FAILED: 1}, JobState.FAILED),
        (False, {S.SUCCESS: 2, S.PREEMPTED: 1}, JobState.FAILED),
        (False, {S.KILLED: 1, S.SKIPPED: 1}, JobState.KILLED),
        (False, {S.FAILED: 1, S.KILLED: 1}, JobState.FAILED),
        (False, {S.SUCCESS: 1, S.KILLED: 1}, JobState.KILLED),
    ],
)
def test_job_state_table(uploading: bool, tasks: dict[TaskState, int], expected: JobState) -> None:
    """A job's state follows from its manifest and its tasks."""
    assert derive_job_state(uploading=uploading, tasks=tasks) is expected


@given(COUNTS, st.booleans())
def test_a_job_ends_exactly_when_its_tasks_have(tasks: dict[TaskState, int], uploading: bool) -> None:
    """A job is in an end state if and only if every task is; it succeeds only if all succeeded."""
    state = derive_job_state(uploading=uploading, tasks=tasks)
    over = all(s in ENDED for s in tasks)
    assert (state in (JobState.SUCCESS, JobState.FAILED, JobState.KILLED)) is over
    assert (state is JobState.SUCCESS) is (set(tasks) == {S.SUCCESS})


@given(COUNTS, st.booleans(), st.integers(1, 9))
def test_a_job_state_depends_on_which_states_there_are(tasks: dict[TaskState, int], uploading: bool, factor: int) -> None:
    """More tasks of the same kinds never change the state."""
    more = {s: n * factor for s, n in tasks.items()}
    assert derive_job_state(uploading=uploading, tasks=tasks) is derive_job_state(uploading=uploading, tasks=more)


def test_a_hold_comes_before_all_else() -> None:
    """A held task waits as `holding`, also when something it needs is not there."""
    assert waiting_state(held=True, blocked=True) is S.HOLDING
    assert waiting_state(held=False, blocked=True) is S.PENDING
    assert waiting_state(held=False, blocked=False) is S.READY


A = AttemptState


@pytest.mark.parametrize(
    ("outcome", "cause", "tries", "held", "expected"),
    [
        (A.SUCCESS, "", Tries(1, 1), True, (S.SUCCESS, Tries(1, 1))),
        (A.FAILED, "exit-code", Tries(), False, (S.READY, Tries(1, 0))),
        (A.FAILED, "exit-code", Tries(), True, (S.HOLDING, Tries(1, 0))),
        (A.FAILED, "exit-code", Tries(1, 0), False, (S.FAILED, Tries(2, 0))),
        (A.FAILED, "exit-code", Tries(0, 2), False, (S.READY, Tries(1, 2))),
        (A.FAILED, "missing-file", Tries(), False, (S.FAILED, Tries(1, 0))),
        (A.PREEMPTED, "preempted", Tries(1, 1), False, (S.READY, Tries(1, 2))),
        (A.PREEMPTED, "preempted", Tries(0, 2), False, (S.PREEMPTED, Tries(0, 3))),
        (A.LOST, "lost-instance", Tries(1, 0), False, (S.READY, Tries(1, 1))),
        (A.LOST, "lost-instance", Tries(0, 2), False, (S.FAILED, Tries(0, 3))),
        (A.KILLED, "user", Tries(), False, (S.KILLED, Tries())),
    ],
)
def test_after_an_attempt(outcome: AttemptState, cause: str, tries: Tries, held: bool, expected: tuple[TaskState, Tries]) -> None:
    """Failures and preemptions are counted apart; what is used up ends the task."""
    assert after_attempt(outcome, cause=cause, tries=tries, retries=Retries(1, 2), held=held) == expected


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [(A.LOST, S.SUCCESS), (A.PREEMPTED, S.SUCCESS), (A.FAILED, S.READY), (A.KILLED, S.KILLED)],
)
def test_a_machine_that_goes_after_its_last_frame_costs_no_try(outcome: AttemptState, expected: TaskState) -> None:
    """Where all frames were accepted a lost machine takes nothing along; what failed or was killed is still that."""
    to, _ = after_attempt(outcome, cause="", tries=Tries(), retries=Retries(1, 2), held=False, done=True)
    assert to is expected


@given(st.sampled_from(list(AttemptState)), st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_an_attempt_ends_in_a_move_that_the_table_has(outcome: AttemptState, failures: int, preemptions: int, held: bool) -> None:
    """Whatever an attempt came to, the door opens for it."""
    if outcome is not AttemptState.RUNNING:
        to, _ = after_attempt(outcome, cause="crashed", tries=Tries(failures, preemptions), retries=Retries(), held=held)
        assert to in MOVES[S.RUNNING]


def test_verbs_are_the_five() -> None:
    """People have five verbs; their names are the addresses of the API."""
    assert [v.value for v in Verb] == ["hold", "resume", "release", "kill", "retry"]
