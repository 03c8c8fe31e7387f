"""Where a file is cut by its own content, so that an insertion moves no cut but those beside it.

FastCDC (Xia et al., "The Design of Fast Content Defined Chunking for Data Deduplication Based Storage Systems", IEEE TPDS 2020).
Client and service must cut alike, or nothing is found again: what is cut here is the format's, not a setting.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Protocol

import pyfastcdc

#: bytes of a chunk as a rule; a file of more chunks than `USUAL_CHUNKS` has larger ones, so that no list of them outgrows memory
AVERAGE = 4096
LARGEST_AVERAGE = 4 << 20
USUAL_CHUNKS = 1 << 18
#: a chunk is at least a quarter and at most four times the average
SPREAD = 4
#: the most chunks of a file that is worth a difference (`largest_size`)
MOST_CHUNKS = USUAL_CHUNKS * SPREAD + 1
#: a chunk's name: sha256, cut to this many bytes. A false hit makes an object that does not hash to its name, which is refused
NAME_BYTES = 16

#: in pure Python it takes minutes for what should take a second; then whole files are sent
FAST = pyfastcdc.FastCDC.__module__.startswith("pyfastcdc.cy")


class Source(Protocol):
    """Where bytes come from."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` of the next bytes, none at the end."""


def average_for(size: int) -> int:
    """Return the usual bytes of a chunk in a file of `size` bytes."""
    average = AVERAGE
    while average < LARGEST_AVERAGE and size > average * USUAL_CHUNKS:
        average *= 2
    return average


def largest_size() -> int:
    """Return the bytes of the largest file that is cut at all: 1 TiB."""
    return LARGEST_AVERAGE * USUAL_CHUNKS


def chunks(source: Source, average: int) -> Iterator[memoryview]:
    """Yield the chunks of `source`; each is good until the next is asked for."""
    cutter = pyfastcdc.FastCDC(average, min_size=average // SPREAD, max_size=average * SPREAD)
    for chunk in cutter.cut_stream(_Reading(source)):
        yield chunk.data


def name_of(chunk: memoryview | bytes) -> bytes:
    """Return what a chunk is found by."""
    return hashlib.sha256(chunk).digest()[:NAME_BYTES]


class _Reading:
    """Show the cutter reading alone: it would take other methods of a source that has them."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, size: int) -> bytes:
        return self._source.read(size)


class Pieces:
    """Read what comes in pieces of any size."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Return at most `size` of the next bytes, none at the end."""
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._held = memoryview(piece)
        block, self._held = bytes(self._held[:size]), self._held[size:]
        return block
