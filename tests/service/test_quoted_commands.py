"""Sentences that say which command helps: each can be typed as it stands."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import tomllib
from conductor_core.cli.program import conductor
from conductor_core.errors import LostByStore
from conductor_service.audit import KINDS

ROOT = Path(__file__).parents[2]
#: in backticks, or at the end of a sentence after a colon
QUOTED = re.compile(r"`conductor (?P<ticked>[^`]+)`|: conductor (?P<last>[a-z][^\n]*)$")


def commands_in(text: str) -> list[str]:
    return [match["ticked"] or match["last"].rstrip(".") for match in QUOTED.finditer(text)]


def texts(tree: ast.AST) -> Iterator[str]:
    """Yield every text of a module but its docstrings; what is put into one is 1, which is a job, a frame and a name."""
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts |= {id(value) for value in ast.walk(node)}
            yield "".join(value.value if isinstance(value, ast.Constant) else "1" for value in node.values)  # type: ignore[misc]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs | parts:
            yield node.value


def quoted_in_code() -> set[str]:
    found: set[str] = set()
    for package in ("core/conductor_core", "service/conductor_service"):
        for module in sorted((ROOT / package).rglob("*.py")):
            for text in texts(ast.parse(module.read_text(encoding="utf-8"))):
                found.update(commands_in(text))
    return found


def parse(line: str) -> None:
    """Read a command line as `conductor` does, without doing it.

    Raises:
        click.UsageError: there is no such command or option, or something is missing.
    """
    name, *words = shlex.split(line)
    place = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["conductor.commands"].get(name)
    if place is not None:
        module, _, function = place.partition(":")
        command = getattr(importlib.import_module(module), function)
    else:
        command = conductor.get_command(click.Context(conductor), name)
    if command is None:
        raise click.UsageError(f"no command {name}")
    command.make_context(name, words)


LOST = {
    "a frame": LostByStore("/a.exr", 12, 7, "beauty"),
    "a film": LostByStore("/a.mp4", 12, None, "comp"),
    "a step of two words": LostByStore("/a.mp4", 12, None, "View Layer"),
    "nobody knows": LostByStore("/a.mp4", 12, None),
}


@pytest.mark.parametrize("error", LOST.values(), ids=LOST.keys())
def test_what_a_lost_file_asks_for_can_be_typed(error: LostByStore) -> None:
    """The command that brings a lost file back is one."""
    (line,) = commands_in(str(error))
    parse(line)


def test_what_an_audit_advises_can_be_typed() -> None:
    """The commands in the next steps of the audit's kinds are commands."""
    lines = {line for one in KINDS.values() for line in commands_in(f"{one.about} {one.next_step}")}
    assert "retry JOB --frames N" in lines
    for line in lines:
        parse(line)


@pytest.mark.parametrize("line", sorted(quoted_in_code()))
def test_every_command_that_a_sentence_quotes_can_be_typed(line: str) -> None:
    """No error, hint or help text names an option that is not there."""
    parse(line)


@pytest.mark.parametrize("line", ["retry JOB --frame 1", "retry", "rerender 1"], ids=["option", "argument", "command"])
def test_what_is_no_command_is_noticed(line: str) -> None:
    """The check itself can fail."""
    with pytest.raises(click.UsageError):
        parse(line)
