r"""The part of TCL that paths in Nuke scripts use, evaluated without a TCL: `[file dirname [value root.name]]/a.%04d.exr`.

What a command means to the host (`[value node.knob]`, `[frame]`, `[python …]`) is asked of a `World`; here are the commands of
TCL itself that have no effect. Anything else is `NotEvaluated` with the reason, never a guess.

Rules: https://www.tcl-lang.org/man/tcl8.6/TclCmd/Tcl.htm and the pages of each command beside it. What differs from TCL, since
the text of a file knob is a path: a backslash before anything but `[ ] $ " { }` stays, and `$name` that is no `$env(…)` stays.
"""

from __future__ import annotations

import re
from typing import Protocol

#: brackets in brackets, and commands of one text: far more than anybody writes
DEEPEST = 40
_MOST_COMMANDS = 2000
_LONGEST = 1 << 18

_SPECIAL = re.compile(r"[\[\\$]")
_ENV = re.compile(r"\$(?:::)?env\(([^()\s]+)\)|\$\{(?:::)?env\(([^()\s]+)\)\}")
_LITERAL = frozenset('[]$"{}')
_BLANK = " \t\r"
_ENDS = "\n;"
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE = re.compile(r"\\(?:\r?\n[ \t]*|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|([0-7]{1,3})|(.))", re.DOTALL)


#: what Nuke puts a backslash before, as seen in its files
_NEEDS_BACKSLASH = re.compile(r'[\\"\[{}]')


class NotEvaluated(ValueError):
    """Say why a text cannot be evaluated without its host, as the end of a sentence."""


class World(Protocol):
    """What the host knows."""

    def command(self, words: list[str]) -> str | None:
        """Return what a command of the host answers; None where it has no such command.

        Raises:
            NotEvaluated: it has, but only the host itself can tell.
        """
        ...

    def variable(self, name: str) -> str | None:
        """Return an environment variable."""
        ...


def unescape(text: str) -> str:
    r"""Return a bare or quoted word as TCL reads it from a file: `\[` is `[`, `\n` a line break, `\\` a backslash."""
    return _ESCAPE.sub(_escaped, text) if "\\" in text else text


def escaped(text: str) -> str:
    r"""Return a text as it stands between the quotes of a file, so that `unescape` gives it again: `[` is `\[`."""
    return _NEEDS_BACKSLASH.sub(r"\\\g<0>", text).replace("\n", "\\n")


def _escaped(match: re.Match[str]) -> str:
    if match[1] or match[2]:
        return chr(int(match[1] or match[2], 16))
    if match[3]:
        return chr(int(match[3], 8) & 0xFF)
    return _ESCAPES.get(match[4], match[4]) if match[4] is not None else " "


def split_list(text: str) -> list[str]:
    """Return the elements of a TCL list.

    Raises:
        NotEvaluated: it is no list: a brace or quote is not closed, or something follows it without a blank.
    """
    found: list[str] = []
    position = _after_blanks(text, 0, _BLANK + "\n\v\f")
    while position < len(text):
        start = text[position]
        if start in '{"':
            end = _closing_brace(text, position) if start == "{" else _closing_quote(text, position)
            word = text[position + 1 : end]
            found.append(word if start == "{" else unescape(word))
            position = end + 1
            if position < len(text) and not text[position].isspace():
                raise NotEvaluated("a list has characters right behind a brace or quote")
        else:
            end = _end_of_bare(text, position)
            found.append(unescape(text[position:end]))
            position = end
        position = _after_blanks(text, position, _BLANK + "\n\v\f")
    return found


def substitute(text: str, world: World) -> str:
    """Return a text with the answers of its commands and variables in it.

    Raises:
        NotEvaluated: something in it has no answer here.
    """
    return _Evaluation(world).substitute(text, 0)


