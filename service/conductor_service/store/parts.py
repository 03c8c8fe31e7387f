"""Objects that come in parts: what a store does so that a large one goes on where it stopped.

A part lies at its place in the whole and is verified by its own hash when it comes; the whole is verified by its name before
it is published (`conductor_service.uploads`). Nothing staged is an object: nobody can read it by a digest.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from conductor_core.digest import Digest, parse_digest
from conductor_core.errors import TransferError

#: of a part, where the object is not larger than `MOST_PARTS` of them: what a broken line sends twice at most
PART_BYTES = 16 << 20
#: S3 takes no more parts of one object (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html)
MOST_PARTS = 10_000
_STEP = 1 << 20


class UploadLost(TransferError):
    """What had come of an object is not in the store any more."""

    def __init__(self, digest: Digest) -> None:
        super().__init__(digest, "what had come of it is gone", "Its upload begins anew.")


class PartTaken(TransferError):
    """Somebody else sends the same part, later than this one began."""

    def __init__(self, digest: Digest, number: int) -> None:
        super().__init__(digest, f"part {number} of it comes from another sender now", "It is looked at again.")


def part_bytes(size: int) -> int:
    """Return how long the parts of an object of `size` bytes are, but for the last."""
    least = -(-size // MOST_PARTS)
    return max(PART_BYTES, -(-least // _STEP) * _STEP)


@dataclass(frozen=True, slots=True)
class Staged:
    """An object of which some parts are there."""

    #: 32 hex digits
    id: str
    digest: Digest
    size: int
    part_bytes: int
    #: the store's own name for it; "" where it needs none
    token: str = ""

    def __post_init__(self) -> None:
        """Refuse what could be no file name, or no object."""
        if len(self.id) != 32 or not set(self.id) <= set("0123456789abcdef"):
            raise ValueError(f"{self.id!r} is no upload's id")
        parse_digest(self.digest)
        if self.size < 1 or self.part_bytes < 1:
            raise ValueError(f"{self.size} bytes in parts of {self.part_bytes} are none")

    @property
    def parts(self) -> int:
        """How many parts there are; they are numbered from 1."""
        return -(-self.size // self.part_bytes)

    def offset(self, number: int) -> int:
        """Return where a part begins in the whole.

        Raises:
            ValueError: there is no such part.
        """
        if not 1 <= number <= self.parts:
            raise ValueError(f"part {number} is not between 1 and {self.parts}")
        return (number - 1) * self.part_bytes

    def leading_bytes(self, have: Container[int]) -> int:
        """Return the bytes before the first part that is not among those one has."""
        number = 1
        while number in have:
            number += 1
        return min((number - 1) * self.part_bytes, self.size)

    def length(self, number: int) -> int:
        """Return the bytes of a part.

        Raises:
            ValueError: there is no such part.
        """
        return min(self.part_bytes, self.size - self.offset(number))


@dataclass(frozen=True, slots=True)
class Kept:
    """What a store keeps of one upload, for whoever tidies up."""

    id: str
    token: str
    begun: datetime


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that the server takes within a quarter of an hour, from whoever sends exactly these bytes."""

    method: str
    url: str
    headers: Mapping[str, str]


class PartStore(Protocol):
    """Take an object in parts."""

    def begin(self, upload: str) -> str:
        """Make room for a new upload, and return the store's own name for it."""
        ...

    def take_up(self, staged: Staged) -> bool:
        """Tell whether the store still has what came of an upload, so that it can go on."""
        ...

    def have(self, staged: Staged) -> frozenset[int]:
        """Return the parts that are there, verified and on disk; none of an upload that the store does not know."""
        ...

    def write_part(self, staged: Staged, number: int, digest: Digest, chunks: Iterable[bytes]) -> None:
        """Keep a part if it is as long as it must be and hashes to `digest`; one that is there already stays as it is.

        (S3 keeps the later of two that are both right in themselves: what the whole is, its own hash tells.)

        Raises:
            ContentMismatch: another length or content; the part is not there.
            PartTaken: somebody else began to send the same part later; theirs counts.
            UploadLost: the store does not know this upload any more.
            StoreFull, StoreUnwritable: it cannot be kept.
            ValueError: there is no such part.
        """
        ...

    def signed(self, staged: Staged, number: int, digest: Digest) -> SignedRequest | None:
        """Return the request by which whoever has these bytes may send a part himself; None: parts come through us.

        Raises:
            ValueError: there is no such part.
        """
        ...

    def readable(self, staged: Staged) -> int:
        """Return how many bytes, from the first on, `read` can give now."""
        ...

    def seal(self, staged: Staged) -> None:
        """Make the whole readable; all its parts are there. Doing it again is no error.

        Raises:
            UploadLost: they are not.
        """
        ...

    def read(self, staged: Staged, offset: int) -> Iterator[bytes]:
        """Return the bytes from `offset` on, in pieces of at most `CHUNK_BYTES`, as far as they are readable.

        Raises:
            UploadLost: at once, where nothing is kept.
        """
        ...

    def publish(self, staged: Staged) -> bool:
        """Make it an object of the store, after the caller has verified all of it; return True if that is new there.

        What is staged stays until `discard`, so that a crash before that costs nobody an upload.
        """
        ...

    def discard(self, staged: Staged) -> None:
        """Forget what is staged; nothing there is no error."""
        ...

    def kept(self) -> Iterator[Kept]:
        """Return all that is staged, for the sweep."""
        ...
