"""A failed task is tried again as its cause asks, on another instance where one can be had."""

from __future__ import annotations

from typing import Any

import pytest
from conductor_core.submission import Retries, Step
from conductor_service.leases import CAUSES
from conductor_service.models import Task
from conductor_service.retry_policy import ELSEWHERE_FOR, POLICY, Again, is_last_try
from conductor_service.states import AttemptState, TaskState, Tries, after_attempt
from sqlalchemy import event, update


def test_every_cause_has_its_policy() -> None:
    """No cause of the API is left to chance."""
    assert set(POLICY) == CAUSES


@pytest.mark.parametrize("cause", sorted(c for c, again in POLICY.items() if again is not Again.APART))
@pytest.mark.parametrize("asked", [0, 1, 3])
def test_how_often_a_task_is_tried(cause: str, asked: int) -> None:
    """Never, once, or as often as the submission says; one that is at its last try is said to be."""
    wanted = {Again.NEVER: 0, Again.ONCE: min(asked, 1), Again.AS_ASKED: asked, Again.WAITS: asked}[POLICY[cause]]
    retries, tries, retried = Retries(failure=asked), Tries(), 0
    while True:
        same = tries.failures
        last = is_last_try(tries.failures, cause, retries, same=same)
        to, tries = after_attempt(AttemptState.FAILED, cause=cause, tries=tries, retries=retries, held=False, same=same)
        assert last is (to is TaskState.FAILED)
        if last:
            break
        retried += 1
    assert retried == wanted


