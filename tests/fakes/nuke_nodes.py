"""Nodes of the fake Nuke (https://learn.foundry.com/nuke/developers/latest/pythondevguide/_autosummary/nuke.Node.html and the pages
of Group, Root, Gizmo, Precomp and LiveGroup)."""

# mypy: disable-error-code="override"
# the host's own classes narrow what they take over
from __future__ import annotations

import tkinter
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from fakes.nuke_classes import ALL, FILES, GROUPS, OWN, WRITERS
from fakes.nuke_knobs import Knob
from fakes.nuke_more_knobs import made
from fakes.nuke_numbers import animated, elements, is_number
from fakes.nuke_session import RECORD, STUBS, At, session
from fakes.nuke_values import context
from fakes.stub_modules import Fake, bare, fake_class

EXPRESSIONS, INPUTS, HIDDEN_INPUTS = 1, 2, 4
TO_SCRIPT, TO_VALUE, WRITE_NON_DEFAULT_ONLY, WRITE_USER_KNOB_DEFS, WRITE_ALL = 1, 2, 4, 8, 16
_T = TypeVar("_T", bound=Fake)


def node_class(cls: type[_T]) -> type[_T]:
    """Put the stub's guard before a node class."""
    return fake_class(STUBS, f"nuke.{cls.__name__}", RECORD)(cls)


def gone() -> NoReturn:
    """Refuse what is asked of a node that was deleted, as Nuke does."""
    raise ValueError("A PythonObject is not attached to a node")


@node_class
class FrameRange(Fake):
    """Frames from one to another."""

    _first: int
    _last: int
    _step: int

    def __init__(self, *args: Any) -> None:
        numbers = [int(n) for n in str(args[0]).replace("x", "-").split("-")] if len(args) == 1 else [int(n) for n in args]
        self._first, self._last, self._step = (*numbers, 1)[:3] if len(numbers) > 1 else (numbers[0], numbers[0], 1)

    def first(self) -> int:
        return self._first

    def last(self) -> int:
        return self._last

    def increment(self) -> int:
        return self._step

    def frames(self) -> int:
        return len(range(self._first, self._last + 1, self._step))

    def minFrame(self) -> int:
        return min(self._first, self._last)

    def maxFrame(self) -> int:
        return max(self._first, self._last)

    def __iter__(self) -> Any:
        return iter(range(self._first, self._last + 1, self._step))


