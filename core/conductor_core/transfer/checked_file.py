"""A file on its way out, and the plain way to send one: whole, in one request.

Whether its content is still what was hashed, the service sees, which hashes all that comes; here the file's size and time are
looked at before the first byte and after the last. Hashing it here as well took as long as sending it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from conductor_core.errors import FileChanged, FileVanished, Refused
from conductor_core.manifest import Entry
from conductor_core.transfer.hashing import lost_snapshot, unreadable
from conductor_core.transfer.opening import open_to_read
from conductor_core.transfer.progress import STRIDE, Progress
from conductor_core.transfer.sink import ObjectSink, Readable


def send_whole(entry: Entry, place: str, sink: ObjectSink, progress: Progress) -> bool:
    """Send an entry's object in one request; always True.

    Raises:
        FileChanged, FileVanished, TransferError: it is no longer what was hashed.
        ServiceError: the store said no, or could not be reached.
    """
    opened: list[CheckedFile] = []

    def body() -> Readable | bytes:
        while opened:
            failed = opened.pop()
            failed.take_back()
            failed.close()
        opened.append(CheckedFile(entry, progress, place=place))
        # an empty stream would go out chunked; empty bytes go out with the Content-Length: 0 that the service asks for
        return opened[-1] if entry.size else b""

    try:
        sink.put(entry.digest, body)
    except Refused as exc:
        if exc.code == "wrong-content":
            raise FileChanged(entry.path) from exc
        raise
    finally:
        for file in opened:
            file.close()
    return True


class CheckedFile:
    """A file for an HTTP body that fails by name where it is not the one that was hashed."""

    def __init__(self, entry: Entry, progress: Progress, *, place: str = "") -> None:
        """Open the file of `entry`, or the one that holds its content."""
        self._entry = entry
        self._progress = progress
        self._counted = 0
        try:
            self._file = open(open_to_read(place or entry.path), "rb", buffering=0)  # noqa: SIM115 - closed by close()
        except FileNotFoundError:
            raise (lost_snapshot(entry.path, place) if place else FileVanished(entry.path)) from None
        except OSError as exc:
            raise unreadable(entry.path, exc) from exc
        try:
            self._see_unchanged()
        except BaseException:
            self._file.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        """Yield blocks; requests takes a body for a stream by this."""
        return iter(lambda: self.read(1 << 20), b"")

    def __len__(self) -> int:
        return self._entry.size

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes; at the end, only if the file is as it was when it was hashed."""
        self._progress.check(self._entry.path)
        left = self._entry.size - self._counted
        try:
            block = self._file.read(left if size < 0 else min(left, size, STRIDE)) if left else b""
        except OSError as exc:
            raise unreadable(self._entry.path, exc) from exc
        if left and not block:
            raise FileChanged(self._entry.path)
        self._counted += len(block)
        if block and self._counted == self._entry.size:
            self._see_unchanged()
        self._progress.sent(len(block))
        return block

    def take_back(self) -> None:
        """Uncount what a failed attempt sent."""
        self._progress.add(bytes_sent=-self._counted)
        self._counted = 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _see_unchanged(self) -> None:
        entry = self._entry
        try:
            found = os.fstat(self._file.fileno())
        except OSError as exc:
            raise unreadable(entry.path, exc) from exc
        if not stat.S_ISREG(found.st_mode) or (found.st_size, found.st_mtime_ns) != (entry.size, entry.mtime_ns):
            raise FileChanged(entry.path)
