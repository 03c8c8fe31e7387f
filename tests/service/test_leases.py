"""Attempts are leases: only the current one's word changes a task, and a task is leased once at a time."""

from __future__ import annotations

from typing import Any

import pytest
from conductor_core.digest import digest_of
from conductor_core.submission import Retries, Step
from conductor_service.leases import expire
from conductor_service.models import Attempt, LateReport
from sqlalchemy import func, select


def late_reports(studio: Any) -> int:
    with studio.farm.database.read() as session:
        return session.scalar(select(func.count()).select_from(LateReport)) or 0


def test_beats_keep_a_lease(studio: Any) -> None:
    """An attempt whose runner beats outlives any number of lease times."""
    job = studio.job()
    runner = studio.runner()
    assignment = runner.take()
    for _ in range(5):
        studio.clock.pass_time(50)
        assert runner.beat(assignment).json() == {"action": "go-on", "reason": ""}
        studio.scheduler.tick()
    assert studio.states(job)[0] == "running"
    runner.render(assignment)
    assert studio.states(job)[0] == "success"


def test_a_silent_attempt_is_lost_and_its_task_leased_again(studio: Any) -> None:
    """When a lease runs out the task is ready again with a higher fence; what the old attempt says then is refused."""
    studio.job()
    runner = studio.runner()
    old = runner.take()
    runner.beat(old)
    studio.scheduler.tick()
    for _ in range(14):
        studio.clock.pass_time(5)
        studio.scheduler.tick()
    new = runner.take()
    assert (new["task"]["id"], new["attempt"]["fence"]) == (old["task"]["id"], old["attempt"]["fence"] + 1)
    for answer in (
        runner.beat(old),
        runner.finish(old),
        runner.store(old, b"late"),
        runner.publish(old),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "stale-attempt")
    assert late_reports(studio) == 3
    runner.render(new)
    attempts = studio.get(f"/tasks/{new['task']['id']}")["attempts"]
    assert [(a["number"], a["state"], a["cause"]) for a in attempts] == [(1, "lost", "lost-instance"), (2, "success", None)]


def test_an_attempt_that_never_beat_is_given_up_soon(studio: Any) -> None:
    """An assignment that never reached its runner costs four heartbeats, not a whole lease."""
    job = studio.job()
    runner = studio.runner()
    runner.take()
    studio.scheduler.tick()
    studio.clock.pass_time(9)
    studio.scheduler.tick()
    assert studio.states(job)[0] == "running"
    studio.clock.pass_time(12)
    studio.scheduler.tick()
    assert studio.states(job)[0] == "ready"


def test_a_lost_answer_is_sent_again(studio: Any) -> None:
    """A runner that says which attempts it holds gets the one again that never reached it."""
    studio.job()
    runner = studio.runner()
    lost = runner.take()
    assert runner.take(held=[])["attempt"] == lost["attempt"]
    assert runner.take(held=[lost["attempt"]["id"]])["attempt"] != lost["attempt"]


def test_the_same_report_twice_is_one(studio: Any) -> None:
    """An end reported again is answered 200 and changes nothing; another end is refused."""
    job = studio.job()
    runner = studio.runner()
    assignment = runner.take()
    runner.render(assignment)
    version = studio.tasks(job)[0]["version"]
    assert runner.finish(assignment).status_code == 200
    answer = runner.finish(assignment, "failed", cause="exit-code")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "stale-attempt")
    assert studio.tasks(job)[0]["version"] == version


def test_another_instances_attempt_is_not_there(studio: Any) -> None:
    """An instance cannot report for an attempt that another has."""
    studio.job()
    first, second = studio.runners()[:2]
    assignment = first.take()
    assert second.beat(assignment).status_code == 404
    assert second.finish(assignment).status_code == 404


def test_a_wrong_fence_is_stale(studio: Any) -> None:
    """A report with another number than the attempt's own changes nothing."""
    job = studio.job()
    runner = studio.runner()
    assignment = runner.take()
    forged = {**assignment, "attempt": {**assignment["attempt"], "fence": assignment["attempt"]["fence"] + 1}}
    assert runner.finish(forged).status_code == 409
    assert runner.ask("GET", f"/attempts/{assignment['attempt']['id']}/manifest", params={"fence": 99}).status_code == 409
    assert studio.states(job)[0] == "running"


