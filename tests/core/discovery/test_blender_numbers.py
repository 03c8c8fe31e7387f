"""Which file of a sequence Blender reads at a frame: its rules without Blender.

That Blender keeps the same rules is checked against real renders in tests/hosts/test_blender_scan.py.
"""

from __future__ import annotations

from typing import Any

import pytest
from conductor_core.discovery.blender_numbers import ImageUse, image_numbers, numbered, strip_stills, tile_path, volume_number
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("path", "at_end", "head", "number", "digits", "tail"),
    [
        pytest.param("/a/img.0001.png", False, "/a/img.", 1, 4, ".png", id="plain"),
        pytest.param("/a/shot_v02_p0100_L.exr", False, "/a/shot_v02_p", 100, 4, "_L.exr", id="last-number-of-the-name"),
        pytest.param("/a7/img.png", False, None, 0, 0, "", id="number-in-the-folder-only"),
        pytest.param("/a/0042", False, "/a/", 42, 4, "", id="no-extension"),
        pytest.param("/a/smoke_12.vdb", True, "/a/smoke_", 12, 2, ".vdb", id="at-the-end"),
        pytest.param("/a/smoke_12_b.vdb", True, None, 0, 0, "", id="not-at-the-end"),
        pytest.param("C:\\a\\x3.png", False, "C:\\a\\x", 3, 1, ".png", id="windows"),
    ],
)
def test_the_number_of_a_sequence_is_cut_out_where_blender_cuts_it(
    path: str, at_end: bool, head: str | None, number: int, digits: int, tail: str
) -> None:
    """The last number of the name counts; for volumes and Alembic only one right before the extension."""
    name = numbered(path, at_end=at_end)
    if name is None or head is None:
        assert (name, head) == (None, None)
    else:
        assert (name.head, name.number, name.digits, name.tail) == (head, number, digits, tail)
        assert name.at(number) == path


@pytest.mark.parametrize(
    ("frame", "settings", "number"),
    [
        pytest.param(1, {"start": 1, "duration": 5, "offset": 0, "cyclic": False}, 1, id="first"),
        pytest.param(9, {"start": 1, "duration": 5, "offset": 0, "cyclic": False}, 5, id="held-after"),
        pytest.param(-4, {"start": 1, "duration": 5, "offset": 100, "cyclic": False}, 100, id="zero-before"),
        pytest.param(6, {"start": 1, "duration": 5, "offset": 100, "cyclic": True}, 101, id="cyclic-begins-again"),
        pytest.param(0, {"start": 1, "duration": 5, "offset": 0, "cyclic": True}, 5, id="cyclic-backwards"),
        pytest.param(3, {"start": 1, "duration": 0, "offset": 7, "cyclic": False}, 0, id="no-duration"),
    ],
)
def test_image_numbers(frame: int, settings: dict[str, Any], number: int) -> None:
    """An image user holds its first and last number, or begins again."""
    assert ImageUse(**settings).number(frame) == number


@pytest.mark.parametrize(
    ("mode", "numbers"),
    [
        pytest.param("CLIP", [None, None, 11, 12, 13, None, None, None], id="clip"),
        pytest.param("EXTEND", [11, 11, 11, 12, 13, 13, 13, 13], id="extend"),
        pytest.param("REPEAT", [12, 13, 11, 12, 13, 11, 12, 13], id="repeat"),
        pytest.param("PING_PONG", [13, 12, 11, 12, 13, 12, 11, 12], id="ping-pong"),
    ],
)
def test_volume_numbers(mode: str, numbers: list[int | None]) -> None:
    """A volume of three files from 11 on, from frame 1, in each mode, at frames -1 to 6."""
    assert [volume_number(f, mode, start=1, duration=3, offset=10) for f in range(-1, 7)] == numbers


@given(frame=st.integers(-500, 500), duration=st.integers(1, 40), mode=st.sampled_from(["EXTEND", "REPEAT", "PING_PONG"]))
def test_volumes_never_leave_their_range(frame: int, duration: int, mode: str) -> None:
    """Whatever the frame, the number lies within the sequence."""
    number = volume_number(frame, mode, start=3, duration=duration, offset=0)
    assert number is not None
    assert 1 <= number <= duration


@pytest.mark.parametrize(
    ("number", "udim", "uvtile"),
    [(1001, "a.1001.png", "a.u1_v1.png"), (1012, "a.1012.png", "a.u2_v2.png"), (1010, "a.1010.png", "a.u10_v1.png")],
)
def test_tiles(number: int, udim: str, uvtile: str) -> None:
    """Both tokens of tiles are filled in."""
    assert tile_path("a.<UDIM>.png", number) == udim
    assert tile_path("a.<UVTILE>.png", number) == uvtile


@pytest.mark.parametrize(
    ("frames", "length", "skipped", "stills"),
    [
        pytest.param((5, 6, 14), 10, 0, (0, 1, 9), id="whole"),
        pytest.param((4, 5, 13), 8, 2, (2, 9), id="cut-at-its-beginning"),
        pytest.param((2, 3, 8, 9, 40), 5, 2, (2, 5, 6), id="cut-and-held"),
        pytest.param((), 5, 2, (), id="no-frame"),
    ],
)
def test_stills_of_a_strip(frames: tuple[int, ...], length: int, skipped: int, stills: tuple[int, ...]) -> None:
    """A strip from frame 5 on shows what is left of its stills and holds the first and the last of them."""
    assert strip_stills(frames, start=5, length=length, skipped=skipped) == stills


def test_an_image_needs_what_each_of_its_users_shows() -> None:
    """The numbers of all users and frames, or all files where nobody shows it or one user's frame cannot be told."""
    uses = (ImageUse(1, 5), ImageUse(3, 5, 100))
    assert image_numbers(uses, (4, 3)) == (3, 4, 101, 102)
    assert image_numbers((), (4,)) is None
    assert image_numbers((*uses, ImageUse(any_frame=True)), (4,)) is None
