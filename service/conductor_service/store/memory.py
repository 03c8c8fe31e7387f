"""A store in memory: for tests, and small enough to show what a store is."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from datetime import datetime

from conductor_core.digest import Digest, digest_of, parse_digest

from conductor_service.clock import Clock, utc_now
from conductor_service.store.checking import check_part, checked
from conductor_service.store.errors import ObjectMissing
from conductor_service.store.interfaces import CHUNK_BYTES


class MemoryStore:
    """Keep objects in a dict."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._objects: dict[Digest, bytes] = {}
        self._written: dict[Digest, datetime] = {}
        self._lock = threading.Lock()

    def size(self, digest: Digest) -> int | None:
        """Return the bytes that the object has, or None."""
        data = self._objects.get(parse_digest(digest))
        return None if data is None else len(data)

    def read(self, digest: Digest, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Return the object's bytes from `offset` on."""
        check_part(offset, length)
        data = self._objects.get(parse_digest(digest))
        if data is None:
            raise ObjectMissing(digest)
        end = len(data) if length is None else min(len(data), offset + length)
        return (data[i : min(i + CHUNK_BYTES, end)] for i in range(offset, end, CHUNK_BYTES))

    def check_room(self, needed: int) -> None:
        """Let everything pass."""

    def write(self, digest: Digest, chunks: Iterable[bytes], size: int) -> bool:
        """Keep the bytes if they are what they are called."""
        return self._keep(digest, b"".join(checked(parse_digest(digest), chunks, size)))

    def write_whole(self, data: bytes | bytearray) -> Digest:
        """Keep bytes under the digest that they have."""
        digest = digest_of(data)
        self._keep(digest, bytes(data))
        return digest

    def _keep(self, digest: Digest, data: bytes) -> bool:
        with self._lock:
            new = digest not in self._objects
            self._objects[digest] = data
            self._written[digest] = self._clock()
        return new

    def delete(self, digest: Digest) -> None:
        """Remove the object, if it is there."""
        with self._lock:
            self._objects.pop(parse_digest(digest), None)
            self._written.pop(digest, None)

    def set_aside(self, digest: Digest) -> None:
        """Remove the object, if it is there."""
        self.delete(digest)

    def written(self, digest: Digest) -> datetime | None:
        """Return when the object was last written, or None."""
        return self._written.get(parse_digest(digest))

    def digests(self) -> Iterator[Digest]:
        """Return each object's digest."""
        with self._lock:
            return iter(list(self._objects))
