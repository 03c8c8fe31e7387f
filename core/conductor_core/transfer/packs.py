"""Many small objects in one body: what goes over the wire, and what the store keeps.

    magic (8 bytes) · count (u32) · count × [sha256 (32 bytes) · size (u64)] · the contents, one after the other

All numbers are little-endian. The table comes first, so that a reader knows every bound before it reads a byte of content.
One file of some kilobytes each would cost a request, and an fsync, of its own: many of them in one body go 10 to 40 times as
fast (docs/decisions/0017-packs.md).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from conductor_core.digest import Digest, hex_of, parse_digest
from conductor_core.errors import ContentMismatch, PackMalformed

#: the last byte is the version of the format
MAGIC = b"CDRPACK\x01"
#: what a service takes at once; senders fill packs of about three quarters of it
MAX_PACK_BYTES = 8 << 20
MAX_MEMBERS = 4096
#: bytes of the blocks that a writer yields
BLOCK_BYTES = 256 << 10

_HEAD = struct.Struct("<8sI")
_ROW = struct.Struct("<32sQ")


@dataclass(frozen=True, slots=True)
class Member:
    """An object that goes into a pack."""

    digest: Digest
    size: int
    #: opens its bytes, in pieces of any length
    opened: Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Row:
    """An object in a pack, by the pack's table."""

    digest: Digest
    size: int
    #: where its bytes begin, from the start of the pack
    offset: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reader takes."""

    pack_bytes: int = MAX_PACK_BYTES
    members: int = MAX_MEMBERS


def pack_size(sizes: Sequence[int]) -> int:
    """Return the bytes of a pack of members of these sizes."""
    return head_size(len(sizes)) + sum(sizes)


def head_size(members: int) -> int:
    """Return the bytes that stand before the contents."""
    return _HEAD.size + members * _ROW.size


def pack_head(members: Iterable[tuple[Digest, int]]) -> bytes:
    """Return what stands before the contents of these digests and sizes."""
    rows = [_ROW.pack(bytes.fromhex(hex_of(parse_digest(digest))), size) for digest, size in members]
    return _HEAD.pack(MAGIC, len(rows)) + b"".join(rows)


def write_pack(members: Sequence[Member]) -> Iterator[bytes]:
    """Yield a pack in blocks; each member is opened when it is its turn, and read once.

    Raises:
        ContentMismatch: a member gave more or fewer bytes than it has; its content is the reader's to check.
    """
    held = bytearray(pack_head((m.digest, m.size) for m in members))
    for member in members:
        seen = 0
        for piece in member.opened():
            seen += len(piece)
            if seen > member.size:
                break
            held += piece
            while len(held) >= BLOCK_BYTES:
                yield bytes(held[:BLOCK_BYTES])
                del held[:BLOCK_BYTES]
        if seen != member.size:
            more = "more" if seen > member.size else "fewer"
            raise ContentMismatch(member.digest, f"{member.size} bytes", f"of {more} bytes")
    if held:
        yield bytes(held)


def read_pack(pieces: Iterable[bytes | bytearray], *, limits: Limits = Limits()) -> Iterator[tuple[Row, bytes | memoryview]]:
    """Yield each member of a pack with its bytes, verified; no more is held than one member and one piece.

    What lies within one piece is not copied out of it.

    Raises:
        PackMalformed: this is no pack, it breaks off, goes on behind its end, or is more than `limits` allow.
        ContentMismatch: the bytes of a member do not hash to its name; `path` is its digest.
    """
    source = _Source(iter(pieces))
    for row in _read_table(source, limits):
        data = source.take(row.size)
        actual = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if actual != row.digest:
            raise ContentMismatch(row.digest, row.digest, actual)
        yield row, data
    source.end()


def read_table(pieces: Iterable[bytes | bytearray], *, limits: Limits = Limits()) -> tuple[Row, ...]:
    """Return the table of a pack, without its contents.

    Raises:
        PackMalformed: this is no pack, or is more than `limits` allow.
    """
    return _read_table(_Source(iter(pieces)), limits)


def _read_table(source: _Source, limits: Limits) -> tuple[Row, ...]:
    magic, count = _HEAD.unpack(source.take(_HEAD.size))
    if magic != MAGIC:
        raise PackMalformed("does not begin like one of this version")
    if not 0 < count <= limits.members:
        raise PackMalformed(f"has {count} members, 1 to {limits.members} are taken at once")
    offset = head_size(count)
    if offset > limits.pack_bytes:
        raise PackMalformed(f"is larger than the {limits.pack_bytes} bytes that are taken at once")
    rows = []
    for sha, size in _ROW.iter_unpack(source.take(offset - _HEAD.size)):
        rows.append(Row(Digest(f"sha256:{sha.hex()}"), size, offset))
        offset += size
        if offset > limits.pack_bytes:
            raise PackMalformed(f"is larger than the {limits.pack_bytes} bytes that are taken at once")
    if len({row.digest for row in rows}) != count:
        raise PackMalformed("names a member twice")
    return tuple(rows)


class _Source:
    """Take so many bytes of a stream of pieces, not one more."""

    def __init__(self, pieces: Iterator[bytes | bytearray]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")

    def take(self, count: int) -> bytes | memoryview:
        """Return the next `count` bytes."""
        if count <= len(self._piece):
            taken, self._piece = self._piece[:count], self._piece[count:]
            return taken
        parts = []
        while count:
            if not self._piece:
                self._piece = memoryview(self._next())
            part = self._piece[:count]
            parts.append(part)
            self._piece = self._piece[len(part) :]
            count -= len(part)
        return b"".join(parts)

    def end(self) -> None:
        """Refuse what stands behind the end."""
        if self._piece or any(self._pieces):
            raise PackMalformed("goes on behind its end")

    def _next(self) -> bytes | bytearray:
        for piece in self._pieces:
            if piece:
                return piece
        raise PackMalformed("breaks off")
