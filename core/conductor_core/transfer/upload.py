"""Send what the store lacks: ask, decide, send; where all of it is to go anyway, behind the first answer already.

A file that is edited between its hashing and the last byte of its upload fails by name, and never lies in the store under the
name of its former content: its size and time are looked at here, and the service hashes what comes before it keeps it.

What is sent how: objects of `SMALL` bytes and more go by the first of `WAYS` that suits, smaller ones in packs.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from types import TracebackType

from conductor_core.digest import Digest
from conductor_core.errors import ServiceUnreachable, TransferCancelled
from conductor_core.manifest import Entry, Manifest
from conductor_core.transfer.checked_file import CheckedFile, send_whole
from conductor_core.transfer.concurrency import Lanes
from conductor_core.transfer.packing import PACK_BYTES, PACK_MEMBERS, send_pack
from conductor_core.transfer.parts import send_in_parts
from conductor_core.transfer.progress import Branch, Progress
from conductor_core.transfer.sink import ObjectSink, Readable, Way

__all__ = [
    "SMALL",
    "WAYS",
    "CheckedFile",
    "ObjectSink",
    "Readable",
    "UploadPlan",
    "Way",
    "ask_missing",
    "execute_upload",
    "plan_upload",
    "send_missing",
    "send_whole",
]

#: digests in one question (the service takes 100,000; this is 2 MB of JSON)
QUESTION = 25_000
#: digests in the first question of those behind which one sends; each further one has twice as many, up to `QUESTION`
FIRST_QUESTION = 2048
#: bytes of which all is asked before anything is sent: a store that has no room says so first, and an answer costs nothing beside
#: the sending
ASKED_FIRST = 1 << 30
#: bytes below which a request of its own, and the three flushes of its store's disk, cost more than the object
SMALL = 1 << 20
#: tried in this order for an object of `SMALL` bytes and more
WAYS: tuple[Way, ...] = (send_in_parts, send_whole)


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """What to send and what is there already."""

    #: one entry per object, the largest first: a big file that starts last leaves the other threads idle
    to_send: tuple[Entry, ...]
    objects_present: int
    bytes_present: int
    #: path of an entry → the file that holds its content, where that is another one
    places: Mapping[str, str] = field(default_factory=dict)

    def only(self, digests: Container[str]) -> UploadPlan:
        """Return the same with some of what is to be sent."""
        return replace(self, to_send=tuple(entry for entry in self.to_send if entry.digest in digests))

    def sorted_by(self, sort: Callable[[Iterable[Entry]], Iterable[Entry]]) -> UploadPlan:
        """Return the same in another order."""
        return replace(self, to_send=tuple(sort(self.to_send)))

    def bytes_to_send(self) -> int:
        """Return the sum of what is sent."""
        return sum(entry.size for entry in self.to_send)


def ask_missing(manifest: Manifest, sink: ObjectSink, *, besides: frozenset[Digest] = frozenset()) -> frozenset[Digest]:
    """Return what the store lacks of `manifest`, asked in batches; of those `besides` it has said that it has them."""
    answers = [sink.missing(batch) for batch in _batches(manifest.objects(), besides)]
    return frozenset().union(*answers)


def plan_upload(manifest: Manifest, missing: Iterable[str], *, places: Mapping[str, str] | None = None) -> UploadPlan:
    """Decide what to send: each missing object once, from the first path that has it; `places`: path → file to send for it."""
    wanted = frozenset(missing)
    first: dict[str, Entry] = {}
    for entry in manifest.entries:
        if entry.kind == "file":
            first.setdefault(entry.digest, entry)
    to_send = sorted((e for d, e in first.items() if d in wanted), key=lambda e: (-e.size, e.path))
    bytes_present = sum(e.size for e in first.values()) - sum(e.size for e in to_send)
    return UploadPlan(tuple(to_send), len(first) - len(to_send), bytes_present, places or {})


def execute_upload(
    plan: UploadPlan,
    sink: ObjectSink,
    progress: Progress,
    *,
    threads: int = 4,
    ways: Sequence[Way] = WAYS,
    lanes: Lanes | None = None,
) -> None:
    """Send the objects of `plan` in its order, each by the first of `ways` that suits; `lanes` says how many go at once.

    Raises:
        FileChanged, FileVanished, TransferError: naming the first file that is no longer what was hashed.
        ServiceError: the store said no, or could not be reached.
        TransferCancelled: `progress` was cancelled.
    """
    with _Sending(sink, progress, plan.places, threads=threads, ways=ways, lanes=lanes) as sending:
        sending.begin(plan.to_send)


def send_missing(
    plan: UploadPlan,
    sink: ObjectSink,
    progress: Progress,
    *,
    threads: int = 4,
    ways: Sequence[Way] = WAYS,
    lanes: Lanes | None = None,
    expect: Callable[[Sequence[Entry]], None] = lambda _: None,
) -> int:
    """Send what the store lacks of `plan`, which has all that it may lack, and return how many objects that were.

    It is asked about in the plan's order, a slice at a time, and what an answer names goes while the next is waited for:
    neither the line nor the disk stands still for the question. Only where there is much to send, all is asked first. `expect` is
    told what the ways will get. Until `progress` has no `objects_unsure` any more, what it says of the rest is not the whole.

    Raises:
        FileChanged, FileVanished, TransferError, ServiceError, TransferCancelled: as `execute_upload` does.
    """
    lacked = 0
    progress.put(objects_unsure=len(plan.to_send))
    with _Sending(sink, progress, plan.places, threads=threads, ways=ways, lanes=lanes) as sending:
        answers = (_lacking(some, sink, progress, sending) for some in _slices(plan.to_send))
        for lacking in list(answers) if plan.bytes_to_send() > ASKED_FIRST else answers:
            expect(lacking)
            sending.begin(lacking)
            lacked += len(lacking)
    return lacked


def _lacking(entries: Sequence[Entry], sink: ObjectSink, progress: Progress, sending: _Sending) -> list[Entry]:
    """Return what the store lacks of some entries, in their order."""
    sending.check(entries[0].path)
    missing = sink.missing({Digest(entry.digest): entry.size for entry in sorted(entries, key=lambda entry: entry.digest)})
    lacking = [entry for entry in entries if entry.digest in missing]
    progress.add(
        objects_unsure=-len(entries),
        objects_present=len(entries) - len(lacking),
        objects_to_send=len(lacking),
        bytes_to_send=sum(entry.size for entry in lacking),
    )
    return lacking


class _Sending:
    """Loads on their way, until the block ends: then all are at the store, or the first that failed says why."""

    def __init__(
        self,
        sink: ObjectSink,
        progress: Progress,
        places: Mapping[str, str],
        *,
        threads: int,
        ways: Sequence[Way],
        lanes: Lanes | None,
    ) -> None:
        self._sink = sink
        self._progress = Branch(progress)
        self._places = places
        self._ways = ways
        self._lanes = lanes or Lanes(start=threads, most=threads)
        self._failed: list[BaseException] = []
        #: loads that nobody has begun: a future for each would take ten times the room, of hundreds of thousands
        self._waiting: deque[list[Entry]] = deque()
        self._lock = threading.Lock()
        self._threads = threads
        #: workers that look for loads; one that failed still counts: nothing is begun after it
        self._busy = 0
        self._workers: list[Future[None]] = []
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="upload")

    def __enter__(self) -> _Sending:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            wait(self._workers, return_when=FIRST_EXCEPTION)
        elif not issubclass(kind, ServiceUnreachable):
            self._progress.cancel()
        self._waiting.clear()
        self._pool.shutdown(wait=True)  # what passes lets those go to their end that are under way
        told = self._told()
        if told is not None and (kind is None or issubclass(kind, ServiceUnreachable)):
            raise told

    def _told(self) -> BaseException | None:
        """Return what is told of all that failed: what does not pass by itself, before what was stopped by it or waits for the line."""
        final = (exc for exc in self._failed if not isinstance(exc, (ServiceUnreachable, TransferCancelled)))
        return next(final, self._failed[0] if self._failed else None)

    def check(self, path: str) -> None:
        """Raise what ended the sending, if something did, or TransferCancelled, naming `path`."""
        if self._failed:
            raise self._failed[0]
        self._progress.check(path)

    def begin(self, entries: Iterable[Entry]) -> None:
        """Send files in their order, behind those that were begun before."""
        loads = loads_of(entries)
        with self._lock:
            self._waiting.extend(loads)
            more = min(len(loads), self._threads - self._busy)
            self._busy += more
        self._workers += [self._pool.submit(self._send_waiting) for _ in range(more)]

    def _send_waiting(self) -> None:
        """Send one load after the other, until there is none."""
        while (load := self._next()) is not None:
            self._send(load)

    def _next(self) -> list[Entry] | None:
        with self._lock:
            if self._waiting and not self._failed:
                return self._waiting.popleft()
            self._busy -= 1
            return None

    def _send(self, entries: Sequence[Entry]) -> None:
        try:
            with self._lanes.lane(lambda: self._progress.cancelled() or bool(self._failed)):
                if self._failed:  # while it waited for its lane: the upload is over
                    return
                send_load(entries, self._places, self._sink, self._progress, self._ways)
        except BaseException as exc:
            self._failed.append(exc)
            if isinstance(exc, ServiceUnreachable):
                self._lanes.failed()
            else:  # nothing that passes: it is told at once, and what is sent stays
                self._progress.cancel()
            raise


def loads_of(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Return what goes in one request each: a large one by itself, small ones in packs, each at the place of its first."""
    loads: list[list[Entry]] = []
    pack: list[Entry] = []
    size = 0
    for entry in entries:
        if entry.size >= SMALL:
            loads.append([entry])
            continue
        if not pack:
            loads.append(pack)
        pack.append(entry)
        size += entry.size
        if size >= PACK_BYTES or len(pack) >= PACK_MEMBERS:
            pack, size = [], 0
    return loads


def send_load(
    entries: Sequence[Entry],
    places: Mapping[str, str],
    sink: ObjectSink,
    progress: Progress,
    ways: Sequence[Way] = WAYS,
) -> None:
    """Send one of `loads_of`; raises as `execute_upload` does."""
    progress.check(entries[0].path)
    if entries[0].size < SMALL:
        send_pack(entries, places, sink, progress)
        return
    for way in ways:
        if way(entries[0], places.get(entries[0].path, ""), sink, progress):
            break
    progress.add(objects_sent=1)


def _slices(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    start, count = 0, FIRST_QUESTION
    while start < len(entries):
        yield entries[start : start + count]
        start, count = start + count, min(2 * count, QUESTION)


def _batches(objects: Mapping[Digest, int], besides: frozenset[Digest]) -> Iterator[Mapping[Digest, int]]:
    ordered = sorted(digest for digest in objects if digest not in besides)
    for start in range(0, len(ordered), QUESTION):
        yield {digest: objects[digest] for digest in ordered[start : start + QUESTION]}