@node_class
class Node(Fake):
    """A node."""

    _kind: str
    _knobs: dict[str, Knob]
    _inputs: list[Node | None]
    _parent: Group | None
    _alive: bool
    #: it shares its knobs with this one
    _clone_of: Node | None
    _panel: bool

    @property
    def _name(self) -> str:
        return self._knobs["name"]._text

    def _check(self) -> None:
        if not self._alive:
            gone()

    def _full_name(self) -> str:
        if self._parent is None or self._parent._parent is None:
            return self._name
        return f"{self._parent._full_name()}.{self._name}"

    def _input(self, number: int) -> Node | None:
        return self._inputs[number] if 0 <= number < len(self._inputs) else None

    def _knob_changed(self, knob: Knob) -> None:
        with context(self, knob):
            session().call("knobChanged", self._kind)

    def _at(self, name: str, at: At) -> float:
        return self._knobs[name]._number(0, at)

    def Class(self) -> str:
        self._check()
        return self._kind

    def name(self) -> str:
        self._check()
        return self._name

    def fullName(self) -> str:
        self._check()
        return self._full_name()

    def setName(self, name: str, uncollide: bool = True, updateExpressions: bool = False) -> None:
        self._check()
        taken = self._parent is not None and any(n is not self and n._name == name for n in self._parent._children)
        if taken and not uncollide:
            raise ValueError(f"{name} is taken")
        self._knobs["name"]._change(free_name(self._parent, name) if taken and self._parent is not None else name)

    def knob(self, p: Any, follow_link: bool = False) -> Knob | None:
        self._check()
        if isinstance(p, int):
            return list(self._knobs.values())[p]
        return self._knobs.get(p)

    def knobs(self) -> dict[str, Knob]:
        self._check()
        return dict(self._knobs)

    def allKnobs(self) -> list[Knob]:
        self._check()
        return list(self._knobs.values())

    def numKnobs(self) -> int:
        return len(self.allKnobs())

    def getNumKnobs(self) -> int:
        return len(self.allKnobs())

    def __getitem__(self, name: str) -> Knob:
        self._check()
        if name not in self._knobs:
            raise NameError(f"knob {name} does not exist")
        return self._knobs[name]

    def addKnob(self, knob: Knob) -> None:
        self._check()
        if knob._name in self._knobs:
            raise RECORD.no_behaviour(f"adding a second knob {knob._name}")
        knob._node, knob._spec = self, knob._spec or ""
        self._knobs[knob._name] = knob
        name = knob._name

        def away() -> None:
            self._knobs.pop(name)

        def again() -> None:
            self._knobs[name] = knob

        session().changed(away, again, f"add {name}")

    def removeKnob(self, knob: Knob) -> None:
        self._check()
        if self._knobs.get(knob._name) is not knob or knob._spec is None:
            raise ValueError(f"{knob._name} is no knob that a user added")
        name = knob._name
        del self._knobs[name]

        def again() -> None:
            self._knobs[name] = knob

        session().changed(again, lambda: self._knobs.pop(name), f"remove {name}")

    def inputs(self) -> int:
        self._check()
        return len(self._inputs)

    def input(self, index: int) -> Node | None:
        self._check()
        return self._input(index)

    def maxInputs(self) -> int:
        self._check()
        return max(1, len(self._inputs))

    def setInput(self, i: int, node: Node | None) -> bool:
        self._check()
        before = list(self._inputs)
        after = before + [None] * (i + 1 - len(before))
        after[i] = node

        def put(inputs: list[Node | None]) -> None:
            self._inputs[:] = inputs

        put(after)
        session().changed(lambda: put(before), lambda: put(after), "connect")
        return True

    def connectInput(self, i: int, node: Node | None) -> bool:
        return self.setInput(i, node)

    def dependencies(self, mask: int = EXPRESSIONS | INPUTS | HIDDEN_INPUTS) -> list[Node]:
        self._check()
        hidden = bool(self._knobs["hide_input"]._number(0, session().here())) if "hide_input" in self._knobs else False
        wanted = mask & (HIDDEN_INPUTS if hidden else INPUTS)
        found = [node for node in self._inputs if node is not None] if wanted else []
        if mask & EXPRESSIONS and any(animated(p) for k in self._knobs.values() if k._text for p in _parts(k)):
            found += [node for node in linked(self) if node not in found]
        return found

    def dependent(self, mask: int = EXPRESSIONS | INPUTS | HIDDEN_INPUTS, forceEvaluate: bool = True) -> list[Node]:
        self._check()
        return [node for node in self._parent._children if self in node._inputs] if self._parent else []

    def isSelected(self) -> bool:
        self._check()
        return self._knobs["selected"]._text == "true"

    def setSelected(self, selected: bool) -> None:
        self._check()
        self._knobs["selected"]._text = "true" if selected else "false"

    def selectOnly(self) -> None:
        self._check()
        for node in self._parent._children if self._parent else []:
            node._knobs["selected"]._text = "false"
        self.setSelected(True)

    def xpos(self) -> int:
        return int(self._at("xpos", session().here()))

    def ypos(self) -> int:
        return int(self._at("ypos", session().here()))

    def setXYpos(self, x: int, y: int) -> None:
        self.setXpos(x)
        self.setYpos(y)

    def setXpos(self, x: int) -> None:
        self._knobs["xpos"]._change(str(x))

    def setYpos(self, y: int) -> None:
        self._knobs["ypos"]._change(str(y))

    def screenWidth(self) -> int:
        return 80

    def screenHeight(self) -> int:
        return 18

    def showControlPanel(self, forceFloat: bool = False) -> None:
        self._check()
        self._panel = True

    def hideControlPanel(self) -> None:
        self._check()
        self._panel = False

    def shown(self) -> bool:
        return self._panel

    def parent(self) -> Any:
        self._check()
        return self._parent

    def rootNode(self) -> Any:
        return session().root

    def clones(self) -> int:
        self._check()
        return sum(1 for node in every(session().root) if node._knobs["name"] is self._knobs["name"]) - 1

    def hasError(self) -> bool:
        self._check()
        return False

    def error(self) -> bool:
        return self.hasError()

    def metadata(self, key: str = "", time: float = 0, view: str = "") -> Any:
        self._check()
        return None if key else {}

    def proxy(self) -> bool:
        return bool(session().root._at("proxy", session().here()))

    def firstFrame(self) -> int:
        return self.frameRange().first()

    def lastFrame(self) -> int:
        return self.frameRange().last()

    def frameRange(self) -> FrameRange:
        self._check()
        at, root = session().here(), session().root
        if self._kind in {"Read", "DeepRead"} or (self._kind in WRITERS and self._at("use_limit", at)):
            return FrameRange(int(self._at("first", at)), int(self._at("last", at)), 1)
        source = next((node for node in self._inputs if node is not None), None)
        if source is not None and self is not source:
            return source.frameRange()
        return FrameRange(int(root._at("first_frame", at)), int(root._at("last_frame", at)), 1)

    def writeKnobs(self, flags: int = 0) -> str:
        from fakes.nuke_scripts import knobs_written

        self._check()
        return knobs_written(self, flags)

    def readKnobs(self, s: str) -> None:
        from fakes.nuke_scripts import knobs_read

        self._check()
        knobs_read(self, s)

    def fileDependencies(self, start: int, end: int) -> Any:
        from fakes.nuke_upstream import file_dependencies

        return file_dependencies(self, start, end)

    def __len__(self) -> int:
        return len(self._knobs)

    def __bool__(self) -> bool:
        return True


def _parts(knob: Knob) -> tuple[str, ...]:
    return elements(knob._text) if hasattr(knob, "_parts") else ((knob._text,) if "[" in knob._text else ())


