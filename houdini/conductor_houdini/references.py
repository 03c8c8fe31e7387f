"""Houdini's own list of a node's file references: what the readers of the tables have not spoken of.

https://www.sidefx.com/docs/houdini/hom/hou/OpNode.html#fileReferences, .../hom/hou/fileReferences.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import hou
from conductor_core.discovery.finding import Finding
from conductor_core.discovery.houdini_ask import HipAsk
from conductor_core.discovery.houdini_unknown import finding_of_reference

from conductor_houdini.live_nodes import LiveNode


def only_houdini_knows(node: LiveNode, found: Iterable[Finding], ask: HipAsk) -> Iterator[Finding]:
    """Yield what Houdini lists for a node and no reader has spoken of."""
    if node.live is None:
        return
    told = {finding.referrer for finding in found}
    for name in dict.fromkeys(_names(node.live)):
        if ask.referrer(node, name) not in told and name not in ask.claimed:
            yield from finding_of_reference(node, name, ask)


def _names(node: hou.OpNode) -> Iterator[str]:
    if not hasattr(node, "fileReferences"):  # before Houdini 20 some nodes have none
        return
    # the libraries of assets are listed without a parameter: `libraries` tells of them
    for parm, _path in node.fileReferences(recurse=False):
        if parm is not None and parm.node() == node:
            yield parm.tuple().name()
