"""What knobs are worth without Nuke: names of knobs as seen from a node, links, expressions, TCL and Python in them.

Names: https://learn.foundry.com/nuke/developers/latest/pythondevguide/_autosummary/nuke.knob.html
"""

from __future__ import annotations

import math
import posixpath
import re

from conductor_core.discovery.arithmetic import NotArithmetic, Number, calculate, countable
from conductor_core.discovery.nuke_node import NodeGraph, ScriptNode
from conductor_core.discovery.nuke_python import evaluate
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.tcl import NotEvaluated, split_list, substitute
from conductor_core.discovery.tcl_commands import FRAME

#: what Nuke does not store because it is so from the start
_FROM_THE_START = {
    ("Root", "first_frame"): "1",
    ("Root", "last_frame"): "100",
    ("Root", "project_directory"): "",
    ("Root", "fps"): "24",
    ("Read", "first"): "1",
    ("Write", "proxy"): "",
    ("Read", "proxy"): "",
}
_ADDED = {1: "", 2: "", 3: "0", 6: "false", 7: "0"}
_DEEPEST = 40
_LONGEST = 1 << 16
_MOST_STEPS = 2000
_INPUT = re.compile(r"input(\d{0,3})\Z")
_QUOTES = re.compile(r"\A\s*\{*\"?|\"?\}*\s*\Z")
_ONLY_HOST = {
    "metadata": "only Nuke can read the metadata of an image",
    "date": "the date is that of the render",
    "clock": "the time is that of the render",
    "exec": "it runs a program",
    "python": "its Python runs as a program",
    "in": "[in …] is not evaluated without Nuke",
}


class Values:
    """The values of one script."""

    def __init__(self, graph: NodeGraph, survey: Survey, script: str) -> None:
        self._graph = graph
        self._survey = survey
        #: what `root.name` is: the script that Nuke has open
        self.script = script.replace("\\", "/")
        self._depth = 0
        self._steps = 0

    def evaluated(self, node: ScriptNode, text: str) -> str:
        """Return a text of a node's knob with everything in it evaluated.

        Raises:
            NotEvaluated: something needs Nuke.
        """
        self._steps = 0
        return self.inner(node, text)

    def inner(self, node: ScriptNode, text: str) -> str:
        """Do the same within an evaluation."""
        if not ("[" in text or "$" in text or "\\" in text):
            return text
        if len(text) > _LONGEST:
            raise NotEvaluated("it is longer than any path")
        self._steps += 1
        self._depth += 1
        try:
            if self._depth > _DEEPEST or self._steps > _MOST_STEPS:
                raise NotEvaluated("its knobs name each other without end")
            return substitute(text, _Seen(self, node))
        finally:
            self._depth -= 1

    def number(self, node: ScriptNode, knob: str) -> float | None:
        """Return a knob as a number; None where it is not stored, animated, or not to be evaluated."""
        if knob not in node.knobs:
            return None
        self._steps = 0
        try:
            value = float(self.knob(node, knob))
        except (NotEvaluated, ValueError):
            return None
        return value if countable(value, math.nan) == value else None

    def number_at(self, node: ScriptNode, knob: str, _frame: int) -> float | None:
        """Return a knob as a number at a frame; None where that cannot be told, as of a curve without Nuke."""
        return self.number(node, knob)

    def variable(self, name: str) -> str | None:
        """Return an environment variable of the scan."""
        return self._survey.variables.get(name)

    def knob(self, node: ScriptNode, name: str) -> str:
        """Return the value of a node's knob.

        Raises:
            NotEvaluated: it is not stored or needs Nuke.
        """
        self._depth += 1
        self._steps += 1
        try:
            if self._depth > _DEEPEST or self._steps > _MOST_STEPS:
                raise NotEvaluated("its knobs name each other without end")
            return self._knob(node, name)
        finally:
            self._depth -= 1

    def _knob(self, node: ScriptNode, name: str) -> str:
        if name == "name":
            return self.script if node is self._graph.root else node.name
        if node is self._graph.root and name == "frame":
            return FRAME
        added = node.added.get(name)
        if added is not None and added.type == 41 and added.target:
            return self.value(node, added.target)
        if name in node.knobs:
            return self._stored(node, name)
        default = _FROM_THE_START.get((node.type, name), _ADDED.get(added.type) if added else None)
        if default is None:
            raise NotEvaluated(f"{node.full_name}.{name} is not stored, so only Nuke knows it")
        return default

    def _stored(self, node: ScriptNode, name: str) -> str:
        knob, plain = node.knobs[name], node.plain(name)
        if knob.style != "braced":
            return self.inner(node, plain)
        if knob.style == "braced" and plain.lstrip().startswith("{"):
            return self._expression(node, plain)
        return self.inner(node, plain)

    def _expression(self, node: ScriptNode, text: str) -> str:
        inside = _QUOTES.sub("", text.replace('\\"', '"'))
        if inside.startswith(("curve", "(curve")):
            raise NotEvaluated("it is animated")
        inside = self.inner(node, inside)
        # an expression may be followed by what it was before it was one
        first = inside.split(" x", 1)[0] if " x" in inside else inside
        try:
            return _plain_number(calculate(first.removesuffix(" i"), lambda n: self._as_number(node, n)))
        except NotArithmetic as exc:
            if "[" in text:
                return inside
            raise NotEvaluated(str(exc)) from None

    def _as_number(self, node: ScriptNode, name: str) -> Number:
        if name in ("frame", "x", "t"):
            raise NotArithmetic("it depends on the frame")
        try:
            value = self.value(node, name)
            return float(value) if value != FRAME else _depends()
        except NotEvaluated as exc:
            raise NotArithmetic(str(exc)) from None
        except ValueError:
            raise NotArithmetic(f"{name} is no number") from None

    def value(self, node: ScriptNode, path: str) -> str:
        """Return the value of a knob by its name as seen from a node: `root.name`, `Read1.file`, `this.parent.shot`.

        Raises:
            NotEvaluated: there is none, or it needs Nuke.
        """
        words = path.strip().split(".")
        if len(words) > 50:
            raise NotEvaluated(f"there is no knob {path[:60]}")
        owner, rest = self._owner(node, words)
        for index, word in enumerate(rest):
            step = self._step(owner, word)
            if step is None:
                value = self.knob(owner, word)
                return value if index + 1 == len(rest) else _component(value, rest[index + 1])
            owner = step
        return owner.name

    def _owner(self, node: ScriptNode, words: list[str]) -> tuple[ScriptNode, list[str]]:
        """Return where to start, and the words that are left."""
        first = words[0]
        if first in ("this", "") and len(words) > 1:
            return node, words[1:]
        if first == "root":
            return self._graph.root, words[1:]
        if first in node.knobs or first in node.added or _INPUT.match(first) or first == "parent":
            return node, words
        level: ScriptNode | None = node
        while level is not None:
            if first in level.children:
                return level.children[first], words[1:]
            if len(words) == 1 and level is not node and (first in level.knobs or first in level.added):
                return level, words
            level = level.group
        if len(words) == 1:
            return node, words
        raise NotEvaluated(f"there is no node {first[:60]}")

    def _step(self, node: ScriptNode, word: str) -> ScriptNode | None:
        """Return the node that a word leads to from another; None where it is a knob."""
        if word == "parent":
            return node.group or self._graph.root
        match = _INPUT.match(word)
        if match and word not in node.knobs:
            number = int(match[1] or 0)
            found = node.inputs[number] if number < len(node.inputs) else None
            if found is None:
                raise NotEvaluated(f"{node.full_name} has nothing in its input {number}")
            return found
        return node.children.get(word) if word not in node.knobs else None

    def top_of(self, node: ScriptNode) -> ScriptNode:
        """Return the node at the start of a node's first input.

        Raises:
            NotEvaluated: nothing is connected.
        """
        seen: set[int] = set()
        while id(node) not in seen:
            seen.add(id(node))
            above = node.inputs[0] if node.inputs else None
            if above is None and node.type == "Input" and node.group is not None:
                above = node.group.inputs[0] if node.group.inputs else None
            if above is None:
                break
            node = above
        return node

    def find(self, node: ScriptNode, name: str) -> ScriptNode:
        """Return a node by its name as seen from another.

        Raises:
            NotEvaluated: there is none.
        """
        owner, rest = self._owner(node, [*name.split("."), "name"])
        for word in rest[:-1]:
            owner = self._step(owner, word) or owner.children.get(word) or owner
        return owner

    @property
    def folder(self) -> str:
        """The folder of the script."""
        return posixpath.dirname(self.script)


