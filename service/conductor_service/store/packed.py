"""A store that wraps a store and finds in its packs what does not lie there by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from conductor_core.digest import Digest

from conductor_service.store.checking import check_part
from conductor_service.store.errors import ObjectMissing
from conductor_service.store.interfaces import PrunableStore


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in a pack an object's bytes are."""

    pack: Digest
    #: bytes that the whole pack has
    pack_bytes: int
    offset: int
    size: int


class PackIndex(Protocol):
    """Know what lies in packs, and hear of what the store has lost."""

    def spot(self, digest: Digest) -> Spot | None:
        """Return where an object lies in a pack; None: by itself, or not at all."""
        ...

    def lose(self, digest: Digest, spot: Spot | None, *, read: bool = True) -> None:
        """Note that the object is not to be had there, until somebody sends it again; `read`: what was read there was not it."""
        ...


class PackedStore:
    """Give objects out of packs by asking an index first; what is no member of a pack lies in the wrapped store by itself.

    Packs are objects of the wrapped store under their own digests, whatever kind of store that is. `digests`, `written` and
    `delete` are of what lies there: packs, and objects by themselves.
    """

    def __init__(self, inner: PrunableStore, index: PackIndex) -> None:
        self._inner = inner
        self._index = index
        #: what a thread has just asked: who asks for the size mostly reads next, and the index need not be asked twice
        self._asked = threading.local()

    def size(self, digest: Digest) -> int | None:
        """Return the bytes that the object has, or None; a pack that was cut or lost has none of its members."""
        spot = self._index.spot(digest)
        self._asked.last = digest, spot
        if spot is None:
            return self._inner.size(digest)
        return spot.size if self._inner.size(spot.pack) == spot.pack_bytes else None

    def read(self, digest: Digest, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Return the object's bytes from `offset` on."""
        check_part(offset, length)
        spot = self._just_asked(digest)
        try:
            if spot is None:
                return self._inner.read(digest, offset, length)
            rest = max(0, spot.size - offset)
            return self._inner.read(spot.pack, spot.offset + offset, rest if length is None else min(rest, length))
        except ObjectMissing:
            moved = self._index.spot(digest)
            if moved != spot:  # between the two questions it went to another pack, or came anew
                return self.read(digest, offset, length)
            self._index.lose(digest, spot, read=False)
            raise ObjectMissing(digest) from None

    def _just_asked(self, digest: Digest) -> Spot | None:
        """Return where an object lies by the last answer of this thread, or by a new one; `read` sees where it is outdated."""
        last, spot = getattr(self._asked, "last", ("", None))
        self._asked.last = "", None
        return spot if last == digest else self._index.spot(digest)

    def check_room(self, needed: int) -> None:
        """Refuse what there is no room for."""
        self._inner.check_room(needed)

    def write(self, digest: Digest, chunks: Iterable[bytes], size: int) -> bool:
        """Keep the bytes if they are what they are called, by themselves; who registers them takes them out of the index."""
        return self._inner.write(digest, chunks, size)

    def write_whole(self, data: bytes | bytearray) -> Digest:
        """Keep bytes under the digest that they have."""
        return self._inner.write_whole(data)

    def delete(self, digest: Digest) -> None:
        """Remove what lies in the wrapped store under this digest."""
        self._inner.delete(digest)

    def set_aside(self, digest: Digest) -> None:
        """Make the object missing; of a pack only the one member, what else is in it may be whole."""
        spot = self._index.spot(digest)
        if spot is None:
            self._inner.set_aside(digest)
        self._index.lose(digest, spot)

    def written(self, digest: Digest) -> datetime | None:
        """Return when what lies in the wrapped store under this digest was last written, or None."""
        return self._inner.written(digest)

    def digests(self) -> Iterator[Digest]:
        """Return the digest of each pack, and of each object that lies by itself."""
        return self._inner.digests()
