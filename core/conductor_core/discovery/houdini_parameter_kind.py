"""A parameter as its node type declares it: whether its values are files, and when it is disabled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

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


class Switches(Protocol):
    """The values of a node's parameters."""

    def get(self, name: str, /) -> str | None:
        """Return the text of a parameter's first component; None where it has none."""
        ...


def is_disabled(kind: ParameterKind, values: Switches) -> bool:
    """Tell whether its `disablewhen` holds for these values; False where that cannot be told.

    One of the groups in braces is enough, all terms of it must hold:
    https://www.sidefx.com/docs/houdini/ref/windows/optype.html
    """
    for group in _CONDITION.finditer(kind.disabled_when[:4096]):
        terms = list(_TERM.finditer(group[1]))
        if terms and all(_holds(term, values) for term in terms):
            return True
    return False


def _holds(term: re.Match[str], values: Switches) -> bool:
    value = values.get(term[1])
    if value is None:
        return False
    wanted = term[3].strip("\"'")
    aliases = {"on": "1", "off": "0"}
    same = aliases.get(value, value) == aliases.get(wanted, wanted)
    return same if term[2] == "==" else not same if term[2] == "!=" else False
