"""What one step of a job makes for another: it is neither missing nor written over, since it is made before it is read.

Where a step waits for another (`Step.after`), the other's outputs lie at their place for its tasks; what the artist had there
before is not read. Pure, and of the standard library only: a host imports it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass

from conductor_core.frames import FrameSet
from conductor_core.sequences import frame_of
from conductor_core.submission import Step

_OF_WINDOWS = re.compile(r"[A-Za-z]:/|//")
_PRINTF = re.compile(r"%0?(\d{0,2})d")


@dataclass(frozen=True, slots=True)
class Maker:
    """A step as far as others may read what it writes."""

    name: str
    #: absolute patterns
    outputs: tuple[str, ...]
    frames: Container[int]
    #: names of the steps that it waits for
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fed:
    """The files that steps of a job make for others of it."""

    #: `comparable`; the frames of each, and the step
    patterns: tuple[tuple[str, Container[int], str], ...] = ()

    def maker_of(self, path: str) -> str:
        """Return the name of the step that makes a file before it is read; "" where none does."""
        if not self.patterns:
            return ""
        text = comparable(path)
        return next((name for pattern, frames, name in self.patterns if _is_of(text, pattern, frames)), "")


def fed_by(makers: Iterable[Maker]) -> Fed:
    """Return what those steps make that another waits for."""
    them = tuple(makers)
    wanted = {name for maker in them for name in maker.after}
    return Fed(tuple((comparable(o), maker.frames, maker.name) for maker in them if maker.name in wanted for o in maker.outputs))


def fed_in(steps: Iterable[Step]) -> Fed:
    """Return the same for the steps of a submission."""
    them = tuple(steps)
    if not any(step.after for step in them):
        return Fed()
    return fed_by(Maker(s.name, tuple(o.path for o in s.outputs), FrameSet.parse(s.frames), s.after) for s in them)


def comparable(path: str) -> str:
    """Return a path or pattern so that two of one file are one text: `#` for the frame, slashes; Windows knows no case."""
    text = _hashes(path.replace("\\", "/"))
    return text.lower() if _OF_WINDOWS.match(text) else text


def _is_of(text: str, pattern: str, frames: Container[int]) -> bool:
    if text == pattern:  # one file for all frames, or a sequence that lacks as a whole
        return True
    if not text.startswith(re.split("[#<]", pattern, maxsplit=1)[0]):
        return False
    frame = frame_of(pattern, text)
    return frame is not None and frame in frames


def _hashes(path: str) -> str:
    return _PRINTF.sub(lambda m: "#" * max(1, int(m[1] or 1)), path)
