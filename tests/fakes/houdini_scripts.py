"""HScript commands of the fake: https://www.sidefx.com/docs/houdini/commands/index.html."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from fakes.houdini_loading import scene_bytes
from fakes.houdini_session import RECORD, WORLD

_NAME = re.compile(r"\{(\w+)\}|(\w+)")


def hscript(command: str) -> tuple[str, str]:
    """Run commands; return what they say and what they complain of."""
    said, complained = "", ""
    for words in _commands(command):
        if words[0] not in _COMMANDS:
            raise RECORD.no_behaviour(f"the HScript command {words[0]!r}")
        out, error = _COMMANDS[words[0]](words[1:])
        said, complained = said + out, complained + error
    return said, complained


def _commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command: `;` and new lines part them; variables are put in but in single quotes and behind a backslash."""
    words: list[str] = []
    word: str | None = None
    quote, at = "", 0
    while at < len(text):
        letter = text[at]
        at += 1
        if letter == "\\" and quote != "'":
            word, at = (word or "") + text[at : at + 1], at + 1
        elif letter == "$" and quote != "'" and (name := _NAME.match(text, at)):
            found = WORLD.variable(name[1] or name[2], WORLD.frame)
            word, at = (word or "") + (letter + name[0] if found is None else found), name.end()
        elif letter == "`" and quote != "'":
            raise RECORD.no_behaviour("an expression in an HScript command")
        elif letter == quote:
            quote = ""
        elif letter in "\"'" and not quote:
            quote, word = letter, word or ""
        elif letter in " \t;\n" and not quote:
            words += [word] if word is not None else []
            word = None
            if letter in ";\n" and words:
                yield words
                words = []
        else:
            word = (word or "") + letter
    words += [word] if word is not None else []
    if words:
        yield words


def _mwrite(words: list[str]) -> tuple[str, str]:
    """Save: `-n` a copy, the session keeps its name (commands/mwrite.html)."""
    copy = "-n" in words
    names = [word for word in words if not word.startswith("-")]
    if set(words) - {"-n"} - set(names) or len(names) > 1 or (copy and not names):
        raise RECORD.no_behaviour(f"mwrite {' '.join(words)}")
    file = os.path.abspath(names[0]) if names else WORLD.file
    file = written_name(file)
    try:
        write_scene(file)
    except OSError as exc:
        return "", f"Unable to save file {file}: {exc.strerror}\n"
    if not copy:
        WORLD.file, WORLD.new_file, WORLD.modified = file, False, False
    return "", ""


def written_name(file: str) -> str:
    """Return the name that a scene is saved under: Indie and Apprentice write endings of their own, whatever is asked for.

    The scenes of Apprentice that people publish end in .hipnc, and so does the $HIPFILE that is saved in them.
    """
    stem, ending = os.path.splitext(file)
    own = {"Indie": ".hiplc", "Apprentice": ".hipnc", "ApprenticeHD": ".hipnc"}.get(WORLD.licence, ending)
    return stem + own if ending in (".hip", ".hiplc", ".hipnc") else file


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
    """Set a global variable: `setenv NAME = value` (commands/setenv.html)."""
    if len(words) >= 3 and words[1] == "=":
        WORLD.variables[words[0]] = " ".join(words[2:])
        return "", ""
    raise RECORD.no_behaviour(f"setenv {' '.join(words)}")


def _echo(words: list[str]) -> tuple[str, str]:
    return " ".join(words) + "\n", ""


def _varchange(_words: list[str]) -> tuple[str, str]:
    """Tell nodes of changed variables: the fake evaluates anew each time."""
    return "", ""


_COMMANDS = {"mwrite": _mwrite, "set": _set, "setenv": _setenv, "echo": _echo, "varchange": _varchange}
