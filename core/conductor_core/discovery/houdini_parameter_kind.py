"""A parameter as its node type declares it: whether its values are files, and when it is disabled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: types whose values are files; a directory is not sent as a whole
FILE_TYPES = frozenset({"file", "image", "geometry"})

_CONDITION = re.compile(r"\{([^{}]*)\}")
_TERM = re.compile(r"(\S+)\s*(==|!=|<=|>=|<|>)\s*(\S+)")


@dataclass(frozen=True, slots=True)
class ParameterKind:
    """A parameter as its type declares it."""

    name: str
    type: str
    #: as stored, without the quotes
    default: str = ""
    #: `read`, `write`, `read_and_write`; "": not said
    mode: str = ""
    disabled_when: str = ""

    @property
    def is_file(self) -> bool:
        """Whether its values are files."""
        return self.type in FILE_TYPES


def is_disabled(kind: ParameterKind, values: Mapping[str, str]) -> bool:
    """Tell whether its `disablewhen` holds for these values; False where that cannot be told.

    One of the groups in braces is enough, all terms of it must hold:
    https://www.sidefx.com/docs/houdini/ref/windows/optype.html
    """
    for group in _CONDITION.finditer(kind.disabled_when[:4096]):
        terms = list(_TERM.finditer(group[1]))
        if terms and all(_holds(term, values) for term in terms):
            return True
    return False


def _holds(term: re.Match[str], values: Mapping[str, str]) -> bool:
    value = values.get(term[1])
    if value is None:
        return False
    wanted = term[3].strip("\"'")
    aliases = {"on": "1", "off": "0"}
    same = aliases.get(value, value) == aliases.get(wanted, wanted)
    return same if term[2] == "==" else not same if term[2] == "!=" else False
