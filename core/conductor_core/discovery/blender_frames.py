"""At which frames the time of a Blender scene may stand while a job renders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SceneTime:
    """What a scene does to time."""

    #: its own range
    own: range
    #: time remapping: so many frames of old become so many new ones
    old: int = 100
    new: int = 100
    #: the ranges of the other scenes that its sequencer shows
    shown: tuple[range, ...] = ()


def scene_times(frames: Iterable[int], scenes: Iterable[SceneTime]) -> tuple[int, ...]:
    """Return the job's frames, or the scenes' own without any, stretched by time remapping, and those of scene strips; sorted.

    https://docs.blender.org/manual/en/latest/render/output/properties/frame_range.html
    """
    times = set(frames)
    asked = bool(times)
    for scene in scenes:
        if not asked:
            times.update(scene.own)
        if scene.old != scene.new and scene.new > 0:
            times.update({int(f * scene.old / scene.new) for f in tuple(times)})
        for other in scene.shown:
            times.update(other)
    return tuple(sorted(times))


def neighbours(frames: Iterable[int]) -> tuple[int, ...]:
    """Return the frames beside some, which motion blur may look at; sorted."""
    own = set(frames)
    return tuple(sorted({f + d for f in own for d in (-1, 1)} - own))
