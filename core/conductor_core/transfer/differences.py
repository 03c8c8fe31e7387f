"""The way of a changed file: what it has other than a version that the store has is sent, in place of all of it.

Which versions there are the service says, asked for many files at once; of the likeliest it gives the list of chunks. A
difference of more than half a file is not sent, nor one that fails in any way that is no trouble of the line: then the next
way's turn is come, and that way's words are the ones that the artist reads.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from conductor_core.api.versions import Bases, Version
from conductor_core.digest import Digest
from conductor_core.errors import Conflict, FileChanged, FileVanished, NotFound, Refused
from conductor_core.manifest import Entry
from conductor_core.transfer.chunks import FAST, largest_size
from conductor_core.transfer.delta import write_delta
from conductor_core.transfer.hashing import lost_snapshot, unreadable
from conductor_core.transfer.opening import open_to_read
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.signatures import MOST_BYTES, BadSignature, ChunkIndex, read_signature
from conductor_core.transfer.sink import ObjectSink
from conductor_core.transfer.sketch import path_keys, sampled, sketch

#: bytes below which a file is sent whole: the questions cost as much
SMALLEST = 1 << 20
#: files in one question
QUESTION = 32
#: former versions that are tried for one file
TRIES = 2
#: doubtful bases after which no more are looked at: whoever simulates a cache anew does it with all its files
IN_VAIN = 3
#: chunks that a file and its doubtful base must share in the places that are looked at: all files have some, of nothing but zeros
SHARED = 3
#: a difference that is larger is not sent: of a file in parts no more than one part is sent again after a break
LARGEST_DELTA = 1 << 30
#: bytes of a difference that are kept in memory, not in a temporary file
_IN_MEMORY = 8 << 20
_BLOCK = 1 << 20
#: lists of chunks in memory at once, over all submissions
_TURNS = threading.BoundedSemaphore(2)

_LOG = logging.getLogger("conductor.transfer")
_NO = (NotFound, Conflict, Refused)


class Versions(Protocol):
    """Former versions of a project's files."""

    def bases(self, files: Sequence[Version]) -> Sequence[Bases]:
        """Return for each of `files` what it may have much in common with."""

    def signature(self, digest: Digest) -> AbstractContextManager[Iterator[bytes]]:
        """Open the list of an object's chunks, as blocks."""

    def put(self, version: Version, base: Digest, body: Callable[[], Any]) -> bool:
        """Send an object as its difference to `base`; `body` opens the bytes afresh for each attempt."""


