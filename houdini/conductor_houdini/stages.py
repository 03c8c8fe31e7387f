"""The layers of a stage that Houdini has composed: those behind a LOP with the display flag, if it has cooked.

Nothing is cooked for this: what a stage would read that nobody has looked at yet, the paths in its nodes say.
https://www.sidefx.com/docs/houdini/hom/hou/LopNode.html#stage, https://openusd.org/release/api/class_usd_stage.html (GetUsedLayers)
"""

from __future__ import annotations

from collections.abc import Iterator

import hou
from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.houdini_ask import HipAsk
from conductor_core.discovery.place import absolute, is_absolute
from conductor_core.report import Ignored

#: the parameter that a referrer names for what no parameter names
STAGE = "stage"


def layer_findings(node: hou.OpNode, ask: HipAsk) -> Iterator[Finding]:
    """Yield a finding for each layer on disk behind a node's stage."""
    if not isinstance(node, hou.LopNode) or not node.isDisplayFlagSet() or node.needsToCook():
        return
    stage = node.stage()
    if stage is None:
        return
    referrer = f"{node.path()}/{STAGE}"
    for layer in stage.GetUsedLayers():
        place = str(layer.realPath)
        if layer.anonymous or not is_absolute(place):
            continue
        reason = ask.is_shipped(place)
        if reason:
            yield Ignored(str(layer.identifier), referrer, reason)
        else:
            yield Usage(str(layer.identifier), referrer, "layer", (absolute(place, ""),), under=ask.onwards)
