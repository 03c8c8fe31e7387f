"""JSON in and out for frozen dataclasses: strict, with errors that name the field.

Only what our documents need: str, int, float, bool, None unions, Literal, Enum, tuple[X, ...], nested dataclasses and
`Mapping[str, str | int | float | bool | None]`. Standard library only, since hosts import it.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from conductor_core.errors import InvalidDocument

T = TypeVar("T")


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
    """Return JSON with sorted keys and no spaces: equal values give equal bytes, so a document has one digest."""
    return json.dumps(to_json(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def from_json(kind: type[T], data: Any, *, document: str = "") -> T:
    """Build a `kind` from parsed JSON.

    Raises:
        InvalidDocument: a field is missing, unknown, or of another type; its dotted name is in the message.
    """
    return typing.cast(T, _build(kind, data, document or kind.__name__, ""))


def _build(kind: Any, data: Any, document: str, where: str) -> Any:
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _build_dataclass(kind, data, document, where)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _build_enum(kind, data, document, where)
    if origin is typing.Literal:
        return _check(data in typing.get_args(kind), data, document, where, f"must be one of {typing.get_args(kind)}")
    if origin in (typing.Union, types.UnionType):
        return _build_union(kind, data, document, where)
    if origin is tuple:
        _check(isinstance(data, (list, tuple)), data, document, where, "must be a list")
        item = typing.get_args(kind)[0]
        return tuple(_build(item, v, document, f"{where}[{i}]") for i, v in enumerate(data))
    if origin in (Mapping, dict) or getattr(origin, "__name__", "") == "Mapping":
        _check(isinstance(data, Mapping), data, document, where, "must be an object")
        item = typing.get_args(kind)[1]
        return {str(k): _build(item, v, document, f"{where}.{k}") for k, v in data.items()}
    return _build_plain(kind, data, document, where)


def _build_dataclass(kind: type, data: Any, document: str, where: str) -> Any:
    _check(isinstance(data, Mapping), data, document, where or "(whole)", "must be an object")
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    prefix = f"{where}." if where else ""
    for name in data:
        _check(name in fields, name, document, f"{prefix}{name}", "is not known")
    values = {}
    for name, field in fields.items():
        if name in data:
            values[name] = _build(hints[name], data[name], document, prefix + name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InvalidDocument(document, prefix + name, "is missing")
    try:
        return kind(**values)
    except ValueError as exc:
        raise InvalidDocument(document, where or "(whole)", str(exc)) from exc


def _build_enum(kind: type[enum.Enum], data: Any, document: str, where: str) -> Any:
    try:
        return kind(data)
    except ValueError:
        choices = ", ".join(str(m.value) for m in kind)
        raise InvalidDocument(document, where, f"must be one of {choices}") from None


def _build_union(kind: Any, data: Any, document: str, where: str) -> Any:
    options = typing.get_args(kind)
    if data is None and type(None) in options:
        return None
    rest = [o for o in options if o is not type(None)]
    for option in rest[:-1]:
        try:
            return _build(option, data, document, where)
        except InvalidDocument:
            continue
    return _build(rest[-1], data, document, where)


def _build_plain(kind: Any, data: Any, document: str, where: str) -> Any:
    base = getattr(kind, "__supertype__", kind)
    if base is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    right = type(data) is base
    return _check(right, data, document, where, f"must be {getattr(base, '__name__', base)}")


def _check(right: bool, data: Any, document: str, where: str, reason: str) -> Any:
    if not right:
        raise InvalidDocument(document, where, reason)
    return data
