"""Nuke's nodes as the readers of the table see them: with the texts that Nuke would write into the script's file.

Sources: https://learn.foundry.com/nuke/developers/latest/pythondevguide/_autosummary/nuke.Node.html (`writeKnobs` with
WRITE_NON_DEFAULT_ONLY and WRITE_ALL: the knobs that are saved), nuke.Knob.html (`toScript`, `Class`), nuke.Link_Knob.html there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from conductor_core.discovery.nuke_node import DRAWN, Added, Knob, ScriptNode, is_kept
from conductor_core.discovery.tables.nuke_classes import is_stock
from conductor_core.discovery.tcl import escaped, unescape

import nuke
from conductor_nuke.script import GONE

FILE = "File_Knob"
#: hold a text that is stored as a word in quotes; Nuke expands brackets in those whose name says Eval, and in files
_TEXTS = frozenset({FILE, "String_Knob", "EvalString_Knob", "Multiline_Eval_String_Knob"})
EVALUATED = frozenset({FILE, "EvalString_Knob", "Multiline_Eval_String_Knob"})
#: what readers ask for: texts, numbers, switches, choices, fonts, views. Strokes, tracks and point clouds take long to tell
_TELLING = (nuke.String_Knob, nuke.Array_Knob, nuke.FreeType_Knob, nuke.Font_Knob, nuke.MultiView_Knob)
_LONG = re.compile(r"curves|tracks|warps|points|serialize\w*")
#: stands for a curve, whose keys nobody reads: Nuke evaluates it
CURVE = "{curve}"
#: buttons with code, and what only draws
_NO_VALUES = frozenset(
    {"PyScript_Knob", "Script_Knob", "PyCustom_Knob", "PythonCustomKnob", "PythonKnob", "Tab_Knob", "Text_Knob", "Help_Knob"}
)
#: how a text begins that differs by view
_SPLIT = ("\v", "\\v ", "(default ", "\\\\v ")
#: as a script's file numbers them (`addUserKnob {41 …}`)
_LINK = 41


class LiveNode(ScriptNode):
    """A node that stands in Nuke; what it holds is asked when somebody wants it, and nothing where it is gone by then."""

    __slots__ = ("_by_name", "_files", "_host")

    def __init__(self, host: nuke.Node, group: ScriptNode | None, by_name: Mapping[str, LiveNode]) -> None:
        self._host = host
        self._by_name = by_name
        self.type = str(host.Class())
        self.name = str(host.name()) if group is not None else "Root"
        self.group = group
        self.line = 0
        self.children = {}
        self.holds = False

    def __getattr__(self, attribute: str) -> Any:
        """Ask Nuke for what was not wanted before."""
        if attribute in ("knobs", "added", "_files"):
            self._load_knobs()
        elif attribute == "inputs":
            self._load_inputs()
        else:
            raise AttributeError(attribute)
        return object.__getattribute__(self, attribute)

    def load(self) -> None:
        """Ask now for all that the readers want."""
        _ = self.knobs, self.inputs

    def is_file(self, knob: str) -> bool:
        """Tell whether a knob is one for files, whatever its name."""
        return knob in self._files

    def knob_class(self, knob: str) -> str:
        """Return Nuke's class of a knob; "" where there is none."""
        try:
            found = self._host.knob(knob)
            return str(found.Class()) if found is not None else ""
        except GONE:
            return ""

    def default(self, knob: str) -> str | None:
        """Return the text of a knob that is not stored; None where Nuke knows it no more than we do."""
        try:
            found = self._host.knob(knob)
            return None if found is None else text_of(found)
        except GONE:
            return None

    def value_at(self, knob: str, frame: int) -> float | None:
        """Return a knob as a number at a frame, its curve or expression evaluated."""
        try:
            found = self._host.knob(knob)
            value = found.getValueAt(frame) if found is not None else None
        except GONE:
            return None
        return float(value) if isinstance(value, (int, float)) else None

    def host_knob(self, knob: str) -> nuke.Knob | None:
        """Return Nuke's own knob."""
        return self._host.knob(knob)

    @property
    def is_in_gizmo(self) -> bool:
        """Whether a gizmo brings the node along, so that the script's file does not have it."""
        group = self.group
        while isinstance(group, LiveNode):
            if isinstance(group._host, nuke.Gizmo):
                return True
            group = group.group
        return False

    def gizmo_file(self) -> str:
        """Return the file that defines the node's class; "" where it is no gizmo."""
        try:
            return str(self._host.filename() or "") if isinstance(self._host, nuke.Gizmo) else ""
        except GONE:
            return ""

    def _load_knobs(self) -> None:
        self.knobs, self.added = {}, {}
        self._files = set[str]()
        try:
            for name in self._stored():
                self._take(name)
        except GONE:
            return

    def _stored(self) -> Iterable[str]:
        """Return the knobs that a script's file would have; of a gizmo or plug-in, also files that are as it was made."""
        names = dict.fromkeys(str(self._host.writeKnobs(nuke.WRITE_NON_DEFAULT_ONLY | nuke.WRITE_ALL)).split())
        if not is_stock(self.type):
            names.update(dict.fromkeys(str(n) for n, knob in self._host.knobs().items() if knob.Class() == FILE))
        return names

    def _take(self, name: str) -> None:
        knob = None if name in DRAWN or _LONG.fullmatch(name) else self._host.knob(name)
        if knob is None or (class_ := str(knob.Class())) in _NO_VALUES:
            return
        if isinstance(knob, nuke.Link_Knob):
            self.added[name] = Added(_LINK, "", str(knob.getLink() or ""))
            return
        if not isinstance(knob, _TELLING):
            return
        if class_ == FILE:
            self._files.add(name)
        self._label(name, knob)
        stored = as_stored(name, class_, text_of(knob))
        if stored.text and is_kept(stored):
            self.knobs[name] = stored

    def _label(self, name: str, knob: nuke.Knob) -> None:
        """Note what an artist is shown beside a knob for files: it may say that it is written."""
        label = str(knob.label() or "") if name in self._files else ""
        if label and label != name:
            self.added[name] = Added(2, label[:200], "")

    def _load_inputs(self) -> None:
        self.inputs = []
        try:
            self.inputs = list(self._connected())
        except GONE:
            return

    def _connected(self) -> Iterator[ScriptNode | None]:
        for number in range(self._host.inputs()):
            above = self._host.input(number)
            yield None if above is None else self._by_name.get(str(above.fullName()))


def text_of(knob: nuke.Knob) -> str:
    """Return a knob's text as it was typed, nothing in it evaluated; of one that is split by views the texts of all.

    No page says whether `toScript` has brackets escaped as a script's file has; `getText` has them as they were typed, of one view.
    """
    if isinstance(knob, nuke.Array_Knob) and knob.isAnimated() and not knob.hasExpression():
        return CURVE
    script = str(knob.toScript())
    if not isinstance(knob, nuke.String_Knob):
        return script
    if script.startswith(_SPLIT):
        return unescape(script) if script.startswith(_SPLIT[-1]) else script
    return str(knob.getText() or "")


def as_stored(name: str, class_: str, text: str) -> Knob:
    """Return a knob as it stands in a script's file, from what `toScript` says without quotes around it."""
    if class_ not in _TEXTS:
        return Knob(name, text, "braced" if text.startswith("{") else "bare")
    stored = escaped(text)
    return Knob(name, stored, "quoted" if stored != text or " " in text else "bare")
