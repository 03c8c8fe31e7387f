"""Scout frames: rendered first, while the others of their step hold until somebody has seen them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from conductor_core.submission import Retries, Step, Submission


def scouted(studio: Any, scouts: str = "fml:3", frames: str = "1-9", **changes: Any) -> Submission:
    submission: Submission = studio.commands(frames, **changes)
    return replace(submission, steps=(replace(submission.steps[0], scouts=scouts),))


def steps(studio: Any, *made: tuple[str, str, tuple[str, ...]]) -> Submission:
    """Return a submission of two-frame steps: name, scouts, what comes before."""
    submission: Submission = studio.commands(max_instances=1)
    command = Step("", "1-2", kind="command", command=("true",))
    return replace(submission, steps=tuple(replace(command, name=n, scouts=s, after=after) for n, s, after in made))


def held(studio: Any, job: Any) -> list[tuple[str, int]]:
    return [(t["step"], t["frames"][0]) for t in studio.tasks(job) if "scout" in {h["name"] for h in t["holds"]}]


def shown(studio: Any, job: Any) -> tuple[Any, Any, Any]:
    now = studio.get(f"/jobs/{job['id']}")
    return now["state"], now["scouts"], now["verbs"]


def test_scouts_run_while_the_others_hold(studio: Any) -> None:
    """The scout frames are rendered, nothing else; the job holds then, and says how far it is, until it is released."""
    job = studio.job(scouted(studio, max_instances=1))
    assert shown(studio, job) == ("pending", {"total": 3, "done": 0, "held": 6}, ["hold", "release", "kill"])
    runner = studio.runner()
    for frame in (1, 5, 9):
        assignment = runner.take()
        assert assignment["task"]["frames"] == [frame]
        runner.render(assignment)
    assert runner.next().status_code == 204
    assert shown(studio, job) == ("holding", {"total": 3, "done": 3, "held": 6}, ["hold", "release", "kill"])
    holds = [t["holds"] for t in studio.tasks(job) if not t["scout"]]
    assert all([h["name"] for h in each] == ["scout"] and "release" in each[0]["reason"] for each in holds)
    answer = studio.verb(job, "release")
    assert (answer.json()["changed"], answer.json()["job"]["state"]) == (6, "running")
    for _ in range(6):
        runner.render(runner.take())
    assert shown(studio, job) == ("success", {"total": 3, "done": 3, "held": 0}, [])


@pytest.mark.parametrize(
    ("scouts", "chunk", "waiting"),
    [
        ("", 1, []),
        ("2", 3, [4, 7]),
        ("3,4", 3, [7]),
        ("1-9", 1, []),
        ("auto:99", 2, []),
        ("fml:2", 4, [5]),
    ],
    ids=["none", "inside a chunk", "over two chunks", "all", "more than there are", "first and last"],
)
def test_a_task_with_a_scout_frame_in_it_is_a_scout(studio: Any, scouts: str, chunk: int, waiting: list[int]) -> None:
    """Tasks are rendered whole: the scouts are those that have one of the frames in them, and all others wait."""
    job = studio.job(scouted(studio, scouts, chunk=chunk))
    assert [t["frames"][0] for t in studio.tasks(job) if t["holds"]] == waiting
    assert [t["frames"][0] for t in studio.tasks(job) if scouts and not t["scout"]] == waiting


def test_nothing_is_held_before_the_manifest_is_there(studio: Any) -> None:
    """While files are sent everything waits for them, and there is nothing to release; a hold of a person's lasts beside."""
    job = studio.submit(scouted(studio))
    assert held(studio, job) == []
    studio.verb(job, "hold")
    error = studio.verb(job, "release").json()["error"]
    assert (error["code"], error["allowed"]) == ("not-allowed-now", ["resume", "kill"])
    studio.commit(job)
    assert len(held(studio, job)) == 6
    assert studio.verb(job, "resume").json()["changed"] == 9
    assert studio.states(job).count("ready") == 3
    assert len(held(studio, job)) == 6


def test_a_release_takes_no_hold_of_a_persons(studio: Any) -> None:
    """Both holds stand by themselves: whichever goes first, the task waits for the other."""
    job = studio.job(scouted(studio))
    studio.verb(job, "hold")
    assert studio.verb(job, "release").json()["changed"] == 6
    assert set(studio.states(job)) == {"holding"}
    assert studio.get(f"/jobs/{job['id']}")["verbs"] == ["resume", "kill"]
    studio.verb(job, "resume")
    assert set(studio.states(job)) == {"ready"}


