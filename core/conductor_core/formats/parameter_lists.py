"""Requests with parameter lists, `Word "text" "type name" [values]`: the form that RenderMan's RIB and pbrt's scenes share.

Numbers are passed over in the search for quotes, brackets and words; a text is a value where it stands in brackets or behind
a name that has no value yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from conductor_core.formats.text_window import TextWindow

_MARKS = re.compile(rb'["\[\]#A-Z](?:(?<=[A-Z])[A-Za-z][A-Za-z0-9]*)?')
_SOMETHING = re.compile(rb"[^\s]")
_ESCAPE = re.compile(rb'\\(["\\nrtbf])')


@dataclass(slots=True)
class Request:
    """A request with its texts: arguments first, then what the parameters say."""

    word: str
    arguments: list[str] = field(default_factory=list)
    #: `string filename` → its texts; the type is part of the name where it is written there
    parameters: dict[str, list[str]] = field(default_factory=dict)


class Requests:
    """The requests of a text, one after the other."""

    def __init__(self, window: TextWindow, arguments: dict[str, int]) -> None:
        self._window = window
        self._arguments = arguments
        self._request = Request("")
        self._name = ""
        self._bracket = False
        #: where the mark before ended, in the file
        self._last = 0
        #: whether the parameter has its value
        self._valued = True
        #: what the text is in the middle of at its end; "": nothing
        self.open = ""

    def __iter__(self) -> Iterator[Request]:
        while match := self._window.next(_MARKS):
            mark = match[0]
            if mark == b'"':
                self._text(match.start())
            elif mark == b"[":
                self._bracket = True
            elif mark == b"]":
                self._bracket, self._valued = False, True
            elif mark == b"#":
                self._comment(match.start())
                continue
            elif len(mark) > 1 and self._is_word(match):
                if self._request.word:
                    yield self._request
                self._request = Request(mark.decode())
                self._name, self._bracket, self._valued = "", False, True
            self._last = self._window.offset
        if self._request.word:
            yield self._request
        if self._bracket:
            self.open = self.open or f"a list of {self._request.word}"

    def _is_word(self, match: re.Match[bytes]) -> bool:
        before = self._window.data[match.start() - 1 : match.start()] if match.start() else b""
        return not before or before.isspace() or before in b'"]'

    def _comment(self, start: int) -> None:
        """Pass over a comment; a `#` within a word begins none."""
        before = self._window.data[start - 1 : start] if start else b""
        if not before or before.isspace() or before in b'"]':
            self._window.skip_past(b"\n")

    def _text(self, start: int) -> None:
        between = self._window.offset - 1 - self._last
        number = between > 256 or bool(_SOMETHING.search(self._window.behind(start, max(0, between))))
        raw = self._window.quoted()
        if raw is None:
            if self._window.ended:
                self.open = "a text"
            self._valued = True
            return
        text = decoded(raw)
        if self._bracket:
            self._values().append(text)
        elif not self._valued and not number:
            self._values().append(text)
            self._valued = True
        elif self._is_argument(number):
            self._request.arguments.append(text)
        else:
            self._name, self._valued = text, False

    def _is_argument(self, number: bool) -> bool:
        """Tell whether a text is an argument: none follows a number (the handle of a light) or a parameter."""
        request = self._request
        early = len(request.arguments) < self._arguments.get(request.word, 0) and not request.parameters
        return early and not (number and request.arguments)

    def _values(self) -> list[str]:
        return self._request.parameters.setdefault(self._name, [])


def decoded(text: bytes) -> str:
    r"""Return a text with `\"` and `\\` as what they stand for."""
    if b"\\" in text:
        text = _ESCAPE.sub(lambda m: m[1] if m[1] in b'"\\' else m[0], text)
    return text.decode("utf-8", "surrogateescape")


def bare_name(parameter: str) -> str:
    """Return the name of a parameter without its class and type: `uniform string filename` → `filename`."""
    return parameter.split()[-1] if parameter.split() else ""
