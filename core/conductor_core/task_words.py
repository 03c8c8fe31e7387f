"""The words of a command: how a line is split into them, and how one task has them, with frames, scene and step filled in.

Pure, and of the standard library only: runner, command line and panel go by the same rule.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence

from conductor_core.frames import format_frames

#: what is filled in for each task
PLACEHOLDERS = ("{frame}", "{frames}", "{first}", "{last}")
#: `{frame:04}` has at least four digits, the sign beside them, as `####` in an output has
_TOKEN = re.compile(r"\{(?:(frames)|(frame|first|last)(?::0?(\d{1,2})d?)?)\}")
_HASHES = re.compile(r"#+")
_IN_BRACES = re.compile(r"\{\w+(?::\w*)?\}")


class NotSplit(ValueError):
    """A command line that comes to no words; the text says why."""


def split_words(text: str, *, windows: bool = os.name == "nt") -> tuple[str, ...]:
    r"""Return the words of a command line; blanks part them, quotes keep them together.

    A backslash is a character like any other on Windows, where paths are written with it.

    Raises:
        NotSplit: a quote is not closed.
    """
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    if windows:
        lexer.escape = ""
    try:
        return tuple(lexer)
    except ValueError as exc:
        reason = "a quote is not closed" if "quotation" in str(exc) else "nothing follows its last backslash"
        raise NotSplit(reason) from None


def fill_words(words: Sequence[str], frames: Sequence[int]) -> tuple[str, ...]:
    """Return the words for a task of these frames; any other text in braces stays as it is.

    `{frame}` is the first frame in the order of rendering; `{first}` and `{last}` are the smallest and the greatest;
    `{frames}` is all of them in the grammar of `conductor_core.frames`.
    """
    values = {"frame": frames[0], "first": min(frames), "last": max(frames)}

    def filled(match: re.Match[str]) -> str:
        if match[1]:
            return format_frames(frames)
        return _padded(values[match[2]], int(match[3] or 0))

    return tuple(_TOKEN.sub(filled, word) for word in words)


def as_pattern(text: str) -> str:
    """Return a path with `{frame:04}` as a pattern of outputs: `####`, and `{frame}` as `#`."""
    return _TOKEN.sub(lambda m: "#" * max(1, int(m[3] or 0)) if m[2] == "frame" else m[0], text)


def as_word(pattern: str) -> str:
    """Return a pattern of outputs as a command writes it: `####` is `{frame:04d}`, and `#` is `{frame}`."""
    return _HASHES.sub(lambda m: "{frame}" if len(m[0]) == 1 else f"{{frame:0{len(m[0])}d}}", pattern)


def odd_placeholders(words: Sequence[str]) -> tuple[str, ...]:
    """Return what looks like a placeholder and is none: it would stay as it is."""
    found = (each for word in words for each in _IN_BRACES.findall(word))
    return tuple(dict.fromkeys(each for each in found if not _TOKEN.fullmatch(each)))


def with_scene(words: Sequence[str], scene: str, step: str) -> tuple[str, ...]:
    """Return the words of a command that renders a step of a scene: `{scene}` and `{step}` are filled in."""
    values = {"{scene}": scene, "{step}": step}
    return tuple(re.sub(r"\{(?:scene|step)\}", lambda m: values[m[0]], word) for word in words)


def _padded(number: int, width: int) -> str:
    digits = str(abs(number)).zfill(width)
    return f"-{digits}" if number < 0 else digits
