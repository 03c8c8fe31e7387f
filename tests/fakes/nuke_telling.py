"""What is open in the fake Nuke, told as a script tells it (nuke.Node.writeKnobs)."""

from __future__ import annotations

from collections.abc import Iterator

from fakes import nuke_files
from fakes.nuke_arrays import Array_Knob, Boolean_Knob, Enumeration_Knob
from fakes.nuke_files import Braced, StoredNode, StoredScript
from fakes.nuke_groups import Gizmo, Group, LiveGroup, Precomp
from fakes.nuke_knobs import Knob
from fakes.nuke_more_knobs import VALUELESS, specification
from fakes.nuke_nodes import TO_SCRIPT, TO_VALUE, WRITE_ALL, WRITE_NON_DEFAULT_ONLY, WRITE_USER_KNOB_DEFS, Node
from fakes.nuke_scripts import _OWN, _knobs
from fakes.nuke_session import session


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
