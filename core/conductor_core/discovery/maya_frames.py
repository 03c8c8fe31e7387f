"""The frames of a Maya scene, and those of its image sequences.

https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/Nodes/renderGlobals.html (startFrame, endFrame, byFrameStep),
.../Nodes/file.html (useFrameExtension, frameExtension, frameOffset), .../Nodes/imagePlane.html (frameIn, frameOut).
"""

from __future__ import annotations

import re

from conductor_core.discovery.arithmetic import countable
from conductor_core.discovery.maya_node import MayaNode
from conductor_core.discovery.maya_scene import MayaScene

#: `.O[0]=frame`, `.O[0]=frame+10`, `file1.frameExtension = frame - 3;`
_FRAME_EXPRESSION = re.compile(r"[\w.\[\]|:]+\s*=\s*frame\s*(?:(?P<sign>[+-])\s*(?P<number>\d{1,9}))?\s*;?\s*\Z")
_PLAYBACK = re.compile(r"playbackOptions -min (-?[\d.]+) -max (-?[\d.]+)")
#: frames of one scene's range at most
_MOST = 1_000_000


def scene_range(scene: MayaScene) -> str:
    """Return the scene's own range in the grammar of `conductor_core.frames`: render settings, else the current frame.

    Of a binary scene, which holds no times as frames, it is the range of its timeline; "" where it has none.
    """
    if not scene.times_known:
        return _timeline(scene)
    settings = next(iter(scene.of_type("renderGlobals")), None)
    time = next(iter(scene.of_type("time")), None)
    now = round(time.number("outTime", 1)) if time else 1
    if settings is None:
        return str(now)
    if not (settings.number("animation") or settings.text("startFrame") or settings.text("endFrame")):
        return str(now)
    first, last = round(settings.number("startFrame", 1)), round(settings.number("endFrame", 10))
    step = max(1, round(settings.number("byFrameStep", 1)))
    if last <= first:
        return str(first)
    return f"{first}-{last}" + (f"x{step}" if step > 1 else "")


def _timeline(scene: MayaScene) -> str:
    for script in scene.of_type("script"):
        if match := _PLAYBACK.search(script.text("before")) if script.name.endswith("sceneConfigurationScriptNode") else None:
            first, last = _whole(match[1]), _whole(match[2])
            return f"{first}-{last}" if last > first else str(first)
    return ""


def _whole(text: str) -> int:
    """Return a number of the timeline as a whole frame."""
    try:
        return round(countable(float(text), 1))
    except ValueError:
        return 1


def frames_of(spec: str) -> tuple[int, ...] | None:
    """Return the frames of a range that `scene_range` made; None where they are too many to be meant."""
    match = re.fullmatch(r"(-?\d+)(?:-(-?\d+)(?:x(\d+))?)?", spec)
    if match is None:
        return None
    first = int(match[1])
    last = int(match[2] or first)
    return tuple(range(first, last + 1, int(match[3] or 1))) if last - first < _MOST else None


def shown_frames(node: MayaNode, scene: MayaScene, wanted: tuple[int, ...] | None, attribute: str) -> tuple[int, ...] | None:
    """Return the numbers of the images that a node shows in some frames of the scene; None where nobody can tell.

    `attribute`: what the number comes from, `frameExtension`.
    """
    offset = round(node.number("frameOffset"))
    source = node.source(attribute)
    if not source and node.text(attribute):
        return (round(node.number(attribute)) + offset,)
    shift = _shift(source, scene)
    if wanted is None or shift is None:
        return None
    numbers = (frame + shift + offset for frame in wanted)
    first, last = node.text("frameIn"), node.text("frameOut")
    if first and last and node.number("frameOut") >= node.number("frameIn"):
        low, high = round(node.number("frameIn")), round(node.number("frameOut"))
        numbers = (min(max(n, low), high) for n in numbers)
    return tuple(dict.fromkeys(numbers))


def _shift(source: str, scene: MayaScene) -> int | None:
    """Return what a connection adds to the frame; None where it is not that simple."""
    name = source.partition(".")[0].lstrip(":")
    if not source or name == "time1":
        return 0
    expression = scene.named(name)
    match = _FRAME_EXPRESSION.match(expression.text("internalExpression").strip()) if expression else None
    if match is None:
        return None
    return int((match["sign"] or "") + (match["number"] or "0"))
