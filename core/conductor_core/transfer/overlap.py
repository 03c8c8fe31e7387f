"""Send what is hashed while the rest is still hashed: disk, line and service are busy at the same time.

Only large submissions have batches that fill. This saves time and decides nothing: whatever fails here, or is not begun when
the hashing ends, is left to the plan that follows, which knows what is wanted first, and which fails by name. What goes in parts
is left to it between two of them, and gone on with when it is its turn: a file of hours holds up neither the scene nor the frames
before its own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from conductor_core.digest import Digest
from conductor_core.errors import ConductorError
from conductor_core.manifest import Entry
from conductor_core.transfer.concurrency import Lanes
from conductor_core.transfer.hashing import HashedFile
from conductor_core.transfer.progress import Branch, Progress
from conductor_core.transfer.sink import ObjectSink
from conductor_core.transfer.upload import SMALL, WAYS, Way, loads_of, send_load

#: files, or bytes, that are asked about and sent together
BATCH_FILES = 2048
BATCH_BYTES = 64 << 20

_LOG = logging.getLogger("conductor.agent")


class _Batch:
    """Files of one kind, held until there are enough."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._bytes = 0

    def add(self, entry: Entry) -> None:
        """Hold one more."""
        self._entries.append(entry)
        self._bytes += entry.size

    def full(self) -> bool:
        """Tell whether there are enough."""
        return len(self._entries) >= BATCH_FILES or self._bytes >= BATCH_BYTES

    def taken(self) -> list[Entry]:
        """Return what is held, and hold nothing."""
        entries, self._entries, self._bytes = self._entries, [], 0
        return entries


class Overlap:
    """Take files as they are hashed, until the block ends; `sent` then has what is at the service."""

    def __init__(
        self,
        sink: ObjectSink | None,
        progress: Progress,
        *,
        threads: int,
        lanes: Lanes | None = None,
        ways: Sequence[Way] = WAYS,
        expect: Callable[[Sequence[Entry]], None] = lambda _: None,
    ) -> None:
        """`sink` None: nobody to send to now; `lanes` says how many loads go at once, `expect` is told what the ways will get."""
        self._ways = ways
        self._expect = expect
        self._lanes = lanes or Lanes(start=threads, most=threads)
        self._sink = sink
        self._progress = Branch(progress)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="overlap")
        self._lock = threading.Lock()
        #: digest → whether it is at the service, by its own word
        self._seen: dict[Digest, bool] = {}
        #: large files, and small ones: each kind has batches of its own, or a few small ones that were hashed with large ones
        #: would make a pack
        self._large, self._small = _Batch(), _Batch()
        self._futures: list[Future[None]] = []
        #: nothing more is begun: the hashing has ended, or something failed
        self._over = False

    def __enter__(self) -> Overlap:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._over = True
        self._progress.leave_off()
        if kind is not None:  # what ends the hashing is told at once
            self._progress.cancel()
        for future in self._futures:
            future.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def sent(self) -> frozenset[Digest]:
        """Return what the service has of what was taken, by its own word."""
        with self._lock:
            return frozenset(digest for digest, there in self._seen.items() if there)

    def take(self, hashed: Mapping[str, HashedFile]) -> None:
        """Take files that were read just now."""
        if self._sink is None or self._over:
            return
        for path, h in hashed.items():
            if h.digest not in self._seen:
                with self._lock:
                    self._seen[h.digest] = False
                entry = Entry(path, "file", h.digest, size=h.state.size, mtime_ns=h.state.mtime_ns)
                (self._large if entry.size >= SMALL else self._small).add(entry)
        for batch in (self._large, self._small):
            if batch.full():
                self._futures.append(self._pool.submit(self._send, self._sink, batch.taken()))

    def _send(self, sink: ObjectSink, entries: list[Entry]) -> None:
        try:
            sizes = {Digest(e.digest): e.size for e in entries}
            missing = sink.missing(sizes)
            self._note(sizes.keys() - missing)
            lacking = [entry for entry in entries if entry.digest in missing]
            self._expect(lacking)
            for load in loads_of(lacking):
                with self._lanes.lane(self._stopped):
                    if self._stopped():
                        return
                    self._progress.add(objects_to_send=len(load), bytes_to_send=sum(e.size for e in load))
                    send_load(load, {}, sink, self._progress, self._ways)
                self._note({Digest(e.digest) for e in load})
        except ConductorError as exc:
            self._over = True
            _LOG.info("what is hashed is sent later: %s", exc)

    def _stopped(self) -> bool:
        return self._over or self._progress.cancelled()

    def _note(self, digests: set[Digest]) -> None:
        with self._lock:
            self._seen.update(dict.fromkeys(digests, True))
