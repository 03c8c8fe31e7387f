"""Which times of a layer the frames of a job come to, and which samples those need.

Layer offsets: https://openusd.org/release/api/class_sdf_layer_offset.html (time of the stage = offset + scale × time of the layer; between
layers of different `timeCodesPerSecond`, the scale is multiplied by theirs).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from conductor_core.discovery.survey import Survey
from conductor_core.formats.usd.layer import Arc, Head
from conductor_core.frames import MAX_FRAME_NUMBER

Frames = tuple[int, ...] | None
_RATE = 24.0
#: a range beyond this says nothing of a job
_LONGEST = 1_000_000


def rate_of(head: Head) -> float:
    """Return the time codes per second of a layer."""
    rate = head.number("timeCodesPerSecond") or head.number("framesPerSecond") or _RATE
    return rate if rate > 0 and math.isfinite(rate) else _RATE


def scene_range(head: Head) -> tuple[int, int] | None:
    """Return the first and last frame that a layer says it has."""
    first, last = head.number("startTimeCode"), head.number("endTimeCode")
    if first is None or last is None:
        first, last = head.number("startFrame"), head.number("endFrame")  # written before 2017
    if first is None or last is None or not -MAX_FRAME_NUMBER <= first <= last <= MAX_FRAME_NUMBER:
        return None
    return math.floor(first), math.ceil(last)


def frames_of(survey: Survey, head: Head, parent_rate: float | None) -> Frames:
    """Return the times of this layer that matter; None: all."""
    frames = survey.frames
    if frames is None and not survey.scene:
        own = scene_range(head)
        return None if own is None or own[1] - own[0] > _LONGEST else tuple(range(own[0], own[1] + 1))
    if frames is None or parent_rate is None:
        return frames
    return moved(frames, scale=rate_of(head) / parent_rate)


def below(frames: Frames, arc: Arc) -> Frames:
    """Return the times of a layer that an arc brings in."""
    if frames is None or (arc.offset == 0 and arc.scale == 1):
        return frames
    if not arc.scale or not math.isfinite(arc.scale) or not math.isfinite(arc.offset):
        return None
    return moved([f - arc.offset for f in frames], scale=1 / arc.scale)


def moved(times: Iterable[float], *, scale: float) -> Frames:
    """Return the whole times around scaled ones."""
    found: dict[int, None] = {}
    for time in times:
        scaled = time * scale
        if not math.isfinite(scaled) or abs(scaled) > 1e12:
            return None
        near = round(scaled)
        exact = abs(scaled - near) < 1e-6
        found.update(dict.fromkeys([near] if exact else [math.floor(scaled), math.ceil(scaled)]))
    return tuple(found)


def needed(times: Sequence[float], frames: Frames) -> set[int]:
    """Return the indices of the samples that the frames need: each holds until the next; between frames for motion blur.

    `times` rise.
    """
    if frames is None or not times:
        return set(range(len(times)))
    found: set[int] = set()
    for frame in frames:
        held = max(0, bisect_right(times, frame) - 1)
        found.add(held)
        found.update(range(bisect_right(times, frame - 1), bisect_left(times, frame + 1)))
    return found
