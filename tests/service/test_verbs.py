"""What people ask of tasks, and what steps that wait for steps make of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from conductor_core.submission import Step, Submission
from conductor_service import waiting
from conductor_service.models import Hold, Job, Task, Transition
from sqlalchemy import select


def chain(studio: Any, *after: tuple[str, tuple[str, ...]]) -> Submission:
    """Return a submission of one-frame steps, each after others."""
    steps = tuple(Step(name, "1", kind="command", command=("true",), after=before) for name, before in after)
    submission: Submission = studio.commands()
    return replace(submission, steps=steps)


def by_step(studio: Any, job: Any) -> dict[str, str]:
    return {t["step"]: t["state"] for t in studio.tasks(job)}


def test_hold_and_resume(studio: Any) -> None:
    """A held job gives out nothing; resumed, it goes on; whoever held it is shown."""
    job = studio.job()
    answer = studio.verb(job, "hold", reason="wrong camera")
    assert (answer.json()["changed"], answer.json()["job"]["state"]) == (3, "holding")
    assert studio.tasks(job)[0]["holds"] == [{"name": "user", "actor": "Ada", "reason": "wrong camera"}]
    studio.scheduler.tick()
    assert not studio.fleet.orders
    assert studio.verb(job, "resume").json()["job"]["state"] == "pending"
    assert studio.tasks(job)[0]["holds"] == []


def test_a_running_task_that_is_held_finishes(studio: Any) -> None:
    """A hold does not throw away the frame under way; only another try would wait."""
    job = studio.job()
    runner = studio.runner()
    assignment = runner.take()
    assert studio.verb(job, "hold").json()["changed"] == 3
    assert studio.states(job) == ["running", "holding", "holding"]
    runner.finish(assignment, "failed", cause="crashed")
    assert studio.states(job) == ["holding", "holding", "holding"]
    studio.verb(job, "resume")
    assignment = runner.take()  # another one: what failed here comes last
    studio.verb(job, "hold")
    runner.render(assignment)
    assert sorted(studio.states(job)) == ["holding", "holding", "success"]
    assert studio.tasks(job)[assignment["task"]["index"]]["holds"] == []


def test_a_task_waits_for_the_last_hold(studio: Any) -> None:
    """Holds are named: taking the user's away leaves the task waiting for the scout's."""
    job = studio.job()
    with studio.farm.database.write() as unit:
        for task in unit.session.scalars(select(Task)):
            unit.session.add(Hold(task_id=task.id, name="scout", actor="scheduler", reason="first", created=unit.now))
    studio.verb(job, "hold")
    assert studio.verb(job, "resume").json()["job"]["state"] == "holding"
    with studio.farm.database.write() as unit:
        tasks = unit.session.scalars(select(Task)).all()
        waiting.drop_holds(unit, tasks, name="scout")
        waiting.wait(unit, unit.session.get_one(Job, job["id"]), tasks, waiting.SCHEDULER)
    assert studio.states(job) == ["ready"] * 3


@pytest.mark.parametrize(
    ("before", "verb", "allowed"),
    [
        ((), "resume", ["hold", "kill"]),
        ((), "retry", ["hold", "kill"]),
        (("hold",), "hold", ["resume", "kill"]),
        (("kill",), "kill", ["retry"]),
        (("kill",), "hold", ["retry"]),
    ],
    ids=["not held", "not ended", "held already", "dead already", "dead"],
)
def test_a_forbidden_verb_names_those_that_are_not(studio: Any, before: tuple[str, ...], verb: str, allowed: list[str]) -> None:
    """409 says what can be done instead, and nothing has changed."""
    job = studio.job()
    for earlier in before:
        studio.verb(job, earlier)
    states = studio.states(job)
    answer = studio.verb(job, verb)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not-allowed-now")
    assert answer.json()["error"]["allowed"] == allowed
    assert studio.states(job) == states


def test_verbs_can_name_tasks_and_states(studio: Any) -> None:
    """A verb acts on the tasks named, or on those in the states named; a task of another job is refused."""
    job, other = studio.job(), studio.job()
    first = studio.tasks(job)[0]["id"]
    assert studio.verb(job, "kill", tasks=[first]).json()["changed"] == 1
    assert studio.states(job) == ["killed", "ready", "ready"]
    assert studio.verb(job, "hold", states=["ready"]).json()["changed"] == 2
    assert studio.verb(job, "kill", tasks=[studio.tasks(other)[0]["id"]]).status_code == 400
    assert studio.verb(job, "kill", states=["dead"]).status_code == 400
    assert studio.ask("POST", f"/jobs/{job['id']}/delete", json={}).status_code == 400


def test_a_success_is_rendered_again_only_when_asked_by_name(studio: Any) -> None:
    """Retry leaves finished frames alone, unless they are named; then they are a new generation of outputs."""
    job = studio.job()
    runner = studio.runner()
    for _ in range(3):
        runner.render(runner.take())
    assert studio.verb(job, "retry").status_code == 409
    assert studio.verb(job, "retry", states=["success"]).json()["changed"] == 3
    task = studio.tasks(job)[0]
    assert (task["state"], task["frames_done"], task["progress"]) == ("ready", [], 0.0)
    runner.render(runner.take())
    outputs = studio.get(f"/jobs/{job['id']}/outputs")["outputs"]
    assert [o["path"] for o in outputs].count("/job/out/f.0001.png") == 2


def test_every_move_has_a_history(studio: Any) -> None:
    """Who moved a task, from where, and why, is on record."""
    job = studio.job()
    studio.verb(job, "kill", tasks=[studio.tasks(job)[0]["id"]], reason="not needed")
    with studio.farm.database.read() as session:
        query = select(Transition).where(Transition.task_id == studio.tasks(job)[0]["id"]).order_by(Transition.seq)
        moves = session.scalars(query).all()
    assert [(m.before.value, m.after.value, m.actor, m.reason, m.cause) for m in moves] == [
        ("pending", "ready", "Ada", "manifest committed", ""),
        ("ready", "killed", "Ada", "not needed", "user"),
    ]


def test_a_step_waits_for_those_before_it(studio: Any) -> None:
    """A step becomes ready when every step it comes after has succeeded."""
    job = studio.job(chain(studio, ("a", ()), ("b", ()), ("c", ("a", "b"))))
    runner = studio.runner()
    assert by_step(studio, job) == {"a": "ready", "b": "ready", "c": "pending"}
    runner.finish(runner.take())
    assert by_step(studio, job)["c"] == "pending"
    runner.finish(runner.take())
    assert by_step(studio, job)["c"] == "ready"
    runner.finish(runner.take())
    assert studio.state(job) == "success"


def test_what_comes_after_a_failure_is_skipped_and_comes_back(studio: Any) -> None:
    """A failed step skips all that follows, through any number of steps; a retry brings them back to wait."""
    job = studio.job(chain(studio, ("a", ()), ("b", ("a",)), ("c", ("b",))))
    runner = studio.runner()
    runner.finish(runner.take(), "failed", cause="missing-file")
    assert by_step(studio, job) == {"a": "failed", "b": "skipped", "c": "skipped"}
    assert studio.state(job) == "failed"
    assert studio.verb(job, "retry", states=["failed"]).status_code == 200
    assert by_step(studio, job) == {"a": "ready", "b": "pending", "c": "pending"}
    for _ in range(3):
        runner.finish(runner.take())
    assert studio.state(job) == "success"


def test_a_retried_step_takes_the_next_ones_back(studio: Any) -> None:
    """What was ready because a step had succeeded waits again when that step is retried: it must not use the old files."""
    job = studio.job(chain(studio, ("a", ()), ("b", ("a",)), ("c", ("b",))))
    runner = studio.runner()
    runner.finish(runner.take())
    assert by_step(studio, job)["b"] == "ready"
    tasks = {t["step"]: t["id"] for t in studio.tasks(job)}
    assert studio.verb(job, "retry", tasks=[tasks["a"]]).status_code == 200
    assert by_step(studio, job) == {"a": "ready", "b": "pending", "c": "pending"}
    for _ in range(3):
        runner.finish(runner.take())
    assert studio.state(job) == "success"


def test_a_killed_step_skips_too(studio: Any) -> None:
    """A step whose forerunner was killed is skipped, held or not."""
    job = studio.job(chain(studio, ("a", ()), ("b", ("a",))))
    tasks = {t["step"]: t["id"] for t in studio.tasks(job)}
    studio.verb(job, "hold", tasks=[tasks["b"]])
    studio.verb(job, "kill", tasks=[tasks["a"]])
    assert by_step(studio, job) == {"a": "killed", "b": "skipped"}
    assert studio.tasks(job)[1]["holds"] == []


def test_retrying_what_is_doomed_leaves_it_skipped(studio: Any) -> None:
    """A skipped step cannot run before the one it waits for is tried again."""
    job = studio.job(chain(studio, ("a", ()), ("b", ("a",))))
    runner = studio.runner()
    runner.finish(runner.take(), "failed", cause="missing-file")
    studio.verb(job, "retry", states=["skipped"])
    assert by_step(studio, job) == {"a": "failed", "b": "skipped"}


def test_a_held_job_can_be_uploaded(studio: Any) -> None:
    """A hold put on while uploading lasts; without it the tasks wait for the manifest again."""
    job = studio.submit()
    studio.verb(job, "hold")
    assert studio.commit(job)["state"] == "holding"
    other = studio.submit(replace(studio.commands(), title="other"))
    studio.verb(other, "hold")
    studio.verb(other, "resume")
    assert studio.states(other) == ["pending"] * 3


def test_a_large_job_is_changed_in_few_statements(studio: Any) -> None:
    """A verb on thousands of tasks asks the database a fixed number of times: the pen is not held for a row each."""

    def statements(frames: str) -> int:
        job = studio.job(studio.commands(frames))
        counted: list[bool] = []
        engine = studio.farm.database.engine
        listener = lambda *call: counted.append(bool(call[-1]))  # noqa: E731
        sa.event.listen(engine, "before_cursor_execute", listener)
        assert studio.verb(job, "hold").status_code == 200
        sa.event.remove(engine, "before_cursor_execute", listener)
        return len(counted)

    assert statements("1-2000") <= statements("1-20") + 5
