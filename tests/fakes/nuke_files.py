"""Read and write Nuke scripts and gizmos for the fake Nuke: a script *is* Tcl, so a real Tcl interpreter runs it.

Shares no code with `conductor_core.formats`: what both find in the same file is worth comparing. Each node is a command whose name is
its class and whose argument is a list of knob names and values; `set`, `push` and `stack` connect them
(https://learn.foundry.com/nuke/developers/latest/tclguide and the scripts that Nuke writes).
"""

from __future__ import annotations

import tkinter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

#: classes whose command is followed by their nodes, up to `end_group`
OPENS = {"Group", "Gizmo", "LiveGroup"}
#: what Nuke's own commands of a script do is of no interest to a scene's nodes
IGNORED = {"define_window_layout_xml", "add_layer", "load", "add_format", "define_window_layout"}
SAFE = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+.,:/%#@=*~^()|<>?!&'")


class Braced(str):
    """A value that is a list: it stands in braces, where Tcl evaluates nothing."""


@dataclass
class StoredNode:
    """One node as its script has it."""

    kind: str
    #: knobs in their order; `addUserKnob` is one of them, with its specification
    knobs: list[tuple[str, str]] = field(default_factory=list)
    inputs: list[StoredNode | None] = field(default_factory=list)
    children: list[StoredNode] = field(default_factory=list)
    #: it shares all knobs but its place with this one
    clone_of: StoredNode | None = None

    def knob(self, name: str) -> str | None:
        """Return the last value that is stored for a knob, or None."""
        return next((value for knob, value in reversed(self.knobs) if knob == name), None)

    def walk(self) -> Iterator[StoredNode]:
        """Yield this node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass
class StoredScript:
    """A script: its root's own knobs, and its nodes in their order."""

    version: str = ""
    root: StoredNode = field(default_factory=lambda: StoredNode("Root"))

    def walk(self) -> Iterator[StoredNode]:
        """Yield every node but the root."""
        for child in self.root.children:
            yield from child.walk()


def load(file: str | Path) -> StoredScript:
    """Read a script or gizmo."""
    return read(Path(file).read_text(encoding="utf-8", errors="surrogateescape"))


def read(text: str) -> StoredScript:
    """Run a script's text.

    Raises:
        RuntimeError: as Nuke does for text that is no script.
    """
    return _Reader().run(text)


