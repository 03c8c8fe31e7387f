"""A command line as an artist writes it, and the words it comes to. No Qt."""

from __future__ import annotations

import os
import re
import shlex

#: what the runner replaces in each word
PLACEHOLDERS = ("{frame}", "{frames}", "{first}", "{last}")
#: words that need no quotes here; a shell would ask for some around braces
_PLAIN = re.compile(r"[\w@%+=:,./{}-]+")
_IN_BRACES = re.compile(r"\{\w+\}")


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


def joined_words(words: tuple[str, ...]) -> str:
    """Return a command line that comes to these words."""
    return " ".join(word if _PLAIN.fullmatch(word) else shlex.quote(word) for word in words)


def odd_placeholders(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return what looks like a placeholder and is none: it would stay as it is."""
    return tuple(dict.fromkeys(each for word in words for each in _IN_BRACES.findall(word) if each not in PLACEHOLDERS))


def shown_words(words: tuple[str, ...]) -> str:
    """Return the words so that one sees where each begins and ends."""
    return "  ".join(f"[{word}]" for word in words)


def filled_words(words: tuple[str, ...], frames: tuple[int, ...], spec: str) -> tuple[str, ...]:
    """Return the words as a task with these frames has them."""
    values = {"{frame}": str(frames[0]), "{frames}": spec, "{first}": str(min(frames)), "{last}": str(max(frames))}
    return tuple(re.sub("|".join(map(re.escape, values)), lambda m: values[m[0]], word) for word in words)
