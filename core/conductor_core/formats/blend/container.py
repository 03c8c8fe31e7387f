"""The bytes of a .blend as a stream: plain, gzip (until 2.93) or zstd (since 3.0), bounded in memory.

Blender writes zstd as many frames with a seek table behind them (https://github.com/facebook/zstd/blob/dev/contrib/
seekable_format/zstd_seekable_compression_format.md); a reader that goes from start to end needs no table.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol

import zstandard

from conductor_core.discovery.limits import Limits
from conductor_core.errors import SceneNotRead

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
#: a seek table, or any other frame to skip, may stand first
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
_CHUNK = 1 << 17
#: bytes; Blender's own windows are 2 MB at most
_WINDOW = 1 << 27
#: bytes that a small file may come to whatever its ratio
_SLACK = 16 << 20


class Stream(Protocol):
    """What blocks are read from, front to back."""

    position: int

    def read(self, size: int) -> bytes:
        """Return `size` bytes, less only at the end of the file."""
        ...

    def skip(self, size: int) -> None:
        """Go on by `size` bytes, or to the end of the file."""
        ...


class Plain:
    """A file as it is; what is skipped is not read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self.position = 0

    def read(self, size: int) -> bytes:
        """Return `size` bytes, less only at the end of the file."""
        data = self._file.read(size)
        self.position += len(data)
        return data

    def skip(self, size: int) -> None:
        """Go on by `size` bytes, or to the end of the file."""
        self.position = self._file.seek(min(self.position + size, self._size))


class Unpacked:
    """What chunks of a packed file come to."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""
        self._at = 0
        self.position = 0

    def read(self, size: int) -> bytes:
        """Return `size` bytes, less only at the end of the file."""
        parts = []
        while size > 0 and self._more():
            part = self._rest[self._at : self._at + size]
            self._at += len(part)
            size -= len(part)
            parts.append(part)
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        self.position += len(data)
        return data

    def skip(self, size: int) -> None:
        """Go on by `size` bytes, or to the end of the file."""
        while size > 0 and self._more():
            step = min(size, len(self._rest) - self._at)
            self._at += step
            self.position += step
            size -= step

    def _more(self) -> bool:
        while self._at >= len(self._rest):
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._rest, self._at = chunk, 0
        return True


def is_packed(head: bytes) -> bool:
    """Tell whether a file starts as a packed one."""
    return head.startswith((GZIP, ZSTD)) or int.from_bytes(head[:4], "little") in _SKIPPABLE


@contextmanager
def opened(path: str, limits: Limits) -> Iterator[Stream]:
    """Open a .blend for reading from front to back.

    Raises:
        OSError: it cannot be read.
        SceneNotRead: while it is read: its packing is damaged, or comes to more than the limits allow.
    """
    with open(path, "rb", buffering=_CHUNK) as file:
        head = file.read(4)
        file.seek(0)
        if head.startswith(GZIP):
            yield Unpacked(_bounded(_gunzipped(file, path), path, limits))
        elif is_packed(head):
            yield Unpacked(_bounded(_unzstd(file, path), path, limits))
        else:
            yield Plain(file)


def unpacked_start(head: bytes, size: int = 64) -> bytes:
    """Return the first bytes of what is in a packed file, by the file's own first bytes; b"" where they do not tell."""
    try:
        if head.startswith(GZIP):
            return zlib.decompressobj(31).decompress(head, size)
        if is_packed(head):
            reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(io.BytesIO(head), read_across_frames=True)
            return reader.read(size)
    except (zlib.error, zstandard.ZstdError, MemoryError):
        return b""
    return head[:size]


def _gunzipped(file: BinaryIO, path: str) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(31)
    data = file.read(_CHUNK)
    try:
        while data:
            yield unpacker.decompress(data, _CHUNK)
            data = unpacker.unconsumed_tail
            if unpacker.eof:
                data = unpacker.unused_data or file.read(_CHUNK)
                if not data.startswith(GZIP):
                    return
                unpacker = zlib.decompressobj(31)
            data = data or file.read(_CHUNK)
    except zlib.error as exc:
        raise SceneNotRead(path, f"its packing (gzip) is damaged ({exc})") from exc


def _unzstd(file: BinaryIO, path: str) -> Iterator[bytes]:
    reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(file, read_size=_CHUNK, read_across_frames=True)
    try:
        while chunk := reader.read(_CHUNK):
            yield chunk
    except zstandard.ZstdError as exc:
        raise SceneNotRead(path, f"its packing (zstd) is damaged ({exc})") from exc


def _bounded(chunks: Iterator[bytes], path: str, limits: Limits) -> Iterator[bytes]:
    most = min(limits.unpacked, os.path.getsize(path) * limits.ratio + _SLACK)
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > most:
            raise SceneNotRead(path, f"it unpacks to more than {most:,} bytes, which no scene of its size does")
        yield chunk
