"""What objects are made of, kept in the data folder: an object is cut once, however many versions follow it.

A file of this cache holds nothing that cannot be had again: one that cannot be written is not kept, one that is damaged is made
anew, and those that nobody asked for in the longest time make room.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import zstandard
from conductor_core.digest import Digest, hex_of
from conductor_core.transfer.chunks import Pieces
from conductor_core.transfer.signatures import MOST_WINDOW, VERSION, signature

from conductor_service.store import Store
from conductor_service.store.aside import sweep, written_aside

#: bytes of all signatures together: those of half a terabyte
ROOM = 2 << 30
_BLOCK = 256 << 10

_LOG = logging.getLogger(__name__)


class Signatures:
    """Give the signature of an object, made now or kept from before."""

    def __init__(self, folder: Path, *, room: int = ROOM) -> None:
        self._kept = folder / "kept"
        self._aside = folder / "tmp"
        self._room = room
        #: bytes written since the last look at how much there is
        self._written = 0
        for place in (folder, self._kept, self._aside):
            place.mkdir(mode=0o700, exist_ok=True)
        sweep(self._aside)

    def blocks(self, store: Store, digest: Digest, size: int) -> Iterator[bytes]:
        """Return the signature of an object of `store`, which is opened at once.

        Raises:
            ObjectMissing: the store does not have it.
            ObjectDamaged, ObjectUnreadable: while it is read.
        """
        path = self._kept / f"{hex_of(digest)}.{VERSION}"
        kept = _sound(path)
        if kept is not None:
            return iter(kept[start : start + _BLOCK] for start in range(0, len(kept), _BLOCK))
        return self._made(path, digest, size, store.read(digest))

    def _made(self, path: Path, digest: Digest, size: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
        made: list[bytes] = []
        for block in signature(digest, size, Pieces(pieces)):
            made.append(block)
            if block:
                yield block
        self._keep(path, made)

    def _keep(self, path: Path, made: list[bytes]) -> None:
        try:
            with written_aside(self._aside) as (stream, aside):
                for block in made:
                    stream.write(block)
                stream.close()
                os.replace(aside, path)
        except OSError as exc:
            _LOG.info("the chunks of %s are not kept: %s", path.name, exc)
            return
        self._written += sum(map(len, made))
        if self._written > self._room // 8:
            self._written = 0
            self.make_room()

    def make_room(self) -> None:
        """Remove those that nobody asked for in the longest time, until the rest is within bounds."""
        found: list[tuple[float, int, Path]] = []
        for path in self._kept.iterdir():
            with contextlib.suppress(OSError):
                facts = path.stat()
                found.append((facts.st_mtime, facts.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._room:
                return
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size


def _sound(path: Path) -> bytes | None:
    """Return a file of the cache if it is whole, and note that it was of use."""
    try:
        data = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    frame = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW).decompressobj()
    try:
        for start in range(0, len(data), _BLOCK):
            frame.decompress(data[start : start + _BLOCK])
    except zstandard.ZstdError:
        return None
    return data if frame.eof else None