def test_some_tasks_can_be_released(studio: Any) -> None:
    """A release that names tasks lets those go alone; again it answers 409 with what is possible."""
    job = studio.job(scouted(studio))
    second = studio.tasks(job)[1]["id"]
    assert studio.verb(job, "release", tasks=[second]).json()["changed"] == 1
    assert len(held(studio, job)) == 5
    error = studio.verb(job, "release", tasks=[second]).json()["error"]
    assert (error["code"], error["allowed"]) == ("not-allowed-now", ["hold", "kill"])


@pytest.mark.parametrize("released", [False, True])
def test_a_job_that_was_killed_and_retried_holds_as_before(studio: Any, released: bool) -> None:
    """A retry is no release: the scouts come first again. What was released before stays so."""
    job = studio.job(scouted(studio))
    if released:
        studio.verb(job, "release")
    studio.verb(job, "kill")
    assert held(studio, job) == []
    studio.verb(job, "retry")
    assert len(held(studio, job)) == (0 if released else 6)
    assert studio.states(job).count("ready") == (9 if released else 3)


def test_a_release_counts_for_what_was_killed(studio: Any) -> None:
    """A task that was killed while it waited is not held again by a retry after the release of its job."""
    job = studio.job(scouted(studio))
    last_but_one = studio.tasks(job)[7]["id"]
    studio.verb(job, "kill", tasks=[last_but_one])
    assert studio.verb(job, "release").json()["changed"] == 5
    studio.verb(job, "retry", tasks=[last_but_one])
    assert studio.states(job) == ["ready"] * 9


def test_scouts_that_fail_let_nothing_go(studio: Any) -> None:
    """If every scout has failed the others still hold: somebody has to look. They can be released all the same."""
    job = studio.job(scouted(studio, "5", max_instances=1, retries=Retries(0, 0)))
    runner = studio.runner()
    runner.finish(runner.take(), "failed", cause="crashed")
    state, scouts, verbs = shown(studio, job)
    assert (state, scouts) == ("holding", {"total": 1, "done": 1, "held": 8})
    assert verbs == ["hold", "release", "kill", "retry"]
    studio.verb(job, "retry")
    assert shown(studio, job)[1]["done"] == 0
    assert runner.take()["task"]["frames"] == [5]


def test_steps_without_scouts_run_as_usual_after_them(studio: Any) -> None:
    """Scouts of whichever step are rendered first; a step without any is not held by those of another."""
    job = studio.job(steps(studio, ("plain", "", ()), ("fog", "2", ())))
    assert held(studio, job) == [("fog", 1)]
    runner = studio.runner()
    order = []
    for _ in range(3):
        assignment = runner.take()
        order.append((assignment["step"]["name"], assignment["task"]["frames"][0]))
        runner.finish(assignment)
    assert order == [("fog", 2), ("plain", 1), ("plain", 2)]


def test_a_step_after_one_with_scouts_waits_for_all_of_it(studio: Any) -> None:
    """What comes after a step waits for its last frame, released or not; its own scouts hold its others then."""
    job = studio.job(steps(studio, ("sim", "1", ()), ("comp", "1", ("sim",))))
    runner = studio.runner()
    runner.finish(runner.take())
    assert studio.states(job) == ["success", "holding", "pending", "holding"]
    studio.verb(job, "release", tasks=[studio.tasks(job)[1]["id"]])
    runner.finish(runner.take())
    assert studio.states(job) == ["success", "success", "ready", "holding"]
    assert held(studio, job) == [("comp", 2)]


def test_what_was_skipped_holds_again_when_it_comes_back(studio: Any) -> None:
    """A step that was skipped, and waits again since the one before it is retried, has its scouts first."""
    job = studio.job(steps(studio, ("sim", "", ()), ("comp", "1", ("sim",))))
    tasks = {(t["step"], t["frames"][0]): t["id"] for t in studio.tasks(job)}
    kill = [tasks["sim", 1], tasks["sim", 2]]
    studio.verb(job, "kill", tasks=kill)
    assert studio.states(job) == ["killed", "killed", "skipped", "skipped"]
    studio.verb(job, "retry", tasks=kill)
    assert studio.states(job) == ["ready", "ready", "pending", "holding"]
    assert held(studio, job) == [("comp", 2)]


def test_a_restart_keeps_what_waits_for_the_scouts(make_studio: Any) -> None:
    """The service may die between the scouts and the release: what is held stays so."""
    studio = make_studio()
    job = studio.job(scouted(studio))
    studio = make_studio()
    assert shown(studio, job)[1] == {"total": 3, "done": 0, "held": 6}
    assert studio.verb(job, "release").json()["changed"] == 6
