"""A command line as an artist writes it, and the words it comes to. No Qt."""

from __future__ import annotations

import re
import shlex

from conductor_core.task_words import NotSplit, split_words

__all__ = ["NotSplit", "joined_words", "shown_words", "split_words"]

#: words that need no quotes here; a shell would ask for some around braces
_PLAIN = re.compile(r"[\w@%+=:,./{}-]+")


def joined_words(words: tuple[str, ...]) -> str:
    """Return a command line that comes to these words."""
    return " ".join(word if _PLAIN.fullmatch(word) else shlex.quote(word) for word in words)


def shown_words(words: tuple[str, ...]) -> str:
    """Return the words so that one sees where each begins and ends."""
    return "  ".join(f"[{word}]" for word in words)