@pytest.mark.parametrize(
    ("said", "retries", "ends"),
    [
        ({"state": "failed", "cause": "exit-code"}, 2, "failed"),
        ({"state": "failed", "cause": "missing-file"}, 1, "failed"),
        ({"state": "killed", "cause": "preempted"}, 6, "preempted"),
        ({"state": "killed", "cause": None}, 6, "failed"),
    ],
    ids=["failure", "not worth a retry", "preempted", "runner shut down"],
)
def test_tries_are_counted_by_cause(studio: Any, said: dict[str, Any], retries: int, ends: str) -> None:
    """By default one failure and five preemptions are forgiven; the cause stands on task and attempts."""
    job = studio.job(studio.commands("1"))
    runner = studio.runner()
    for number in range(1, retries + 1):
        assignment = runner.take()
        assert assignment["attempt"]["number"] == number
        assert runner.finish(assignment, **said, message="what happened").status_code == 200
    task = studio.tasks(job)[0]
    assert (task["state"], task["attempts_made"], task["cause"]) == (ends, retries, said["cause"] or "internal")


def test_an_unknown_cause_is_refused(studio: Any) -> None:
    """A cause that the API does not have is 400, so that statistics stay readable."""
    studio.job()
    runner = studio.runner()
    answer = runner.finish(runner.take(), "failed", cause="bad luck")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")


def test_frames_that_are_not_the_tasks_are_refused(studio: Any) -> None:
    """A runner cannot say that it did frames that nobody asked it for."""
    studio.job()
    runner = studio.runner()
    assert runner.finish(runner.take(), "failed", cause="crashed", frames_done=[99]).status_code == 400


def test_a_kill_reaches_the_runner(studio: Any) -> None:
    """A killed task is killed at once; its runner hears `kill`, and the task is not leased again before it confirms."""
    job = studio.job()
    runner = studio.runner()
    assignment = runner.take()
    task = assignment["task"]["id"]
    assert studio.verb(job, "kill", tasks=[task]).json()["changed"] == 1
    assert studio.verb(job, "retry", tasks=[task]).json()["changed"] == 1
    assert runner.take()["task"]["id"] != task
    assert runner.beat(assignment).json()["action"] == "kill"
    assert runner.finish(assignment, "killed", cause="user").status_code == 200
    again = runner.take()
    assert (again["task"]["id"], again["attempt"]["number"]) == (task, 2)
    assert runner.beat(assignment).json()["action"] == "kill"


def test_an_unconfirmed_kill_runs_out(studio: Any) -> None:
    """When the killed attempt's runner never answers, its lease runs out and the task can be leased."""
    job = studio.job()
    runner = studio.runner()
    assignment = runner.take()
    studio.verb(job, "kill")
    studio.verb(job, "retry", tasks=[assignment["task"]["id"]])
    assert runner.next().status_code == 204
    studio.scheduler.tick()
    for _ in range(14):
        studio.clock.pass_time(5)
        studio.scheduler.tick()
    assert runner.take()["task"]["id"] == assignment["task"]["id"]


def test_a_service_that_was_down_gives_grace(make_studio: Any) -> None:
    """After a restart every attempt has a full lease to beat again: silence during the outage says nothing."""
    studio = make_studio()
    job = studio.job()
    runner = studio.runner()
    assignment = runner.take()
    runner.beat(assignment)
    studio.clock.pass_time(3600)
    studio = make_studio()
    studio.scheduler.tick()
    runner.http = studio.http
    assert studio.states(job)[0] == "running"
    assert runner.beat(assignment).json()["action"] == "go-on"
    assert runner.finish(assignment).status_code == 200


def test_a_service_whose_machine_slept_gives_grace(studio: Any) -> None:
    """A gap between two ticks lengthens the leases instead of ending them all."""
    job = studio.job()
    runner = studio.runner()
    assignment = runner.take()
    studio.scheduler.tick()
    studio.clock.pass_time(8 * 3600)
    studio.scheduler.tick()
    assert studio.states(job)[0] == "running"
    assert runner.beat(assignment).json()["action"] == "go-on"


def test_progress_is_shown(studio: Any) -> None:
    """What a runner says of its frame is seen on the task."""
    job = studio.job()
    runner = studio.runner()
    assignment = runner.take()
    runner.beat(assignment, progress=0.42, frame=1, status="Sample 12/32", peak_memory=5)
    task = studio.tasks(job)[0]
    assert (task["progress"], task["message"]) == (0.42, "Sample 12/32")
    assert studio.get(f"/tasks/{task['id']}")["attempts"][0]["peak_memory"] == 5


