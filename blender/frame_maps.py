# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file of a sequence Blender reads at which frame of the scene: its own rules, one function each, no bpy.

The rules are those of Blender's source, which the docstrings name; tests/hosts checks them against renders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LAST_DIGITS = re.compile(r"(\d+)(\D*)$")
_FINAL_DIGITS = re.compile(r"(\d+)()$")


@dataclass(frozen=True, slots=True)
class NumberedName:
    """A path cut at the number that counts the sequence."""

    head: str
    number: int
    digits: int
    tail: str

    def at(self, number: int) -> str:
        """Return the path with another number, never below 0 (`BLI_path_sequence_encode`)."""
        return f"{self.head}{max(0, number):0{self.digits}d}{self.tail}"

    def pattern(self) -> str:
        """Return the path with `#` for its digits."""
        return f"{self.head}{'#' * self.digits}{self.tail}"


def numbered_name(path: str, *, at_end: bool = False) -> NumberedName | None:
    """Cut a path at the last number in its name (`BLI_path_sequence_decode`); None where it has none.

    Args:
        path: of any one file of the sequence.
        at_end: the number must stand right before the extension (`BLI_path_frame_get`: volumes, Alembic).
    """
    start = max(path.rfind("/"), path.rfind("\\")) + 1
    stem, dot, extension = path[start:].rpartition(".")
    if not dot:
        stem, extension = extension, ""
    match = (_FINAL_DIGITS if at_end else _LAST_DIGITS).search(stem)
    if match is None:
        return None
    digits = match[1]
    return NumberedName(path[:start] + stem[: match.start()], int(digits), len(digits), match[2] + dot + extension)


def image_number(frame: int, *, start: int, duration: int, offset: int, cyclic: bool) -> int:
    """Return the number an image user reads at a frame (`BKE_image_user_frame_get`): held before and after its range."""
    if duration <= 0:
        return 0
    number = frame - start + 1
    number = (number - 1) % duration + 1 if cyclic else min(max(number, 0), duration)
    return number + offset


def clip_number(frame: int, *, first: int, start: int, offset: int) -> int:
    """Return the number a movie clip of stills reads at a frame (`get_sequence_filepath` in movieclip.cc)."""
    return first + frame - start + offset


def volume_number(frame: int, mode: str, *, start: int, duration: int, offset: int) -> int | None:
    """Return the number a volume reads at a frame (`volume_sequence_frame` in volume.cc); None where it shows nothing."""
    if duration <= 0:
        return None
    number = frame - start + 1
    if mode == "CLIP" and not 1 <= number <= duration:
        return None
    if mode == "EXTEND":
        number = min(max(number, 1), duration)
    elif mode == "REPEAT":
        number = (number - 1) % duration + 1
    elif mode == "PING_PONG":
        number = _ping_pong(number, duration)
    return number + offset


def strip_index(frame: int, *, start: int, length: int) -> int:
    """Return which element an image strip shows at a frame: held before its first and after its last."""
    return min(max(frame - start, 0), length - 1)


def _ping_pong(number: int, duration: int) -> int:
    turn = max(duration * 2 - 2, 1)
    number = (number - 1) % turn + 1
    return duration * 2 - number if number > duration else number
