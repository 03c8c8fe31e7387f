"""Nodes of the fake Nuke by their names, and by the expressions that name them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from fakes.nuke_session import session
from fakes.nuke_values import found

if TYPE_CHECKING:
    from fakes.nuke_groups import Group
    from fakes.nuke_nodes import Node


def linked(node: Node) -> list[Node]:
    """Return nodes that a node's expressions name."""
    names: list[Node] = []
    for knob in node._knobs.values():
        for word in re.findall(r"[A-Za-z_]\w*(?:\.\w+)+", knob._text):
            try:
                thing = found(word, node)
            except LookupError:
                continue
            other = thing[0]._node if isinstance(thing, tuple) else getattr(thing, "_node", thing)
            if other is not None and other is not node and other not in names and other is not session().root:
                names.append(other)
    return names


def every(group: Group) -> list[Node]:
    """Return all nodes below a group."""
    below: list[Node] = []
    for node in group._children:
        below.append(node)
        if hasattr(node, "_children"):
            below += every(cast("Group", node))
    return below


def free_name(group: Group, wanted: str) -> str:
    """Return a name that no other node of a group has: `Read`, `Read1`, `Read2`."""
    stem = wanted.rstrip("0123456789") or wanted
    taken = {node._name for node in group._children}
    number = 1
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


def by_name(name: str, group: Group) -> Node | None:
    """Return the node that a dotted name means within a group."""
    words = name.split(".")
    if words[0] == "root":
        group, words = session().root, words[1:]
        if not words:
            return group
    node: Node | None = group
    for word in words:
        if node is None or not hasattr(node, "_children") or not word:
            return None
        node = node._child(word)
    return node
