"""Knobs of the fake Nuke: each holds the text that a script would have for it, and answers from that.

Sources: the pages of each class under https://learn.foundry.com/nuke/developers/latest/pythondevguide/ (nuke.Knob, nuke.Array_Knob,
nuke.EvalString_Knob, nuke.File_Knob …); numbers of flags: the NDK's `Knob::Flags`.
"""

# mypy: disable-error-code="override"
# the host's own classes narrow what they take over
from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from fakes.nuke_files import escaped
from fakes.nuke_numbers import animated, elements, is_number, keys
from fakes.nuke_session import RECORD, STUBS, At, session
from fakes.nuke_values import context, number, text_of
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
_HASHES = re.compile(r"#+")
_PERCENT = re.compile(r"%(0?)(\d*)d")
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


@knob_class
class Array_Knob(Knob):
    """Numbers, each of them plain, animated or an expression."""

    _empty = "0"

    def _parts(self) -> tuple[str, ...]:
        return elements(self._text) or ("0",)

    def _number(self, index: int, at: At) -> float:
        self._attached()
        parts = self._parts()
        part = parts[index if index < len(parts) else 0]
        if not animated(part):
            return float(part == "true") if part in {"true", "false"} else float(part)
        if self._node is None:
            raise RuntimeError(f"{self._name} has no node")
        return number(self._node, part, at)

    def _shown(self, at: At) -> str:
        found = [self._number(index, at) for index in range(len(self._parts()))]
        return " ".join(str(int(one)) if one == int(one) else f"{one:g}" for one in found)

    def _take(self, value: object, more: tuple[object, ...] = ()) -> None:
        many = value if isinstance(value, (list, tuple)) else (value,)
        self._text = " ".join(str(one) for one in many)

    def _answer(self, value: float) -> Any:
        return value

    def value(self, index: int | None = None, *more: object) -> Any:
        parts = self._parts()
        if index is None and len(parts) > 1:
            return [self._answer(self._number(i, session().here())) for i in range(len(parts))]
        return self._answer(self._number(index or 0, session().here()))

    def getValue(self, index: int | None = None) -> Any:
        parts = self._parts()
        if index is None and len(parts) > 1:
            return [self._number(i, session().here()) for i in range(len(parts))]
        return self._number(index or 0, session().here())

    def getValueAt(self, frame: float, index: int = 0, view: str = "") -> Any:
        return self._number(index, At(frame, view))

    def valueAt(self, frame: float, index: int = 0, view: str = "") -> Any:
        return self._number(index, At(frame, view))

    def setValue(self, value: Any, index: int | None = None, *more: object) -> bool:
        if isinstance(value, str):
            raise TypeError(f"{self._name}.setValue takes numbers, not {value!r}")
        parts = list(self._parts())
        if isinstance(value, (list, tuple)):
            parts = [_plain(one) for one in value]
        elif index is None:
            parts = [_plain(value)] * len(parts)
        else:
            parts[index] = _plain(value)
        self._change(" ".join(parts))
        return True

    def setSingleValue(self, value: Any, view: str = "") -> bool:
        return self.setValue(value)

    def singleValue(self, view: str = "") -> Any:
        return self._number(0, session().here())

    def setExpression(self, expression: str, channel: int = -1, view: str = "") -> bool:
        parts = ["{" + expression + "}" if i == channel or channel < 0 else _braced(p) for i, p in enumerate(self._parts())]
        self._change(" ".join(parts))
        return True

    def clearAnimated(self, channel: int = -1, view: str = "") -> bool:
        here = session().here()
        parts = [_plain(self._number(i, here)) if animated(p) else p for i, p in enumerate(self._parts())]
        self._change(" ".join(parts))
        return True

    def hasExpression(self, index: int = -1) -> bool:
        return any(animated(p) and not p.startswith("curve") for p in self._chosen(index))

    def isAnimated(self, channel: int = -1) -> bool:
        return any(animated(p) for p in self._chosen(channel))

    def _chosen(self, index: int) -> tuple[str, ...]:
        self._attached()
        parts = self._parts()
        return parts if index < 0 else parts[index : index + 1]

    def getKeyList(self) -> list[float]:
        return sorted({frame for part in self._parts() if animated(part) for frame in keys(part.split(" ")[1:])})

    def arraySize(self) -> int:
        return len(self._parts())

    def notDefault(self) -> bool:
        return self._text != self._default

    def defaultValue(self) -> float:
        return float(elements(self._default)[0])

    def toScript(self, quote: bool = False, context: object = None) -> str:
        return "{" + self._text + "}" if quote else self._text

    def fromScript(self, script: str) -> bool:
        self._change(script)
        return True