def two(studio: Any, frames: str = "1-2", **changes: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Return two instances and a job that both can work on."""
    job = studio.job(studio.commands(frames, **changes))
    first, second = studio.runners()[:2]
    return first, second, job


def fail(runner: Any, assignment: dict[str, Any], cause: str = "crashed") -> None:
    assert runner.finish(assignment, "failed", cause=cause).status_code == 200


def test_a_failed_task_goes_to_another_instance(studio: Any) -> None:
    """The instance that it failed on gets other work, then none; the other one gets it."""
    first, second, job = two(studio, "1-3")
    failed = first.take()
    fail(first, failed)
    other = first.take()
    assert other["task"]["id"] != failed["task"]["id"]
    first.render(other)
    last = first.take()
    first.render(last)
    assert {other["task"]["index"], last["task"]["index"]} == {1, 2}
    assert first.next().status_code == 204
    again = second.take()
    assert (again["task"]["id"], again["attempt"]["number"]) == (failed["task"]["id"], 2)
    second.render(again)
    assert studio.state(job) == "success"


def test_who_is_alone_tries_again_at_once(studio: Any) -> None:
    """Without another instance nothing is gained by waiting."""
    job = studio.job(studio.commands("1"))
    runner = studio.runner()
    failed = runner.take()
    fail(runner, failed)
    assert runner.take()["task"]["id"] == failed["task"]["id"]
    assert studio.state(job) == "running"


def test_nobody_waits_for_ever(studio: Any) -> None:
    """When the other instance takes nothing for a while, the task is tried where it failed."""
    first, _, _ = two(studio)
    failed = first.take()
    first.render(first.take())
    fail(first, failed)
    assert first.next().status_code == 204
    studio.clock.pass_time(ELSEWHERE_FOR.total_seconds() + 1)
    assert first.take()["task"]["id"] == failed["task"]["id"]


def test_another_try_that_a_person_asks_for_may_go_anywhere(studio: Any) -> None:
    """After a person's retry the task's history counts no more."""
    first, _, job = two(studio, retries=Retries(failure=0))
    failed = first.take()
    fail(first, failed)
    first.render(first.take())
    assert studio.verb(job, "retry").status_code == 200
    assert first.take()["task"]["id"] == failed["task"]["id"]


def test_the_runner_is_told_of_the_last_try(studio: Any) -> None:
    """A picture in doubt may be refused only as long as it would be rendered again."""
    job = studio.job(studio.commands("1"))
    runner = studio.runner()
    assert [_last_try(runner) for _ in range(2)] == [False, True]
    assert studio.state(job) == "failed"


def _last_try(runner: Any) -> bool:
    assignment = runner.take()
    fail(runner, assignment, "bad-output")
    return bool(assignment["attempt"]["last_try"])


def test_without_retries_every_try_is_the_last(studio: Any) -> None:
    """Who wants no retries loses no frame to a doubt."""
    studio.job(studio.commands("1", retries=Retries(failure=0)))
    assert studio.runner().take()["attempt"]["last_try"] is True


def test_steps_of_the_loaded_scene_come_first_all_the_same(studio: Any) -> None:
    """A task that failed here does not hide the fresh ones of other steps."""
    steps = tuple(Step(name, "1", kind="command", command=("true",)) for name in ("a", "b"))
    job = studio.job(studio.commands(steps=steps))
    first = studio.runners()[0]
    failed = first.take()
    fail(first, failed)
    assert first.take(sessions=[f"{job['id']}/a"])["step"]["name"] == "b"


def test_each_cause_is_counted_for_itself(studio: Any) -> None:
    """That a licence was lacking twice says nothing of memory: the first time that it is lacking is tried again, the second not."""
    job = studio.job(studio.commands("1", max_instances=1, retries=Retries(failure=5)))
    runner = studio.runner()
    for cause, after in [("licence", "ready"), ("out-of-memory", "ready"), ("licence", "ready"), ("out-of-memory", "failed")]:
        fail(runner, runner.take(), cause)
        assert studio.states(job) == [after], cause
        studio.clock.pass_time(60)
    studio.verb(job, "retry")
    fail(runner, runner.take(), "out-of-memory")
    assert studio.states(job) == ["ready"], "somebody asked for it again: the counting begins anew"


def test_a_picture_in_doubt_is_rendered_again_after_another_failure(studio: Any) -> None:
    """A crash before does not make a doubtful picture's first sight its last."""
    studio.job(studio.commands("1", max_instances=1, retries=Retries(failure=3)))
    runner = studio.runner()
    said = []
    for cause in ("crashed", "bad-output", "crashed"):
        work = runner.take()
        said.append(work["attempt"]["last_try"])
        fail(runner, work, cause)
    assert [*said, runner.take()["attempt"]["last_try"]] == [False, False, True, True]


def test_a_job_in_which_everything_fails_is_handed_out_quickly(studio: Any) -> None:
    """Thousands of tasks that failed on the only instance there is are not looked through one by one."""
    job = studio.job(studio.commands("1-3000", max_instances=1))
    with studio.farm.database.write() as unit:
        unit.session.execute(update(Task).values(failures=1))
    statements: list[str] = []
    event.listen(studio.farm.database.engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
    runner = studio.runner()
    statements.clear()
    assert runner.take()["task"]["index"] == 0
    loaded = [s for s in statements if "FROM task" in s and "failures >" in s]
    assert len(loaded) == 1
    assert "LIMIT" in loaded[0]
    assert studio.states(job)[0] == "running"


@pytest.mark.parametrize(
    ("retries", "ends", "expected"),
    [
        (Retries(0, 0), ["crashed"], "failed"),
        (Retries(2, 0), ["crashed", "crashed", "crashed"], "failed"),
        (Retries(0, 0), ["preempted"], "preempted"),
        (Retries(0, 2), ["preempted", "preempted", "preempted"], "preempted"),
        (Retries(0, 2), ["preempted", "preempted", "crashed"], "failed"),
        (Retries(1, 1), ["preempted", "crashed", "crashed"], "failed"),
        (Retries(1, 1), ["crashed", "preempted", "preempted"], "preempted"),
        (Retries(1, 2), ["preempted", "crashed", "preempted", ""], "success"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_the_submissions_counts_hold_to_the_last_try(studio: Any, retries: Retries, ends: list[str], expected: str) -> None:
    """From the submission to the end of the task: it is tried as often as asked, of preemptions and failures each, no more."""
    job = studio.job(studio.commands("1", max_instances=1, retries=retries))
    runner = studio.runner()
    for number, cause in enumerate(ends, start=1):
        assignment = runner.take()
        assert assignment["attempt"]["number"] == number
        if cause == "preempted":
            assert runner.finish(assignment, "killed", cause=cause).status_code == 200
        elif cause:
            fail(runner, assignment, cause)
        else:
            runner.render(assignment)
    assert studio.states(job) == [expected]
    assert runner.next().status_code == 204
