"""Nodes of the fake Nuke made and deleted by hand (nuke.createNode, nuke.delete, nuke.allNodes)."""

from __future__ import annotations

from typing import Any

from fakes import nuke_files
from fakes.nuke_classes import WITHOUT_INPUTS
from fakes.nuke_finding import every
from fakes.nuke_groups import Gizmo, Group
from fakes.nuke_nodes import Node
from fakes.nuke_scripts import build
from fakes.nuke_session import session


def create(kind: str, knobs: str, group: Group, *, connect: bool) -> Node:
    """Make a node by hand: connected to what is selected, and selected after."""
    stored = nuke_files.read(f"{kind} {{\n inputs 0\n {knobs}\n}}").root.children[0]
    selected = [node for node in group._children if node._alive and node.isSelected()]
    node = build(stored, group, {})
    if connect:
        if kind not in WITHOUT_INPUTS and selected:
            node._inputs = [selected[-1]]
        for other in group._children:
            other._knobs["selected"]._text = "true" if other is node else "false"
    _record_creation(node, group)
    session().call("onCreate", kind)
    return node


def _record_creation(node: Node, group: Group) -> None:
    def away() -> None:
        group._children.remove(node)
        _alive(node, False)

    def again() -> None:
        group._children.append(node)
        _alive(node, True)

    session().changed(away, again, f"create {node._name}")


def _alive(node: Node, alive: bool) -> None:
    node._alive = alive
    for child in every(node) if isinstance(node, Group) else []:
        child._alive = alive


def delete(node: Node | None) -> None:
    """Delete a node: what it went to is disconnected."""
    if node is None:
        return
    node._check()
    group = node._parent
    if group is None:
        raise ValueError("the root cannot be deleted")
    place = group._children.index(node)
    users = [(other, list(other._inputs)) for other in group._children if node in other._inputs]

    def away() -> None:
        session().call("onDestroy", node._kind)
        group._children.remove(node)
        _alive(node, False)
        for other, _ in users:
            other._inputs = [None if one is node else one for one in other._inputs]

    def again() -> None:
        group._children.insert(place, node)
        _alive(node, True)
        for other, inputs in users:
            other._inputs = list(inputs)

    name = node._name
    away()
    session().changed(again, away, f"delete {name}")


def all_nodes(kind: str | None, group: Group, recurse: bool) -> list[Any]:
    """Return nodes of a group, in Nuke's order: the newest first."""
    found: list[Node] = []
    for node in reversed(group._children):
        found.append(node)
        inside = isinstance(node, Group) and (session().unsure.all_nodes_enter_gizmos or not isinstance(node, Gizmo))
        if recurse and inside:
            assert isinstance(node, Group)
            found += all_nodes(None, node, True)
    return [node for node in found if kind is None or node._kind == kind]
