"""Send what the store lacks: ask in batches, decide, then send.

A file that is edited between its hashing and the last byte of its upload fails by name, and never lies in the store under the
name of its former content: its size and time are looked at here, and the service hashes what comes before it keeps it.

What is sent how: objects of `SMALL` bytes and more go by the first of `WAYS` that suits, smaller ones in packs.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from conductor_core.digest import Digest
from conductor_core.errors import ServiceUnreachable
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
    "send_whole",
]

#: digests in one question (the service takes 100,000; this is 2 MB of JSON)
QUESTION = 25_000
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
    free = lanes or Lanes(start=threads, most=threads)

    sending = Branch(progress)
    failed: list[BaseException] = []

    def send(entries: Sequence[Entry]) -> None:
        with free.lane(lambda: sending.cancelled() or bool(failed)):
            if failed:  # while it waited for its lane: the upload is over
                return
            try:
                send_load(entries, plan.places, sink, sending, ways)
            except BaseException as exc:
                failed.append(exc)
                if isinstance(exc, ServiceUnreachable):
                    free.failed()
                else:  # nothing that passes: it is told at once, and what is sent stays
                    sending.cancel()
                raise

    with ThreadPoolExecutor(threads, thread_name_prefix="upload") as pool:
        futures: list[Future[None]] = [pool.submit(send, entries) for entries in loads_of(plan.to_send)]
        done, rest = wait(futures, return_when=FIRST_EXCEPTION)
        for future in rest:
            future.cancel()
    if failed:
        raise failed[0]  # those after it were stopped by it
    for future in done:
        future.result()


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


def _batches(objects: Mapping[Digest, int], besides: frozenset[Digest]) -> Iterator[Mapping[Digest, int]]:
    ordered = sorted(digest for digest in objects if digest not in besides)
    for start in range(0, len(ordered), QUESTION):
        yield {digest: objects[digest] for digest in ordered[start : start + QUESTION]}
