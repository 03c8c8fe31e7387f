"""Show the node that a finding or a step names: selected, in the middle of the node graph, its properties open.

Sources: https://learn.foundry.com/nuke/developers/latest/pythondevguide/_autosummary/nuke.zoom.html, nuke.showDag.html and
nuke.show.html there.
"""

from __future__ import annotations

import nuke
from conductor_nuke.settings import unnoticed


def reveal(referrer: str) -> bool:
    """Select the node that a referrer (`Group1.Read1.file`) or a step's name names; tell whether it is there."""
    node = _node(referrer)
    if node is None:
        return False
    with unnoticed():
        if node != nuke.root():
            _select(node)
        if nuke.GUI:
            _show(node)
    return True


def _node(referrer: str) -> nuke.Node | None:
    """Return the node: names have no points in them, so what is left behind one is a knob of it."""
    words = referrer.split(".")
    if words[0] == "Root":
        return nuke.root() if len(words) == 1 or nuke.root().knob(words[1]) is not None else None
    group: nuke.Group = nuke.root()
    found: nuke.Node | None = None
    for number, word in enumerate(words):
        inner = group.node(word)
        if inner is None:
            left = words[number:]
            return found if found is not None and len(left) == 1 and found.knob(left[0]) is not None else None
        found = inner
        if not isinstance(inner, nuke.Group):
            left = words[number + 1 :]
            return inner if not left or inner.knob(left[0]) is not None else None
        group = inner
    return found


def _select(node: nuke.Node) -> None:
    for other in nuke.selectedNodes():
        other.setSelected(False)
    node.setSelected(True)


def _show(node: nuke.Node) -> None:
    if node == nuke.root():
        nuke.show(node)
        return
    parent = node.parent()
    if parent is not None and parent != nuke.root():
        nuke.showDag(parent)
    nuke.zoom(1.0, [node.xpos() + node.screenWidth() / 2, node.ypos() + node.screenHeight() / 2])
    nuke.show(node)
