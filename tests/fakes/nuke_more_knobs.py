"""The other knobs of the fake Nuke, and the table of `addUserKnob`.

Numbers of kinds: https://learn.foundry.com/nuke/developers/70/pythonreference/nuke.KnobType-class.html.
"""

# mypy: disable-error-code="override"
# the host's own classes narrow what they take over
from __future__ import annotations

import sys
from typing import Any

from fakes.nuke_arrays import Array_Knob, Enumeration_Knob
from fakes.nuke_knobs import FLAGS, KNOB_CLASSES, Knob, knob_class, run_in, set_up
from fakes.nuke_numbers import elements
from fakes.nuke_session import RECORD, At
from fakes.nuke_texts import String_Knob
from fakes.nuke_values import found, tcl
from fakes.stub_modules import bare


def _texts(*names: str) -> None:
    """Make classes whose value is a text that the fake only keeps."""
    for name in names:

        def value(self: Knob, *args: object) -> Any:
            self._attached()
            return self._text

        def set_value(self: Knob, val: Any = None, *args: object) -> Any:
            self._change(str(val))
            return True

        knob_class(type(name, (Knob,), {"value": value, "setValue": set_value}))


def _arrays(*names: str) -> None:
    for name in names:
        knob_class(type(name, (Array_Knob,), {}))


_texts("Channel_Knob", "Password_Knob", "Tab_Knob", "Text_Knob", "Obsolete_Knob", "Font_Knob", "MultiView_Knob")
_arrays(
    "Color_Knob", "WH_Knob", "XY_Knob", "XYZ_Knob", "BBox_Knob", "Box3_Knob", "UV_Knob", "Scale_Knob", "Range_Knob", "Keyer_Knob"
)
for _name, _base in (
    ("ChannelMask_Knob", "Channel_Knob"),
    ("AColor_Knob", "Color_Knob"),
    ("Eyedropper_Knob", "AColor_Knob"),
    ("IArray_Knob", "Array_Knob"),
    ("ColorChip_Knob", "Unsigned_Knob"),
    ("PythonKnob", "String_Knob"),
    ("Help_Knob", "Knob"),
    ("LookupCurves_Knob", "Knob"),
    ("BeginTabGroup_Knob", "Knob"),
    ("EndTabGroup_Knob", "Knob"),
    ("Axis_Knob", "Knob"),
    ("Transform2d_Knob", "Knob"),
    ("ViewView_Knob", "Knob"),
):
    knob_class(type(_name, (KNOB_CLASSES[_base],), {}))
for _name in (
    "Bitmask_Knob",
    "CascadingEnumeration_Knob",
    "OneView_Knob",
    "Radio_Knob",
    "Pulldown_Knob",
    "EditableEnumeration_Knob",
):
    knob_class(type(_name, (Enumeration_Knob,), {}))


@knob_class
class FreeType_Knob(Knob):
    """A font by family and style, as Text2 has it."""

    def getValue(self) -> Any:
        words = [word.strip() for word in self._text.strip("{} ").split(" : ")]
        return words[:2]

    def setValue(self, family: str, style: str) -> Any:
        self._change(f"{{ {family} : {style} : {family}{style}.ttf : 0 }}")
        return True


@knob_class
class Format_Knob(Knob):
    """A size of pictures."""

    def toScript(self, quote: bool = False, context: object = None) -> str:
        return self._text

    def name(self) -> str:
        return self._name


@knob_class
class Script_Knob(String_Knob):
    """A button that runs Tcl."""

    def command(self) -> str:
        return self._text

    def setCommand(self, cmd: str) -> None:
        self._change(cmd)

    def value(self) -> str:
        return self._text

    def setValue(self, cmd: str) -> bool:
        String_Knob.setValue(self, cmd)
        return True

    def execute(self) -> None:
        run_in(self, lambda: tcl().run(self._node, At(), self._text))  # type: ignore[arg-type]


@knob_class
class PyScript_Knob(Script_Knob):
    """A button that runs Python."""

    def execute(self) -> None:
        run_in(self, lambda: exec(self._text, {"nuke": sys.modules["nuke"]}))


@knob_class
class PyCustom_Knob(Script_Knob):
    """A knob that a Python object draws: its command makes it."""

    def getObject(self) -> Any:
        return eval(self._text, {"nuke": sys.modules.get("nuke")})


