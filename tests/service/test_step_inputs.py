"""What the steps before a step made is what its tasks are given: those files, and no others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conductor_core.digest import digest_of
from conductor_core.paths import Flavour
from conductor_core.submission import Output, Step
from conductor_service.inputs import named_by_frame, steps_before


def step(name: str, *after: str, frames: str = "1-2", **changes: Any) -> Step:
    outputs = (Output(f"/job/{name}/x.####.ass", kind="other"),)
    return Step(name, frames, kind="command", command=("true",), outputs=outputs, after=after, **changes)


def published(runner: Any, assignment: dict[str, Any], word: str = "") -> None:
    """Do a whole task: a file per frame that says whose it is."""
    name = assignment["step"]["name"]
    for frame in assignment["task"]["frames"]:
        data = f"{name} {frame} {word}".encode()
        runner.store(assignment, data)
        facts = {"path": f"/job/{name}/x.{frame:04d}.ass", "digest": digest_of(data), "size": len(data)}
        said = {**facts, "mode": 0o640, "mtime_ns": 5, "frame": frame, "step": name}
        assert runner.publish(assignment, said).status_code == 200
    assert runner.finish(assignment).status_code == 200


def asked(runner: Any, assignment: dict[str, Any]) -> Any:
    attempt = assignment["attempt"]
    params = {"fence": attempt["fence"], "key": assignment["inputs"]}
    return runner.ask("GET", f"/attempts/{attempt['id']}/inputs", params=params)


def given(runner: Any, assignment: dict[str, Any]) -> dict[str, str]:
    """Return what a task finds of the steps before its own: path → content."""
    answer = asked(runner, assignment)
    assert answer.status_code == 200, answer.text
    attempt = assignment["attempt"]
    found = {}
    for entry in json.loads(answer.content)["entries"]:
        path = f"/attempts/{attempt['id']}/objects/{entry['digest']}"
        found[entry["path"]] = runner.ask("GET", path, params={"fence": attempt["fence"]}).text
    return found


def test_a_step_finds_what_the_steps_before_made(studio: Any) -> None:
    """Of the steps that it waits for and of those that they wait for, with mode and time; of no other step."""
    studio.job(studio.commands(steps=(step("a"), step("b", "a"), step("other"), step("c", "b", frames="7"))))
    runner = studio.runner()
    for _ in range(6):
        published(runner, runner.take())
    last = runner.take()
    assert last["step"]["name"] == "c"
    paths = {f"/job/{name}/x.000{n}.ass": f"{name} {n} " for name in "ab" for n in (1, 2)}
    assert given(runner, last) == paths
    entries = json.loads(asked(runner, last).content)["entries"]
    assert {(e["mode"], e["mtime_ns"]) for e in entries} == {(0o640, 5)}


def test_the_first_step_finds_nothing(studio: Any) -> None:
    """A step that waits for none is given the artist's files alone."""
    studio.job(studio.commands(steps=(step("a"), step("b", "a"))))
    runner = studio.runner()
    taken = runner.take()
    assert taken["inputs"] == ""
    assert given(runner, {**taken, "inputs": "0-0"}) == {}


def test_only_what_was_accepted_is_given(studio: Any) -> None:
    """What an attempt published that was lost, or that somebody wanted again, is not among it; what took its place is."""
    job = studio.job(studio.commands(steps=(step("a", frames="1"), step("b", "a", frames="1"))))
    runner = studio.runner()
    published(runner, runner.take(), "first")
    (first, _) = studio.tasks(job)
    assert studio.verb(job, "retry", tasks=[first["id"]]).status_code == 200
    assert studio.states(job) == ["ready", "pending"]
    published(runner, runner.take(), "second")
    assert given(runner, runner.take()) == {"/job/a/x.0001.ass": "a 1 second"}


