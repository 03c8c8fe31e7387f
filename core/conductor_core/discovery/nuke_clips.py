"""The frames of a clip that a node of a script reads: `frame_mode`, `frame`, `first`, `last`, `before`, `after`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from conductor_core.discovery.arithmetic import NotArithmetic, Number, calculate
from conductor_core.discovery.nuke_demand import Demand
from conductor_core.discovery.nuke_node import ScriptNode
from conductor_core.discovery.nuke_time import MOST_FRAMES, Clip
from conductor_core.discovery.nuke_values import Values
from conductor_core.discovery.tcl import NotEvaluated


@dataclass(frozen=True, slots=True)
class ClipFrames:
    """Frames of a clip."""

    wanted: tuple[int, ...]
    welcome: tuple[int, ...]


def clip_frames(node: ScriptNode, demand: Demand, clip: Clip, values: Values) -> ClipFrames | None:
    """Return the frames of a clip that a node reads for what is asked of it; None where nobody can tell."""
    if demand.wanted is None or len(demand.wanted) > MOST_FRAMES:
        return None
    shift = _shift(node, clip, values)
    if shift is None:
        return None
    try:
        return ClipFrames(_of(demand.wanted, shift, clip), _of(demand.welcome, shift, clip))
    except (NotArithmetic, NotEvaluated, ValueError, OverflowError):
        return None


def _of(frames: Iterable[int], shift: Callable[[int], int], clip: Clip) -> tuple[int, ...]:
    read = (clip.shown(shift(f)) for f in sorted(frames))
    return tuple(dict.fromkeys(f for f in read if f is not None))


def _shift(node: ScriptNode, clip: Clip, values: Values) -> Callable[[int], int] | None:
    """Return what turns a frame of the script into one of the clip; None where nobody can tell."""
    mode, text = node.text("frame_mode"), node.plain("frame").strip()
    if not text or node.type not in ("Read", "DeepRead"):
        return lambda f: f
    if mode in ("start at", "start_at", "1", "offset", "2"):
        by = values.number(node, "frame")
        if by is None:
            return None
        start = by if mode in ("offset", "2") else by - (1 if clip.first is None else clip.first)
        return lambda f: f - int(start)
    return _expression(node, text, values)


def _expression(node: ScriptNode, text: str, values: Values) -> Callable[[int], int]:
    inside = text.strip("{}").strip().strip('"')

    def at(frame: int) -> int:
        def lookup(name: str) -> Number:
            return frame if name in ("frame", "x", "t") else float(values.value(node, name))

        return round(calculate(values.inner(node, inside) if "[" in inside else inside, lookup))

    return at
