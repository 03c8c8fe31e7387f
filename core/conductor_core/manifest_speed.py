"""Manifests of a hundred thousand entries, written, read and checked in tenths of a second.

The general ways (`documents`, `ClientPath`) look at one entry after the other and take ten times as long. Here a property is
asked of all entries at once; where the answer is not a plain yes, the general way says what is wrong, or that all is well.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conductor_core.manifest import Entry

#: what no posix path in its one spelling has in it, where paths stand one after the other with NUL between
_ODD = ("//", "/./", "/../", "/\0", "/.\0", "/..\0")
#: paths that are looked at as one text: all of two hundred thousand take 30 MB more
_RUN = 10_000
_KINDS = frozenset({"file", "directory", "symlink"})
_TYPES: dict[str, type] = {
    "path": str,
    "kind": str,
    "digest": str,
    "size": int,
    "mode": int,
    "mtime_ns": int,
    "target": str,
}
_FIELDS = tuple(_TYPES)


def spelled_plainly(paths: Sequence[str]) -> bool:
    """Tell whether each is an absolute posix path in its one spelling; False may also mean that it takes a closer look."""
    text = "\0".join(paths) + "\0"
    if text.count("\0") != len(paths) or text.count("\0/") != len(paths) - 1 or not text.startswith("/"):
        return False
    return not any(odd in text for odd in _ODD)


def entries_text(entries: Iterable[Entry]) -> str:
    """Return the canonical JSON of entries, as `documents.canonical_bytes` writes them, with commas between."""
    quoted: Callable[[str], str] = json.encoder.encode_basestring_ascii
    return ",".join(
        [
            f'{{"digest":{quoted(e.digest)},"kind":{quoted(e.kind)},"mode":{e.mode},"mtime_ns":{e.mtime_ns},'
            f'"path":{quoted(e.path)},"size":{e.size},"target":{quoted(e.target)}}}'
            for e in entries
        ]
    )


def read_entries(rows: object, make: Callable[..., Entry]) -> tuple[Entry, ...] | None:
    """Return the entries in parsed JSON; None where some are not written in full, or not right."""
    if not isinstance(rows, list):
        return None
    take = operator.itemgetter(*_FIELDS)
    try:
        if any(len(row) != len(_FIELDS) for row in rows):
            return None
        values: list[tuple[Any, ...]] = [take(row) for row in rows]
    except (TypeError, KeyError):
        return None
    for column, kind in zip(zip(*values, strict=True), _TYPES.values(), strict=False):
        if {type(v) for v in column} != {kind}:
            return None
        if kind is int and (min(column) < -(2**63) or max(column) >= 2**63):
            return None
    if not {v[1] for v in values} <= _KINDS:
        return None
    return tuple([make(*v) for v in values])


def lies_plainly(entries: Sequence[Entry]) -> bool:
    """Tell whether posix entries are spelled plainly, sorted, no two the same place and none inside a file or a symlink.

    False may also mean that it takes a closer look.
    """
    paths = [e.path for e in entries]
    runs = (paths[first : first + _RUN] for first in range(0, len(paths), _RUN))
    if not all(map(spelled_plainly, runs)) or not all(a < b for a, b in pairwise(paths)):
        return False
    known: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in known:
            known.add(folder)
            folder = folder.rpartition("/")[0]
    return not any(e.kind != "directory" and e.path in known for e in entries)
