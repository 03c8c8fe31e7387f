"""Knobs of the fake Nuke: each holds the text that a script would have for it, and answers from that.

Sources: the pages of each class under https://learn.foundry.com/nuke/developers/latest/pythondevguide/ (nuke.Knob, nuke.Array_Knob,
nuke.EvalString_Knob, nuke.File_Knob …); numbers of flags: the NDK's `Knob::Flags`.
"""

# mypy: disable-error-code="override"
# the host's own classes narrow what they take over
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from fakes.nuke_session import RECORD, STUBS, At, session
from fakes.nuke_values import context
from fakes.stub_modules import Fake, fake_class

if TYPE_CHECKING:
    from fakes.nuke_nodes import Node


FLAGS = {
    "DISABLED": 0x80,
    "NO_ANIMATION": 0x100,
    "DO_NOT_WRITE": 0x200,
    "INVISIBLE": 0x400,
    "STARTLINE": 0x1000,
    "ENDLINE": 0x2000,
    "HIDDEN": 0x40000,
    "NO_UNDO": 0x80000,
    "ALWAYS_SAVE": 0x100000,
    "READ_ONLY": 0x10000000,
}


_T = TypeVar("_T", bound=Fake)


KNOB_CLASSES: dict[str, type[Knob]] = {}


def knob_class(cls: type[_T]) -> type[_T]:
    """Put the stub's guard before a knob class, and keep it by its name."""
    guarded = fake_class(STUBS, f"nuke.{cls.__name__}", RECORD)(cls)
    KNOB_CLASSES[guarded.__name__] = guarded  # type: ignore[assignment]
    return guarded


def _init(self: Knob, name: str = "", label: str | None = None, value: object = None, *more: object) -> None:
    if not name or not isinstance(name, str):
        raise TypeError("a knob needs a name")
    set_up(self, name)
    self._label = label or ""
    if value is not None:
        self._take(value, more)


def set_up(knob: Knob, name: str, text: str | None = None) -> Knob:
    """Give a new knob its name and value."""
    knob._name, knob._label, knob._tooltip, knob._node = name, "", "", None
    knob._flags, knob._spec, knob._values = 0, None, ()
    knob._text = knob._default = type(knob)._empty if text is None else text
    return knob


@knob_class
class Knob(Fake):
    """What all knobs have."""

    _empty = ""
    _name: str
    _label: str
    _tooltip: str
    _node: Node | None
    _flags: int
    #: of a user's knob, as `addUserKnob` has it; "": it was added in this session; None: the node's own
    _spec: str | None
    _values: tuple[str, ...]
    _text: str
    _default: str

    __init__ = _init

    def _attached(self) -> None:
        if self._node is not None and not self._node._alive:
            raise ValueError("A PythonObject is not attached to a node")

    def _take(self, value: object, more: tuple[object, ...] = ()) -> None:
        self._text = str(value)

    def _change(self, text: str) -> None:
        """Take another value: one step to undo, unless the knob or Undo says no."""
        self._attached()
        if text == self._text:
            return
        before, node = self._text, self._node

        def put(value: str) -> None:
            self._text = value

        put(text)
        if node is None:
            return
        undoable = not self._flags & FLAGS["NO_UNDO"]
        session().changed(lambda: put(before), lambda: put(text), f"{node._name}.{self._name}", undoable=undoable)
        node._knob_changed(self)

    def _shown(self, at: At) -> str:
        return self._text

    def _number(self, index: int, at: At) -> float:
        raise RuntimeError(f"{self._name} is no number")

    def Class(self) -> str:
        return type(self).__name__

    def name(self) -> str:
        return self._name

    def setName(self, name: str) -> None:
        self._name = name

    def label(self) -> str:
        return self._label or self._name

    def setLabel(self, label: str) -> None:
        self._label = label

    def tooltip(self) -> str:
        return self._tooltip

    def setTooltip(self, tooltip: str) -> None:
        self._tooltip = tooltip

    def visible(self) -> bool:
        return not self._flags & (FLAGS["INVISIBLE"] | FLAGS["HIDDEN"])

    def setVisible(self, visible: bool) -> None:
        self._flags = self._flags & ~FLAGS["HIDDEN"] if visible else self._flags | FLAGS["HIDDEN"]

    def enabled(self) -> bool:
        return not self._flags & FLAGS["DISABLED"]

    def setEnabled(self, enabled: bool) -> None:
        self._flags = self._flags & ~FLAGS["DISABLED"] if enabled else self._flags | FLAGS["DISABLED"]

    def getFlag(self, flag: int) -> bool:
        return bool(self._flags & flag)

    def setFlag(self, flag: int) -> None:
        self._flags |= flag

    def clearFlag(self, flag: int) -> None:
        self._flags &= ~flag

    def node(self) -> Node | None:
        self._attached()
        return self._node

    def fullyQualifiedName(self, channel: int = -1) -> str:
        self._attached()
        return f"{self._node._full_name()}.{self._name}" if self._node is not None else self._name

    def toScript(self, quote: bool = False, context: object = None) -> str:
        self._attached()
        return "{" + self._text + "}" if quote else self._text

    def fromScript(self, script: str) -> bool:
        self._change(script)
        return True

    def value(self, index: int = 0) -> Any:
        self._attached()
        return self._text

    def getValue(self, channel: int = 0) -> Any:
        return self.value()

    def setValue(self, val: Any, chan: int = 0) -> bool:
        self._change(str(val))
        return True

    def hasExpression(self, index: int = -1) -> bool:
        self._attached()
        return False

    def isAnimated(self, channel: int = -1) -> bool:
        self._attached()
        return False


def run_in(knob: Knob, run: Callable[[], object]) -> None:
    """Run something with a knob as `thisKnob`."""
    if knob._node is None:
        run()
        return
    with context(knob._node, knob):
        run()
