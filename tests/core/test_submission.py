from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from conductor_core.documents import canonical_bytes, from_bytes, from_json, to_json
from conductor_core.environment import EnvironmentVariable
from conductor_core.errors import InvalidDocument
from conductor_core.paths import Flavour
from conductor_core.submission import (
    Client,
    Exclusion,
    Limits,
    Output,
    Retries,
    Software,
    Step,
    Submission,
    is_email,
    new_submission_id,
    validate_submission,
)
from hypothesis import given
from hypothesis import strategies as st

GOOD = Submission(
    id="0123abcd",
    project="dragons",
    title="shot 10",
    scene="/job/shot.blend",
    flavour=Flavour.POSIX,
    software=Software("blender", "4.5"),
    steps=(
        Step("beauty", "1-10", outputs=(Output("/job/out/shot_####.exr"),)),
        Step("comp", "1-10", kind="command", command=("comp", "{frame}"), after=("beauty",)),
    ),
    instance_type="cpu-8",
)


def with_step(**fields: Any) -> Submission:
    return replace(GOOD, steps=(replace(GOOD.steps[0], **fields), GOOD.steps[1]))


def with_output(path: str, flavour: Flavour = Flavour.POSIX, scene: str = "/job/shot.blend", **fields: Any) -> Submission:
    return replace(with_step(outputs=(Output(path, **fields),)), flavour=flavour, scene=scene)


def with_order(**after: tuple[str, ...]) -> Submission:
    return replace(GOOD, steps=tuple(Step(name, "1", after=names) for name, names in after.items()))


WINDOWS: dict[str, Any] = {"flavour": Flavour.WINDOWS, "scene": "C:\\job\\shot.blend"}

ACCEPTED = {
    "as it is": GOOD,
    "no scene, commands only": replace(GOOD, scene="", steps=(Step("run", "1", kind="command", command=("true",)),)),
    "windows": with_output("C:\\out\\a_####.exr", **WINDOWS),
    "windows, slashes": with_output("C:/out/a_####.exr", **WINDOWS),
    "windows, share": with_output("//srv/out/a_####.exr", **WINDOWS),
    "priority 0": replace(GOOD, priority=0),
    "priority 100": replace(GOOD, priority=100),
    "no retries": replace(GOOD, retries=Retries(0, 0)),
    "something left out": replace(GOOD, excluded=(Exclusion("/job/cache", "it is huge"),)),
    "no limits": replace(GOOD, limits=Limits(0, 0)),
    "diamond": with_order(a=(), b=("a",), c=("a",), d=("b", "c")),
    "a step that is named after the one that waits": with_order(a=("b",), b=()),
    "a fresh id": replace(GOOD, id=new_submission_id()),
    "any version": replace(GOOD, software=Software("blender", "")),
    "environment": replace(GOOD, environment=(EnvironmentVariable("A", "1"), EnvironmentVariable("P", "/a", "append"))),
}


