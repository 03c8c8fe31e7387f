"""The fake's dependency graph: nodes with names as Maya gives them, attributes by both names, connections."""

from __future__ import annotations

import fnmatch
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from fakes.maya_types import Attribute, attributes, by_any_name, inherited

_PART = re.compile(r"^([A-Za-z_][\w]*)((?:\[-?[\d:]+\])*)$")
_ILLEGAL = re.compile(r"[^\w:]", re.ASCII)


@dataclass(slots=True, eq=False)
class Node:
    """A node. Its name has the namespace; its place in the DAG is told by the parents."""

    name: str
    type: str
    parent: Node | None = None
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()).upper())
    #: by long name with indices
    values: dict[str, object] = field(default_factory=dict)
    #: what a scene or a script has added, by long name; and what a file has that no table knows
    added: dict[str, Attribute] = field(default_factory=dict)
    #: own plug → the other's node and plug
    inputs: dict[str, tuple[Node, str]] = field(default_factory=dict)
    #: the reference node by which it came; None: the scene's own
    reference: Node | None = None
    #: what the scene has changed on a node that came by reference
    edited: set[str] = field(default_factory=set)
    default: bool = False
    locked: bool = False
    children: list[Node] = field(default_factory=list)

    @property
    def in_dag(self) -> bool:
        """Tell whether it has a place in the DAG."""
        return "dagNode" in inherited(self.type)

    def path(self) -> str:
        """Return the whole DAG path, or the name."""
        if not self.in_dag:
            return self.name
        return f"{self.parent.path() if self.parent else ''}|{self.name}"

    def find(self, name: str) -> Attribute | None:
        """Return an attribute by its long or short name."""
        known = by_any_name(self.type).get(name) or self.added.get(name)
        return known or next((a for a in self.added.values() if a.short == name), None)

    def plug(self, text: str) -> str | None:
        """Return the long form of an attribute's path (`rndr`, `adjs[0].val`); None: there is none."""
        parts = []
        for part in text.split("."):
            match = _PART.match(part)
            attribute = self.find(match[1]) if match else None
            if match is None or attribute is None:
                return None
            parts.append(attribute.long + match[2])
        return ".".join(parts)

    def attribute(self, plug: str) -> Attribute:
        """Return the attribute of a plug in long form."""
        found = self.find(plug.rpartition(".")[2].partition("[")[0])
        assert found is not None
        return found

    def all_attributes(self) -> Iterator[Attribute]:
        """Yield those of the type and those that were added."""
        yield from attributes(self.type).values()
        yield from self.added.values()

    def elements(self, plug: str) -> dict[int, object]:
        """Return the stored elements of a multi attribute by index."""
        found: dict[int, object] = {}
        for key, value in self.values.items():
            match = re.match(re.escape(plug) + r"\[(\d+)\](.*)$", key)
            if match:
                found[int(match[1])] = value if not match[2] else found.get(int(match[1]))
        return found


class Graph:
    """All nodes of a scene, in the order of their making."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.named: dict[str, list[Node]] = {}

    def add(self, node: Node, parent: Node | None = None) -> Node:
        """Take in a node."""
        self.nodes.append(node)
        self.named.setdefault(node.name, []).append(node)
        node.parent = parent
        if parent is not None:
            parent.children.append(node)
        return node

    def remove(self, node: Node) -> None:
        """Take out a node; its connections stay with it, so that undo can bring it back."""
        self.nodes.remove(node)
        self.named[node.name].remove(node)
        if node.parent is not None and node in node.parent.children:
            node.parent.children.remove(node)

    def rename(self, node: Node, name: str) -> None:
        """Give a node a name."""
        self.named[node.name].remove(node)
        node.name = name
        self.named.setdefault(name, []).append(node)

    def free_name(self, wanted: str, parent: Node | None, type_: str) -> str:
        """Return a name that nobody has: at the same place in the DAG, or among all nodes."""
        name = _ILLEGAL.sub("_", wanted)
        in_dag = "dagNode" in inherited(type_)

        def taken(text: str) -> bool:
            others = self.named.get(text, [])
            return any(not in_dag or not o.in_dag or o.parent is parent for o in others)

        if not taken(name):
            return name
        stem = name.rstrip("0123456789")
        number = int(name[len(stem) :] or 0) + 1
        while taken(f"{stem}{number}"):
            number += 1
        return f"{stem}{number}"

    def short(self, node: Node) -> str:
        """Return the shortest name that is only this node's."""
        if len(self.named.get(node.name, [])) < 2 or not node.in_dag:
            return node.name
        return node.path()

    def matching(self, pattern: str) -> list[Node]:
        """Return the nodes of a name, a partial DAG path, a UUID or a pattern with `*` and `?`."""
        text = pattern.removeprefix(":") if not pattern.startswith("|") else pattern
        last = text.rpartition("|")[2].removeprefix(":")
        if any(c in text for c in "*?"):
            # `*` does not go across namespaces
            found = [n for n in self.nodes if n.name.count(":") == last.count(":") and fnmatch.fnmatchcase(n.name, last)]
        else:
            found = self.named.get(last, [])
            if not found and re.fullmatch(r"[0-9A-Fa-f-]{36}", text):
                found = [n for n in self.nodes if n.uuid == text.upper()]
        if "|" not in text:
            return list(found)
        return [n for n in found if n.path() == text or (not text.startswith("|") and n.path().endswith("|" + text))]

    def one(self, name: str) -> Node:
        """Return the node of a name.

        Raises:
            ValueError: nobody has it, or several.
        """
        found = self.matching(name) if name and not any(c in name for c in "*?") else []
        if not found:
            raise ValueError(f"No object matches name: {name}")
        if len(found) > 1:
            raise ValueError(f"More than one object matches name: {name}")
        return found[0]

    def plug(self, text: str) -> tuple[Node, str]:
        """Return node and long attribute of `node.attribute`.

        Raises:
            ValueError: there is none.
        """
        name, dot, attribute = text.partition(".")
        found = self.matching(name) if name else []
        plug = found[0].plug(attribute) if len(found) == 1 and dot else None
        if plug is None:
            raise ValueError(f"No object matches name: {text}")
        return found[0], plug

    def outputs(self, node: Node) -> Iterator[tuple[str, Node, str]]:
        """Yield own plug, other node and its plug of what a node feeds."""
        for other in self.nodes:
            for plug, (source, from_plug) in other.inputs.items():
                if source is node:
                    yield from_plug, other, plug


def is_a(node: Node, wanted: Iterable[str]) -> bool:
    """Tell whether a node is of one of some types, or stands on one."""
    return any(w in inherited(node.type) for w in wanted)


@dataclass(slots=True)
class Step:
    """One step that can be undone."""

    name: str
    undo: Callable[[], None]
    redo: Callable[[], None]
