"""Which file of a sequence Blender reads at a frame of the scene.

Rules of Blender's source, by the function that holds them; tests/hosts checks them against Blender's own answers and renders.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_LAST = re.compile(r"([0-9]+)([^0-9]*)\Z")
_FINAL = re.compile(r"([0-9]+)()\Z")
#: a tile of a set from before 3.1, whose path names the first one instead of a token
_TILE = re.compile(r"(?<![0-9])1[0-9]{3}(?![0-9])")
_TOKENS = re.compile(r"<(?:UDIM|UVTILE)>")


@dataclass(frozen=True, slots=True)
class NumberedPath:
    """A path cut at the number that counts its sequence."""

    head: str
    number: int
    digits: int
    tail: str

    def at(self, number: int) -> str:
        """Return the path of another number, which is never below 0 (`BLI_path_sequence_encode`)."""
        return f"{self.head}{max(0, number):0{self.digits}d}{self.tail}"

    @property
    def pattern(self) -> str:
        """Return the path with `#` for its digits."""
        return f"{self.head}{'#' * self.digits}{self.tail}"


def numbered(path: str, *, at_end: bool = False) -> NumberedPath | None:
    """Cut a path at the last number of its name (`BLI_path_sequence_decode`); None where it has none.

    `at_end`: only a number right before the extension counts (`BLI_path_frame_get`, for volumes and Alembic).
    """
    start = max(path.rfind("/"), path.rfind("\\")) + 1
    name = path[start:]
    dot = name.rfind(".")
    stem, extension = (name[:dot], name[dot:]) if dot >= 0 else (name, "")
    match = (_FINAL if at_end else _LAST).search(stem)
    if match is None:
        return None
    return NumberedPath(path[:start] + stem[: match.start()], int(match[1]), len(match[1]), match[2] + extension)


@dataclass(frozen=True, slots=True)
class ImageUse:
    """How somebody who shows an image chooses the frame."""

    start: int = 1
    duration: int = 0
    offset: int = 0
    cyclic: bool = False
    #: what chooses it moves, or is not known here
    any_frame: bool = False

    def number(self, frame: int) -> int:
        """Return the number of the file that is shown (`BKE_image_user_frame_get`): held before and after its range."""
        if self.duration <= 0:
            return 0
        passed = frame - self.start
        if self.cyclic:
            passed %= self.duration
        return min(max(passed + 1, 0), self.duration) + self.offset


def image_numbers(uses: Iterable[ImageUse], frames: Iterable[int]) -> tuple[int, ...] | None:
    """Return the numbers that an image needs for all who show it; None where nobody does or the frame cannot be told."""
    uses, frames = tuple(uses), tuple(frames)
    if not uses or any(use.any_frame for use in uses):
        return None
    return tuple(sorted({use.number(frame) for use in uses for frame in frames}))


def clip_number(frame: int, *, first: int, start: int, offset: int) -> int:
    """Return the number that a movie clip of stills shows (`get_sequence_filepath`)."""
    return first + (frame - start) + offset


def volume_number(frame: int, mode: str, *, start: int, duration: int, offset: int) -> int | None:
    """Return the number that a volume shows (`volume_sequence_frame`); None where it shows nothing.

    `mode`: `Volume.sequence_mode` of `bpy`.
    """
    if duration <= 0:
        return None
    passed = frame - start
    if mode == "CLIP" and not 0 <= passed < duration:
        return None
    if mode == "EXTEND":
        passed = min(max(passed, 0), duration - 1)
    elif mode == "REPEAT":
        passed %= duration
    elif mode == "PING_PONG":
        passed %= max(2 * duration - 2, 1)
        passed = min(passed, 2 * duration - 2 - passed)
    return passed + 1 + offset


def volume_numbers(frames: Iterable[int], mode: str, *, start: int, duration: int, offset: int) -> tuple[int, ...]:
    """Return the numbers that a volume shows at some frames, sorted."""
    numbers = {volume_number(f, mode, start=start, duration=duration, offset=offset) for f in frames}
    return tuple(sorted(n for n in numbers if n is not None))


def strip_stills(frames: Iterable[int], *, start: float, length: int, skipped: int) -> tuple[int, ...]:
    """Return which of its stills a strip shows at some frames (`SEQ_render_give_stripelem`), sorted.

    Held before the first and after the last of the `length` that are left to it; `skipped` were cut off before them.
    """
    return tuple(sorted({skipped + min(max(int(f - start), 0), max(length - 1, 0)) for f in frames}))


def tile_path(path: str, number: int) -> str:
    """Return the file of a tile: 1001 + u + 10 v, or `u1_v1` (`BKE_image_set_filepath_from_tile_number`)."""
    index = number - 1001
    return path.replace("<UDIM>", str(number)).replace("<UVTILE>", f"u{index % 10 + 1}_v{index // 10 + 1}")


def with_tile_token(path: str) -> str:
    """Return the path of a tiled image with its token: before 3.1 the path is that of the first tile."""
    start = max(path.rfind("/"), path.rfind("\\")) + 1
    if _TOKENS.search(path[start:]):
        return path
    tiles = list(_TILE.finditer(path, start))
    return path[: tiles[-1].start()] + "<UDIM>" + path[tiles[-1].end() :] if tiles else path
