"""What can go wrong in a store, beside content that does not hash to its name.

conductor_core.errors.TransferError
├── ContentMismatch (core)  bytes that do not hash to their name, or have another size than promised
│   └── ObjectDamaged       those of an object that the store holds
├── ObjectMissing           no object of that digest
├── ObjectUnreadable        it is there, but the disk does not give it back
├── StoreFull               no room: disk or quota
├── StoreUnreachable        its server does not answer
└── StoreUnwritable         read-only, or not this user's
"""

from __future__ import annotations

import errno

from conductor_core.digest import Digest
from conductor_core.errors import ContentMismatch, TransferError

_NO_ROOM = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG})
_NO_RIGHT = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


class ObjectMissing(TransferError):
    """The store has no object of this digest."""

    def __init__(self, digest: Digest) -> None:
        self.digest = digest
        super().__init__(digest, "is not in the store", "Submit again: what the store lacks is uploaded.")


class ObjectDamaged(ContentMismatch):
    """The object does not hash to its name any more, and is missing from now on."""

    def __init__(self, digest: Digest, mismatch: ContentMismatch) -> None:
        self.expected, self.actual = mismatch.expected, mismatch.actual
        reason = f"has content {mismatch.actual} where {mismatch.expected} was stored"
        TransferError.__init__(self, digest, reason, "Check the store's disk. Submit again: what the store lacks is uploaded.")


class ObjectUnreadable(TransferError):
    """The object is there, but cannot be read."""

    def __init__(self, digest: Digest, reason: str) -> None:
        self.digest = digest
        super().__init__(digest, f"cannot be read from the store ({reason})", "Check the store's disk.")


class StoreFull(TransferError):
    """The store's disk, or the quota on it, has no room left."""

    def __init__(self, place: str, needed: int = 0, room: int = 0) -> None:
        """Name the store, and the bytes that are needed and free where they are known."""
        lacking = f": {needed:,} bytes are needed, {max(room, 0):,} are free" if needed else ""
        super().__init__(
            place,
            f"the store has no room left{lacking}",
            "Its operator must make room there; what was under way then goes on by itself.",
        )


class StoreUnreachable(TransferError):
    """The store's server does not answer now."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(
            place,
            f"the store cannot be reached ({reason})",
            "Its operator must see that its server runs; what was under way then goes on by itself.",
        )


class StoreUnwritable(TransferError):
    """The store's folder cannot be written."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(
            place,
            f"the store cannot be written ({reason})",
            "Its operator must make it writable for the service's user; what was under way then goes on by itself.",
        )


def writing_error(place: str, error: OSError) -> TransferError:
    """Return what an operating system error means to somebody who wanted to write."""
    reason = error.strerror or type(error).__name__
    if error.errno in _NO_ROOM:
        return StoreFull(place)
    if error.errno in _NO_RIGHT:
        return StoreUnwritable(place, reason)
    return TransferError(place, f"the store failed while writing ({reason})", "Check the store's disk.")
