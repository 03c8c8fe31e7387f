"""Small files on their way out: many in one request (`packs`), so that neither round trips nor the store's disk set the pace."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence

from conductor_core.digest import Digest
from conductor_core.errors import FileChanged, FileVanished, NotFound, Refused
from conductor_core.manifest import Entry
from conductor_core.transfer.checked_file import send_whole
from conductor_core.transfer.hashing import lost_snapshot, unreadable
from conductor_core.transfer.opening import open_to_read
from conductor_core.transfer.packs import pack_head
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.sink import ObjectSink, PackSink

#: a pack is closed when it has so many bytes of content, or members: with its last member and its table it stays below what a
#: service takes at once; packs of 4 MB cost the service a tenth to a sixth more processor time
PACK_BYTES = 6 << 20
PACK_MEMBERS = 2048
#: bytes that are counted, and held to the pace, at once
_BLOCK = 256 << 10

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def send_pack(entries: Sequence[Entry], places: Mapping[str, str], sink: ObjectSink, progress: Progress) -> None:
    """Send the objects of small entries in one request, or one by one to a service that takes no packs.

    `places`: path of an entry → the file that holds its content, where that is another one.

    Raises:
        FileChanged, FileVanished, TransferError: naming the first file that is no longer what was hashed.
        ServiceError: the store said no, or could not be reached.
    """
    if len(entries) > 1 and isinstance(sink, PackSink):
        try:
            _send_together(entries, places, sink, progress)
        except NotFound:
            pass  # older than packs; whatever else is not found is found missing again below
        else:
            progress.add(objects_sent=len(entries))
            return
    for entry in entries:
        progress.check(entry.path)
        send_whole(entry, places.get(entry.path, ""), sink, progress)
        progress.add(objects_sent=1)


def _send_together(entries: Sequence[Entry], places: Mapping[str, str], sink: PackSink, progress: Progress) -> None:
    head = pack_head((Digest(e.digest), e.size) for e in entries)
    data = bytearray(head)
    for entry in entries:
        progress.check(entry.path)
        data += read_small(entry, places.get(entry.path, ""))
    bodies: list[PackBody] = []

    def body() -> PackBody:
        for failed in bodies:
            failed.take_back()
        bodies.append(PackBody(data, len(head), entries[0].path, progress))
        return bodies[-1]

    try:
        sink.put_pack(body)
    except BaseException as exc:
        bodies[-1].take_back() if bodies else None
        if isinstance(exc, Refused) and exc.code == "wrong-content":
            raise FileChanged(_named(entries, exc)) from exc
        raise


def read_small(entry: Entry, place: str) -> bytes:
    """Return the content of an entry's file, whose size and time are those that it was hashed with.

    The content itself is checked by who takes the pack: each member against its name, before any of them is kept.

    Raises:
        FileChanged, FileVanished, TransferError: it is no longer what was hashed.
    """
    try:
        handle = open_to_read(place or entry.path)
    except FileNotFoundError:
        raise (lost_snapshot(entry.path, place) if place else FileVanished(entry.path)) from None
    except OSError as exc:
        raise unreadable(entry.path, exc) from exc
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or (found.st_size, found.st_mtime_ns) != (entry.size, entry.mtime_ns):
            raise FileChanged(entry.path)
        data = os.read(handle, entry.size)
        while 0 < len(data) < entry.size and (more := os.read(handle, entry.size - len(data))):
            data += more
    except OSError as exc:
        raise unreadable(entry.path, exc) from exc
    finally:
        os.close(handle)
    if len(data) != entry.size:
        raise FileChanged(entry.path)
    return data


def _named(entries: Sequence[Entry], exc: Refused) -> str:
    """Return the path of the member that the service found to be another content."""
    found = _DIGEST.search(exc.what)
    named = next((e for e in entries if found and e.digest == found[0]), entries[0])
    return named.path


class PackBody:
    """A pack for an HTTP body; what of it is content is counted, and held to the pace."""

    def __init__(self, data: bytearray, head: int, path: str, progress: Progress) -> None:
        self._data = memoryview(data)
        self._head = head
        self._path = path
        self._progress = progress
        self._place = 0
        self._counted = 0

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[bytes]:
        """Yield blocks; requests takes a body for a stream by this."""
        return iter(lambda: self.read(_BLOCK), b"")

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        self._progress.check(self._path)
        left = len(self._data) - self._place
        block = bytes(self._data[self._place : self._place + min(left if size < 0 else size, left, _BLOCK)])
        content = max(0, self._place + len(block) - max(self._place, self._head))
        if content:
            self._counted += content
            self._progress.sent(content)
        self._place += len(block)
        return block

    def take_back(self) -> None:
        """Uncount what a failed attempt sent."""
        self._progress.add(bytes_sent=-self._counted)
        self._counted = 0
