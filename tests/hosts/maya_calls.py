"""The calls of Maya in our code, read from its source: which command, with which flags."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

#: modules of Maya whose calls count
_MODULES = {"cmds", "mel", "utils", "MQtUtil"}


class Call(NamedTuple):
    """A command with the names of its flags, and whether it is told what it is about."""

    name: str
    flags: tuple[str, ...]
    about_something: bool


def calls_in(*files: Path) -> dict[Call, str]:
    """Return each call with the first place where it stands."""
    found: dict[Call, str] = {}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for call in _call(node):
                found.setdefault(call, f"{file.name}, line {getattr(node, 'lineno', 0)}")
    return found


def _call(node: ast.AST) -> Iterator[Call]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        owner = node.func.value
        module = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
        if module in _MODULES:
            flags = tuple(sorted(word.arg for word in node.keywords if word.arg))
            yield Call(f"{module}.{node.func.attr}", flags, bool(node.args))