class _Reader:
    """The commands of a script, with the stack that they work on; a group has a stack of its own."""

    def __init__(self) -> None:
        self._script = StoredScript()
        self._tcl = tkinter.Tcl()
        self._nodes: list[StoredNode | None] = [None]
        self._open: list[tuple[StoredNode, list[StoredNode | None]]] = [(self._script.root, [])]
        #: why a command refused: what a command raises does not come through the interpreter
        self._problem = ""

    def run(self, text: str) -> StoredScript:
        self._tcl.eval("interp create -safe script")
        for command in ("stack", "push", "version", "end_group", "clone"):
            self._tcl.createcommand(f"nk_{command}", getattr(self, f"_{command}"))
            self._tcl.eval(f"interp alias script {command} {{}} nk_{command}")
        self._tcl.createcommand("nk_node", self._node)
        self._tcl.eval("interp alias script unknown {} nk_node")
        self._tcl.eval("script eval {set cut_paste_input 0}")
        self._tcl.setvar("text", text.replace("\r\n", "\n"))
        try:
            self._tcl.eval("script eval $text")
        except tkinter.TclError as exc:
            raise RuntimeError(self._problem or str(exc)) from exc
        return self._script

    def _refuse(self, problem: str) -> NoReturn:
        self._problem = problem
        raise RuntimeError(problem)

    @property
    def _stacked(self) -> list[StoredNode | None]:
        return self._open[-1][1]

    def _stack(self, depth: str) -> str:
        position = len(self._stacked) - 1 - int(depth)
        return self._token(self._stacked[position] if position >= 0 else None)

    def _token(self, node: StoredNode | None) -> str:
        if node is None:
            return "0"
        self._nodes.append(node)
        return str(len(self._nodes) - 1)

    def _push(self, token: str) -> str:
        self._stacked.append(self._nodes[int(token)])
        return ""

    def _version(self, *words: str) -> str:
        self._script.version = "".join(words)
        return ""

    def _end_group(self) -> str:
        if len(self._open) == 1:
            self._refuse("end_group outside a group")
        self._open.pop()
        return ""

    def _clone(self, *words: str) -> str:
        original = self._nodes[int(words[0])] if words[0].isdigit() else None
        kind = original.kind if original else words[1]
        node = self._made(kind, words[-1])
        node.clone_of = original
        return ""

    def _node(self, *words: str) -> str:
        if words[0] in IGNORED:
            return ""
        if len(words) != 2:
            self._refuse(f"{words[0]}: Unknown command")
        if words[0] == "Root":
            self._script.root.knobs += self._pairs(words[1])
            return ""
        node = self._made(words[0], words[1])
        if node.kind in OPENS:
            self._open.append((node, []))
        return ""

    def _made(self, kind: str, body: str) -> StoredNode:
        pairs = self._pairs(body)
        node = StoredNode(kind, [pair for pair in pairs if pair[0] != "inputs"])
        wanted = next((value for name, value in pairs if name == "inputs"), "" if kind in {"Viewer"} else "1")
        count = int(wanted.partition("+")[0] or 1) + int(wanted.partition("+")[2] or 0)
        taken = [self._stacked.pop() if self._stacked else None for _ in range(count)]
        node.inputs = taken if any(taken) or "inputs" in dict(pairs) else []
        self._open[-1][0].children.append(node)
        self._stacked.append(node)
        return node

    def _pairs(self, body: str) -> list[tuple[str, str]]:
        words = self._tcl.splitlist(body)
        if len(words) % 2:
            self._refuse(f"missing value of {words[-1]}")
        return [(str(name), str(value)) for name, value in zip(words[::2], words[1::2], strict=True)]


def quoted(text: str) -> str:
    """Return a text as a script has it: bare where it can be, else in quotes with what Tcl would evaluate escaped."""
    if text and set(text) <= SAFE and not text.startswith("#"):
        return text
    return '"' + escaped(text) + '"'


def escaped(text: str) -> str:
    """Return a text with what Tcl would evaluate within quotes escaped."""
    letters = "".join("\\" + letter if letter in '\\"[${}' else letter for letter in text)
    return letters.replace("\n", "\\n").replace("\r", "\\r")


def written(script: StoredScript) -> str:
    """Return a script as Nuke writes one."""
    lines = ["#! /usr/local/Nuke/nuke -nx"]
    if script.version:
        lines.append(f"version {script.version.replace('v', ' v')}")
    lines += ["Root {", " inputs 0", *_knob_lines(script.root), "}"]
    return "\n".join([*lines, *_node_lines(script.root.children)]) + "\n"


def _node_lines(nodes: list[StoredNode]) -> Iterator[str]:
    for node in nodes:
        for source in reversed(node.inputs):
            yield f"push $N{id(source):x}" if source is not None else "push 0"
        yield f"clone $N{id(node.clone_of):x} {{" if node.clone_of else f"{node.kind} {{"
        yield f" inputs {len(node.inputs)}"
        yield from _knob_lines(node)
        yield "}"
        if node.kind in OPENS:
            yield from _node_lines(node.children)
            yield "end_group"
        yield f"set N{id(node):x} [stack 0]"


def _knob_lines(node: StoredNode) -> Iterator[str]:
    for name, value in node.knobs:
        braced = name == "addUserKnob" or isinstance(value, Braced)
        yield f" {quoted(name)} {{{value}}}" if braced else f" {quoted(name)} {quoted(value)}"
