"""Parts in memory, beside a memory store."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from conductor_core.digest import Digest

from conductor_service.clock import Clock, utc_now
from conductor_service.store.checking import checked
from conductor_service.store.interfaces import CHUNK_BYTES, WritableStore
from conductor_service.store.parts import Kept, SignedRequest, Staged, UploadLost


@dataclass(slots=True)
class _Held:
    begun: datetime
    parts: dict[int, bytes] = field(default_factory=dict)


class MemoryParts:
    """Stage objects in a dict."""

    def __init__(self, store: WritableStore, clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()

    def begin(self, upload: str) -> str:
        """Make an entry where there is none."""
        with self._lock:
            self._held.setdefault(upload, _Held(self._clock()))
        return ""

    def take_up(self, staged: Staged) -> bool:
        """Tell whether there is an entry."""
        with self._lock:
            return staged.id in self._held

    def have(self, staged: Staged) -> frozenset[int]:
        """Return the parts that are there."""
        with self._lock:
            held = self._held.get(staged.id)
            return frozenset(held.parts) if held else frozenset()

    def write_part(self, staged: Staged, number: int, digest: Digest, chunks: Iterable[bytes]) -> None:
        """Keep a part."""
        data = b"".join(checked(digest, chunks, staged.length(number)))
        with self._lock:
            if staged.id not in self._held:
                raise UploadLost(staged.digest)
            self._held[staged.id].parts.setdefault(number, data)

    def signed(self, staged: Staged, number: int, digest: Digest) -> SignedRequest | None:  # noqa: ARG002
        """Return None: parts come through us."""
        return None

    def readable(self, staged: Staged) -> int:
        """Return the bytes before the first part that is not there."""
        return staged.leading_bytes(self.have(staged))

    def seal(self, staged: Staged) -> None:
        """See that all is there."""
        if self.readable(staged) < staged.size:
            raise UploadLost(staged.digest)

    def read(self, staged: Staged, offset: int) -> Iterator[bytes]:
        """Return the bytes from `offset` to the first part that is not there."""
        with self._lock:
            held = self._held.get(staged.id)
            if held is None:
                raise UploadLost(staged.digest)
            parts = dict(held.parts)
        data = b""
        for number in range(1, staged.parts + 1):
            if number not in parts:
                break
            data += parts[number]
        return (data[i : i + CHUNK_BYTES] for i in range(offset, len(data), CHUNK_BYTES))

    def publish(self, staged: Staged) -> bool:
        """Write it to the store."""
        self.seal(staged)
        return self._store.write(staged.digest, self.read(staged, 0), staged.size)

    def discard(self, staged: Staged) -> None:
        """Drop the entry."""
        with self._lock:
            self._held.pop(staged.id, None)

    def kept(self) -> Iterator[Kept]:
        """Return all entries."""
        with self._lock:
            return iter([Kept(upload, "", held.begun) for upload, held in self._held.items()])