@pytest.mark.parametrize("submission", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_a_submission_that_can_be_run_is_accepted(submission: Submission) -> None:
    """Nothing that makes sense is refused."""
    validate_submission(submission)


REFUSED = {
    "no id": (replace(GOOD, id=""), "id", "1 to 64"),
    "id with a slash": (replace(GOOD, id="a/b"), "id", "1 to 64"),
    "id with a line break": (replace(GOOD, id="a\n"), "id", "1 to 64"),
    "no project": (replace(GOOD, project=""), "project", "must not be empty"),
    "empty title": (replace(GOOD, title=""), "title", "must not be empty"),
    "blank title": (replace(GOOD, title=" \t"), "title", "must not be empty"),
    "no software": (replace(GOOD, software=Software("", "")), "software.name", "must not be empty"),
    "no instance type": (replace(GOOD, instance_type=""), "instance_type", "must not be empty"),
    "not Unicode": (replace(GOOD, title="a\udcff"), "(whole)", "not Unicode"),
    "priority -1": (replace(GOOD, priority=-1), "priority", "0 to 100, not -1"),
    "priority 101": (replace(GOOD, priority=101), "priority", "0 to 100, not 101"),
    "negative instances": (replace(GOOD, max_instances=-1), "max_instances", "0 or more, not -1"),
    "negative failures": (replace(GOOD, retries=Retries(failure=-1)), "retries.failure", "0 or more"),
    "negative preemptions": (replace(GOOD, retries=Retries(preemption=-1)), "retries.preemption", "0 or more"),
    "negative time": (replace(GOOD, limits=Limits(task_seconds=-1)), "limits.task_seconds", "0 or more"),
    "negative silence": (replace(GOOD, limits=Limits(silence_seconds=-1)), "limits.silence_seconds", "0 or more"),
    "relative scene": (replace(GOOD, scene="shot.blend"), "scene", "not absolute"),
    "scene of the other flavour": (replace(GOOD, scene="C:\\shot.blend"), "scene", "not absolute"),
    "scene is a root": (replace(GOOD, scene="/"), "scene", "is a root"),
    "scene with dot-dot": (replace(GOOD, scene="/job/../shot.blend"), "scene", "without '..'"),
    "frames without a scene": (replace(GOOD, scene=""), "scene", "must be there"),
    "an exclusion of nothing": (replace(GOOD, excluded=(Exclusion("", "big"),)), "excluded[0].path", "not absolute"),
    "an exclusion without a reason": (replace(GOOD, excluded=(Exclusion("/a", " "),)), "excluded[0].reason", "must say why"),
    "an exclusion of the scene": (replace(GOOD, excluded=(Exclusion("/job", "x"),)), "excluded[0].path", "the scene itself"),
    "a pattern that the scene fits": (
        replace(GOOD, scene="/job/shot_0010.blend", excluded=(Exclusion("/job/shot_####.blend", "old"),)),
        "excluded[0].path",
        "the scene itself",
    ),
    "variable name": (replace(GOOD, environment=(EnvironmentVariable("1A", ""),)), "environment[0]", "not the name"),
    "variables that disagree": (
        replace(GOOD, environment=(EnvironmentVariable("A", "1", source="x"), EnvironmentVariable("A", "2", source="y"))),
        "environment",
        "x and y disagree",
    ),
    "no steps": (replace(GOOD, steps=()), "steps", "at least one"),
    "step without a name": (with_step(name=""), "steps[0].name", "must not be empty"),
    "two steps of one name": (with_step(name="comp"), "steps[1].name", "'comp' is the name of an earlier step"),
    "bad frames": (with_step(frames="1-10@2"), "steps[0].frames", "not a frame or a range in '1-10@2'"),
    "no frames": (with_step(frames=""), "steps[0].frames", "nothing stands"),
    "chunk of none": (with_step(chunk_size=0), "steps[0].chunk_size", "1 or more, not 0"),
    "too many frames together": (
        replace(GOOD, steps=(Step("a", "1-600000"), Step("b", "1-600000"))),
        "steps",
        "1,200,000 frames",
    ),
    "command without one": (with_step(kind="command"), "steps[0].command", "must name a program"),
    "command of a blank": (with_step(kind="command", command=(" ",)), "steps[0].command", "must name a program"),
    "frames with a command": (with_step(command=("x",)), "steps[0].command", "must be empty"),
    "NUL in a command": (with_step(kind="command", command=("x", "\0")), "steps[0].command", "NUL"),
    "relative output": (with_output("out/a_####.exr"), "steps[0].outputs[0].path", "not absolute"),
    "output is a folder": (with_output("/job/out/"), "steps[0].outputs[0].path", "has no file name"),
    "output is a root": (with_output("/"), "steps[0].outputs[0].path", "has no file name"),
    "output is a windows folder": (with_output("C:\\out\\", **WINDOWS), "steps[0].outputs[0].path", "has no file name"),
    "output is a drive": (with_output("C:\\", **WINDOWS), "steps[0].outputs[0].path", "has no file name"),
    "output with dot-dot": (with_output("/job/out/../../etc/a"), "steps[0].outputs[0].path", "without '..'"),
    "output with windows dot-dot": (with_output("C:\\out\\..\\a", **WINDOWS), "steps[0].outputs[0].path", "without '..'"),
    "output to a device": (with_output("C:\\out\\con.exr", **WINDOWS), "steps[0].outputs[0].path", "device"),
    "negative width": (with_output("/job/a", width=-1), "steps[0].outputs[0].width", "0 or more"),
    "negative height": (with_output("/job/a", height=-1), "steps[0].outputs[0].height", "0 or more"),
    "waits for nobody": (with_step(after=("lighting",)), "steps[0].after[0]", "'lighting' is not a step"),
    "waits for itself": (with_order(a=("a",)), "steps[0].after", "waits for itself: a → a"),
    "two wait for each other": (with_order(a=("b",), b=("a",)), "", "waits for itself: "),
    "a ring of three": (with_order(x=(), a=("c",), b=("a",), c=("b",)), "", "waits for itself: "),
}


@pytest.mark.parametrize(("submission", "place", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_submission_that_makes_no_sense_is_refused(submission: Submission, place: str, reason: str) -> None:
    """The artist hears which field is wrong before a byte is uploaded."""
    with pytest.raises(InvalidDocument) as caught:
        validate_submission(submission)
    assert caught.value.document == "Submission"
    if place:
        assert caught.value.field == place
    assert reason in caught.value.reason


def test_a_cycle_is_told_in_the_order_of_waiting() -> None:
    """Reading the arrow as "waits for", the sentence is true at each step, and the field is that of its first step."""
    after = {"a": ("c",), "b": ("a",), "c": ("b",)}
    with pytest.raises(InvalidDocument) as caught:
        validate_submission(with_order(**after))
    cycle = caught.value.reason.removeprefix("waits for itself: ").split(" → ")
    assert len(cycle) == 4
    assert all(nxt in after[one] for one, nxt in itertools.pairwise(cycle))
    assert caught.value.field == f"steps[{list(after).index(cycle[0])}].after"


@pytest.mark.parametrize("name", [n for n in REFUSED if n != "not Unicode"])
def test_a_refused_submission_is_still_a_document(name: str) -> None:
    """Shape and sense are two checks: the service reads the document, then names the field that makes no sense."""
    submission = REFUSED[name][0]
    assert from_json(Submission, json.loads(json.dumps(to_json(submission)))) == submission


def test_the_document_of_a_submission_is_what_the_interfaces_say() -> None:
    """The names of the fields are the contract with every other client."""
    data = to_json(GOOD)
    assert data["flavour"] == "posix"
    assert data["software"] == {"name": "blender", "version": "4.5"}
    assert data["steps"][0]["outputs"] == [
        {"path": "/job/out/shot_####.exr", "kind": "image", "width": 0, "height": 0, "layers": []}
    ]
    assert data["retries"] == {"failure": 1, "preemption": 5}


def test_a_short_submission_has_defaults() -> None:
    """A script need not say what it does not care for."""
    data = {
        "id": "1",
        "project": "p",
        "title": "t",
        "scene": "/a.blend",
        "flavour": "posix",
        "software": {"name": "blender", "version": "4.5"},
        "steps": [{"name": "s", "frames": "1"}],
        "instance_type": "cpu-8",
    }
    submission = from_json(Submission, data)
    assert (submission.priority, submission.steps[0].chunk_size, submission.client) == (50, 1, Client())
    validate_submission(submission)


def test_ids_are_fresh() -> None:
    """Two submissions are never taken for one job."""
    assert len({new_submission_id() for _ in range(100)}) == 100


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
parameter = st.none() | text | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
number = st.integers(0, 10_000)
outputs = st.builds(
    Output, text, st.sampled_from(["image", "movie", "cache", "other"]), number, number, st.lists(text).map(tuple)
)
steps = st.builds(
    Step,
    name=text,
    frames=text,
    chunk_size=number,
    kind=st.sampled_from(["frames", "command"]),
    outputs=st.lists(outputs, max_size=2).map(tuple),
    after=st.lists(text, max_size=2).map(tuple),
    command=st.lists(text, max_size=2).map(tuple),
    parameters=st.dictionaries(text, parameter, max_size=3),
)
variables = st.builds(EnvironmentVariable, text, text, st.sampled_from(["append", "prepend", "exclusive"]), text)
submissions = st.builds(
    Submission,
    id=text,
    project=text,
    title=text,
    scene=text,
    flavour=st.sampled_from(Flavour),
    software=st.builds(Software, text, text),
    steps=st.lists(steps, max_size=2).map(tuple),
    instance_type=text,
    preemptible=st.booleans(),
    priority=number,
    max_instances=number,
    retries=st.builds(Retries, number, number),
    limits=st.builds(Limits, number, number),
    environment=st.lists(variables, max_size=2).map(tuple),
    metadata=st.dictionaries(text, text, max_size=2),
    allowed_missing=st.lists(text, max_size=2).map(tuple),
    client=st.builds(Client, text, text, text),
)


@given(submissions)
def test_every_submission_survives_json(submission: Submission) -> None:
    """Out and in again is the same submission, by whichever way it travels."""
    assert from_json(Submission, json.loads(json.dumps(to_json(submission)))) == submission
    assert from_bytes(Submission, canonical_bytes(submission)) == submission


@given(submissions)
def test_any_submission_is_valid_or_an_invalid_document(submission: Submission) -> None:
    """No well-shaped submission makes the check fail in another way."""
    try:
        validate_submission(submission)
    except InvalidDocument:
        return
    assert submission.steps


@pytest.mark.parametrize("text", ["mika@studio.example", "m.i+shot=1@a.b.c", "mika@münchen.example", "o'hara@x.de"])
def test_an_address_is_taken(text: str) -> None:
    """Whatever people have."""
    assert is_email(text)


@pytest.mark.parametrize(
    "text", ["mika", "mika@studio", "a@b..de", "a@b.de.", "a(b)@c.de", "x:y@z.com", "a\\b@c.de", "a\0@c.de", "a\n@c.de", "@c.de"]
)
def test_what_would_go_to_somebody_else_is_no_address(text: str) -> None:
    """Signs that mean something to mail programs (comments, groups, ends of lines) are refused where they are written."""
    assert not is_email(text)
