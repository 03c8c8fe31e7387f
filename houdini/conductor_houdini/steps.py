"""What of the open scene can be rendered: its render nodes and those that write caches, found by their types.

What each node writes, over which frames and after which others is said once for scenes on disk and in Houdini
(`conductor_core.discovery.houdini_outputs`).
"""

from __future__ import annotations

from collections.abc import Iterator

import hou
from conductor_core.discovery.houdini_drivers import DRIVERS
from conductor_core.discovery.houdini_node import HipNode
from conductor_core.discovery.houdini_outputs import scene_steps
from conductor_core.host import SceneStep

from conductor_houdini import scene
from conductor_houdini.live_nodes import LiveNetwork

_WANTED = frozenset({*DRIVERS, "wedge"})
#: where such types are; https://www.sidefx.com/docs/houdini/hom/hou/nodeTypeCategories.html
_CATEGORIES = ("Driver", "Sop", "Lop", "Top")


def steps() -> tuple[SceneStep, ...]:
    """Return the steps, by path."""
    ask = scene.asking(scene.survey(scene.path() or hou.hipFile.path()))
    network = ask.network
    assert isinstance(network, LiveNetwork)
    nodes = [node for node in map(network.get, _paths()) if node is not None]
    return scene_steps(nodes, ask)


def _paths() -> Iterator[str]:
    categories = hou.nodeTypeCategories()
    for category in (categories[name] for name in _CATEGORIES if name in categories):
        for name, type_ in category.nodeTypes().items():
            if HipNode("", name).type.rpartition("::")[2] in _WANTED and isinstance(type_, hou.OpNodeType):
                yield from (node.path() for node in type_.instances() if not node.isInsideLockedHDA())
