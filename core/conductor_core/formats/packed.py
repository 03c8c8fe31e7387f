"""The bytes of a file in pieces, unpacked where it is gzip: never more than a piece in memory, never a bomb."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead

PIECE = 1 << 20
GZIP = b"\x1f\x8b"


def pieces(survey: Survey) -> Iterator[bytes]:
    """Yield the content of `survey.file` in pieces of a megabyte at most; what is gzip is unpacked.

    Raises:
        SceneNotRead: the gzip data is damaged or ends too early, or unpacks to more than the limits allow.
        OSError: it cannot be read.
    """
    with open(survey.content, "rb") as file:
        first = file.read(PIECE)
        if not first.startswith(GZIP):
            while first:
                yield first
                first = file.read(PIECE)
            return
        yield from _Gunzip(survey, first).pieces(lambda: file.read(PIECE // 4))


def unpacked_head(head: bytes, size: int = 4096) -> bytes:
    """Return the first bytes of what a head of a file holds: itself, or what its gzip data unpacks to."""
    if not head.startswith(GZIP):
        return head
    try:
        return zlib.decompressobj(31).decompress(head, size)
    except zlib.error:
        return b""


class _Gunzip:
    """gzip members one after the other (https://www.rfc-editor.org/rfc/rfc1952, 2.2), with bounds on what comes out."""

    def __init__(self, survey: Survey, first: bytes) -> None:
        self._survey = survey
        self._data = first
        self._packed = len(first)
        self._unpacked = 0

    def pieces(self, read: Callable[[], bytes]) -> Iterator[bytes]:
        """Yield what is unpacked; `read` gives more of the file, nothing at its end."""
        member = zlib.decompressobj(31)
        try:
            while self._data:
                piece = member.decompress(self._data, PIECE)
                self._data = member.unconsumed_tail
                if piece:
                    self._count(piece)
                    yield piece
                if member.eof:
                    self._data = member.unused_data.lstrip(b"\0") or self._more(read)
                    member = zlib.decompressobj(31)
                elif not self._data:
                    self._data = self._more(read)
                    if not self._data:
                        raise SceneNotRead(self._survey.file, "its gzip data ends too early")
        except zlib.error as exc:
            raise SceneNotRead(self._survey.file, f"its gzip data is damaged ({exc})") from None

    def _more(self, read: Callable[[], bytes]) -> bytes:
        data = read()
        self._packed += len(data)
        return data

    def _count(self, piece: bytes) -> None:
        limits = self._survey.limits
        self._unpacked += len(piece)
        if self._unpacked > limits.unpacked:
            raise SceneNotRead(self._survey.file, f"it unpacks to more than {limits.unpacked >> 20:,} MB")
        if self._unpacked > (64 << 20) and self._unpacked > self._packed * limits.ratio:
            raise SceneNotRead(self._survey.file, f"it unpacks to more than {limits.ratio:,} times its size")
