"""What a scene says of itself, in its parts `.variables` and `.start`."""

from __future__ import annotations

import math
import re

from conductor_core.discovery.houdini_node import as_number
from conductor_core.discovery.houdini_settings import SceneSettings

_SET = re.compile(r"^set\s+-[gl]\s+(\w+)\s*=\s*'([^'\\\n]*(?:\\.[^'\\\n]*)*)'", re.MULTILINE)
_RANGE = re.compile(r"^frange\s+(-?[\d.]+)\s+(-?[\d.]+)", re.MULTILINE)
_ANIMATION = re.compile(r"^tset\s+(-?[\d.e+-]+)\s+(-?[\d.e+-]+)", re.MULTILINE)
_RATE = re.compile(r"^fps\s+([\d.]+)", re.MULTILINE)


def read_settings(variables: str, start: str) -> SceneSettings:
    """Read the parts `.variables` and `.start`."""
    saved = {m[1]: re.sub(r"\\(.)", r"\1", m[2]) for m in _SET.finditer(variables)}
    rate = _RATE.search(start)
    fps = as_number(rate[1], 24.0) if rate else 24.0
    return SceneSettings(saved, _frames(_RANGE.search(start)), fps, _frames(_ANIMATION.search(start), fps))


def _frames(found: re.Match[str] | None, rate: float = 0.0) -> tuple[int, int] | None:
    """Return first and last frame; with a rate they are told in seconds, frame 1 at 0, the last one with its own length.

    https://www.sidefx.com/docs/houdini/commands/tset.html, https://www.sidefx.com/docs/houdini/commands/frange.html
    """
    if found is None:
        return None
    first, last = as_number(found[1], math.nan), as_number(found[2], math.nan)
    if rate:
        first, last = first * rate + 1, last * rate
    if not (math.isfinite(first) and math.isfinite(last)):
        return None
    return (round(first), round(last)) if rate else (int(first), int(last))