class _Seen:
    """The world of a text, as seen from the node that holds it."""

    def __init__(self, values: Values, node: ScriptNode) -> None:
        self._values = values
        self._node = node

    def variable(self, name: str) -> str | None:
        return self._values.variable(name)

    def value(self, knob: str) -> str:
        return self._values.value(self._node, knob)

    def command(self, words: list[str]) -> str | None:
        command, rest = words[0], [w for w in words[1:] if w not in ("-eval", "-raw")]
        if command in ("value", "knob", "numvalue", "expression") and len(rest) == 1:
            return self._asked(rest[0])
        if command == "frame" and not rest:
            return FRAME
        if command == "getenv" and rest:
            return self._environment(rest)
        if command == "topnode" and len(rest) <= 1:
            return self._values.top_of(self._values.find(self._node, rest[0]) if rest else self._node).full_name
        if command in ("node", "full_name", "name") and len(rest) <= 1:
            return (self._values.find(self._node, rest[0]) if rest else self._node).full_name
        if command == "python" and len(rest) == 1:
            return evaluate(rest[0], self)
        if command in _ONLY_HOST:
            raise NotEvaluated(_ONLY_HOST[command])
        return None

    def _asked(self, text: str) -> str:
        try:
            return self._values.value(self._node, text)
        except NotEvaluated:
            if not any(sign in text for sign in "+-*/%?<>=("):
                raise
        try:
            return _plain_number(calculate(text, self._number))
        except NotArithmetic as exc:
            raise NotEvaluated(str(exc)) from None

    def _number(self, name: str) -> Number:
        return self._values._as_number(self._node, name)

    def _environment(self, words: list[str]) -> str:
        value = self.variable(words[0])
        if value is None and len(words) < 2:
            raise NotEvaluated(f"the environment variable {words[0]} is not set here")
        return words[1] if value is None else value


def _depends() -> Number:
    raise NotArithmetic("it depends on the frame")


def _plain_number(value: Number) -> str:
    """Return a number as Nuke shows it: whole ones without a point."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _component(value: str, which: str) -> str:
    """Return a part of a knob that has several: `size.w`, `translate.x`."""
    index = {"x": 0, "y": 1, "z": 2, "w": 0, "h": 1, "r": 0, "g": 1, "b": 2, "a": 3}.get(which)
    parts = split_list(value)
    if index is None or index >= len(parts):
        raise NotEvaluated(f"there is no {which[:40]} in it")
    return parts[index]
