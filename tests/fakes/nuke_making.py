"""How nodes of the fake Nuke come to be, with the knobs of their class."""

from __future__ import annotations

import tkinter

from fakes.nuke_classes import ALL, FILES, OWN
from fakes.nuke_groups import PYTHON_CLASSES, Group, Root
from fakes.nuke_knobs import Knob
from fakes.nuke_more_knobs import made
from fakes.nuke_nodes import Node
from fakes.nuke_numbers import elements, is_number
from fakes.nuke_session import session
from fakes.stub_modules import bare


def new_node(kind: str, cls: type[Node] | None = None) -> Node:
    """Return a node of a class with its knobs at their defaults, in no script yet."""
    node = bare(cls or PYTHON_CLASSES.get(kind, Node))
    node._kind, node._inputs, node._parent, node._alive, node._clone_of, node._panel = kind, [], None, True, None, False
    node._knobs = {}
    if isinstance(node, Group):
        node._children = []
    own = OWN.get(kind, ())
    for row in (*(row for row in ALL if row[0] not in {own_row[0] for own_row in own}), *own):
        attach(node, made(row[1], row[0], session().defaults.get(f"{kind}.{row[0]}", row[2]), row[3] if len(row) > 3 else ()))
    return node


def attach(node: Node, knob: Knob) -> Knob:
    """Give a node a knob of its own."""
    knob._node = node
    node._knobs[knob._name] = knob
    return knob


def guessed(kind: str, name: str, text: str) -> Knob:
    """Return a knob that a script tells and no table has: by its value, which is not its default since it was saved."""
    knob = _guessed(kind, name, text)
    knob._default = "\0"
    return knob


def _guessed(kind: str, name: str, text: str) -> Knob:
    try:
        parts = elements(text)
    except tkinter.TclError:
        parts = ()
    if name in FILES or (kind.startswith("OFX") and ("/" in text or "\\" in text)):
        return made("File_Knob", name)
    if text in {"true", "false"}:
        return made("Boolean_Knob", name)
    if parts and all(is_number(p) for p in parts):
        return made("Double_Knob" if len(parts) == 1 else "Array_Knob", name, " ".join("0" for _ in parts))
    if text.startswith("{") and parts:
        return made("Array_Knob", name)
    return made("String_Knob", name)


def new_root() -> None:
    """Empty the script."""
    root = new_node("Root")
    assert isinstance(root, Root)
    if session().preferences is None:
        session().preferences = new_node("Preferences")
    session().root, session().groups, session().modified, session().saved_by = root, [], False, ""
    session().history.done.clear()
    session().history.undone.clear()
    session().frame = 1
