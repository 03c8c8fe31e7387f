# SPDX-License-Identifier: GPL-3.0-or-later
"""From Blender's status line to a fraction of the frame.

`Fra:1 Mem:14M … | Scene, ViewLayer | Sample 12/64` (Cycles), `… | Rendering 12 / 64 samples` (EEVEE).
"""

from __future__ import annotations

import re
from collections.abc import Callable

_SAMPLES = re.compile(r"(?:Sample|Rendering)\s+(\d+)\s*/\s*(\d+)")
_TILES = re.compile(r"Rendered (\d+)/(\d+) Tiles")
#: `Scene, ViewLayer`; not `Mem:31.73M, Peak:31.73M`, which has the same form
_LAYER = re.compile(r"^(?!Mem:)[^|]+, (?P<layer>[^|]+)$")
#: a status line at most this often, seconds: each costs the runner a beat
INTERVAL = 0.25


class FrameProgress:
    """Follow the status lines of one frame, over all its view layers."""

    def __init__(self, layers: int, report: Callable[[float, str], None], clock: Callable[[], float]) -> None:
        """Report to `report(fraction, status)`, no more than every INTERVAL seconds of `clock`."""
        self._layers = max(layers, 1)
        self._report = report
        self._clock = clock
        self._seen: list[str] = []
        self._fraction = 0.0
        self._reported_at = float("-inf")

    def line(self, text: str) -> None:
        """Take one status line."""
        parts = [p.strip() for p in text.split("|")]
        layer = next((m["layer"] for m in map(_LAYER.match, parts) if m), "")
        if layer and layer not in self._seen:
            self._seen.append(layer)
        done = max(len(self._seen) - 1, 0)
        # Never backwards: a tile, and a layer whose name we could not tell, begin at 0 again.
        self._fraction = min(max(self._fraction, (done + _within_layer(text)) / self._layers), 1.0)
        now = self._clock()
        if now - self._reported_at >= INTERVAL:
            self._reported_at = now
            self._report(self._fraction, parts[-1])


def _within_layer(text: str) -> float:
    samples, tiles = _SAMPLES.search(text), _TILES.search(text)
    part = int(samples[1]) / max(int(samples[2]), 1) if samples else 0.0
    if tiles is None:
        return part
    done, count = int(tiles[1]), max(int(tiles[2]), 1)
    return min((done + (part if done < count else 0.0)) / count, 1.0)
