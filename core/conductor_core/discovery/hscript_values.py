"""What Houdini's expressions give: numbers, strings and the frame, of which only the pattern is known."""

from __future__ import annotations

import math
from dataclasses import dataclass


class NotEvaluated(Exception):
    """Say why a string cannot be told without Houdini.

    Attributes:
        reason: as the report says it.
        host_knows: Houdini itself could say it at any time, without cooking: Python, keys, parameters that no file has.
    """

    def __init__(self, reason: str, *, host_knows: bool = False) -> None:
        self.reason = reason
        self.host_knows = host_knows
        super().__init__(reason)


class NeedsFrame(Exception):
    """Say that a string is another one on each frame, in a way that no pattern shows."""


@dataclass(frozen=True, slots=True)
class FrameToken:
    """The current frame, as long as nobody reckons with it."""

    #: digits with zeros before; 0: as many as it needs
    digits: int = 0


Value = str | float | FrameToken


def string(value: Value) -> str:
    """Return a value as text: whole numbers without a point, the frame as its token."""
    if isinstance(value, FrameToken):
        return f"%0{value.digits}d" if value.digits else "%d"
    if isinstance(value, str):
        return value
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else f"{value:.6g}"


def number(value: Value) -> float:
    """Return a value as a number; a text that is none counts 0, as in Houdini.

    Raises:
        NeedsFrame: it is the frame.
    """
    if isinstance(value, FrameToken):
        raise NeedsFrame
    if isinstance(value, float):
        return value
    try:
        result = float(value)
    except ValueError:
        return 0.0
    return result if math.isfinite(result) else 0.0
