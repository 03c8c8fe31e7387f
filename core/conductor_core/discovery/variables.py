"""Environment variables in paths: `$NAME`, `${NAME}`, `%NAME%`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

#: `%V`, `%04d` are tokens of sequences; a name between percent signs has at least two characters
_VARIABLE = re.compile(r"\$\{(?P<braced>\w+)\}|\$(?P<plain>[A-Za-z_]\w*)|%(?P<percent>[A-Za-z_]\w+)%")
#: a value may name variables in turn, so many times
_ROUNDS = 8


class Filled(NamedTuple):
    """A text with the values of its variables in it."""

    text: str
    #: names of variables that nobody has set; they stand in the text as they were
    unknown: tuple[str, ...]


def fill_variables(text: str, variables: Mapping[str, str]) -> Filled:
    """Return `text` with the value of each variable in its place; values may name variables themselves."""
    for _ in range(_ROUNDS):
        filled = _VARIABLE.sub(lambda m: variables.get(_name(m), m[0]), text)
        if filled == text:
            break
        text = filled
    return Filled(text, tuple(dict.fromkeys(_name(m) for m in _VARIABLE.finditer(text))))


def _name(match: re.Match[str]) -> str:
    return match["braced"] or match["plain"] or match["percent"]
