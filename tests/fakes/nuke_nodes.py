"""Nodes of the fake Nuke (https://learn.foundry.com/nuke/developers/latest/pythondevguide/_autosummary/nuke.Node.html and the pages
of Group, Root, Gizmo, Precomp and LiveGroup)."""

# mypy: disable-error-code="override"
# the host's own classes narrow what they take over
from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from fakes.nuke_classes import WRITERS
from fakes.nuke_finding import every, free_name, linked
from fakes.nuke_frames import FrameRange, node_class
from fakes.nuke_knobs import Knob
from fakes.nuke_numbers import animated, elements
from fakes.nuke_session import RECORD, At, session
from fakes.nuke_values import context
from fakes.stub_modules import Fake

if TYPE_CHECKING:
    from fakes.nuke_groups import Group

EXPRESSIONS, INPUTS, HIDDEN_INPUTS = 1, 2, 4


TO_SCRIPT, TO_VALUE, WRITE_NON_DEFAULT_ONLY, WRITE_USER_KNOB_DEFS, WRITE_ALL = 1, 2, 4, 8, 16


def gone() -> NoReturn:
    """Refuse what is asked of a node that was deleted, as Nuke does."""
    raise ValueError("A PythonObject is not attached to a node")


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
        from fakes.nuke_telling import knobs_written

        self._check()
        return knobs_written(self, flags)

    def readKnobs(self, s: str) -> None:
        from fakes.nuke_telling import knobs_read

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
