"""Knobs of the fake Nuke that hold numbers, animated or not, and words of a list (nuke.Array_Knob, nuke.Enumeration_Knob)."""

# mypy: disable-error-code="override"
# the host's own classes narrow what they take over
from __future__ import annotations

from typing import Any

from fakes.nuke_knobs import Knob, knob_class, set_up
from fakes.nuke_numbers import animated, elements, is_number, keys
from fakes.nuke_session import RECORD, At, session
from fakes.nuke_values import number


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
