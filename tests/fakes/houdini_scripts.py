"""HScript commands of the fake: https://www.sidefx.com/docs/houdini/commands/."""

from __future__ import annotations

import os
import shlex

from fakes.houdini_loading import scene_bytes
from fakes.houdini_session import RECORD, WORLD


def hscript(command: str) -> tuple[str, str]:
    """Run commands; return what they say and what they complain of."""
    said, complained = "", ""
    for line in command.replace("\n", ";").split(";"):
        words = shlex.split(line, posix=os.name != "nt")
        if not words:
            continue
        if words[0] not in _COMMANDS:
            raise RECORD.no_behaviour(f"the HScript command {words[0]!r}")
        out, error = _COMMANDS[words[0]](words[1:])
        said, complained = said + out, complained + error
    return said, complained


def _mwrite(words: list[str]) -> tuple[str, str]:
    """Save: `-n` a copy, the session keeps its name (commands/mwrite.html)."""
    copy = "-n" in words
    names = [word for word in words if not word.startswith("-")]
    if set(words) - {"-n"} - set(names) or len(names) > 1 or (copy and not names):
        raise RECORD.no_behaviour(f"mwrite {' '.join(words)}")
    file = os.path.abspath(WORLD.variable_text(names[0])) if names else WORLD.file
    try:
        write_scene(file)
    except OSError as exc:
        return "", f"Unable to save file {file}: {exc.strerror}\n"
    if not copy:
        WORLD.file, WORLD.new_file, WORLD.modified = file, False, False
    return "", ""


def write_scene(file: str) -> None:
    """Write what is open, folders included."""
    os.makedirs(os.path.dirname(file), exist_ok=True)
    before, WORLD.file = WORLD.file, file
    try:
        data = scene_bytes(WORLD)
    finally:
        WORLD.file = before
    with open(file, "wb") as stream:
        stream.write(data)


def _set(words: list[str]) -> tuple[str, str]:
    """Set a variable: `set -g NAME = value` (commands/set.html)."""
    rest = [word for word in words if word not in ("-g", "-l", "-s")]
    if len(rest) >= 3 and rest[1] == "=":
        WORLD.variables[rest[0]] = " ".join(rest[2:])
        return "", ""
    lines = [f"{name} = '{value}'" for name, value in sorted(WORLD.variables.items())]
    return "".join(f"{line}\n" for line in lines), ""


def _setenv(words: list[str]) -> tuple[str, str]:
    """Set a variable of the environment: `setenv NAME = value` (commands/setenv.html)."""
    if len(words) >= 3 and words[1] == "=":
        WORLD.exported[words[0]] = " ".join(words[2:])
        return "", ""
    raise RECORD.no_behaviour(f"setenv {' '.join(words)}")


def _echo(words: list[str]) -> tuple[str, str]:
    return " ".join(WORLD.variable_text(word) for word in words) + "\n", ""


def _varchange(_words: list[str]) -> tuple[str, str]:
    """Tell nodes of changed variables: the fake evaluates anew each time."""
    return "", ""


_COMMANDS = {"mwrite": _mwrite, "set": _set, "setenv": _setenv, "echo": _echo, "varchange": _varchange}
