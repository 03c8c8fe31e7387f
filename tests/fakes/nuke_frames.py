"""Ranges of frames of the fake Nuke (nuke.FrameRange, nuke.FrameRanges), and the guard of its classes."""

from __future__ import annotations

from typing import Any, TypeVar

from fakes.nuke_session import RECORD, STUBS
from fakes.stub_modules import Fake, fake_class

_T = TypeVar("_T", bound=Fake)


def node_class(cls: type[_T]) -> type[_T]:
    """Put the stub's guard before a node class."""
    return fake_class(STUBS, f"nuke.{cls.__name__}", RECORD)(cls)


@node_class
class FrameRange(Fake):
    """Frames from one to another."""

    _first: int
    _last: int
    _step: int

    def __init__(self, *args: Any) -> None:
        numbers = [int(n) for n in str(args[0]).replace("x", "-").split("-")] if len(args) == 1 else [int(n) for n in args]
        self._first, self._last, self._step = (*numbers, 1)[:3] if len(numbers) > 1 else (numbers[0], numbers[0], 1)

    def first(self) -> int:
        return self._first

    def last(self) -> int:
        return self._last

    def increment(self) -> int:
        return self._step

    def frames(self) -> int:
        return len(range(self._first, self._last + 1, self._step))

    def minFrame(self) -> int:
        return min(self._first, self._last)

    def maxFrame(self) -> int:
        return max(self._first, self._last)

    def __iter__(self) -> Any:
        return iter(range(self._first, self._last + 1, self._step))


@node_class
class FrameRanges(Fake):
    """Frames as `1-5 8 10-20x2`."""

    _ranges: list[FrameRange]

    def __init__(self, *args: Any) -> None:
        given = args[0] if args else ""
        if isinstance(given, str):
            self._ranges = [FrameRange(text) for text in given.split()]
        elif all(isinstance(one, int) for one in given):
            self._ranges = [FrameRange(one, one, 1) for one in given]
        else:
            self._ranges = list(given)

    def add(self, r: FrameRange) -> None:
        self._ranges.append(r)

    def clear(self) -> None:
        self._ranges = []

    def size(self) -> int:
        return len(self._ranges)

    def minFrame(self) -> int:
        return min(self.toFrameList())

    def maxFrame(self) -> int:
        return max(self.toFrameList())

    def toFrameList(self) -> list[int]:
        return [frame for one in self._ranges for frame in one]

    def __iter__(self) -> Any:
        return iter(self._ranges)
