"""Commands of `maya.cmds` that make and change nodes, as https://help.autodesk.com/cloudhelp/2023/ENU/Maya-Tech-Docs/CommandsPython/ has them."""

# ruff: noqa: N803 - commands and flags are named by Maya
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fakes.maya_asking import below, is_shape, many, raise_unknown
from fakes.maya_connection_commands import ConnectionCommands
from fakes.maya_graph import Node
from fakes.maya_types import node_type


class NodeCommands(ConnectionCommands):
    """The commands, on one session."""

    def createNode(self, type_: str, *, name: str = "", parent: str = "", shared: bool = False, skipSelect: bool = False) -> str:
        """Make a node; a shape without a parent gets a transform."""
        if not self._is_type(type_):
            raise RuntimeError(f"Unknown object type: {type_}")
        plugin = node_type(type_).plugin or self.session.plugin_types.get(type_, "")
        if plugin and plugin not in self.session.loaded:
            raise RuntimeError(f"Unknown object type: {type_}")
        if shared and name in self.graph.named and self.graph.named[name]:
            return ""
        over = self._one(parent) if parent else None
        made: list[Node] = []
        if over is None and is_shape(Node("", type_)):
            stem = re.sub(r"Shape(\d*)$", r"\1", name) if name else f"{type_}1"
            over = Node(self.graph.free_name(stem, None, "transform"), "transform")
            made.append(over)
            name = name or f"{type_}Shape1"
        node = Node(self.graph.free_name(name or f"{type_}1", over, type_), type_)
        made.append(node)
        if plugin:
            self.session.plugins.setdefault(plugin, self.session.loaded[plugin])
            self.session.plugin_types.setdefault(type_, plugin)

        def redo() -> None:
            for one in made:
                self.graph.add(one, over if one is node else None)
            self.session.selected = self.session.selected if skipSelect else [node]

        def undo() -> None:
            for one in reversed(made):
                self.graph.remove(one)
            self.session.selected = [n for n in self.session.selected if n in self.graph.nodes]

        self.session.do("createNode", redo, undo)
        return self.graph.short(node)

    def expression(self, *, string: str, name: str = "expression1", object: str = "", alwaysEvaluate: bool = True) -> str:
        """Make an expression that feeds one attribute: `node.attribute = …`."""
        match = re.fullmatch(r"\s*([\w:|]*\.?[\w.]+)\s*=\s*(.+?)\s*;?\s*", string)
        if match is None:
            raise RuntimeError(f"Syntax error in the expression {string!r}.")
        target = match[1] if "." in match[1] and match[1].partition(".")[0] else f"{object}.{match[1].lstrip('.')}"
        self._plug(target)
        made = self.createNode("expression", name=name, skipSelect=True)
        self.setAttr(f"{made}.internalExpression", f".O[0]={match[2]}", type="string")
        self.connectAttr("time1.outTime", f"{made}.time")
        self.connectAttr(f"{made}.output[0]", target, force=True)
        return made

    def delete(self, *names: str) -> None:
        """Delete nodes, with what is below them; a default node and one that came by reference cannot be."""
        for name in names or tuple(self.graph.short(n) for n in self.session.selected):
            found = self.graph.matching(name)
            if not found:
                raise ValueError(f"No object matches name: {name}")
            for node in found:
                if node.default or node.reference is not None or node.locked:
                    raise RuntimeError(f"Cannot delete the node '{name}': it is a default, locked or referenced one.")
                self._delete(node)

    def _delete(self, node: Node) -> None:
        gone = [*below(node), node]
        cut = [(n, p, s) for n in self.graph.nodes if n not in gone for p, s in n.inputs.items() if s[0] in gone]

        def redo() -> None:
            for one in gone:
                self.graph.remove(one)
            for other, plug, _ in cut:
                other.inputs.pop(plug, None)
            self.session.selected = [n for n in self.session.selected if n not in gone]

        def undo() -> None:
            for one in reversed(gone):
                self.graph.add(one, one.parent)
            for other, plug, source in cut:
                other.inputs[plug] = source

        self.session.do("delete", redo, undo)

    def rename(self, name: str, new: str, *, ignoreShape: bool = False) -> str:
        """Give a node a name."""
        node = self._one(name)
        if node.default or node.reference is not None:
            raise RuntimeError(f"Cannot rename the node '{name}'.")
        was, to = node.name, self.graph.free_name(new, node.parent, node.type)
        self.session.do("rename", lambda: self.graph.rename(node, to), lambda: self.graph.rename(node, was))
        return to

    def select(
        self,
        *names: str | Sequence[str],
        replace: bool = False,
        add: bool = False,
        clear: bool = False,
        deselect: bool = False,
        noExpand: bool = False,
        all: bool = False,
        toggle: bool = False,
    ) -> None:
        """Select nodes; it can be undone, and does not modify the scene."""
        texts = [t for n in names for t in many(n)]
        found = [n for text in texts for n in self._selectable(text)]
        before = list(self.session.selected)
        if clear:
            after: list[Node] = []
        elif add:
            after = list(dict.fromkeys([*before, *found]))
        elif deselect:
            after = [n for n in before if n not in found]
        elif all or toggle:
            raise_unknown("select(all/toggle)")
        else:
            after = found

        def put(what: list[Node]) -> None:
            self.session.selected = list(what)

        self.session.do("select", lambda: put(after), lambda: put(before), changes=False)

    def _selectable(self, text: str) -> list[Node]:
        found = self.graph.matching(text.partition(".")[0]) if text else []
        if not found:
            raise ValueError(f"No object matches name: {text}")
        return found

    def lockNode(self, *names: str, query: bool = False, lock: bool = True) -> Any:
        """Lock nodes, or tell whether they are."""
        nodes = [self._one(n) for n in names]
        if query:
            return [n.locked for n in nodes]
        for node in nodes:
            node.locked = lock
        return None
