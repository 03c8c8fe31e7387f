"""From statements to nodes: groups, the stack that connects nodes, clones, knobs that somebody added.

`push`, `set N [stack 0]` and `inputs` as Nuke writes them; the top of the stack becomes input 0. Seen in files saved by Nuke 6
to 16; types of added knobs: https://learn.foundry.com/nuke/developers/latest/pythondevguide/_autosummary/nuke.knob.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from conductor_core.discovery.nuke_node import Knob, NodeGraph, ScriptNode
from conductor_core.errors import SceneNotRead
from conductor_core.formats.nuke_grammar import Statement

#: classes whose nodes hold those that follow, until `end_group`
_HOLDERS = frozenset({"Group", "Gizmo", "VariableGroup"})
#: ones that hold what is written further in, where it is written at all
_MAY_HOLD = frozenset({"LiveGroup", "Precomp"})
#: characters of knobs that are kept; a script of that size has millions of nodes
MOST_KEPT = 256 << 20
_COUNT = re.compile(r"\d{1,4}")


class Graph(NodeGraph):
    """The nodes of one file."""

    def __init__(self, file: str, depth: int) -> None:
        super().__init__()
        self.nodes.append(self.root)
        self._file = file
        self._deepest = depth
        self._group = self.root
        self._level = 0
        self._stack: list[ScriptNode | None] = []
        self._stacks: list[list[ScriptNode | None]] = []
        self._named: dict[str, ScriptNode | None] = {}
        self._pending: tuple[ScriptNode, int] | None = None
        self._kept = 0

    def add(self, statements: Iterable[Statement]) -> Iterator[ScriptNode]:
        """Take the statements and yield their nodes.

        Raises:
            SceneNotRead: there is more in them than is kept.
        """
        for statement in statements:
            self._enter_what_is_indented(statement.indent)
            if statement.knobs is not None:
                yield from self._node(statement, statement.knobs)
            else:
                self._command(statement.words)

    def _command(self, words: tuple[str, ...]) -> None:
        command, rest = words[0], words[1:]
        if command == "push" and rest:
            self._push(self._named.get(rest[0].lstrip("$").strip("{}")))
        elif command == "set" and rest:
            self._named[rest[0]] = self._stack[-1] if self._stack else None
        elif command == "version" and not self.version:
            self.version = "".join(rest[:2])[:40]
        elif command == "end_group":
            self._leave()

    def _node(self, statement: Statement, knobs: tuple[Knob, ...]) -> Iterator[ScriptNode]:
        type_ = statement.words[0]
        if type_ == "clone" and len(statement.words) > 1:
            named = self._named.get(statement.words[1].lstrip("$"))
            if len(statement.words) > 2:
                type_ = statement.words[2]
            elif named is not None:
                type_, knobs = named.type, (*named.knobs.values(), *knobs)
        if type_ == "Root":
            self.has_root = True
        node = self._made(type_, knobs, statement.line)
        if statement.other_side:
            yield self._made(type_, statement.other_side, statement.line)
        self._connect(node)
        if type_ in _HOLDERS:
            self._enter(node)
        elif type_ in _MAY_HOLD:
            self._pending = (node, statement.indent)
        yield node

    def _made(self, type_: str, knobs: tuple[Knob, ...], line: int) -> ScriptNode:
        node = ScriptNode(type_, knobs, self._group, line)
        self._kept += 200 + sum(len(k.text) for k in node.knobs.values())
        if self._kept > MOST_KEPT:
            raise SceneNotRead(self._file, f"its nodes hold more than {MOST_KEPT >> 20} MiB of settings")
        if type_ == "Root" and self._level == 0:
            # what was read before it belongs to it as well
            self.root.knobs.update(node.knobs)
            self.root.added.update(node.added)
            return self.root
        self._group.children.setdefault(node.name, node)
        self.nodes.append(node)
        return node

    def _connect(self, node: ScriptNode) -> None:
        if node is self.root:
            return
        text = node.text("inputs")
        count = sum(int(n) for n in _COUNT.findall(text)) if text else 1
        for _ in range(min(count, len(self._stack))):
            node.inputs.append(self._stack.pop())
        self._push(node)

    def _push(self, node: ScriptNode | None) -> None:
        self._stack.append(node)
        # nobody takes what lies that deep, and a script may push without end
        if len(self._stack) > 20_000:
            del self._stack[:10_000]

    def _enter_what_is_indented(self, indent: int) -> None:
        if self._pending is not None:
            node, outer = self._pending
            self._pending = None
            if indent > outer:
                self._enter(node)

    def _enter(self, node: ScriptNode) -> None:
        if self._level >= self._deepest:
            raise SceneNotRead(self._file, f"its groups lie more than {self._deepest} deep in each other")
        self._level += 1
        node.holds = True
        self._stacks.append(self._stack)
        self._stack = []
        self._group = node

    def _leave(self) -> None:
        if self._group.group is not None and self._stacks:
            self._level -= 1
            self._group = self._group.group
            self._stack = self._stacks.pop()
