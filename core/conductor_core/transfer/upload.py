"""Send what the store lacks: ask in batches, decide, then send; each byte is checked on its way.

The check is the client's own: a file that is edited between its hashing and the last byte of its upload fails by name,
and never lies in the store under the name of its former content (the service refuses it as well).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Protocol

from conductor_core.digest import Digest
from conductor_core.errors import FileChanged, FileVanished, Refused
from conductor_core.manifest import Entry, Manifest
from conductor_core.transfer.hashing import lost_snapshot, unreadable
from conductor_core.transfer.progress import Progress

#: digests in one question (the service takes 100,000; this is 2 MB of JSON)
QUESTION = 25_000


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


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """What to send and what is there already."""

    #: one entry per object, the largest first: a big file that starts last leaves the other threads idle
    to_send: tuple[Entry, ...]
    objects_present: int
    bytes_present: int
    #: path of an entry → the file that holds its content, where that is another one
    places: Mapping[str, str] = field(default_factory=dict)

    def bytes_to_send(self) -> int:
        """Return the sum of what is sent."""
        return sum(entry.size for entry in self.to_send)


def ask_missing(manifest: Manifest, sink: ObjectSink) -> frozenset[Digest]:
    """Return what the store lacks of `manifest`, asked in batches."""
    answers = [sink.missing(batch) for batch in _batches(manifest.objects())]
    return frozenset().union(*answers)


def plan_upload(manifest: Manifest, missing: Iterable[str], *, places: Mapping[str, str] | None = None) -> UploadPlan:
    """Decide what to send: each missing object once, from the first path that has it; `places`: path → file to send for it."""
    wanted = frozenset(missing)
    first: dict[str, Entry] = {}
    for entry in manifest.entries:
        if entry.kind == "file":
            first.setdefault(entry.digest, entry)
    to_send = sorted((e for d, e in first.items() if d in wanted), key=lambda e: (-e.size, e.path))
    present = [e for d, e in first.items() if d not in wanted]
    return UploadPlan(tuple(to_send), len(present), sum(e.size for e in present), places or {})


def execute_upload(plan: UploadPlan, sink: ObjectSink, progress: Progress, *, threads: int = 4) -> None:
    """Send the objects of `plan`.

    Raises:
        FileChanged, FileVanished, TransferError: naming the first file that is no longer what was hashed.
        ServiceError: the store said no, or could not be reached.
        TransferCancelled: `progress` was cancelled.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="upload") as pool:
        futures: list[Future[None]] = [
            pool.submit(_send, entry, plan.places.get(entry.path, ""), sink, progress) for entry in plan.to_send
        ]
        done, rest = wait(futures, return_when=FIRST_EXCEPTION)
        for future in rest:
            future.cancel()
    for future in done:
        future.result()


def _send(entry: Entry, place: str, sink: ObjectSink, progress: Progress) -> None:
    progress.check(entry.path)
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
    progress.add(objects_sent=1)


class CheckedFile:
    """A file for an HTTP body that fails by name where it is not the one that was hashed."""

    def __init__(self, entry: Entry, progress: Progress, *, place: str = "") -> None:
        """Open the file of `entry`, or the one that holds its content."""
        self._entry = entry
        self._progress = progress
        self._counted = 0
        self._sha = hashlib.sha256()
        try:
            self._file = open(place or entry.path, "rb", buffering=0)  # noqa: SIM115 - closed by close()
        except FileNotFoundError:
            raise (lost_snapshot(entry.path, place) if place else FileVanished(entry.path)) from None
        except OSError as exc:
            raise unreadable(entry.path, exc) from exc
        found = os.fstat(self._file.fileno())
        if (found.st_size, found.st_mtime_ns) != (entry.size, entry.mtime_ns):
            self._file.close()
            raise FileChanged(entry.path)

    def __iter__(self) -> Iterator[bytes]:
        """Yield blocks; requests takes a body for a stream by this."""
        return iter(lambda: self.read(1 << 20), b"")

    def __len__(self) -> int:
        return self._entry.size

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes; at the end, only if all of them were the ones that were hashed."""
        self._progress.check(self._entry.path)
        left = self._entry.size - self._counted
        try:
            block = self._file.read(left if size < 0 else min(size, left)) if left else b""
        except OSError as exc:
            raise unreadable(self._entry.path, exc) from exc
        if left and not block:
            raise FileChanged(self._entry.path)
        self._sha.update(block)
        self._counted += len(block)
        self._progress.sent(len(block))
        if self._counted == self._entry.size and block and f"sha256:{self._sha.hexdigest()}" != self._entry.digest:
            raise FileChanged(self._entry.path)
        return block

    def take_back(self) -> None:
        """Uncount what a failed attempt sent."""
        self._progress.add(bytes_sent=-self._counted)
        self._counted = 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _batches(objects: Mapping[Digest, int]) -> Iterator[Mapping[Digest, int]]:
    ordered = sorted(objects.items())
    for start in range(0, len(ordered), QUESTION):
        yield dict(ordered[start : start + QUESTION])
