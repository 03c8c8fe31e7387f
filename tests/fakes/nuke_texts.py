"""Knobs of the fake Nuke that hold texts and files (nuke.String_Knob, nuke.EvalString_Knob, nuke.File_Knob)."""

# mypy: disable-error-code="override"
# the host's own classes narrow what they take over
from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fakes.nuke_files import escaped
from fakes.nuke_knobs import Knob, knob_class
from fakes.nuke_session import At, session
from fakes.nuke_values import text_of

_HASHES = re.compile(r"#+")
_PERCENT = re.compile(r"%(0?)(\d*)d")


def _known_view(view: str) -> str:
    if view not in session().root._views():
        raise ValueError(f"no view is named {view}")
    return view


@knob_class
class String_Knob(Knob):
    """A text."""

    def value(self, oc: object = None) -> str:
        self._attached()
        return self._text

    def getValue(self, oc: object = None) -> str:
        return self.value()

    #: the texts of views that were split off (pythondevguide/stereo.html): without a view, `setValue` leaves them as they are
    _split: Mapping[str, str] = MappingProxyType({})

    def setValue(self, val: str, view: str | None = None) -> bool:
        if not isinstance(val, str):
            raise TypeError(f"{self._name}.setValue takes a text, not {val!r}")
        if view in self._split:
            self._split = {**self._split, str(view): val}
        else:
            self._change(val)
        return True

    def splitView(self, view: str) -> None:
        self._split = {**self._split, _known_view(view): self._text}

    def unsplitView(self, view: str) -> None:
        self._split = {name: text for name, text in self._split.items() if name != _known_view(view)}

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
        text = self._split.get(at.view, self._text)
        return text_of(self._node, text, at) if self._node is not None else text

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


def localised(text: str) -> str:
    """Return the place of a file's copy on this machine, where Nuke has one (File > Localization; https://gist.github.com/dbr/8016555)."""
    for folder, copies in session().localised.items():
        if text.startswith(folder + "/"):
            return copies + text[len(folder) :]
    return text


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
        return localised(with_frame(self._evaluated(at), at))

    def getEvaluatedValue(self, oc: Any = None) -> Any:
        at = session().here() if oc is None else oc._at()
        text = localised(technical(self._evaluated(at)))
        return with_frame(text, at) if oc is not None and session().unsure.evaluated_has_frame else text

    def setValue(self, value: str, view: str | None = None) -> bool:
        String_Knob.setValue(self, value, view)
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
