"""Scripts of the fake Nuke: opened, saved, cleared; nodes made from what a script tells and told again.

Sources: nuke.scriptSave, nuke.scriptSaveAs, nuke.scriptSaveToTemp, nuke.scriptOpen, nuke.scriptName on
https://learn.foundry.com/nuke/developers/latest/pythondevguide/; that `scriptName` raises for a script without a name:
nuke_internal/scripts.py, shown there.
"""

from __future__ import annotations

import os
from contextlib import suppress

from fakes import nuke_files
from fakes.nuke_arrays import Array_Knob, Enumeration_Knob
from fakes.nuke_files import StoredNode
from fakes.nuke_finding import free_name
from fakes.nuke_groups import Gizmo, Group, Precomp
from fakes.nuke_making import attach, guessed, new_node, new_root
from fakes.nuke_more_knobs import user_knob
from fakes.nuke_nodes import Node
from fakes.nuke_numbers import elements, is_sound
from fakes.nuke_session import session

#: of a clone its own, the other knobs are shared
_OWN = ("xpos", "ypos", "selected")


def gizmo_file(kind: str) -> str:
    """Return the file that defines a class, in a folder where Nuke looks for plug-ins; "": none does."""
    for folder in session().plugin_path:
        file = os.path.join(folder, f"{kind}.gizmo")
        if os.path.isfile(file):
            return file
    return ""


def build(stored: StoredNode, group: Group, made: dict[int, Node]) -> Node:
    """Make one node, and those in it, in a group.

    Raises:
        RuntimeError: nobody has a node of this class.
    """
    node = _shell(stored, made)
    _knobs(node, stored)
    if stored.clone_of is not None and id(stored.clone_of) in made:
        original = made[id(stored.clone_of)]
        node._knobs.update({name: knob for name, knob in original._knobs.items() if name not in _OWN})
        node._clone_of = original
    if not node._name:
        node._knobs["name"]._text = free_name(group, stored.kind)
    made[id(stored)] = node
    node._parent = group
    group._children.append(node)
    node._inputs = [made.get(id(source)) if source is not None else None for source in stored.inputs]
    if isinstance(node, Group) and stored.children:
        for child in stored.children:
            build(child, node, made)
    elif isinstance(node, Precomp):
        fill_precomp(node)
    return node


def _shell(stored: StoredNode, made: dict[int, Node]) -> Node:
    file = gizmo_file(stored.kind)
    if file:
        return _gizmo(stored.kind, file)
    if stored.kind == "Gizmo":
        return new_node("Group")
    if not stored.kind[:1].isupper():
        raise RuntimeError(f"{stored.kind}: Unknown command")
    return new_node(stored.kind)


def _gizmo(kind: str, file: str) -> Gizmo:
    node = new_node(kind, Gizmo)
    assert isinstance(node, Gizmo)
    node._file = file.replace(os.sep, "/")
    definition = nuke_files.load(file).root.children[0]
    _knobs(node, StoredNode(kind, [pair for pair in definition.knobs if pair[0] not in {"name", *_OWN}]))
    for knob in node._knobs.values():
        knob._default = knob._text
    made: dict[int, Node] = {}
    for child in definition.children:
        build(child, node, made)
    return node


def _knobs(node: Node, stored: StoredNode) -> None:
    for name, text in stored.knobs:
        if name == "addUserKnob":
            knob = user_knob(text)
            if knob._name:
                attach(node, knob)
        else:
            knob = node._knobs.get(name) or attach(node, guessed(stored.kind, name, text))
            if not isinstance(knob, Array_Knob) or isinstance(knob, Enumeration_Knob) or all(map(is_sound, elements(text))):
                knob._text = text


def fill_precomp(node: Precomp) -> None:
    """Take the nodes of the script that a precomp names, where it is there."""
    file = node._knobs["file"].evaluate()
    file = os.path.join(session().directory(), file) if file else ""
    node._children = []
    if not os.path.isfile(file):
        return
    made: dict[int, Node] = {}
    for child in nuke_files.load(file).root.children:
        build(child, node, made)


def read_into(text: str, group: Group, *, root_too: bool) -> None:
    """Run a script's text: its nodes come into a group."""
    script = nuke_files.read(text)
    if root_too:
        session().saved_by = script.version
        _knobs(session().root, script.root)
        with suppress(RuntimeError):  # a template of a script may have no number there
            session().frame = session().root._at("frame", session().here())
    made: dict[int, Node] = {}
    for child in script.root.children:
        build(child, group, made)


def open_script(file: str) -> None:
    """Open a script in place of what is open.

    Raises:
        RuntimeError: it is not there, or no script.
    """
    if not os.path.isfile(file):
        raise RuntimeError(f"Can't read {file}: No such file or directory")
    with open(file, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        text = stream.read()
    new_root()
    with WithoutUndo():
        read_into(text, session().root, root_too=True)
    session().root._knobs["name"]._text = os.path.abspath(file).replace(os.sep, "/")
    session().modified = False
    session().call("onScriptLoad", "Root")


class WithoutUndo:
    """Nothing that happens inside can be undone."""

    def __enter__(self) -> None:
        session().history.disabled += 1

    def __exit__(self, *_: object) -> None:
        session().history.disabled -= 1
