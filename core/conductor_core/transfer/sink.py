"""Where objects go, and the ways in which one may be sent there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, runtime_checkable

from conductor_core.digest import Digest
from conductor_core.manifest import Entry
from conductor_core.transfer.progress import Progress


class Readable(Protocol):
    """What an HTTP client can send."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, none at the end."""

    def __len__(self) -> int:
        """Return the size in bytes of the whole."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield blocks."""


class ObjectSink(Protocol):
    """Where objects go."""

    def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
        """Return which objects, of these sizes, are not there; raises `ServiceUnreachable` where they do not fit."""

    def put(self, digest: str, body: Callable[[], Readable | bytes]) -> bool:
        """Send one object; `body` opens the bytes afresh for each attempt. Return whether it was new."""


@runtime_checkable
class PackSink(ObjectSink, Protocol):
    """A place that takes many small objects at once."""

    def put_pack(self, body: Callable[[], Readable | bytes]) -> None:
        """Send a pack (`conductor_core.transfer.packs`); `body` opens it afresh for each attempt.

        Raises:
            Refused: with code `wrong-content`, naming the first member that does not hash to its name; nothing is kept.
            NotFound: the service takes no packs.
        """


#: A way of sending one entry's object, whose content lies in the file named second ("": at the entry's own path). It tells
#: whether the object is there now; False: this way does not suit, and nothing of it counts as sent.
Way = Callable[[Entry, str, ObjectSink, Progress], bool]