def test_frames_that_are_done_are_not_rendered_again(studio: Any) -> None:
    """The next attempt of a chunk gets only the frames whose outputs were not accepted yet."""
    studio.job(studio.commands("1-3", chunk=3))
    runner = studio.runner()
    assignment = runner.take()
    assert assignment["task"]["frames"] == [1, 2, 3]
    data = b"frame 1"
    runner.store(assignment, data)
    facts = {"path": "/job/out/f.0001.png", "size": len(data), "frame": 1, "step": "main"}
    assert runner.publish(assignment, {**facts, "digest": digest_of(data)}).status_code == 200
    runner.finish(assignment, "failed", cause="crashed", frames_done=[1])
    assert runner.take()["task"]["frames"] == [2, 3]


def test_a_machine_lost_after_its_last_frame_renders_nothing_again(studio: Any) -> None:
    """All frames were accepted when the machine went, before its runner said so: the task has succeeded."""
    job = studio.job(studio.commands("1-2", chunk=2))
    runner = studio.runner()
    assignment = runner.take()
    for frame in (1, 2):
        data = f"frame {frame}".encode()
        runner.store(assignment, data)
        facts = {"path": f"/job/out/f.{frame:04d}.png", "size": len(data), "frame": frame, "step": "main"}
        assert runner.publish(assignment, {**facts, "digest": digest_of(data)}).status_code == 200
    studio.fleet.vanish(runner.id)
    studio.scheduler.tick()
    (task,) = studio.tasks(job)
    assert (task["state"], task["cause"], task["attempts_made"]) == ("success", None, 1)
    assert [a["state"] for a in studio.get(f"/tasks/{task['id']}")["attempts"]] == ["lost"]
    assert studio.state(job) == "success"


def test_success_without_outputs_is_not_believed(studio: Any) -> None:
    """A step that declares outputs has succeeded when each frame has one; else it failed, and that report is one too."""
    studio.job(studio.commands("1-2", chunk=2))
    runner = studio.runner()
    assignment = runner.take()
    data = b"frame 1"
    runner.store(assignment, data)
    facts = {"path": "/job/out/f.0001.png", "size": len(data), "frame": 1, "step": "main"}
    runner.publish(assignment, {**facts, "digest": digest_of(data)})
    assert [runner.finish(assignment).status_code for _ in range(2)] == [200, 200]
    task = studio.get(f"/tasks/{assignment['task']['id']}")
    assert (task["state"], task["cause"], task["frames_done"]) == ("ready", "bad-output", [1])
    assert "frame 2" in task["attempts"][0]["message"]
    again = runner.take()
    assert again["task"]["frames"] == [2]
    assert runner.finish(again, "failed", cause="crashed", frames_done=[2]).status_code == 200
    assert studio.get(f"/tasks/{task['id']}")["frames_done"] == [1]


def test_a_step_without_outputs_may_succeed_without(studio: Any) -> None:
    """A command that declares no outputs is believed."""
    step = Step("main", "1", kind="command", command=("true",))
    job = studio.job(studio.commands(steps=(step,)))
    runner = studio.runner()
    assert runner.finish(runner.take()).status_code == 200
    assert studio.state(job) == "success"


def test_logs_are_appended_once(studio: Any) -> None:
    """A chunk that does not start where the log ends is refused with the size held, so nothing is lost or doubled."""
    studio.job()
    runner = studio.runner()
    attempt = runner.take()["attempt"]
    log = f"/attempts/{attempt['id']}/log"

    def append(offset: int, data: bytes) -> Any:
        return runner.ask("PUT", log, params={"offset": offset, "fence": attempt["fence"]}, content=data)

    assert append(0, b"one\n").status_code == 200
    answer = append(0, b"one\n")
    assert (answer.status_code, answer.headers["X-Log-Size"]) == (409, "4")
    assert append(9, b"gap").status_code == 409
    assert append(4, b"two\n").status_code == 200
    answer = studio.ask("GET", log, params={"offset": 2, "limit": 4})
    assert (answer.content, answer.headers["X-Log-Size"]) == (b"e\ntw", "8")
    assert studio.ask("GET", log, params={"offset": 100}).content == b""


