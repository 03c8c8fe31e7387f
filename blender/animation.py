# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whether a property moves, whichever way this Blender keeps its curves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def is_animated(datablock: Any, path: str) -> bool:
    """Tell whether a curve or driver of the datablock drives a property whose path starts with `path`."""
    data = getattr(datablock, "animation_data", None)
    if data is None:
        return False
    return any(curve.data_path.startswith(path) for curve in (*data.drivers, *_curves(data.action), *_strip_curves(data)))


def _strip_curves(data: Any) -> Iterator[Any]:
    for track in data.nla_tracks:
        for strip in track.strips:
            yield from _curves(strip.action)


def _curves(action: Any) -> Iterator[Any]:
    """Yield the curves of an action: one list until 4.3, layers since 4.4 (the list is gone in 5.0)."""
    if action is None:
        return
    if not hasattr(action, "layers"):
        yield from action.fcurves
        return
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                yield from bag.fcurves
