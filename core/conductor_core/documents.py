"""JSON in and out for frozen dataclasses: strict, with errors that name the field.

Only what our documents need: str, int (64 bits), float (finite), bool, None unions, Literal, Enum, tuple[X, ...], nested
dataclasses, Mapping[str, X], and Any for whatever JSON holds. Standard library only, since hosts import it. A type is looked
at once and remembered as a function, because a manifest has a hundred thousand entries of one type.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import math
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from conductor_core.errors import InvalidDocument

T = TypeVar("T")

#: Takes parsed JSON, gives the value, or raises `_Misfit`.
_Build = Callable[[Any], Any]

_INTEGERS = range(-(2**63), 2**63)  # what a database column holds


class _Misfit(Exception):
    """Carry a reason up through the containers, each of which puts its own step before the place."""

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place

    def inside(self, step: str) -> _Misfit:
        """Return the same misfit as seen from the container, which calls the place `step`."""
        dot = "." if self.place and not self.place.startswith("[") else ""
        return _Misfit(self.reason, f"{step}{dot}{self.place}")


def to_json(value: Any) -> Any:
    """Return `value` (a dataclass, tuple, enum or plain value) as what `json.dumps` takes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [to_json(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): to_json(v) for k, v in value.items()}
    return value


def canonical_bytes(value: Any) -> bytes:
    """Return JSON with sorted keys and no spaces: equal values give equal bytes, so a document has one digest.

    Raises:
        ValueError: a float is not finite, which JSON cannot say.
    """
    text = json.dumps(to_json(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode()


def from_json(kind: type[T], data: Any, *, document: str = "") -> T:
    """Build a `kind` from parsed JSON.

    Raises:
        InvalidDocument: a field is missing, unknown, or of another type; its dotted name is in the message.
    """
    try:
        return typing.cast(T, _builder(typing.cast(Any, kind))(data))
    except _Misfit as exc:
        raise InvalidDocument(document or kind.__name__, exc.place or "(whole)", exc.reason) from None


def from_bytes(kind: type[T], data: bytes | str, *, document: str = "") -> T:
    """Build a `kind` from JSON text.

    Raises:
        InvalidDocument: the text is not JSON, or `from_json` refuses what it says.
    """
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise InvalidDocument(document or kind.__name__, "(whole)", f"is not JSON ({exc})") from None
    return from_json(kind, parsed, document=document)


@functools.cache
def _builder(kind: Any) -> _Build:
    """Return the function that builds a `kind`."""
    origin = typing.get_origin(kind)
    if kind is Any:
        return lambda data: data
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _dataclass_builder(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _choice_builder({m.value: m for m in kind})
    if origin is typing.Literal:
        return _choice_builder({value: value for value in typing.get_args(kind)})
    if origin in (typing.Union, types.UnionType):
        return _union_builder(typing.get_args(kind))
    if origin is tuple:
        return _tuple_builder(typing.get_args(kind)[0])
    if origin in (Mapping, dict):
        return _mapping_builder(typing.get_args(kind)[1])
    return _plain_builder(getattr(kind, "__supertype__", kind))


def _dataclass_builder(kind: type) -> _Build:
    hints = typing.get_type_hints(kind)
    fields = {f.name: _builder(hints[f.name]) for f in dataclasses.fields(kind)}
    required = [
        f.name for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]

    def build(data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise _Misfit("must be an object")
        values = {}
        for name, value in data.items():
            if name not in fields:
                raise _Misfit("is not known", str(name))
            try:
                values[name] = fields[name](value)
            except _Misfit as exc:
                raise exc.inside(name) from None
        for name in required:
            if name not in values:
                raise _Misfit("is missing", name)
        try:
            return kind(**values)
        except ValueError as exc:
            raise _Misfit(str(exc)) from None

    return build


def _choice_builder(choices: Mapping[Any, Any]) -> _Build:
    reason = "must be one of " + ", ".join(str(c) for c in choices)

    def build(data: Any) -> Any:
        if not isinstance(data, str) or data not in choices:
            raise _Misfit(reason)
        return choices[data]

    return build


def _union_builder(kinds: tuple[Any, ...]) -> _Build:
    others = [_builder(kind) for kind in kinds if kind is not type(None)]
    if len(others) == 1 and len(kinds) == 2:  # X | None: errors name the place inside X
        return lambda data: None if data is None else others[0](data)
    builders = [_builder(kind) for kind in kinds]
    names = " or ".join("null" if kind is type(None) else getattr(kind, "__name__", str(kind)) for kind in kinds)

    def build(data: Any) -> Any:
        for one in builders:
            try:
                return one(data)
            except _Misfit:
                continue
        raise _Misfit(f"must be {names}")

    return build


def _tuple_builder(item: Any) -> _Build:
    build_item = _builder(item)

    def build(data: Any) -> Any:
        if not isinstance(data, (list, tuple)):
            raise _Misfit("must be a list")
        result = []
        for value in data:
            try:
                result.append(build_item(value))
            except _Misfit as exc:
                raise exc.inside(f"[{len(result)}]") from None
        return tuple(result)

    return build


def _mapping_builder(item: Any) -> _Build:
    build_item = _builder(item)

    def build(data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise _Misfit("must be an object")
        result = {}
        for key, value in data.items():
            try:
                result[str(key)] = build_item(value)
            except _Misfit as exc:
                raise exc.inside(str(key)) from None
        return result

    return build


def _plain_builder(kind: Any) -> _Build:
    def build(data: Any) -> Any:
        if kind is float and type(data) is int:
            data = float(data) if data in _INTEGERS else math.inf
        # By identity: a bool is an int to isinstance, but `"priority": true` is a mistake.
        if type(data) is not kind:
            raise _Misfit(f"must be {'null' if kind is type(None) else kind.__name__}")
        if kind is int and data not in _INTEGERS:
            raise _Misfit("must fit into 64 bits")
        if kind is float and not math.isfinite(data):
            raise _Misfit("must be a finite number")
        return data

    return build