class _Evaluation:
    """One text; counts its commands, so that no text takes long."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._commands = 0

    def substitute(self, text: str, depth: int) -> str:
        parts: list[str] = []
        position = 0
        while (match := _SPECIAL.search(text, position)) is not None:
            parts.append(text[position : match.start()])
            answer, position = self._special(text, match.start(), depth)
            parts.append(answer)
        parts.append(text[position:])
        if sum(map(len, parts)) > _LONGEST:
            raise NotEvaluated("it comes to too long a text")
        return "".join(parts)

    def _special(self, text: str, at: int, depth: int) -> tuple[str, int]:
        if text[at] == "\\":
            literal = at + 1 < len(text) and text[at + 1] in _LITERAL
            return (text[at + 1], at + 2) if literal else ("\\", at + 1)
        if text[at] == "$":
            match = _ENV.match(text, at)
            return (self._variable(match[1] or match[2]), match.end()) if match else ("$", at + 1)
        return self._command(text, at + 1, depth + 1)

    def _variable(self, name: str) -> str:
        value = self._world.variable(name)
        if value is None:
            raise NotEvaluated(f"the environment variable {name} is not set here")
        return value

    def _command(self, text: str, at: int, depth: int) -> tuple[str, int]:
        """Run the commands from `at` to the closing bracket; the last one's answer counts."""
        if depth > DEEPEST:
            raise NotEvaluated("its commands are nested too deeply")
        answer = ""
        words: list[str] = []
        while True:
            at = _after_blanks(text, at, _BLANK)
            if at >= len(text):
                raise NotEvaluated("a bracket is not closed")
            if text[at] == "]" or text[at] in _ENDS:
                answer = self.run(words, depth) if words else answer
                words = []
                if text[at] == "]":
                    return answer, at + 1
                at += 1
                continue
            word, at = self._word(text, at, depth)
            words.append(word)

    def _word(self, text: str, at: int, depth: int) -> tuple[str, int]:
        if text[at] == "{":
            end = _closing_brace(text, at)
            return text[at + 1 : end], end + 1
        if text[at] == '"':
            return self._quoted(text, at + 1, depth)
        parts: list[str] = []
        while at < len(text) and text[at] not in _BLANK and text[at] not in "\n;]":
            if text[at] in "[\\$":
                part, at = self._special(text, at, depth)
            else:
                part, at = text[at], at + 1
            parts.append(part)
        return "".join(parts), at

    def _quoted(self, text: str, at: int, depth: int) -> tuple[str, int]:
        parts: list[str] = []
        while at < len(text) and text[at] != '"':
            if text[at] in "[\\$":
                part, at = self._special(text, at, depth)
            else:
                part, at = text[at], at + 1
            parts.append(part)
        if at >= len(text):
            raise NotEvaluated("a quote is not closed")
        return "".join(parts), at + 1

    def script(self, text: str, depth: int) -> str:
        """Return the answer of a script: what `if` runs."""
        answer, _ = self._command(text + "]", 0, depth + 1)
        return answer

    def run(self, words: list[str], depth: int) -> str:
        from conductor_core.discovery.tcl_commands import COMMANDS

        self._commands += 1
        if self._commands > _MOST_COMMANDS:
            raise NotEvaluated("it has too many commands")
        if words[0] == "if":
            return self._if(words[1:], depth)
        if words[0] == "expr":
            return COMMANDS["expr"]([self.substitute(w, depth) for w in words[1:]])
        answer = self._world.command(words)
        if answer is not None:
            return answer
        if words[0] not in COMMANDS:
            raise NotEvaluated(f"[{words[0]} …] is not evaluated without Nuke")
        return COMMANDS[words[0]](words[1:])

    def _if(self, words: list[str], depth: int) -> str:
        from conductor_core.discovery.tcl_commands import COMMANDS

        rest = [w for w in words if w != "then"]
        while len(rest) >= 2:
            if COMMANDS["expr"]([self.substitute(rest[0], depth)]) not in ("0", "false", "no"):
                return self.script(rest[1], depth)
            rest = rest[2:]
            if rest[:1] == ["elseif"]:
                rest = rest[1:]
            elif rest:
                return self.script(rest[-1], depth)
        return ""


def _after_blanks(text: str, at: int, blanks: str) -> int:
    while at < len(text) and text[at] in blanks:
        at += 1
    return at


_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_QUOTE = re.compile(r'\\.|"', re.DOTALL)
_BARE = re.compile(r"(?:[^\s\\]+|\\\r?\n[ \t]*|\\.|\\\Z)+", re.DOTALL)


def _closing_brace(text: str, at: int) -> int:
    depth = 0
    for match in _BRACE.finditer(text, at):
        depth += (match[0] == "{") - (match[0] == "}")
        if depth == 0 and match[0] == "}":
            return match.start()
    raise NotEvaluated("a brace is not closed")


def _closing_quote(text: str, at: int) -> int:
    for match in _QUOTE.finditer(text, at + 1):
        if match[0] == '"':
            return match.start()
    raise NotEvaluated("a quote is not closed")


def _end_of_bare(text: str, at: int) -> int:
    match = _BARE.match(text, at)
    return match.end() if match else len(text)
