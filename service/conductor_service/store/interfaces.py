"""What the service asks of a store: three small protocols, each one step more than the last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol

from conductor_core.digest import Digest

#: bytes of the pieces that `read` gives: large enough that Python costs nothing, small enough for many readers
CHUNK_BYTES = 1024 * 1024


class Store(Protocol):
    """Give bytes by digest."""

    def size(self, digest: Digest) -> int | None:
        """Return the bytes that the object has, or None where there is none."""
        ...

    def read(self, digest: Digest, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Return the object's bytes from `offset` on, all or at most `length`, in pieces of at most `CHUNK_BYTES`.

        The object is opened by this call and not by the first step of the iterator, so that an answer over HTTP can
        still say 404. An offset at or behind the end gives nothing.

        Raises:
            ObjectMissing: at once, where there is none.
            ValueError: the offset or the length is negative.
        """
        ...


class WritableStore(Store, Protocol):
    """Take bytes under their digest."""

    def check_room(self, needed: int) -> None:
        """Refuse what cannot be written, so that nobody sends it in vain; writers beside us may still take the room.

        Raises:
            StoreFull: `needed` bytes are more than there is room for.
            StoreUnwritable: read-only.
        """
        ...

    def write(self, digest: Digest, chunks: Iterable[bytes], size: int) -> bool:
        """Keep the bytes if they are `size` bytes that hash to `digest`; return True if they are new here.

        The bytes are always read to the end and verified, also where the object is there already: a caller who sends
        them has proved to possess them, one who knows the digest has not. An object found damaged is replaced by
        them. An object is visible whole or not at all, and is on disk when this returns.

        Raises:
            ContentMismatch: another size or another digest; nothing is kept.
            StoreFull: no room; nothing is kept.
            StoreUnwritable: read-only; nothing is kept.
        """
        ...

    def write_whole(self, data: bytes | bytearray) -> Digest:
        """Keep bytes that are in memory under the digest that they have, as `write` does, and return it.

        They are hashed once: nobody has said what they are called, so there is nothing to compare. They are not to be changed
        meanwhile.

        Raises:
            StoreFull: no room; nothing is kept.
            StoreUnwritable: read-only; nothing is kept.
        """
        ...


class PrunableStore(WritableStore, Protocol):
    """Forget bytes, and say which are there."""

    def delete(self, digest: Digest) -> None:
        """Remove the object; none there is no error, so that a clean-up can be run again."""
        ...

    def set_aside(self, digest: Digest) -> None:
        """Make a damaged object missing, so that it is sent again; a store of files keeps its bytes elsewhere."""
        ...

    def written(self, digest: Digest) -> datetime | None:
        """Return when the object was last written, or None where there is none."""
        ...

    def digests(self) -> Iterator[Digest]:
        """Return each object's digest, in no order; what is written or deleted meanwhile may be in it or not."""
        ...
