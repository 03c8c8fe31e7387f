"""A picture that is not like its neighbours is rendered once more, and never lost (docs/decisions/0008)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from conductor_core.paths import ClientPath, Flavour
from conductor_core.submission import Output, Step
from conductor_service.runner.doubts import Doubts
from conductor_service.runner.expectations import Expectations
from conductor_service.runner.inspector import ImageFacts

if TYPE_CHECKING:
    from runner.conftest import Farm, Job

    MakeJob = Callable[..., Job]

#: black where its digit is 0, twice as wide where it is 2
FILM = "png(path, {{'2': 16}}.get({film!r}[frame], 8), 4, (0, 0, 0) if {film!r}[frame] == '0' else (9, 9, 9))"
FILMS = {
    "an empty frame among others": ("1101", (0, 1, 3), "frame before it"),
    "the first frame is empty": ("0111", (1, 2, 3), "is empty"),
    "a fade to black": ("1100", (0, 1), "frame before it"),
    "another size": ("1121", (0, 1, 3), "16×4, and the frame before it 8×4"),
}


@pytest.mark.parametrize(("film", "done", "says"), FILMS.values(), ids=FILMS.keys())
def test_a_doubtful_frame_is_refused_once(farm: Farm, job: MakeJob, film: str, done: tuple[int, ...], says: str) -> None:
    """The frames that are not like those before them are bad output, with the reason; the others are published."""
    told = farm.told(job(FILM.format(film=film), frames=(0, 1, 2, 3)))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause, told.verdict.frames_done) == ("failed", "bad-output", done)
    assert says in told.verdict.message
    assert "rendered once more" in told.verdict.message
    assert len(told.outputs) == len(done)


@pytest.mark.parametrize("film", ["1101", "0111", "1100", "1121"])
def test_a_doubtful_frame_is_accepted_at_the_last_try(farm: Farm, job: MakeJob, film: str) -> None:
    """Where a failure would end the task, every frame is published, and log and message have a warning."""
    told = farm.told(job(FILM.format(film=film), frames=(0, 1, 2, 3), last_try=True))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.frames_done) == ("success", (0, 1, 2, 3))
    assert len(told.outputs) == 4
    assert "accepted, since this was its last try" in told.verdict.message
    assert b"warning: /job/render/shot_000" in told.log


def test_an_empty_layer_is_doubted_once_per_loaded_scene(farm: Farm, job: MakeJob) -> None:
    """Once an empty frame is accepted, the next empty ones are like it; another session begins anew."""
    scene = FILM.format(film="0000")
    attempts = [
        farm.add(job(scene, frames=(n,), last_try=n == 1, session=s)) for n, s in ((0, "a"), (1, "a"), (2, "a"), (3, "b"))
    ]
    farm.run()
    assert [farm.service.verdict(a).state for a in attempts] == ["failed", "success", "success", "failed"]


def test_what_nobody_declared_is_not_doubted(farm: Farm, job: MakeJob) -> None:
    """A mask that is written beside the frames may be empty; a declared size is compared with what was declared."""
    outputs = (Output("/job/render/shot_####.png", width=8, height=4),)
    told = farm.told(job("png(path)\npng(path.replace('shot', 'mask'), colour=(0, 0, 0))", outputs=outputs))
    assert told.verdict is not None
    assert told.verdict.state == "success", told.verdict
    assert len(told.outputs) == 2


def infinite(value: bool) -> ImageFacts:
    return ImageFacts(8, 4, ("Combined",), infinite=value)


def test_infinite_colours_are_doubted_where_those_before_were_not() -> None:
    """A sky of infinite light is one in each frame; a frame of it among others is rendered once more."""
    output = Output("/job/render/shot_####.exr")
    expectations = Expectations(Step("beauty", "1", outputs=(output,)), Flavour.POSIX)
    path = ClientPath.parse("/job/render/shot_0001.exr", Flavour.POSIX)
    doubts = Doubts()
    said = [doubts.about("s", expectations.of(path), infinite(True))]
    for before, now in ((False, True), (True, True), (True, False)):
        doubts._last[output.path] = infinite(before)
        said.append(doubts.about("s", expectations.of(path), infinite(now)))
    words = "has a layer of colours without any finite value"
    assert said == [words, f"{words}, unlike the frame before it", "", ""]
