"""Python in Nuke's file knobs, as far as it only takes paths apart: `[python {os.path.dirname(nuke.root().name())}]`.

Evaluated from its syntax tree, so nothing runs: calls of `os.path`, methods of texts, and what `nuke` says of nodes and knobs.
Rules: https://learn.foundry.com/nuke/developers/latest/pythondevguide/_autosummary/nuke.html
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from conductor_core.discovery.tcl import NotEvaluated

_LONGEST = 4096
_DEEPEST = 60


class Script(Protocol):
    """What the script holds."""

    def value(self, knob: str) -> str:
        """Return the value of a knob by its name as seen from the node: `root.name`, `this.file`, `Read1.file`.

        Raises:
            NotEvaluated: there is none, or it cannot be evaluated.
        """
        ...

    def variable(self, name: str) -> str | None:
        """Return an environment variable."""
        ...


@dataclass(frozen=True, slots=True)
class _Name:
    """Something that has no value by itself: a module, a function, a method, a node (`node:root`) or knob (`knob:root.name`)."""

    path: str


_Value = str | int | float | list[str] | tuple[str, str] | None | _Name
_Call = Callable[..., "_Value"]

_FUNCTIONS: dict[str, _Call] = {
    "os.path.dirname": lambda p: posixpath.dirname(p),
    "os.path.basename": lambda p: posixpath.basename(p),
    "os.path.join": lambda *p: posixpath.join(*p),
    "os.path.normpath": lambda p: posixpath.normpath(p),
    "os.path.splitext": lambda p: posixpath.splitext(p),
    "os.path.split": lambda p: posixpath.split(p),
    "str": lambda v: str(v),
    "int": lambda v: int(v),
    "len": lambda v: len(v),
}
_METHODS = frozenset(
    {
        "replace",
        "split",
        "rsplit",
        "strip",
        "lstrip",
        "rstrip",
        "lower",
        "upper",
        "join",
        "partition",
        "zfill",
        "title",
        "capitalize",
    }
)
_VALUES = frozenset({"value", "getValue", "evaluate", "getText", "toScript", "getEvaluatedValue"})
_NODES = {
    "nuke.root": "root",
    "nuke.Root": "root",
    "nuke.thisNode": "this",
    "nuke.thisGroup": "parent",
    "nuke.thisParent": "parent",
}


def evaluate(code: str, script: Script) -> str:
    """Return what a piece of Python gives.

    Raises:
        NotEvaluated: it does more than is understood here.
    """
    if len(code) > _LONGEST:
        raise NotEvaluated("its Python is too long")
    try:
        tree = ast.parse(code.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotEvaluated("its Python cannot be read") from None
    result = _Code(script).run(tree.body)
    if isinstance(result, (str, int)):
        return str(result)
    raise NotEvaluated("its Python gives no text")


class _Code:
    def __init__(self, script: Script) -> None:
        self._script = script
        self._names: dict[str, _Value] = {}
        self._depth = 0

    def run(self, body: list[ast.stmt]) -> _Value:
        result: _Value = None
        for statement in body:
            if isinstance(statement, ast.Import) and all(
                a.name in ("os", "nuke", "os.path") and not a.asname for a in statement.names
            ):
                continue
            if isinstance(statement, ast.Expr):
                result = self._value(statement.value)
            elif isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
                result = self._names[statement.targets[0].id] = self._value(statement.value)
            else:
                raise NotEvaluated("its Python is more than an expression")
        return result

    def _value(self, node: ast.expr) -> _Value:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotEvaluated("its Python is nested too deeply")
        try:
            return self._of(node)
        except (TypeError, ValueError, IndexError, AttributeError) as exc:
            raise exc if isinstance(exc, NotEvaluated) else NotEvaluated("its Python fails") from exc
        finally:
            self._depth -= 1

    def _of(self, node: ast.expr) -> _Value:
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, int)):
            return node.value
        if isinstance(node, ast.Name):
            return self._names.get(node.id, _Name(node.id))
        if isinstance(node, ast.Attribute):
            return self._attribute(self._value(node.value), node.attr)
        if isinstance(node, ast.Call) and not node.keywords:
            return self._call(self._function(node.func), [self._value(a) for a in node.args])
        if isinstance(node, ast.Subscript):
            return self._item(self._value(node.value), node.slice)
        if isinstance(node, ast.BinOp):
            return self._sum(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self._number(self._value(node.operand))
        if isinstance(node, ast.List):
            return [str(self._value(e)) for e in node.elts]
        raise NotEvaluated("its Python is not evaluated without Nuke")

    def _function(self, node: ast.expr) -> tuple[_Value, str]:
        """Return what a call is of: an object and its method, or a name."""
        if isinstance(node, ast.Attribute):
            return self._value(node.value), node.attr
        return self._value(node), ""

    def _attribute(self, owner: _Value, name: str) -> _Value:
        if isinstance(owner, _Name) and ":" not in owner.path:
            return _Name(f"{owner.path}.{name}")
        raise NotEvaluated(f"its Python asks for .{name}, which only Nuke can tell")

    def _call(self, function: tuple[_Value, str], values: list[_Value]) -> _Value:
        owner, method = function
        if isinstance(owner, str) and method in _METHODS:
            result = getattr(owner, method)(*values)
            if len(result) > _LONGEST * 4:
                raise NotEvaluated("its Python makes too long a text")
            return list(result) if isinstance(result, tuple) else result
        if not isinstance(owner, _Name):
            raise NotEvaluated(f"its Python calls .{method}(), which is not evaluated without Nuke")
        kind, _, path = owner.path.partition(":")
        if path:
            return self._of_nuke(kind, path, method, values)
        return self._named(f"{owner.path}.{method}" if method else owner.path, values)

    def _named(self, name: str, values: list[_Value]) -> _Value:
        if name in _NODES and not values:
            return _Name(f"node:{_NODES[name]}")
        if name == "nuke.toNode" and len(values) == 1:
            return _Name(f"node:{values[0]}")
        if name == "nuke.script_directory" and not values:
            return posixpath.dirname(self._script.value("root.name"))
        if name == "nuke.scriptName" and not values:
            return self._script.value("root.name")
        if name in ("os.getenv", "os.environ.get") and values:
            value = self._script.variable(str(values[0]))
            return value if value is not None else self._unset(values)
        if name not in _FUNCTIONS:
            raise NotEvaluated(f"its Python calls {name[:60]}(), which is not evaluated without Nuke")
        return _FUNCTIONS[name](*[v.replace("\\", "/") if isinstance(v, str) else v for v in values])

    def _of_nuke(self, kind: str, path: str, method: str, values: list[_Value]) -> _Value:
        if kind == "knob" and method in _VALUES:
            return self._script.value(path)
        if kind == "node" and method in ("knob", "__getitem__") and len(values) == 1:
            return _Name(f"knob:{path}.{values[0]}")
        if kind == "node" and method == "name" and not values:
            return self._script.value(f"{path}.name")
        if kind == "node" and path == "root" and method in ("firstFrame", "lastFrame") and not values:
            return self._script.value("root.first_frame" if method == "firstFrame" else "root.last_frame")
        raise NotEvaluated(f"its Python calls .{method}(), which is not evaluated without Nuke")

    def _unset(self, values: list[_Value]) -> _Value:
        if len(values) > 1:
            return values[1]
        raise NotEvaluated(f"the environment variable {values[0]} is not set here")

    def _item(self, owner: _Value, index: ast.expr) -> _Value:
        if isinstance(index, ast.Slice):
            if not isinstance(owner, (str, list)) or index.step is not None:
                raise NotEvaluated("its Python is not evaluated without Nuke")
            ends = [None if e is None else int(self._number(self._value(e))) for e in (index.lower, index.upper)]
            return owner[ends[0] : ends[1]]
        at = self._value(index)
        if isinstance(owner, _Name) and owner.path == "os.environ":
            value = self._script.variable(str(at))
            return value if value is not None else self._unset([at])
        if isinstance(owner, _Name) and owner.path.startswith("node:"):
            return _Name(f"knob:{owner.path[5:]}.{at}")
        if isinstance(owner, (str, list, tuple)) and isinstance(at, int):
            return owner[at]
        raise NotEvaluated("its Python is not evaluated without Nuke")

    def _sum(self, node: ast.BinOp) -> _Value:
        left, right = self._value(node.left), self._value(node.right)
        if isinstance(node.op, ast.Add) and isinstance(left, str) and isinstance(right, str):
            return left + right
        if isinstance(node.op, ast.Add):
            return self._number(left) + self._number(right)
        if isinstance(node.op, ast.Sub):
            return self._number(left) - self._number(right)
        raise NotEvaluated("its Python is not evaluated without Nuke")

    def _number(self, value: _Value) -> int | float:
        if isinstance(value, (int, float)):
            return value
        raise NotEvaluated("its Python counts with what is no number")
