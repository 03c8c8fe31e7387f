"""The words of a command, as each task has them."""

from __future__ import annotations

import pytest
from conductor_core.sequences import frame_path
from conductor_core.task_words import as_pattern, fill_words, odd_placeholders, with_scene

FILLS = {
    "one frame": (("r", "-f", "{frame}"), (7,), ("r", "-f", "7")),
    "several": (("{first}-{last}", "x{frames}x"), (3, 4, 5), ("3-5", "x3-5x")),
    "in their order": (("{frame} {frames}",), (5, 1), ("5 5,1",)),
    "negative": (("{frame}",), (-4,), ("-4",)),
    "padded": (("p.{frame:04}.exr", "{first:3d}-{last:03d}"), (7, 12), ("p.0007.exr", "007-012")),
    "longer than its padding": (("{frame:02}",), (1001,), ("1001",)),
    "other braces stay": (
        ("{}", "{FRAME}", "{{frame}}", "a{b}", "{frames:04}", "{frame:x}"),
        (1,),
        ("{}", "{FRAME}", "{1}", "a{b}", "{frames:04}", "{frame:x}"),
    ),
}


@pytest.mark.parametrize(("command", "frames", "expected"), FILLS.values(), ids=FILLS.keys())
def test_words_are_filled(command: tuple[str, ...], frames: tuple[int, ...], expected: tuple[str, ...]) -> None:
    """The four placeholders are replaced in each word, with as many digits as they ask for, and nothing else."""
    assert fill_words(command, frames) == expected


@pytest.mark.parametrize("frame", [-12, 0, 7, 12345])
def test_a_word_and_its_pattern_name_the_same_file(frame: int) -> None:
    """What a command writes by `{frame:04}` is found by the output pattern that is made of it."""
    assert as_pattern("/o/a.{frame:04}.exr") == "/o/a.####.exr"
    assert frame_path(as_pattern("/o/a.{frame:04}.exr"), frame) == fill_words(["/o/a.{frame:04}.exr"], [frame])[0]
    assert frame_path(as_pattern("/o/{frame}_{first}.exr"), frame) == f"/o/{frame}_{{first}}.exr"


def test_scene_and_step() -> None:
    """A command that renders a scene is told which, and which step of it."""
    assert with_scene(("r", "-l", "{step}", "{scene}", "{x}"), "/a b.ma", "fog") == ("r", "-l", "fog", "/a b.ma", "{x}")


def test_slips_of_the_pen() -> None:
    """What looks like a placeholder and is none can be told."""
    assert odd_placeholders(("{frame:04}", "{shot}", "{frames}", "{frames:3}", "{shot}")) == ("{shot}", "{frames:3}")
