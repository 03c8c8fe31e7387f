"""What a file is found by when something of it was sent before: its path, its path without the version, and a sketch of it.

A sketch is the smallest names of the chunks in four windows (first, last, two between): two files that share much of these
share names (Broder, "On the resemblance and containment of documents", 1997), and 300 KiB to 2 MiB are read in place of all.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Iterator
from typing import BinaryIO

from conductor_core.transfer.chunks import AVERAGE, chunks, name_of

#: names in a sketch, as 16 hex digits each
NAMES = 16
#: bytes of a file below which reading its windows is not worth it: such a file is found by its path alone
SKETCHED = 4 << 20
_WINDOWS = 4
_SMALLEST_WINDOW = 64 << 10
_LARGEST_WINDOW = 512 << 10
#: that a window has room for, at least
_CHUNKS = 16
_VERSION = re.compile(r"(?<![A-Za-z0-9])[vV][0-9]+")


def path_keys(path: str) -> tuple[str, ...]:
    """Return what a path is known by, the likelier first: itself, then (if it has one) with its version left open."""
    blind = _VERSION.sub("v#", path)
    return tuple(_key(text) for text in dict.fromkeys((path, blind)))


def _key(text: str) -> str:
    # names need not be text, and who keeps keys has no need to know them
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def sketch(file: BinaryIO, size: int) -> tuple[str, ...]:
    """Return the sketch of an open file of `size` bytes; none where it is too small.

    Raises:
        OSError: it cannot be read.
    """
    if size < SKETCHED:
        return ()
    names = {name for name, _ in sampled(file, size, AVERAGE)}
    return tuple(name[:8].hex() for name in sorted(names)[:NAMES])


def sampled(file: BinaryIO, size: int, average: int) -> Iterator[tuple[bytes, int]]:
    """Yield name and length of chunks in the windows of an open file of `size` bytes.

    Raises:
        OSError: it cannot be read.
    """
    length = min(max(size // 64, _SMALLEST_WINDOW, _CHUNKS * average), max(_LARGEST_WINDOW, _CHUNKS * average), size)
    for window in range(_WINDOWS):
        file.seek((size - length) * window // (_WINDOWS - 1), os.SEEK_SET)
        cut = [(name_of(chunk), len(chunk)) for chunk in chunks(io.BytesIO(file.read(length)), average)]
        # what a window begins and ends with is cut by the window, not by the content
        yield from cut[0 if window == 0 else 1 : None if window == _WINDOWS - 1 else -1]
