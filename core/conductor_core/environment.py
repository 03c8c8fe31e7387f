"""Environment variables with a policy, and how those of several sources become one environment.

A path-like variable (`PYTHONPATH`, `NUKE_PATH`) is put together from what each source appends or prepends; any other has
one value, and two sources that want different ones are a mistake that somebody must hear of before a frame is rendered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from conductor_core.errors import EnvironmentConflict, InvalidDocument

Policy = Literal["append", "prepend", "exclusive"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class EnvironmentVariable:
    """One variable of a job, and how it joins what the instance's software package sets."""

    name: str
    value: str
    policy: Policy = "exclusive"
    #: who wants it (`scene`, `studio preset`, …), named in conflicts
    source: str = ""


def merge_environment(layers: Sequence[Sequence[EnvironmentVariable]], *, separator: str) -> dict[str, str]:
    """Return the environment that the layers come to, the first layer (the software package's) innermost.

    `append` puts a value after what the layers before it say, `prepend` before. No value stands there twice: appending it
    again does nothing, prepending it moves it to the front. `exclusive` is the whole value, whatever the layers' order.

    Args:
        layers: each a source or several, the software package first, the job last.
        separator: the instance's own (`:` on Linux, `;` on Windows), not the client's.

    Raises:
        EnvironmentConflict: two sources want different values and one of them is exclusive.
        InvalidDocument: a name or value that no system takes.
    """
    by_name: dict[str, list[EnvironmentVariable]] = {}
    for layer in layers:
        for variable in layer:
            check_variable(variable)
            by_name.setdefault(variable.name, []).append(variable)
    return {name: _join(variables, separator) for name, variables in by_name.items()}


def check_variable(variable: EnvironmentVariable, *, document: str = "Environment", field: str = "") -> None:
    """Refuse a name or value that no system takes.

    Names are letters, digits and `_` and do not begin with a digit (IEEE Std 1003.1, section 8.1; small letters too).

    Raises:
        InvalidDocument: with `document` and `field` (else the variable's name) as the place.
    """
    if not _NAME.fullmatch(variable.name):
        reason = f"{variable.name!r} is not the name of a variable: letters, digits and _, no digit first"
        raise InvalidDocument(document, field or variable.name, reason)
    if "\0" in variable.value:
        raise InvalidDocument(document, field or variable.name, "has a NUL character in its value")


def _join(variables: Iterable[EnvironmentVariable], separator: str) -> str:
    """Return the value of one variable from all who want it, in the order of the layers."""
    variables = list(variables)
    exclusive = next((v for v in variables if v.policy == "exclusive"), None)
    if exclusive is not None:
        for other in variables:
            if other.value != exclusive.value:
                raise _conflict(exclusive, other)
        return exclusive.value
    values: list[str] = []
    for variable in variables:
        # An empty element of a search path means the current folder: never make one by joining.
        if not variable.value:
            continue
        if variable.policy == "prepend":
            values = [variable.value, *(v for v in values if v != variable.value)]
        elif variable.value not in values:
            values.append(variable.value)
    return separator.join(values)


def _conflict(exclusive: EnvironmentVariable, other: EnvironmentVariable) -> EnvironmentConflict:
    verb = {"exclusive": "sets", "append": "appends", "prepend": "prepends"}[other.policy]
    reason = f"the first sets {exclusive.value!r} and nothing else, the second {verb} {other.value!r}"
    return EnvironmentConflict(exclusive.name, _named(exclusive), _named(other), reason)


def _named(variable: EnvironmentVariable) -> str:
    return variable.source or "an unnamed source"
