"""A command line as an artist writes it, and the words it comes to. No Qt."""

from __future__ import annotations

import os
import re
import shlex

#: words that need no quotes here; a shell would ask for some around braces
_PLAIN = re.compile(r"[\w@%+=:,./{}-]+")


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


def shown_words(words: tuple[str, ...]) -> str:
    """Return the words so that one sees where each begins and ends."""
    return "  ".join(f"[{word}]" for word in words)