def _plain(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"a number is needed, not {value!r}")
    return str(int(value)) if value == int(value) else repr(float(value))


def _braced(part: str) -> str:
    return part if is_number(part) else "{" + part + "}"


@knob_class
class Unsigned_Knob(Array_Knob):
    """A whole number."""

    def setValue(self, val: int) -> bool:
        return super().setValue(val)

    def value(self) -> int:
        return int(self._number(0, session().here()))


@knob_class
class Int_Knob(Array_Knob):
    """A whole number."""

    def setValue(self, val: int) -> bool:
        return super().setValue(val)

    def value(self) -> int:
        return int(self._number(0, session().here()))

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other if isinstance(other, Knob) else self.value() == other


@knob_class
class Double_Knob(Array_Knob):
    """One or more numbers."""


@knob_class
class Boolean_Knob(Array_Knob):
    """True or false."""

    _empty = "false"

    def _take(self, value: object, more: tuple[object, ...] = ()) -> None:
        self._text = "true" if value else "false"

    def setValue(self, b: Any) -> bool:
        self._change("true" if b else "false")
        return True

    def value(self) -> bool:
        return bool(self._number(0, session().here()))

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other if isinstance(other, Knob) else self.value() == other


@knob_class
class Disable_Knob(Boolean_Knob):
    """Whether a node is passed over."""

    def setValue(self, b: Any) -> bool:
        return super().setValue(b)

    def value(self) -> bool:
        return super().value()

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)


def _enumeration(self: Knob, name: str = "", label: str | None = None, values: Any = ()) -> None:
    set_up(self, name)
    self._label, self._values = label or "", tuple(values)
    self._text = self._default = self._values[0] if self._values else ""


@knob_class
class Enumeration_Knob(Unsigned_Knob):
    """One of some words; one whose words the fake does not know takes any."""

    _empty = ""
    __init__ = _enumeration

    def _word(self) -> str:
        self._attached()
        plain = self._text.isdigit() and self._text not in self._values and self._values
        if plain and int(self._text) < len(self._values):
            return self._values[int(self._text)]
        return self._text

    def _shown(self, at: At) -> str:
        return self._word()

    def _number(self, index: int, at: At) -> float:
        word = self._word()
        if word in self._values:
            return float(self._values.index(word))
        if is_number(word):
            return float(word)
        if animated(word) and self._node is not None and not self._values:
            return number(self._node, word, at)
        raise RECORD.no_behaviour(f"the number of {word!r} in {self._name}")

    def value(self) -> Any:
        return self._word()

    def getValue(self, index: int | None = None) -> Any:
        return self._number(0, session().here())

    def setValue(self, value: Any) -> bool:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = self._values[int(value)] if self._values else str(int(value))
        if self._values and value not in self._values:
            raise TypeError(f'nothing named "{value}"')
        self._change(value)
        return True

    def isAnimated(self, channel: int = -1) -> bool:
        return False

    def hasExpression(self, index: int = -1) -> bool:
        return False

    def values(self) -> Any:
        if not self._values:
            raise RECORD.no_behaviour(f"the words of {self._name}")
        return list(self._values)

    def numValues(self) -> int:
        return len(self.values())

    def enumName(self, n: int) -> str:
        return str(self.values()[n])

    def setValues(self, items: Any) -> None:
        self._values = tuple(items)