def test_a_log_has_a_limit(make_studio: Any) -> None:
    """A renderer that prints without end does not fill the service's disk."""
    studio = make_studio(max_log_bytes=10)
    studio.job()
    runner = studio.runner()
    attempt = runner.take()["attempt"]
    answer = runner.ask(
        "PUT", f"/attempts/{attempt['id']}/log", params={"offset": 0, "fence": attempt["fence"]}, content=b"x" * 11
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too-large")


def test_who_waited_for_the_pen_is_not_lost(studio: Any) -> None:
    """Where the scheduler had to wait to write, beats waited too: their leases are lengthened, not ended."""
    job = studio.job()
    runner = studio.runner()
    assignment = runner.take()
    runner.beat(assignment)
    asked = studio.clock()
    studio.clock.pass_time(90)
    with studio.farm.database.write() as unit:
        assert expire(unit, asked, studio.farm.lease) == 0
    studio.scheduler.tick()
    assert studio.states(job)[0] == "running"
    assert runner.beat(assignment).json()["action"] == "go-on"


def test_a_former_attempt_is_given_up_before_the_next(studio: Any) -> None:
    """A task whose killed attempt was never confirmed is leased again when that lease has run out, and then that is over."""
    job = studio.job(studio.commands("1"))
    runner = studio.runner()
    killed = runner.take()
    studio.verb(job, "kill")
    studio.verb(job, "retry")
    assert runner.next().status_code == 204
    studio.clock.pass_time(25)  # and no tick of the scheduler in between
    assert runner.take()["task"]["id"] == killed["task"]["id"]
    with studio.farm.database.read() as session:
        unreleased = session.scalars(select(Attempt.number).where(Attempt.released.is_(None))).all()
    assert unreleased == [2]


def test_a_frame_is_done_when_its_runner_says_that_it_is_complete(studio: Any) -> None:
    """A picture that is published is not all of its frame: what comes beside it would be missing for ever."""
    job = studio.job(studio.commands("1-2", chunk=2, max_instances=1))
    runner = studio.runner()
    work = runner.take()
    for frame in (1, 2):
        runner.store(work, b"x")
        assert runner.publish(work, studio.record(work, frame, b"x"), completes=[1] if frame == 1 else []).status_code == 200
    assert studio.tasks(job)[0]["frames_done"] == [1]
    studio.fleet.vanish(runner.id)
    studio.scheduler.tick()
    assert studio.states(job) == ["ready"]
    runner = studio.runner()
    assert runner.take()["task"]["frames"] == [2]
    wrong = runner.publish(work, completes=[7])
    assert wrong.status_code in (404, 409)


def test_frames_that_are_not_the_tasks_cannot_be_completed(studio: Any) -> None:
    """A runner cannot say that it completed frames that nobody asked it for."""
    studio.job(studio.commands("1"))
    runner = studio.runner()
    answer = runner.publish(runner.take(), completes=[7])
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "completes")


def test_a_loss_after_a_failure_is_no_success(studio: Any) -> None:
    """All frames are there, and something beside them failed: a machine that is lost in the next try has mended nothing."""
    job = studio.job(studio.commands("1-2", chunk=2, max_instances=1, retries=Retries(2, 2)))
    runner = studio.runner()
    work = runner.take()
    for frame in (1, 2):
        runner.store(work, b"x")
        runner.publish(work, studio.record(work, frame, b"x"))
    runner.finish(work, "failed", cause="internal", frames_done=[1, 2])
    assert studio.states(job) == ["ready"]
    assert runner.take()["task"]["frames"] == [1, 2]
    studio.fleet.vanish(runner.id)
    studio.scheduler.tick()
    assert studio.states(job) == ["ready"]


def test_a_machine_lost_after_its_last_frame_renders_nothing_again_after_a_failure(studio: Any) -> None:
    """The first try crashed, the second brought every frame and its machine went: nobody pays for a third."""
    job = studio.job(studio.commands("1-2", chunk=2, max_instances=1, retries=Retries(2, 2)))
    runner = studio.runner()
    runner.finish(runner.take(), "failed", cause="crashed")
    work = runner.take()
    for frame in (1, 2):
        runner.store(work, b"x")
        runner.publish(work, studio.record(work, frame, b"x"))
    studio.fleet.vanish(runner.id)
    studio.scheduler.tick()
    (task,) = studio.tasks(job)
    assert (task["state"], task["cause"], task["attempts_made"]) == ("success", None, 2)


def test_what_is_rendered_again_counts_anew(studio: Any) -> None:
    """All frames were there and something beside them failed: what the next try completes is done, and only that."""
    job = studio.job(studio.commands("1-2", chunk=2, max_instances=1, retries=Retries(2, 3)))
    runner = studio.runner()
    work = runner.take()
    for frame in (1, 2):
        runner.store(work, b"x")
        runner.publish(work, studio.record(work, frame, b"x"))
    runner.finish(work, "failed", cause="internal", frames_done=[1, 2])
    for left in ([1, 2], [2]):
        runner = studio.runner()
        work = runner.take()
        assert work["task"]["frames"] == left
        runner.store(work, b"x")
        runner.publish(work, studio.record(work, left[0], b"x"))
        studio.fleet.vanish(runner.id)
        studio.scheduler.tick()
    (task,) = studio.tasks(job)
    assert (task["state"], task["frames_done"]) == ("success", [1, 2])
    assert len(studio.get(f"/jobs/{job['id']}/outputs")["outputs"]) == 2
