"""The nodes of a script: from its file, or as they stand in Nuke, so that the same readers ask both.

Types of added knobs: https://learn.foundry.com/nuke/developers/latest/pythondevguide/_autosummary/nuke.knob.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from conductor_core.discovery.arithmetic import countable
from conductor_core.discovery.tcl import NotEvaluated, split_list, unescape

Style = Literal["bare", "quoted", "braced", "skipped"]

#: a value longer than this is only kept where its name may say that it is a path
_SHORT = 1 << 14
_PATHLY = re.compile(r"file|path|proxy|font|dir|image|tex|lut", re.IGNORECASE)
_ADDED = re.compile(r"\s*(\d{1,3})\s+(\S+)")
#: types of added knobs whose label and link matter: texts, files, links
_TOLD = frozenset({1, 2, 41})


#: of the user interface: where a node is drawn, and how
DRAWN = frozenset(
    [
        "xpos",
        "ypos",
        "selected",
        "tile_color",
        "gl_color",
        "note_font",
        "note_font_size",
        "note_font_color",
        "hide_input",
        "postage_stamp",
        "bookmark",
        "bdwidth",
        "bdheight",
        "z_order",
        "dope_sheet",
    ]
)


class Knob(NamedTuple):
    """A knob as stored; those that say how a node is drawn are left out."""

    name: str
    #: as stored, without the braces or quotes around it
    text: str
    style: Style = "bare"


@dataclass(frozen=True, slots=True)
class Added:
    """A knob that somebody added to a node (`addUserKnob`)."""

    #: 1 text, 2 file, 3 … numbers, 22 Python, 26 a label, 41 a link
    type: int
    label: str
    #: what a link shows, or what a button runs
    target: str


class ScriptNode:
    """A node of a script."""

    __slots__ = ("added", "children", "group", "holds", "inputs", "knobs", "line", "name", "type")

    def __init__(self, type_: str, knobs: Iterable[Knob], group: ScriptNode | None, line: int) -> None:
        self.type = type_
        self.group = group
        self.line = line
        self.knobs: dict[str, Knob] = {}
        self.added: dict[str, Added] = {}
        self.inputs: list[ScriptNode | None] = []
        #: of a group: its nodes by name
        self.children: dict[str, ScriptNode] = {}
        self.holds = False
        for knob in knobs:
            if knob.name == "addUserKnob":
                self._add(knob)
            elif is_kept(knob):
                self.knobs[knob.name] = knob
        self.name = self.plain("name") or type_

    def _add(self, knob: Knob) -> None:
        match = _ADDED.match(knob.text)
        if match is None:
            return
        type_ = int(match[1])
        if type_ not in _TOLD:
            self.added[match[2].strip('"')] = Added(type_, "", "")
            return
        try:
            words = split_list(knob.text)
        except NotEvaluated:
            return
        label = words[words.index("l") + 1] if "l" in words[2:-1] else ""
        target = words[words.index("T") + 1] if "T" in words[2:-1] else ""
        self.added[words[1]] = Added(type_, label[:200], target[:1000])

    def plain(self, name: str) -> str:
        """Return the text of a knob as Nuke holds it, before it is evaluated; "" where it is not stored."""
        knob = self.knobs.get(name)
        if knob is None:
            return ""
        return knob.text if knob.style == "braced" else unescape(knob.text)

    def text(self, attribute: str) -> str:
        """Return the text of a knob as stored."""
        knob = self.knobs.get(attribute)
        return knob.text if knob else ""

    def number(self, attribute: str, default: float = 0.0) -> float:
        """Return a knob as a number, where it is one."""
        try:
            return countable(float(self.text(attribute)), default)
        except ValueError:
            return default

    def attributes(self) -> Iterable[str]:
        """Return the names of the knobs that are stored."""
        return self.knobs

    def is_on(self, knob: str) -> bool:
        """Tell whether a switch is on; one with an expression is not known to be."""
        return self.text(knob).lower() in ("true", "1", "on", "yes")

    def is_file(self, knob: str) -> bool:
        """Tell whether a knob is one for files, whatever its name."""
        added = self.added.get(knob)
        return added is not None and added.type == 2

    @property
    def full_name(self) -> str:
        """The name with those of its groups: `Group1.Read1`."""
        names = [self.name]
        node = self.group
        while node is not None and node.type != "Root":
            names.append(node.name)
            node = node.group
        return ".".join(reversed(names))


def is_kept(knob: Knob) -> bool:
    """Tell whether a knob is kept: code, curves and paint are longer than any path."""
    return len(knob.text) <= _SHORT or bool(_PATHLY.search(knob.name))


@dataclass(slots=True)
class NodeGraph:
    """The nodes of one script."""

    root: ScriptNode = field(default_factory=lambda: _empty_root())
    #: whether the script says what its settings are
    has_root: bool = False
    #: of the Nuke that saved it, as stored: `13.2 v8`
    version: str = ""
    #: the root first
    nodes: list[ScriptNode] = field(default_factory=list)


def _empty_root() -> ScriptNode:
    root = ScriptNode("Root", (), None, 0)
    root.holds = True
    return root
