"""A store that wraps a store and lets no wrong byte pass for a right one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime

from conductor_core.digest import Digest
from conductor_core.errors import ContentMismatch, TransferError

from conductor_service.store.checking import check_part, checked, first
from conductor_service.store.errors import ObjectDamaged, ObjectMissing
from conductor_service.store.interfaces import PrunableStore
from conductor_service.store.pieces import one_behind

log = logging.getLogger(__name__)

#: a second or so of hashing, ten of a slow disk; an HTTP client gives up after half a minute without a byte
LONGEST_SKIP_BYTES = 1 << 30


class VerifyingStore:
    """Check each object against its name while it is read.

    Disks, and people with access to them, change bytes without telling. The last piece is held back until the hash
    agrees, so whoever counts bytes (an HTTP body with its Content-Length) never holds a wrong object that looks whole.
    A read from an offset reads what stands before it too: half a hash proves nothing. From far behind the start that would
    take longer than a reader waits; such a read is not checked, and who resumes checks the whole anyway.

    An object found damaged is set aside: it is missing from then on, so that the next submission that needs it sends it
    again.
    """

    def __init__(self, inner: PrunableStore, *, longest_skip: int = LONGEST_SKIP_BYTES) -> None:
        self._inner = inner
        self._longest_skip = longest_skip

    @property
    def unchecked(self) -> PrunableStore:
        """The store without the checks, for whoever reads here and there and checks what comes of it."""
        return self._inner

    def size(self, digest: Digest) -> int | None:
        """Return the bytes that the object has, or None."""
        return self._inner.size(digest)

    def read(self, digest: Digest, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Return the object's bytes from `offset` on; a part that ends before the object's end is not checked.

        Raises:
            ObjectMissing: at once, where there is none.
            ObjectDamaged: in place of the last piece, where the bytes do not hash to the digest.
            ValueError: the offset or the length is negative.
        """
        check_part(offset, length)
        size = self._inner.size(digest)
        if size is None:
            raise ObjectMissing(digest)
        if offset > self._longest_skip:
            return self._inner.read(digest, offset, length)
        whole = self._whole(digest, self._inner.read(digest), size)
        return first(one_behind(_from(offset, whole)), length)

    def _whole(self, digest: Digest, chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
        try:
            yield from checked(digest, chunks, size)
        except ContentMismatch as exc:
            self._give_up(digest)
            raise ObjectDamaged(digest, exc) from exc

    def _give_up(self, digest: Digest) -> None:
        """Set aside what is damaged, unless it was sent anew while the damaged bytes were read."""
        try:
            if self._is_right(digest):
                log.warning("Object %s was damaged, and was sent anew meanwhile.", digest)
                return
            self._inner.set_aside(digest)
        except ObjectMissing:
            return  # somebody else has set it aside
        except TransferError as exc:
            log.error("Object %s is damaged, and cannot be set aside: %s", digest, exc)
        else:
            log.error("Object %s was damaged and is set aside.", digest)

    def _is_right(self, digest: Digest) -> bool:
        """Read what is there now, and tell whether it is what it is called.

        Raises:
            ObjectMissing: nothing is there.
        """
        size = self._inner.size(digest)
        if size is None:
            raise ObjectMissing(digest)
        try:
            for _ in checked(digest, self._inner.read(digest), size):
                pass
        except ContentMismatch:
            return False
        return True

    def check_room(self, needed: int) -> None:
        """Refuse what there is no room for."""
        self._inner.check_room(needed)

    def write(self, digest: Digest, chunks: Iterable[bytes], size: int) -> bool:
        """Keep the bytes if they are what they are called."""
        return self._inner.write(digest, chunks, size)

    def write_whole(self, data: bytes | bytearray) -> Digest:
        """Keep bytes under the digest that they have."""
        return self._inner.write_whole(data)

    def delete(self, digest: Digest) -> None:
        """Remove the object, if it is there."""
        self._inner.delete(digest)

    def set_aside(self, digest: Digest) -> None:
        """Make the object missing."""
        self._inner.set_aside(digest)

    def written(self, digest: Digest) -> datetime | None:
        """Return when the object was last written, or None."""
        return self._inner.written(digest)

    def digests(self) -> Iterator[Digest]:
        """Return each object's digest."""
        return self._inner.digests()


def _from(offset: int, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Drop the first `offset` bytes."""
    for chunk in chunks:
        if offset < len(chunk):
            yield chunk[offset:]
        offset = max(0, offset - len(chunk))
