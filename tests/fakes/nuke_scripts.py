"""Scripts of the fake Nuke: opened, saved, cleared; nodes made from what a script tells and told again.

Sources: nuke.scriptSave, nuke.scriptSaveAs, nuke.scriptSaveToTemp, nuke.scriptOpen, nuke.scriptName on
https://learn.foundry.com/nuke/developers/latest/pythondevguide/; that `scriptName` raises for a script without a name:
nuke_internal/scripts.py, shown there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from fakes import nuke_files
from fakes.nuke_classes import WITHOUT_INPUTS
from fakes.nuke_files import Braced, StoredNode, StoredScript
from fakes.nuke_knobs import Array_Knob, Boolean_Knob, Enumeration_Knob, Knob
from fakes.nuke_more_knobs import VALUELESS, specification, user_knob
from fakes.nuke_nodes import (
    TO_SCRIPT,
    TO_VALUE,
    WRITE_ALL,
    WRITE_NON_DEFAULT_ONLY,
    WRITE_USER_KNOB_DEFS,
    Gizmo,
    Group,
    LiveGroup,
    Node,
    Precomp,
    attach,
    every,
    free_name,
    guessed,
    linked,
    new_node,
    new_root,
)
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


def stored_script() -> StoredScript:
    """Return what is open as a script has it."""
    script = StoredScript(session().version)
    root = session().root
    root._knobs["frame"]._text = f"{session().frame:g}"
    script.root.knobs = list(_pairs(root))
    made: dict[int, StoredNode] = {}
    script.root.children = [_stored(node, made) for node in _in_order(root)]
    return script


def _in_order(group: Group) -> list[Node]:
    """Return the nodes of a group, sources before what they go to."""
    found: list[Node] = []

    def take(node: Node) -> None:
        if node in found:
            return
        for source in node._inputs:
            if source is not None and source._alive:
                take(source)
        if node not in found:
            found.append(node)

    for node in group._children:
        take(node)
    return found


def _stored(node: Node, made: dict[int, StoredNode]) -> StoredNode:
    stored = StoredNode(node._kind, list(_pairs(node)))
    made[id(node)] = stored
    stored.inputs = [made.get(id(source)) if source is not None else None for source in node._inputs]
    if node._clone_of is not None and id(node._clone_of) in made:
        stored.clone_of = made[id(node._clone_of)]
        stored.knobs = [pair for pair in stored.knobs if pair[0] in _OWN]
    inside = isinstance(node, Group) and not isinstance(node, (Gizmo, Precomp))
    if inside or isinstance(node, LiveGroup):
        assert isinstance(node, Group)
        stored.children = [_stored(child, made) for child in _in_order(node)]
    return stored


def _pairs(node: Node) -> Iterator[tuple[str, str]]:
    own = isinstance(node, Gizmo)
    for name, knob in node._knobs.items():
        if knob._spec is not None and not own:
            yield "addUserKnob", specification(knob)
        if knob._text == knob._default or type(knob).__name__ in VALUELESS or type(knob).__name__ == "Link_Knob":
            continue
        yield name, _value(knob)


def _value(knob: Knob) -> str:
    text = knob._text
    listed = isinstance(knob, Array_Knob) and not isinstance(knob, (Boolean_Knob, Enumeration_Knob))
    return Braced(text) if (listed and (" " in text or "{" in text)) or type(knob).__name__ == "FreeType_Knob" else text


#: knobs that `writeKnobs` only has with `WRITE_ALL`
_SELDOM = {"name", "xpos", "ypos", "selected"}


def knobs_written(node: Node, flags: int) -> str:
    """Return a node's knobs as a Tcl list, one knob a line (nuke.Node.writeKnobs).

    Names alone, unless `TO_SCRIPT` or `TO_VALUE` asks for values.
    """
    words: list[str] = []
    for name, knob in node._knobs.items():
        if knob._spec is not None and flags & WRITE_USER_KNOB_DEFS and not isinstance(node, Gizmo):
            words.append(f"addUserKnob {{{specification(knob)}}}")
        plain = knob._text == knob._default or type(knob).__name__ in VALUELESS
        if (plain and flags & WRITE_NON_DEFAULT_ONLY) or (name in _SELDOM and not flags & WRITE_ALL):
            continue
        value = _value(knob)
        if flags & TO_VALUE and not flags & TO_SCRIPT:
            value = knob._shown(session().here())
        shown = f" {{{value}}}" if isinstance(value, Braced) else f" {nuke_files.quoted(value)}"
        words.append(nuke_files.quoted(name) + (shown if flags & (TO_SCRIPT | TO_VALUE) else ""))
    return "".join(f"\n {word}" for word in words)


def knobs_read(node: Node, text: str) -> None:
    """Take knobs from a Tcl list."""
    before = {name: knob._text for name, knob in node._knobs.items()}
    _knobs(node, nuke_files.read(f"NoOp {{\n{text}\n}}").root.children[0])
    after = {name: knob._text for name, knob in node._knobs.items()}

    def put(texts: dict[str, str]) -> None:
        for name, value in texts.items():
            node._knobs[name]._text = value

    session().changed(lambda: put(before), lambda: put(after), "read knobs")


def write(file: str) -> None:
    """Write what is open to a file.

    Raises:
        RuntimeError: it cannot be written.
    """
    text = nuke_files.written(stored_script())
    try:
        with open(file, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
            stream.write(text)
    except OSError as exc:
        raise RuntimeError(f"Can't write {file}: {exc.strerror}") from None


def script_name() -> str:
    """Return the open script's file."""
    name = session().root._knobs["name"]._text
    if not name:
        raise RuntimeError("no filename")
    return name


