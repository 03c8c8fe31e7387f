"""What a stub's annotation takes: enough to refuse a value that is clearly wrong, and nothing that might be right.

A name that cannot be followed (another package's class, a type variable) takes everything: the type checker knows those.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fakes.stub_reading import StubModule

_ANYTHING = {"Any", "object", "Incomplete", "Unknown", "Self", "TypeVar"}
_LISTS = {"list": list, "List": list, "tuple": tuple, "Tuple": tuple, "set": set, "Set": set, "dict": dict, "Dict": dict}
_SERIES = {"Sequence", "Iterable", "Iterator", "Collection", "MutableSequence"}


@dataclass(frozen=True, slots=True)
class Type:
    """An annotation: its text, and whether a value fits."""

    text: str
    takes: Callable[[object], bool]


def type_of(annotation: ast.expr, module: StubModule, *, none: bool = False) -> Type:
    """Return what an annotation takes; `none`: its default is None, so None fits as well."""
    takes = _reader(annotation, module, {})
    if none:
        return Type(ast.unparse(annotation), lambda value: value is None or takes(value))
    return Type(ast.unparse(annotation), takes)


Takes = Callable[[object], bool]


def _anything(_value: object) -> bool:
    return True


def _reader(node: ast.expr, module: StubModule, bound: Mapping[str, Takes]) -> Takes:
    if isinstance(node, ast.Constant):
        if node.value is None:
            return lambda value: value is None
        if isinstance(node.value, str):
            return _reader(ast.parse(node.value, mode="eval").body, module, bound)
        return _anything
    if isinstance(node, ast.BinOp):
        return _either([_reader(node.left, module, bound), _reader(node.right, module, bound)])
    if isinstance(node, ast.Subscript):
        return _parametrised(node, module, bound)
    if isinstance(node, ast.Name):
        return _named(node.id, module, bound)
    return _anything


def _either(choices: list[Takes]) -> Takes:
    return lambda value: any(takes(value) for takes in choices)


def _named(name: str, module: StubModule, bound: Mapping[str, Takes]) -> Takes:
    if name in bound:
        return bound[name]
    if name in _ANYTHING:
        return _anything
    if name in _PLAIN:
        return _PLAIN[name]
    if name in _LISTS:
        return _container(_LISTS[name], _anything)
    if name in _SERIES:
        return _series(_anything)
    if name in ("Callable", "Type", "type"):
        return callable
    if name in module.aliases:
        return _reader(module.aliases[name], module, {})
    return _object_of(name, module)


def _object_of(name: str, module: StubModule) -> Takes:
    from fakes.stub_reading import StubClass

    found = module.member(name)
    if not isinstance(found, StubClass):
        return _anything

    def takes(value: object) -> bool:
        own = getattr(type(value), "__stub_class__", None)
        if own is not None:
            return bool(own.is_a(name))
        return not isinstance(value, (str, bytes, int, float, list, tuple, dict, set, type(None)))

    return takes


def _parametrised(node: ast.Subscript, module: StubModule, bound: Mapping[str, Takes]) -> Takes:
    name = ast.unparse(node.value).rpartition(".")[2]
    inner = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Literal":
        values = [n.value for n in inner if isinstance(n, ast.Constant)]
        return lambda value: value in values
    if name == "Callable":
        return callable
    if name in module.aliases:
        parts = [_reader(one, module, bound) for one in inner]
        variables = _variables(module.aliases[name], module)
        return _reader(module.aliases[name], module, dict(zip(variables, parts, strict=False)))
    parts = [_reader(one, module, bound) for one in inner]
    if name == "Union":
        return _either(parts)
    if name == "Optional":
        return _either([*parts, lambda value: value is None])
    if name in ("tuple", "Tuple"):
        return _tuple(inner, parts)
    if name in ("dict", "Dict", "Mapping"):
        return lambda value: isinstance(value, Mapping)
    if name in _LISTS:
        return _container(_LISTS[name], parts[0])
    return _series(parts[0]) if name in _SERIES else _anything


def _variables(node: ast.expr, module: StubModule) -> list[str]:
    """Return the type variables of an alias, in their order: `_T = TypeVar("_T")`."""
    found = []
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            value = module.aliases.get(one.id)
            if isinstance(value, ast.Call) and ast.unparse(value.func).endswith("TypeVar"):
                found.append(one.id)
            elif value is not None and not isinstance(value, ast.Call):
                found += _variables(value, module)
    return list(dict.fromkeys(found))


def _container(kind: type, inner: Takes) -> Takes:
    def takes(value: object) -> bool:
        return isinstance(value, kind) and all(inner(item) for item in value)  # type: ignore[attr-defined]

    return takes


def _series(inner: Takes) -> Takes:
    def takes(value: object) -> bool:
        if isinstance(value, (str, bytes)):
            return all(inner(item) for item in value)
        if isinstance(value, (list, tuple)):
            return all(inner(item) for item in value)
        return isinstance(value, Iterable) or hasattr(value, "__getitem__")

    return takes


def _tuple(inner: list[ast.expr], parts: list[Takes]) -> Takes:
    endless = len(inner) == 2 and isinstance(inner[1], ast.Constant) and inner[1].value is ...

    def takes(value: object) -> bool:
        if not isinstance(value, (tuple, list)):  # hosts take a list where they say tuple
            return False
        if endless:
            return all(parts[0](item) for item in value)
        return len(value) == len(parts) and all(part(item) for part, item in zip(parts, value, strict=True))

    return takes


def _is_bool(value: object) -> bool:
    return isinstance(value, bool) or (isinstance(value, int) and value in (0, 1))


_PLAIN: dict[str, Takes] = {
    "str": lambda value: isinstance(value, str),
    "bytes": lambda value: isinstance(value, bytes),
    "bool": _is_bool,
    "int": lambda value: isinstance(value, int),
    "float": lambda value: isinstance(value, (int, float)),
}
