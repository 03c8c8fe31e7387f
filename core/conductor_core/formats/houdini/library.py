"""The container of asset libraries (.hda, .otl), which scenes embed too: `INDX`, a table of sections, their bytes.

Numbers are big-endian: `INDX`, a label with its length before it, four bytes that are 0, the count; per section the length of
its name, the name, where it starts behind the table, its length and time. A section of an asset is such a container again (DialogScript, Contents.gz …). Seen in
files saved by Houdini 9 to 20.5; `hotl -l` and `hotl -x` show the same sections:
https://www.sidefx.com/docs/houdini/ref/utils/hotl.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

INDEX_MAGIC = b"INDX"
_MOST_SECTIONS = 100_000
_LONGEST_NAME = 4096


class Section(NamedTuple):
    """A named piece of a library."""

    name: str
    body: bytes
    #: False where the file ends before it
    whole: bool


class _Row(NamedTuple):
    name: str
    start: int
    length: int


def sections(data: bytes) -> Iterator[Section]:
    """Yield the sections of a library in the order of its table."""
    table = _table(data)
    if table is None:
        return
    rows, base = table
    for row in rows:
        body = data[base + row.start : base + row.start + row.length]
        yield Section(row.name, body, len(body) == row.length)


def library_length(head: bytes) -> int:
    """Return how long a library is, by its table; 0 where the table is not whole."""
    table = _table(head)
    if table is None:
        return 0
    rows, base = table
    return base + max((row.start + row.length for row in rows), default=0)


def _table(data: bytes) -> tuple[list[_Row], int] | None:
    """Return the rows and where the sections' bytes start."""
    if not data.startswith(INDEX_MAGIC) or len(data) < 16:
        return None
    (label,) = struct.unpack_from(">I", data, 4)
    if label > _LONGEST_NAME or label + 16 > len(data):
        return None
    (count,) = struct.unpack_from(">I", data, 12 + label)
    rows: list[_Row] = []
    at = 16 + label
    for _ in range(min(count, _MOST_SECTIONS)):
        if at + 4 > len(data):
            return None
        (size,) = struct.unpack_from(">I", data, at)
        if size > _LONGEST_NAME or at + 4 + size + 12 > len(data):
            return None
        name = data[at + 4 : at + 4 + size].decode("utf-8", "surrogateescape")
        start, length, _time = struct.unpack_from(">III", data, at + 4 + size)
        rows.append(_Row(name, start, length))
        at += 4 + size + 12
    return rows, at
