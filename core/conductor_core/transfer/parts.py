"""Send a large file in parts: whoever was cut off goes on inside the file, and sends again at most what was under way.

The service says which parts it has; a part is hashed before it is sent, since its hash goes out ahead of it. The file is seen to
be the one that was hashed by its size and time around each part, and by its digest at the end, which the service alone can tell.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from io import FileIO
from typing import NoReturn, Protocol, runtime_checkable

from conductor_core.api.answers import PartialUpload
from conductor_core.digest import Digest
from conductor_core.errors import (
    Conflict,
    FileChanged,
    FileVanished,
    NotFound,
    Refused,
    ServiceUnreachable,
    TransferCancelled,
    TransferError,
)
from conductor_core.manifest import Entry
from conductor_core.transfer.hashing import lost_snapshot, unreadable
from conductor_core.transfer.opening import open_to_read
from conductor_core.transfer.progress import STRIDE, Branch, Progress
from conductor_core.transfer.sink import ObjectSink, Readable

#: bytes from which on a file goes in parts: below, sending it again costs less than asking
LARGE = 64 << 20
#: of one file; a single connection does not fill a long line
PARTS_AT_ONCE = 4
#: beginnings anew, where the service lost what had come
ROUNDS = 3
#: times that one part is sent whose content came wrong although the file is the same
_TRIES = 3
_BLOCK = 1 << 20


@runtime_checkable
class PartSink(Protocol):
    """Where objects go that also takes them in parts."""

    def begin_upload(self, digest: str, size: int) -> PartialUpload:
        """Begin, or go on; raises `NotFound` where the service is too old for it."""

    def put_part(self, upload: PartialUpload, number: int, digest: Digest, body: Callable[[], Readable]) -> None:
        """Send a part, opening it afresh for each attempt; raises `NotFound` where the upload is gone."""

    def end_upload(self, upload: PartialUpload) -> int | None:
        """Return how many bytes the service has read to see what they are, or None when the object is there."""


def send_in_parts(entry: Entry, place: str, sink: ObjectSink, progress: Progress) -> bool:
    """Send a large entry's object in parts; False where it is small, or the service takes none.

    Raises:
        FileChanged, FileVanished, TransferError: it is no longer what was hashed.
        ServiceError: the store said no, or could not be reached.
        TransferCancelled: `progress` was cancelled, or leaves off: what came is kept, and counts where it is gone on with.
    """
    if entry.size < LARGE or not isinstance(sink, PartSink):
        return False
    for _ in range(ROUNDS):
        try:
            upload = sink.begin_upload(entry.digest, entry.size)
        except NotFound:
            return False
        sending = _Sending(entry, place, sink, progress, upload)
        try:
            sending.run()
            return True
        except NotFound:
            sending.take_back()
            if not sink.missing({Digest(entry.digest): entry.size}):  # somebody else brought it to its end
                progress.add(bytes_sent=entry.size)
                return True
        except Conflict as exc:
            if exc.code != "parts-missing":
                raise
            sending.take_back()
    raise TransferError("The store", f"keeps losing what comes of {entry.path}", "Ask your administrator to look at the store.")


class _Sending:
    """One file on its way."""

    def __init__(self, entry: Entry, place: str, sink: PartSink, progress: Progress, upload: PartialUpload) -> None:
        self._entry, self._place, self._sink = entry, place, sink
        self._progress = progress
        self._upload = upload
        self._counts: list[int] = []
        self._sending = Branch(progress)
        self._failed: list[BaseException] = []

    def run(self) -> None:
        """Send what is not there, and wait until the service has seen the whole."""
        entry, upload = self._entry, self._upload
        last = -(-entry.size // upload.part_bytes)
        there = {n for n in upload.have if 1 <= n <= last}
        self._count(sum(_length(entry, upload, n) for n in there))
        with ThreadPoolExecutor(PARTS_AT_ONCE, thread_name_prefix="part") as pool:
            futures: list[Future[bool]] = [pool.submit(self._send_or_stop, n) for n in range(1, last + 1) if n not in there]
            for future in wait(futures, return_when=FIRST_EXCEPTION).not_done:
                future.cancel()
        if self._failed:
            raise self._failed[0]  # those after it were stopped by it
        if not all(future.result() for future in futures):
            self._leave_off()
        self._end()

    def take_back(self) -> None:
        """Uncount everything."""
        self._progress.add(bytes_sent=-sum(self._counts))
        self._counts.clear()

    def _count(self, count: int) -> None:
        self._counts.append(count)
        self._progress.add(bytes_sent=count)

    def _end(self) -> None:
        try:
            while self._sink.end_upload(self._upload) is not None:
                self._progress.check(self._entry.path)
                if self._progress.leaves_off():
                    self._leave_off()
        except Refused as exc:
            if exc.code == "wrong-content":
                raise FileChanged(self._entry.path) from exc
            raise

    def _leave_off(self) -> NoReturn:
        """Leave the rest to whoever goes on with it, who counts the parts that are there."""
        self.take_back()
        raise TransferCancelled(self._entry.path)

    def _send_or_stop(self, number: int) -> bool:
        """Send a part; where it fails by anything that does not pass, no other is waited for. False: no more are to be begun."""
        if self._progress.leaves_off():
            return False
        try:
            self._send(number)
            return True
        except BaseException as exc:
            self._failed.append(exc)
            if not isinstance(exc, ServiceUnreachable):
                self._sending.cancel()
            raise

    def _send(self, number: int) -> None:
        part = _Part(self._entry, self._place, self._sending, self._upload, number)
        for left in reversed(range(_TRIES)):
            try:
                self._sink.put_part(self._upload, number, part.digest(), part.opened)
            except Refused as exc:
                if exc.code != "wrong-content":
                    raise
                part.take_back()
                if not left:
                    raise FileChanged(self._entry.path) from exc
            else:
                self._counts.append(part.counted)
                part.counted = 0
                return
            finally:
                part.take_back()
                part.close()


class _Part:
    """A stretch of a file as an HTTP body; opened anew for each attempt, seen to be unchanged at both ends."""

    def __init__(self, entry: Entry, place: str, progress: Progress, upload: PartialUpload, number: int) -> None:
        self._entry, self._place = entry, place
        self._progress = progress
        self._offset = (number - 1) * upload.part_bytes
        self._length = _length(entry, upload, number)
        self._file: FileIO | None = None
        self._left = 0
        #: bytes that count as sent
        self.counted = 0

    def digest(self) -> Digest:
        """Return the hash of the part as it is now."""
        sha = hashlib.sha256()
        with self._open() as file:
            left = self._length
            while left:
                block = self._read(file, min(left, _BLOCK))
                sha.update(block)
                left -= len(block)
                self._progress.check(self._entry.path)
        return Digest(f"sha256:{sha.hexdigest()}")

    def opened(self) -> Readable:
        """Return the part from its beginning; what a failed attempt had counted is taken back."""
        self.take_back()
        self.close()
        self._file, self._left = self._open(), self._length
        return self

    def __iter__(self) -> Iterator[bytes]:
        """Yield blocks; requests takes a body for a stream by this."""
        return iter(lambda: self.read(_BLOCK), b"")

    def __len__(self) -> int:
        return self._length

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        self._progress.check(self._entry.path)
        if self._file is None or not self._left:
            return b""
        block = self._read(self._file, self._left if size < 0 else min(self._left, size, STRIDE))
        self._left -= len(block)
        if not self._left:
            self._see_unchanged(self._file)
        self.counted += len(block)
        self._progress.sent(len(block))
        return block

    def take_back(self) -> None:
        """Uncount what a failed attempt sent."""
        self._progress.add(bytes_sent=-self.counted)
        self.counted = 0

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> FileIO:
        path = self._entry.path
        try:
            file = FileIO(open_to_read(self._place or path), "rb")
        except FileNotFoundError:
            raise (lost_snapshot(path, self._place) if self._place else FileVanished(path)) from None
        except OSError as exc:
            raise unreadable(path, exc) from exc
        try:
            self._see_unchanged(file)
            file.seek(self._offset)
        except BaseException:
            file.close()
            raise
        return file

    def _read(self, file: FileIO, size: int) -> bytes:
        try:
            block = file.read(size)
        except OSError as exc:
            raise unreadable(self._entry.path, exc) from exc
        if not block:
            raise FileChanged(self._entry.path)
        return block

    def _see_unchanged(self, file: FileIO) -> None:
        found = os.fstat(file.fileno())
        if (found.st_size, found.st_mtime_ns) != (self._entry.size, self._entry.mtime_ns):
            raise FileChanged(self._entry.path)


def _length(entry: Entry, upload: PartialUpload, number: int) -> int:
    return min(upload.part_bytes, entry.size - (number - 1) * upload.part_bytes)
