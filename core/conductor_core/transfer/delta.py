"""A file told by another: what it has in common with it by place, all else by its bytes.

    header   magic "CDDL", version, bytes of the file
    step     a kind, an offset in the base, a length
             copy: so many bytes of the base from there on; literal: so many bytes follow
    end      a step of kind end

All numbers are little-endian; the whole is one zstd frame. Who assembles it believes nothing: lengths are bounded before
anything is made of them, and the sha256 of the whole is the judge of the result.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import IO

import zstandard

from conductor_core.errors import TransferError
from conductor_core.transfer.chunks import Source, chunks, name_of
from conductor_core.transfer.signatures import ChunkIndex, unpacking

VERSION = 1
#: of one delta; a file that is cut into so many runs has nothing in common with its base
MOST_STEPS = 1 << 20
#: literals are written, and assembled pieces given, in blocks of about this size
BLOCK = 256 << 10
#: a gap in the base that is read over rather than looked for anew
_GAP = 4 << 20
_MAGIC = b"CDDL"
_HEADER = struct.Struct("<4sBQ")
_STEP = struct.Struct("<BQQ")
_END, _COPY, _LITERAL = 0, 1, 2


class BadDelta(TransferError):
    """A delta is cut short, or names what cannot be."""

    def __init__(self, reason: str) -> None:
        super().__init__("The delta", reason, "Send the file whole.")


class _Writer:
    """Join runs, pack, and stop where it does not pay."""

    def __init__(self, into: IO[bytes], size: int, most: int) -> None:
        self._into = into
        self._most = most
        # without the frame's size in its header, the window follows from the level alone and stays below MOST_WINDOW
        self._packer = zstandard.ZstdCompressor(level=3).compressobj()
        self._literal = bytearray()
        self._copy: tuple[int, int] | None = None
        self._steps = 0
        self._written = 0
        self._write(_HEADER.pack(_MAGIC, VERSION, size))

    def literal(self, data: memoryview) -> None:
        self._end_copy()
        self._literal += data
        if len(self._literal) >= BLOCK:
            self._end_literal()

    def copy(self, offset: int, length: int) -> None:
        self._end_literal()
        if self._copy is not None and sum(self._copy) == offset:
            self._copy = (self._copy[0], self._copy[1] + length)
        else:
            self._end_copy()
            self._copy = (offset, length)

    def end(self) -> None:
        self._end_copy()
        self._end_literal()
        self._step(_END, 0, 0)
        self._count(self._into.write(self._packer.flush()))

    def pays(self) -> bool:
        """Tell whether it is small enough yet."""
        return self._written <= self._most and self._steps < MOST_STEPS

    def _end_copy(self) -> None:
        if self._copy is not None:
            self._step(_COPY, *self._copy)
            self._copy = None

    def _end_literal(self) -> None:
        if self._literal:
            self._step(_LITERAL, 0, len(self._literal))
            self._write(self._literal)
            self._literal = bytearray()

    def _step(self, kind: int, offset: int, length: int) -> None:
        self._steps += 1
        self._write(_STEP.pack(kind, offset, length))

    def _write(self, data: bytes | bytearray) -> None:
        self._count(self._into.write(self._packer.compress(data)))

    def _count(self, written: int) -> None:
        self._written += written


def write_delta(source: Source, size: int, base: ChunkIndex, into: IO[bytes], *, most: int, check: Callable[[], None]) -> bool:
    """Write what `source`, of `size` bytes, has other than `base`; False, with part of it written, where that is over `most` bytes.

    `check` is called for each chunk, and may raise.

    Raises:
        OSError: `source` cannot be read, or `into` not written.
    """
    writer = _Writer(into, size, most)
    before = -1
    for chunk in chunks(source, base.average):
        check()
        found = base.find(name_of(chunk), len(chunk), before)
        if found is None:
            writer.literal(chunk)
        else:
            writer.copy(base.offset(found), len(chunk))
            before = found
        if not writer.pays():
            return False
    writer.end()
    return writer.pays()


class Base:
    """Copy parts of an object that can be read from any offset on, each time by a new iterator."""

    def __init__(self, read: Callable[[int], Iterator[bytes]], size: int) -> None:
        self._read = read
        self._size = size
        self._pieces: Iterator[bytes] = iter(())
        self._held = memoryview(b"")
        #: where `_held` begins
        self._at = -1

    def copy(self, offset: int, length: int) -> Iterator[memoryview]:
        """Yield the bytes of a part.

        Raises:
            BadDelta: it reaches beyond the object.
        """
        if offset + length > self._size:
            raise BadDelta("copies from beyond the end of its base")
        self._go_to(offset)
        while length:
            if not self._held:
                self._fill()
            block = self._held[:length]
            self._held = self._held[len(block) :]
            self._at += len(block)
            length -= len(block)
            yield block

    def _go_to(self, offset: int) -> None:
        if not 0 <= self._at <= offset <= self._at + _GAP:
            self._pieces, self._held, self._at = self._read(offset), memoryview(b""), offset
        while self._at < offset:
            if not self._held:
                self._fill()
            skipped = min(len(self._held), offset - self._at)
            self._held = self._held[skipped:]
            self._at += skipped

    def _fill(self) -> None:
        piece = next(self._pieces, None)
        while piece is not None and not piece:
            piece = next(self._pieces, None)
        if piece is None:
            raise BadDelta("has a base that ended early")
        self._held = memoryview(piece)


def assembled(delta: Iterator[bytes], base: Base, size: int) -> Iterator[bytes]:
    """Yield the file of `size` bytes that a delta tells, in blocks; nobody has checked yet that it is the right one.

    Raises:
        BadDelta: it is malformed; also after all blocks but the last have been given.
    """
    block = bytearray()
    for part in _parts(delta, base, size):
        block += part
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


def _parts(delta: Iterator[bytes], base: Base, size: int) -> Iterator[memoryview | bytes]:
    source = unpacking(delta)
    left = _told_size(source)
    if left != size:
        raise BadDelta(f"is of a file of {left} bytes where {size} were announced")
    for _ in range(MOST_STEPS):
        kind, offset, length = _STEP.unpack(_exactly(source, _STEP.size))
        if kind == _END:
            break
        if not 0 < length <= left:
            raise BadDelta("makes another number of bytes than it says")
        left -= length
        if kind == _COPY:
            yield from base.copy(offset, length)
        elif kind == _LITERAL:
            yield from _literal(source, length)
        else:
            raise BadDelta(f"has a step of a kind that is not known here ({kind})")
    else:
        raise BadDelta(f"has more than {MOST_STEPS} steps")
    if left or _read(source, 1):
        raise BadDelta("makes another number of bytes than it says")


def _told_size(source: zstandard.ZstdDecompressionReader) -> int:
    magic, version, size = _HEADER.unpack(_exactly(source, _HEADER.size))
    if (magic, version) != (_MAGIC, VERSION):
        raise BadDelta("is of a form that is not known here")
    return int(size)


def _literal(source: zstandard.ZstdDecompressionReader, length: int) -> Iterator[bytes]:
    while length:
        data = _read(source, min(length, BLOCK))
        if not data:
            raise BadDelta("is cut short")
        length -= len(data)
        yield data


def _exactly(source: zstandard.ZstdDecompressionReader, size: int) -> bytes:
    return b"".join(_literal(source, size))


def _read(source: zstandard.ZstdDecompressionReader, size: int) -> bytes:
    try:
        return bytes(source.read(size))
    except zstandard.ZstdError as exc:
        raise BadDelta(f"is no zstd frame ({exc})") from exc
