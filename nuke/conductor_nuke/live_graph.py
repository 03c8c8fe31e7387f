"""The script that is open in Nuke as a graph: its nodes with those in groups, LiveGroups and gizmos, and their values.

Nodes in a Precomp are not gathered: its script is a file, which is read for what it is.
https://learn.foundry.com/nuke/developers/latest/pythondevguide/_autosummary/nuke.Group.html
"""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.nuke_node import NodeGraph, ScriptNode
from conductor_core.discovery.nuke_values import Values
from conductor_core.discovery.tables.nuke_classes import is_stock
from conductor_core.discovery.tcl import NotEvaluated

import nuke
from conductor_nuke.live_node import CURVE, LiveNode
from conductor_nuke.script import GONE

_GROUPS = frozenset({"Group", "LiveGroup", "VariableGroup"})


class LiveGraph(NodeGraph):
    """The nodes of the open script."""

    def __init__(self) -> None:
        super().__init__()
        self.has_root = True
        self._by_name: dict[str, LiveNode] = {}
        root = LiveNode(nuke.root(), None, self._by_name)
        root.holds = True
        self.root = root
        self.nodes.append(root)

    def gathered(self) -> LiveGraph:
        """Return this with all nodes."""
        for _ in self.gather():
            pass
        return self

    def gather(self) -> Iterator[None]:
        """Take the nodes one after the other; yields after each, so that it can be done in pieces."""
        waiting: list[tuple[nuke.Group, ScriptNode]] = [(nuke.root(), self.root)]
        while waiting:
            host_group, group = waiting.pop()
            for host in _nodes(host_group):
                node = self._add(host, group)
                if node is not None and isinstance(host, nuke.Group) and _is_entered(host, node):
                    node.holds = True
                    waiting.append((host, node))
                yield

    def _add(self, host: nuke.Node, group: ScriptNode) -> LiveNode | None:
        try:
            node = LiveNode(host, group, self._by_name)
        except GONE:
            return None
        self._by_name[node.full_name] = node
        group.children.setdefault(node.name, node)
        self.nodes.append(node)
        return node


def _nodes(group: nuke.Group) -> list[nuke.Node]:
    try:
        return list(group.nodes())
    except GONE:
        return []


def _is_entered(host: nuke.Group, node: ScriptNode) -> bool:
    """Tell whether the nodes in a group are the script's own; those of a gizmo of Nuke's are not."""
    return node.type in _GROUPS or (isinstance(host, nuke.Gizmo) and not is_stock(node.type))


class LiveValues(Values):
    """The values of the open script: what its file does not say is asked of Nuke."""

    def number(self, node: ScriptNode, knob: str) -> float | None:
        """Return a knob as a number; one with an expression that only Nuke evaluates where it is the same at some frames."""
        number = super().number(node, knob)
        if number is not None or not isinstance(node, LiveNode) or knob not in node.knobs or node.plain(knob) == CURVE:
            return number
        first, last = int(self._end("first_frame")), int(self._end("last_frame"))
        told = {node.value_at(knob, frame) for frame in (first, first + 1, (first + last) // 2, last)}
        return told.pop() if len(told) == 1 else None

    def number_at(self, node: ScriptNode, knob: str, frame: int) -> float | None:
        """Return a knob as a number at a frame: Nuke evaluates curves."""
        number = super().number(node, knob)
        if number is not None or not isinstance(node, LiveNode):
            return number
        return node.value_at(knob, frame)

    def _end(self, knob: str) -> float:
        root = self._graph.root
        return (root.value_at(knob, 0) if isinstance(root, LiveNode) else None) or 0.0

    def _knob(self, node: ScriptNode, name: str) -> str:
        try:
            return super()._knob(node, name)
        except NotEvaluated:
            told = node.default(name) if isinstance(node, LiveNode) and name not in node.knobs else None
            if told is None or told.startswith("{"):
                raise
            return self.inner(node, told)
