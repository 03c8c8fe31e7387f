"""The values of a Houdini node's parameters, as a scene stores them and as Houdini tells them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
#: what a scene writes with a backslash before it
_ESCAPED = re.compile(r'[\\"]')


@dataclass(frozen=True, slots=True)
class Value:
    """One component of a parameter."""

    #: as stored, escapes and all, without the quotes around it
    stored: str
    #: the channel that it has; "": none
    channel: str = ""

    @property
    def text(self) -> str:
        """The text that is meant."""
        return unescaped(self.stored)


class Channel(NamedTuple):
    """What drives a value."""

    expression: str
    #: hscript or python; "": the language of the node
    language: str
    #: several keys: the value changes over time in a way that only Houdini knows
    keyed: bool


#: parameter → its components
Parameters = Mapping[str, tuple[Value, ...]]


def unescaped(stored: str) -> str:
    """Return the text that a stored one means."""
    return _ESCAPE.sub(r"\1", stored) if "\\" in stored else stored


def escaped(text: str) -> str:
    """Return a text as a scene stores it."""
    return _ESCAPED.sub(r"\\\g<0>", text)
