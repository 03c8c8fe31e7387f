"""What a scene says of itself, in its parts `.variables` and `.start`."""

from __future__ import annotations

import math
import re

from conductor_core.discovery.houdini_node import as_number
from conductor_core.discovery.houdini_settings import SceneSettings

_SET = re.compile(r"^set\s+-[gl]\s+(\w+)\s*=\s*'([^'\\\n]*(?:\\.[^'\\\n]*)*)'", re.MULTILINE)
_RANGE = re.compile(r"^frange\s+(-?[\d.]+)\s+(-?[\d.]+)", re.MULTILINE)
_RATE = re.compile(r"^fps\s+([\d.]+)", re.MULTILINE)


def read_settings(variables: str, start: str) -> SceneSettings:
    """Read the parts `.variables` and `.start`."""
    saved = {m[1]: re.sub(r"\\(.)", r"\1", m[2]) for m in _SET.finditer(variables)}
    found = _RANGE.search(start)
    rate = _RATE.search(start)
    first, last = (as_number(found[1], math.nan), as_number(found[2], math.nan)) if found else (math.nan, math.nan)
    frames = (int(first), int(last)) if first == first and last == last else None
    return SceneSettings(saved, frames, as_number(rate[1], 24.0) if rate else 24.0)