@knob_class
class String_Knob(Knob):
    """A text."""

    def value(self, oc: object = None) -> str:
        self._attached()
        return self._text

    def getValue(self, oc: object = None) -> str:
        return self.value()

    def setValue(self, val: str, view: object = None) -> bool:
        if not isinstance(val, str):
            raise TypeError(f"{self._name}.setValue takes a text, not {val!r}")
        self._change(val)
        return True

    def getText(self, oc: object = None) -> str:
        self._attached()
        return self._text

    def toScript(self, quote: bool = False, context: object = None) -> str:
        self._attached()
        text = escaped(self._text) if session().unsure.script_is_escaped else self._text
        return "{" + text + "}" if quote else text

    def setText(self, text: str) -> bool:
        self.setValue(text)
        return True


@knob_class
class EvalString_Knob(String_Knob):
    """A text in which brackets are Tcl."""

    def _evaluated(self, at: At) -> str:
        self._attached()
        return text_of(self._node, self._text, at) if self._node is not None else self._text

    def _shown(self, at: At) -> str:
        return self._evaluated(at)

    def evaluate(self, frame: float | None = None) -> str:
        here = session().here()
        return self._evaluated(here if frame is None else At(frame, here.view))

    def value(self, oc: object = None) -> str:
        return self._evaluated(session().here()) if session().unsure.value_is_evaluated else self._text

    def isAnimated(self, channel: int = -1) -> bool:
        self._attached()
        return "[" in self._text

    def hasExpression(self, index: int = -1) -> bool:
        return self.isAnimated()


@knob_class
class Multiline_Eval_String_Knob(EvalString_Knob):
    """Several lines, in which brackets are Tcl."""


def technical(text: str) -> str:
    """Return a file's text with `%04d` for `####`."""
    return _HASHES.sub(lambda match: f"%0{len(match[0])}d", text)


def with_frame(text: str, at: At) -> str:
    """Return a file's text with the frame, and the view for `%V` and `%v`, in it."""
    frame = round(at.frame)

    def digits(match: re.Match[str]) -> str:
        return f"{frame:0{match[2] or 0}d}" if match[1] else f"{frame:{match[2] or 0}d}"

    text = _PERCENT.sub(digits, technical(text))
    view = at.view or session().root._views()[0]
    return text.replace("%V", view).replace("%v", view[:1])


@knob_class
class File_Knob(EvalString_Knob):
    """A file's name, maybe of a sequence."""

    def _stored(self) -> str:
        self._attached()
        return technical(self._text) if session().unsure.hashes_become_percents else self._text

    def value(self, oc: object = None) -> Any:
        return self._stored()

    def getValue(self, oc: object = None) -> Any:
        return self._stored()

    def _shown(self, at: At) -> str:
        return with_frame(self._evaluated(at), at)

    def evaluate(self, frame: float | None = None) -> Any:
        here = session().here()
        at = here if frame is None else At(frame, here.view)
        return with_frame(self._evaluated(at), at)

    def getEvaluatedValue(self, oc: Any = None) -> Any:
        at = session().here() if oc is None else oc._at()
        text = technical(self._evaluated(at))
        return with_frame(text, at) if oc is not None and session().unsure.evaluated_has_frame else text

    def setValue(self, value: str) -> bool:
        String_Knob.setValue(self, value)
        return True

    def fromScript(self, script: str) -> bool:
        self._change(script)
        return True

    def fromUserText(self, text: str) -> bool:
        name, _, frames = text.rpartition(" ")
        match = re.fullmatch(r"(-?\d+)-(-?\d+)", frames)
        if not match or self._node is None:
            self._change(text)
            return True
        self._change(name)
        for knob, value in (("first", match[1]), ("last", match[2])):
            if knob in self._node._knobs:
                self._node._knobs[knob]._change(value)
        return True


def run_in(knob: Knob, run: Callable[[], object]) -> None:
    """Run something with a knob as `thisKnob`."""
    if knob._node is None:
        run()
        return
    with context(knob._node, knob):
        run()
