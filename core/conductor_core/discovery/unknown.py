"""What is done with nodes that no table knows: the name of an attribute and the look of its text decide.

An attribute whose name says file, with a text that ends like a file, is taken at its word; any other text that can only be a
path is unresolved, so that somebody looks at it; names of nodes (`/obj/geo1`, `image1.r`) are neither.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.node import Ask, Node
from conductor_core.discovery.place import is_absolute, looks_like_path
from conductor_core.report import Unresolved

_SAYS_FILE = re.compile(
    r"file|path(?!s?tep)|texture|(?<![a-z])tex(?![a-z])|map(?!ping|per)|image|archive|proxy|(?<![a-z])(?:ies|hdri?|dso|lut|abc|vdb|src|uri)(?![a-z])",
    re.IGNORECASE,
)
#: a letter or more, so that `v1.5` and `image1.r` are no files; tokens may stand in the name
_ENDING = re.compile(r"[^/\\]\.(?![a-z]\Z)(?=[0-9]*[A-Za-z])[A-Za-z0-9_]{1,8}\Z")
_BLANKS_OR_BREAKS = re.compile(r"[\n\r\t\x00]|\s{2,}")


def says_file(attribute: str) -> bool:
    """Tell whether the name of an attribute says that a file is meant: `filename`, `lightMap`, `ies_profile`."""
    return bool(_SAYS_FILE.search(attribute))


def ends_like_file(text: str) -> bool:
    """Tell whether a text could be the path of a file by its look: no line breaks, and an extension with a letter in it."""
    if not 2 < len(text) < 4096 or _BLANKS_OR_BREAKS.search(text) or "://" in text:
        return False
    return bool(_ENDING.search(text))


def of_unknown(
    node: Node, ask: Ask, texts: Callable[[str], tuple[str, ...]], *, told: frozenset[str] = frozenset()
) -> Iterator[Finding]:
    """Yield what the attributes of a node may name that no reader has told of.

    `texts` returns all texts of an attribute; `told` are the attributes that readers know.
    """
    for attribute in node.attributes():
        if attribute in told:
            continue
        for text in texts(attribute):
            if not ends_like_file(text):
                continue
            if says_file(attribute):
                yield from ask.read(node, attribute, "other", text=text)
            elif looks_like_path(text) and (is_absolute(text) or "/" in text or "\\" in text):
                yield Unresolved(text, f"{node.name}.{attribute}", f"no reader knows {node.type}.{attribute}")
