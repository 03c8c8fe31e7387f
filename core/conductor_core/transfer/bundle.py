"""Many small objects in one answer: the format, written by the service and read by the agent.

`CNDBNDL1`, then for each object, in the order in which it was asked for: its size in bytes (u64, big-endian; all bits
set: it is not to be had), and its bytes. Names are not repeated: whoever asked knows them, and checks each content
against its own. What breaks off in the middle is gone on from by asking for the rest.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Generator, Iterable, Iterator, Mapping

from conductor_core.digest import Digest
from conductor_core.errors import ContentMismatch, ServiceUnreachable

MAGIC = b"CNDBNDL1"
#: objects, and bytes, of one bundle at most
MOST_OBJECTS, MOST_BYTES = 1024, 64 << 20
#: bytes of an object up to which it may come in a bundle: it is held in memory whole, on both sides
LARGEST_OBJECT = 1 << 20
#: bytes that are sent at once: a hop between threads for each
BLOCK = 1 << 20

#: bytes as they came, or a part of them that nobody copied
Content = bytes | memoryview

_SIZE = struct.Struct(">Q")
_NOT_HERE = (1 << 64) - 1


def write_bundle(contents: Iterable[Content | None]) -> Iterator[bytes]:
    """Yield a bundle in blocks; None stands for an object that is not to be had."""
    return (b"".join(block) for block in bundle_blocks(contents))


def bundle_blocks(contents: Iterable[Content | None]) -> Generator[list[Content], None, None]:
    """Yield the same in pieces that nobody copied, as many at once as are a block."""
    held: list[Content] = [MAGIC]
    size = len(MAGIC)
    for content in contents:
        held.append(_SIZE.pack(_NOT_HERE if content is None else len(content)))
        size += _SIZE.size
        if content:
            held.append(content)
            size += len(content)
        if size >= BLOCK:
            yield held
            held, size = [], 0
    yield held


def read_bundle(sizes: Mapping[Digest, int], blocks: Iterable[bytes]) -> Iterator[tuple[Digest, Content | None]]:
    """Yield each object of `sizes`, in their order, verified; None for one that is not to be had.

    Raises:
        ContentMismatch: an object is not what it is called; those before it are right.
        ServiceUnreachable: the bundle is none, or ends too early; what came before is right.
    """
    source = Blocks(blocks)
    if _taken(source, len(MAGIC)) != MAGIC:
        raise ServiceUnreachable("The service answered something else than a bundle of objects.", "Try again later.")
    for digest, size in sizes.items():
        (said,) = _SIZE.unpack(_taken(source, _SIZE.size))
        if said == _NOT_HERE:
            yield digest, None
            continue
        if said != size:  # before a byte of it is held in memory
            raise ContentMismatch(f"object {digest}", f"{size} bytes", f"of {said} bytes")
        content = _taken(source, size)
        actual = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if actual != digest:
            raise ContentMismatch(f"object {digest}", digest, actual)
        yield digest, content


class Blocks:
    """Take so many bytes from blocks of any size; only what lies in several of them is copied."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._held = memoryview(b"")

    def take(self, count: int) -> Content | None:
        """Return the next so many bytes; None: there are not as many."""
        if count <= len(self._held):
            taken, self._held = self._held[:count], self._held[count:]
            return taken
        parts: list[memoryview] = []
        while count > len(self._held):
            parts.append(self._held)
            count -= len(self._held)
            self._held = memoryview(next(self._blocks, b""))
            if not self._held:
                return None
        parts.append(self._held[:count])
        self._held = self._held[count:]
        return b"".join(parts)


def _taken(source: Blocks, count: int) -> Content:
    taken = source.take(count)
    if taken is None:
        raise ServiceUnreachable("The connection broke in the middle of a bundle of files.", "It goes on from there.")
    return taken