class Differences:
    """A way to send; safe to share between threads."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._lock = threading.Lock()
        #: files that nobody has asked about yet, with the files that hold their content
        self._waiting: dict[str, tuple[Entry, str]] = {}
        self._bases: dict[str, Bases] = {}
        #: doubtful bases in a row that had nothing in common with their files
        self._in_vain = 0
        self._off = not FAST

    def expect(self, entries: Iterable[Entry], places: Mapping[str, str] | None = None) -> None:
        """Announce what will be sent, so that many files are asked about at once; `places`: path → file with its content."""
        with self._lock:
            for entry in entries:
                if SMALLEST <= entry.size <= largest_size():
                    self._waiting.setdefault(entry.digest, (entry, (places or {}).get(entry.path, "")))

    def __call__(self, entry: Entry, place: str, _sink: ObjectSink, progress: Progress) -> bool:
        """Send an entry's object as a difference; False where there is nothing to differ from, or too much is new.

        Raises:
            FileChanged, FileVanished, TransferError: it is no longer what was hashed.
            ServiceError: the service could not be reached, or knows us no more.
            TransferCancelled: `progress` was cancelled.
        """
        if not SMALLEST <= entry.size <= largest_size():
            return False
        found = self._found(entry, place)
        if found.likely:
            return any(self._send(entry, place, base, progress) for base in found.likely[:TRIES])
        if not found.doubtful or self._in_vain >= IN_VAIN:
            return False
        sent = self._send(entry, place, found.doubtful[0], progress, doubtful=True)
        self._in_vain = 0 if sent else self._in_vain + 1
        return sent

    def _found(self, entry: Entry, place: str) -> Bases:
        with self._lock:
            if self._off:
                return Bases()
            if entry.digest not in self._bases:
                self._ask({entry.digest: (entry, place), **self._waiting})
            return self._bases.pop(entry.digest, Bases())

    def _ask(self, waiting: Mapping[str, tuple[Entry, str]]) -> None:
        """Ask about a file, and about others whose turn is soon."""
        some = dict(list(waiting.items())[:QUESTION])
        try:
            found = self._versions.bases([_version(entry, place) for entry, place in some.values()])
        except _NO as exc:
            _LOG.info("files are sent whole: the service knows of no differences (%s)", exc)
            self._off = True
            return
        self._bases.update(zip(some, found, strict=True))
        for digest in some:
            self._waiting.pop(digest, None)

    def _send(self, entry: Entry, place: str, base: Digest, progress: Progress, *, doubtful: bool = False) -> bool:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, prefix="conductor-delta-") as delta:
            try:
                if not self._write(entry, place, base, delta, progress, doubtful=doubtful):
                    return False
            except OSError as exc:
                _LOG.info("%s is sent whole: the difference could not be kept (%s)", entry.path, exc)
                return False
            size = delta.tell()
            body = _DeltaBody(delta, size, entry.path, progress)
            try:
                self._versions.put(Version(Digest(entry.digest), entry.size), base, body.afresh)
            except _NO as exc:
                _LOG.info("%s is sent whole: the service does not take the difference (%s)", entry.path, exc)
                body.take_back()
                return False
        progress.add(bytes_saved=entry.size - size, bytes_to_send=size - entry.size)
        return True

    def _write(self, entry: Entry, place: str, base: Digest, delta: Any, progress: Progress, *, doubtful: bool) -> bool:
        """Write the difference; False where there is none, or none that pays."""
        most = min(entry.size // 2, LARGEST_DELTA)
        try:
            with self._versions.signature(base) as blocks:
                listed = _received(base, blocks, progress, entry.path)
            # no turn is held while the line, or a pause, is waited for
            with _TURNS, _Source(entry, place) as source:
                index = read_signature(base, iter((listed,)))
                if doubtful and not _has_some_of(place or entry.path, entry.size, index):
                    return False
                pays = write_delta(source, entry.size, index, delta, most=most, check=lambda: progress.check(entry.path))
                source.check()
        except (*_NO, BadSignature) as exc:
            _LOG.info("%s is sent without %s: %s", entry.path, base, exc)
            return False
        return pays


def _received(base: Digest, blocks: Iterator[bytes], progress: Progress, path: str) -> bytes:
    held = bytearray()
    for block in blocks:
        progress.check(path)
        progress.received(len(block))
        held += block
        if len(held) > MOST_BYTES:
            raise BadSignature(base, "is longer than that of any file")
    return bytes(held)


def _version(entry: Entry, place: str) -> Version:
    return Version(Digest(entry.digest), entry.size, path_keys(entry.path), _sketch(place or entry.path, entry.size))


def _sketch(file: str, size: int) -> tuple[str, ...]:
    try:
        with open(open_to_read(file), "rb", buffering=0) as opened:
            return sketch(opened, size)
    except OSError:
        return ()  # who sends it says what is wrong with it


def _has_some_of(file: str, size: int, index: ChunkIndex) -> bool:
    """Tell whether some of a file, looked at in few places, is anywhere in what the index is of."""
    with open(open_to_read(file), "rb", buffering=0) as opened:
        there = {name for name, length in sampled(opened, size, index.average) if index.find(name, length, -1) is not None}
    return len(there) >= SHARED


class _Source:
    """The file of an entry, read once; it must be in the state in which it was hashed, before and after."""

    def __init__(self, entry: Entry, place: str) -> None:
        self._entry = entry
        try:
            self._file = open(open_to_read(place or entry.path), "rb", buffering=_BLOCK)  # noqa: SIM115 - closed by __exit__
        except FileNotFoundError:
            raise (lost_snapshot(entry.path, place) if place else FileVanished(entry.path)) from None
        except OSError as exc:
            raise unreadable(entry.path, exc) from exc

    def __enter__(self) -> _Source:
        try:
            self.check()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    def check(self) -> None:
        found = os.fstat(self._file.fileno())
        if (found.st_size, found.st_mtime_ns) != (self._entry.size, self._entry.mtime_ns):
            raise FileChanged(self._entry.path)

    def read(self, size: int, /) -> bytes:
        try:
            return self._file.read(size)
        except OSError as exc:
            raise unreadable(self._entry.path, exc) from exc


class _DeltaBody:
    """A difference as an HTTP body, counted and paced as it goes."""

    def __init__(self, delta: Any, size: int, path: str, progress: Progress) -> None:
        self._delta = delta
        self._size = size
        self._path = path
        self._progress = progress
        self._counted = 0

    def afresh(self) -> _DeltaBody:
        """Begin again; what a failed attempt sent does not count."""
        self.take_back()
        self._delta.seek(0)
        return self

    def take_back(self) -> None:
        """Uncount what was sent."""
        self._progress.add(bytes_sent=-self._counted)
        self._counted = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        """Yield blocks; requests takes a body for a stream by this."""
        return iter(lambda: self.read(_BLOCK), b"")

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        self._progress.check(self._path)
        block: bytes = self._delta.read(size)
        self._progress.sent(len(block))
        self._counted += len(block)
        return block