def linked(node: Node) -> list[Node]:
    """Return nodes that a node's expressions name."""
    import re

    from fakes.nuke_values import found

    names: list[Node] = []
    for knob in node._knobs.values():
        for word in re.findall(r"[A-Za-z_]\w*(?:\.\w+)+", knob._text):
            try:
                thing = found(word, node)
            except LookupError:
                continue
            other = thing[0]._node if isinstance(thing, tuple) else getattr(thing, "_node", thing)
            if other is not None and other is not node and other not in names and other is not session().root:
                names.append(other)
    return names


@node_class
class Group(Node):
    """A node with nodes in it."""

    _children: list[Node]

    def _child(self, name: str) -> Node | None:
        return next((node for node in self._children if node._name == name), None)

    def nodes(self) -> list[Node]:
        self._check()
        return list(self._children)

    def numNodes(self) -> int:
        return len(self.nodes())

    def node(self, s: str) -> Node | None:
        self._check()
        return by_name(s, self)

    def begin(self) -> Group:
        self._check()
        session().groups.append(self)
        return self

    def end(self) -> None:
        session().groups.pop()

    def __enter__(self) -> Group:
        return self.begin()

    def __exit__(self, type: object, value: object, traceback: object) -> Any:
        self.end()

    def run(self, callable: Callable[[], Any]) -> Any:
        with self:
            return callable()

    def output(self) -> Node | None:
        return next((node for node in self._children if node._kind == "Output"), None)

    def selectedNodes(self) -> list[Node]:
        return [node for node in self.nodes() if node.isSelected()]


@node_class
class Gizmo(Group):
    """A group that a file defines; its nodes are not in the script."""

    _file: str

    def filename(self) -> str:
        self._check()
        return self._file

    def command(self) -> str:
        self._check()
        return self._kind


@node_class
class Precomp(Group):
    """A group whose nodes come from another script."""

    def reload(self) -> None:
        from fakes.nuke_scripts import fill_precomp

        fill_precomp(self)


@node_class
class LiveGroup(Precomp):
    """A group that is published to a file, and may be edited in the script."""

    def published(self) -> bool:
        return self._at("published", session().here()) != 0

    def modified(self) -> bool:
        return False


@node_class
class BackdropNode(Node):
    """A coloured field behind nodes."""


@node_class
class Viewer(Node):
    """What shows pictures."""


@node_class
class Root(Group):
    """The script itself."""

    def _views(self) -> list[str]:
        return [line.split(" ")[0] for line in self._knobs["views"]._text.split("\n") if line.strip()] or ["main"]

    def name(self) -> str:
        return self._knobs["name"]._text or "Root"

    def fullName(self) -> str:
        return "root"

    def firstFrame(self) -> int:
        return int(self._at("first_frame", session().here()))

    def lastFrame(self) -> int:
        return int(self._at("last_frame", session().here()))

    def fps(self) -> int:
        return int(self._at("fps", session().here()))

    def realFps(self) -> float:
        return self._at("fps", session().here())

    def modified(self) -> bool:
        return session().modified

    def setModified(self, modified: bool) -> None:
        session().modified = modified

    def proxy(self) -> bool:
        return bool(self._at("proxy", session().here()))

    def setProxy(self, proxy: bool) -> None:
        self._knobs["proxy"]._change("true" if proxy else "false")

    def setFrame(self, frame: float) -> None:
        session().frame = frame

    def setView(self, view: str) -> None:
        session().view = view

    def addView(self, view: str, *colour: str) -> None:
        knob = self._knobs["views"]
        knob._change(f"{knob._text}\n{view} #ffffff")

    def deleteView(self, view: str) -> None:
        lines = [line for line in self._knobs["views"]._text.split("\n") if line.split(" ")[0] != view]
        self._knobs["views"]._change("\n".join(lines))


PYTHON_CLASSES: dict[str, type[Node]] = {
    "Root": Root,
    "Group": Group,
    "Precomp": Precomp,
    "LiveGroup": LiveGroup,
    "BackdropNode": BackdropNode,
    "Viewer": Viewer,
}


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
    session().root, session().groups, session().modified, session().saved_by = root, [], False, ""
    session().history.done.clear()
    session().history.undone.clear()
    session().frame = 1


def every(group: Group) -> list[Node]:
    """Return all nodes below a group."""
    found: list[Node] = []
    for node in group._children:
        found.append(node)
        if isinstance(node, Group):
            found += every(node)
    return found


def free_name(group: Group, wanted: str) -> str:
    """Return a name that no other node of a group has: `Read`, `Read1`, `Read2`."""
    stem = wanted.rstrip("0123456789") or wanted
    taken = {node._name for node in group._children}
    number = 1
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


def by_name(name: str, group: Group) -> Node | None:
    """Return the node that a dotted name means within a group."""
    words = name.split(".")
    if words[0] == "root":
        group, words = session().root, words[1:]
        if not words:
            return group
    node: Node | None = group
    for word in words:
        if not isinstance(node, Group) or not word:
            return None
        node = node._child(word)
    return node


def is_group(kind: str) -> bool:
    """Tell whether nodes of a class have nodes in them."""
    return kind in GROUPS