def test_a_step_that_is_wanted_again_refuses_the_old_files(studio: Any) -> None:
    """A task that was given out before is refused them with 409, gives itself back, and waits for the new ones."""
    job = studio.job(studio.commands(steps=(step("a", frames="1"), step("b", "a", frames="1"))))
    runner = studio.runner()
    published(runner, runner.take(), "first")
    taken = runner.take()
    studio.verb(job, "retry", tasks=[studio.tasks(job)[0]["id"]])
    answer = asked(runner, taken)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not-allowed-now")
    path = f"/attempts/{taken['attempt']['id']}/objects/{digest_of(b'a 1 first')}"
    assert runner.ask("GET", path, params={"fence": taken["attempt"]["fence"]}).status_code == 404
    assert runner.finish(taken, "killed").status_code == 200
    assert studio.states(job) == ["ready", "pending"]
    published(runner, runner.take(), "second")
    published(runner, runner.take())
    assert studio.state(job) == "success"


def test_a_stale_attempt_is_told_nothing(studio: Any) -> None:
    """Under an old fence neither the list nor a file is given; nor to another instance."""
    studio.job(studio.commands(steps=(step("a", frames="1"), step("b", "a", frames="1-2"))))
    first, second = studio.runners()[0], None
    published(first, first.take())
    taken = first.take()
    second = next(r for r in studio.runners() if r.id != first.id)
    assert asked(second, taken).status_code == 404
    assert asked(first, {**taken, "attempt": {**taken["attempt"], "fence": 99}}).status_code == 409


def test_a_lost_answer_gives_the_same_files(studio: Any) -> None:
    """An assignment that did not reach its runner is sent again with the same inputs."""
    studio.job(studio.commands(steps=(step("a", frames="1"), step("b", "a", frames="1"))))
    runner = studio.runner()
    published(runner, runner.take())
    taken = runner.take()
    assert runner.take(held=[])["inputs"] == taken["inputs"] != ""


def test_a_command_that_names_its_frame_is_given_that_frame(studio: Any) -> None:
    """Each task of a render step gets the exported file of its own frames only, and what belongs to no frame."""
    render = Step("b", "1-2", kind="command", command=("kick", "/job/a/x.{frame:04}.ass"), after=("a",))
    studio.job(studio.commands(steps=(step("a"), render)))
    runner = studio.runner()
    for _ in range(2):
        published(runner, runner.take())
    first, second = runner.take(), runner.take()
    assert first["inputs"] != second["inputs"]
    assert given(runner, first) == {"/job/a/x.0001.ass": "a 1 "}
    assert given(runner, second) == {"/job/a/x.0002.ass": "a 2 "}


NAMED = {
    "by its frame": (("kick", "/job/a/x.{frame:04}.ass"), "/job/a/x.####.ass", True),
    "printf": (("kick", "/job/a/x.{frame:04}.ass"), "/job/a/x.%04d.ass", True),
    "other padding": (("kick", "/job/a/x.{frame}.ass"), "/job/a/x.####.ass", False),
    "another file": (("kick", "/job/b/x.{frame:04}.ass"), "/job/a/x.####.ass", False),
    "the whole": (("kick", "/job/a/x.ass"), "/job/a/x.ass", False),
    "without a frame": (("kick", "/job/a"), "/job/a/x.####.ass", False),
}


@pytest.mark.parametrize(("command", "output", "named"), NAMED.values(), ids=NAMED.keys())
def test_which_commands_name_a_frame(command: tuple[str, ...], output: str, named: bool) -> None:
    """Only a word that is the output's own path for every frame."""
    render = Step("b", "1", kind="command", command=command)
    assert named_by_frame(render, Step("a", "1", outputs=(Output(output, kind="other"),)), Flavour.POSIX) is named


def test_windows_paths_name_a_frame_in_any_spelling() -> None:
    """Slashes and case are the same path there."""
    render = Step("b", "1", kind="command", command=("kick", "c:/job/X.{frame:04}.ass"))
    assert named_by_frame(render, Step("a", "1", outputs=(Output("C:\\job\\x.####.ass", kind="other"),)), Flavour.WINDOWS)


def test_steps_before_are_found_through_others(studio: Any) -> None:
    """Each once, however many ways lead to it."""
    submission = studio.commands(steps=(step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"), step("e")))
    assert [s.name for s in steps_before(submission, "d")] == ["a", "b", "c"]
    assert steps_before(submission, "a") == ()