@knob_class
class Link_Knob(Knob):
    """A knob that stands for one of another node, most of the time within the group."""

    def setLink(self, s: str) -> None:
        self._change(s)

    def makeLink(self, s: str, t: str) -> None:
        self._change(f"{s}.{t}")

    def getLink(self) -> str:
        return self._text

    def getLinkedKnob(self) -> Knob | None:
        self._attached()
        try:
            target = found(self._text, self._node) if self._node is not None else None
        except LookupError:
            return None
        return target if isinstance(target, Knob) else None

    def value(self) -> Any:
        target = self.getLinkedKnob()
        return target.value() if target is not None else ""

    def _shown(self, at: At) -> str:
        target = self.getLinkedKnob()
        return target._shown(at) if target is not None else ""

    def _number(self, index: int, at: At) -> float:
        target = self.getLinkedKnob()
        if target is None:
            raise RuntimeError(f"{self._name} is linked to nothing")
        return target._number(index, at)


#: number in `addUserKnob` → class
KINDS = {
    0: "Obsolete_Knob",
    1: "EvalString_Knob",
    2: "File_Knob",
    3: "Int_Knob",
    4: "Enumeration_Knob",
    5: "Bitmask_Knob",
    6: "Boolean_Knob",
    7: "Double_Knob",
    8: "Double_Knob",
    9: "Array_Knob",
    10: "ChannelMask_Knob",
    11: "Channel_Knob",
    12: "XY_Knob",
    13: "XYZ_Knob",
    14: "WH_Knob",
    15: "BBox_Knob",
    16: "WH_Knob",
    17: "Format_Knob",
    18: "Color_Knob",
    19: "AColor_Knob",
    20: "Tab_Knob",
    22: "PyScript_Knob",
    26: "Text_Knob",
    27: "Help_Knob",
    28: "Multiline_Eval_String_Knob",
    29: "Axis_Knob",
    30: "UV_Knob",
    31: "Box3_Knob",
    32: "Script_Knob",
    33: "LookupCurves_Knob",
    35: "Pulldown_Knob",
    36: "Eyedropper_Knob",
    40: "ColorChip_Knob",
    41: "Link_Knob",
    43: "Multiline_Eval_String_Knob",
    44: "OneView_Knob",
    45: "MultiView_Knob",
    52: "PyCustom_Knob",
    61: "Password_Knob",
    68: "CascadingEnumeration_Knob",
    78: "IArray_Knob",
}
#: words of a specification that have a value behind them
_GIVEN = {"l", "t", "M", "T", "n"}
#: knobs that have no value to save
VALUELESS = {"Text_Knob", "Help_Knob", "BeginTabGroup_Knob", "EndTabGroup_Knob"}


def made(kind: str, name: str, text: str | None = None, values: tuple[str, ...] = ()) -> Knob:
    """Return a new knob of a class."""
    knob = set_up(bare(KNOB_CLASSES[kind]), name, text)
    knob._values = values
    return knob


def user_knob(spec: str) -> Knob:
    """Return the knob that a specification of `addUserKnob` makes (`1 title l Title +INVISIBLE`)."""
    words = list(elements(spec))
    number = int(words[0])
    if number not in KINDS:
        raise RECORD.no_behaviour(f"addUserKnob {{{spec}}}")
    knob = made(KINDS[number], words[1] if len(words) > 1 else "")
    place = 2
    while place < len(words):
        word = words[place]
        value = words[place + 1] if place + 1 < len(words) else ""
        if word == "l":
            knob._label = value
        elif word == "t":
            knob._tooltip = value
        elif word == "M":
            knob._values = elements(value)
            knob._text = knob._default = knob._values[0] if knob._values else ""
        elif word == "T":
            knob._text = knob._default = value
        elif word.startswith("+") and word[1:] in FLAGS:
            knob._flags |= FLAGS[word[1:]]
        place += 2 if word in _GIVEN else 3 if word == "R" else 1
    knob._spec = spec
    return knob


def specification(knob: Knob) -> str:
    """Return how `addUserKnob` makes a knob that was added in this session."""
    if knob._spec:
        return knob._spec
    number = next((n for n, name in KINDS.items() if name == type(knob).__name__), None)
    if number is None and isinstance(knob, String_Knob):
        number = 1
    if number is None:
        raise RECORD.no_behaviour(f"saving a user's {type(knob).__name__}")
    words = [str(number), _word(knob._name or '""')]
    if knob._label:
        words += ["l", _word(knob._label)]
    if knob._tooltip:
        words += ["t", _word(knob._tooltip)]
    if isinstance(knob, Link_Knob):
        words += ["T", _word(knob._text)]
    if isinstance(knob, Enumeration_Knob):
        words += ["M", "{" + " ".join(_word(value) for value in knob._values) + "}"]
    return " ".join([*words, *(f"+{name}" for name in ("INVISIBLE", "HIDDEN", "STARTLINE") if knob._flags & FLAGS[name])])


def _word(text: str) -> str:
    return text if text and not set(text) & set(' \t\n"{}[]$\\;') else "{" + text + "}"