def save(filename: str | None = None) -> bool:
    """Save to the script's own file, or a copy to another one; the name stays."""
    if filename is None and not session().root._knobs["name"]._text:
        _ask("a file name to save under")
    session().call("onScriptSave", "Root")
    write(filename or script_name())
    if filename is None or session().unsure.copy_clears_modified:
        session().modified = False
    return True


def save_as(filename: str | None = None, overwrite: int = -1) -> None:
    """Save under another name, which is the script's from then on."""
    if filename is None:
        _ask("a file name to save under")
        return
    if os.path.exists(filename) and overwrite != 1:
        if overwrite == -1 and session().gui:
            _ask(f"whether to overwrite {filename}")
        raise RuntimeError(f"{filename} exists")
    before = session().root._knobs["name"]._text
    session().root._knobs["name"]._text = filename
    session().call("onScriptSave", "Root")
    try:
        write(filename)
    except RuntimeError:
        session().root._knobs["name"]._text = before
        raise
    session().modified = False


def save_to_temp(filename: str) -> str:
    """Save a copy without any change to what is open; a file that is there is not overwritten."""
    if os.path.exists(filename):
        raise RuntimeError(f"{filename} exists")
    write(filename)
    return filename


def _ask(what: str) -> None:
    """Ask the user; nobody answers in a test, nor in a terminal."""
    session().asked.append(what)
    raise RuntimeError(f"Nuke would ask for {what}")


def clear() -> None:
    """Empty the script."""
    session().call("onScriptClose", "Root")
    new_root()


def create(kind: str, knobs: str, group: Group, *, connect: bool) -> Node:
    """Make a node by hand: connected to what is selected, and selected after."""
    stored = nuke_files.read(f"{kind} {{\n inputs 0\n {knobs}\n}}").root.children[0]
    selected = [node for node in group._children if node._alive and node.isSelected()]
    node = build(stored, group, {})
    if connect:
        if kind not in WITHOUT_INPUTS and selected:
            node._inputs = [selected[-1]]
        for other in group._children:
            other._knobs["selected"]._text = "true" if other is node else "false"
    _record_creation(node, group)
    session().call("onCreate", kind)
    return node


def _record_creation(node: Node, group: Group) -> None:
    def away() -> None:
        group._children.remove(node)
        _alive(node, False)

    def again() -> None:
        group._children.append(node)
        _alive(node, True)

    session().changed(away, again, f"create {node._name}")


def _alive(node: Node, alive: bool) -> None:
    node._alive = alive
    for child in every(node) if isinstance(node, Group) else []:
        child._alive = alive


def delete(node: Node | None) -> None:
    """Delete a node: what it went to is disconnected."""
    if node is None:
        return
    node._check()
    group = node._parent
    if group is None:
        raise ValueError("the root cannot be deleted")
    place = group._children.index(node)
    users = [(other, list(other._inputs)) for other in group._children if node in other._inputs]

    def away() -> None:
        session().call("onDestroy", node._kind)
        group._children.remove(node)
        _alive(node, False)
        for other, _ in users:
            other._inputs = [None if one is node else one for one in other._inputs]

    def again() -> None:
        group._children.insert(place, node)
        _alive(node, True)
        for other, inputs in users:
            other._inputs = list(inputs)

    name = node._name
    away()
    session().changed(again, away, f"delete {name}")


def named_inputs(node: Node) -> list[Node]:
    """Return what a node is connected to, or named by it."""
    return [one for one in node._inputs if one is not None] + linked(node)


def all_nodes(kind: str | None, group: Group, recurse: bool) -> list[Any]:
    """Return nodes of a group, in Nuke's order: the newest first."""
    found: list[Node] = []
    for node in reversed(group._children):
        found.append(node)
        inside = isinstance(node, Group) and (session().unsure.all_nodes_enter_gizmos or not isinstance(node, Gizmo))
        if recurse and inside:
            assert isinstance(node, Group)
            found += all_nodes(None, node, True)
    return [node for node in found if kind is None or node._kind == kind]
