"""Compare files with what a project's store has, so that somebody sees what would be sent before anything is.

Nothing is sent. Files are looked at all at once, hashed where the cache does not know them, small ones first: after a moment
most files have their answer, and a few great ones follow. The answers come in the order in which they are known.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol

from conductor_core.agent_answers import Check, CheckedFile, FileStatus
from conductor_core.digest import Digest
from conductor_core.errors import AgentError, ConductorError, ServiceUnreachable, TransferCancelled, TransferError, Unauthorized
from conductor_core.transfer.hash_cache import FileState, HashCache, Moment
from conductor_core.transfer.hashing import HashedFile, batches, hash_file
from conductor_core.transfer.long_paths import on_disk
from conductor_core.transfer.progress import Progress

#: files of one check; a submission of more is made without one
MOST_FILES = 500_000
#: files in one answer: parsing more would hold the interpreter of the host, and so its window, for too long
ANSWER = 2_000
#: digests in one question to the store
QUESTION = 10_000
#: seconds between two attempts to ask a service that is away
ASK_AGAIN = 3.0
#: seconds for which digests are gathered before the store is asked about them
GATHER = 0.3

#: what passes by itself, or with a new login
_PASSING = (ServiceUnreachable, Unauthorized)
_LOG = logging.getLogger("conductor.agent")


class StoreView(Protocol):
    """What a project's store says of objects."""

    def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
        """Return which objects, of these sizes, are not there."""

    def rendered(self, digests: Iterable[Digest]) -> frozenset[Digest]:
        """Return which of those that are there came out of the project's own jobs."""


class Checking:
    """One check: `run` works in a thread of its own, `answer` tells from any other how far it is."""

    def __init__(
        self,
        identity: str,
        files: Iterable[str],
        *,
        store: Callable[[], StoreView],
        cache: HashCache,
        threads: int,
        left_out: Callable[[str], bool] = lambda _: False,
        found: Callable[[Iterable[str]], None] = lambda _: None,
    ) -> None:
        """`found` hears of the files that are there, before they are read."""
        self.id = identity
        self._left_out = left_out
        self._found = found
        self._named = list(files)
        self._store = store
        self._cache = cache
        self._threads = threads
        self._progress = Progress()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._known: list[CheckedFile] = []
        self._total = len(self._named)
        self._bytes_total = 0
        self._bytes_to_send = 0
        #: what the store said of each digest
        self._said: dict[Digest, FileStatus] = {}
        self._away = ""
        self._unread = ""
        self._done = False

    def stop(self) -> None:
        """End the work at its next block."""
        self._stopped.set()
        self._progress.cancel()

    def stopped(self) -> bool:
        """Tell whether nobody wants to know any more."""
        return self._stopped.is_set()

    def answer(self, after: int) -> Check:
        """Return how far it is, with the next files that are known since `after`."""
        with self._lock:
            start = min(max(after, 0), len(self._known))
            files = tuple(self._known[start : start + ANSWER])
            return Check(
                id=self.id,
                done=self._done and start + len(files) == len(self._known),
                files_total=self._total,
                # told up to here: what is known beyond comes with the next answer
                files_checked=start + len(files),
                bytes_total=self._bytes_total,
                bytes_to_send=self._bytes_to_send,
                files=files,
                next=start + len(files),
                problem=self._away or self._unread,
            )

    def run(self) -> None:
        """Compare all files, or as many as there is time for before `stop`."""
        try:
            self._compare()
        except TransferCancelled:
            return
        except ConductorError as exc:
            # what the service refuses for good (a project that is not there): no file can be told of
            self._note_away(exc)
        except Exception:  # noqa: BLE001 - worker loop: a panel must not wait for a thread that is gone
            _LOG.exception("check %s", self.id)
            self._note_away(
                AgentError("The files could not be compared with the store.", "The agent's log (agent.log) says why.")
            )
        with self._lock:
            self._done = True

    def _compare(self) -> None:
        found: dict[str, os.stat_result] = {}
        for path, state in _walk(self._named, self._progress, self._left_out):
            if state is None:
                self._tell([CheckedFile(path, 0, "missing")])
            elif not stat.S_ISREG(state.st_mode):
                self._note_unread(TransferError(path, "is neither a file nor a folder", "Take it out of the job."))
                self._tell([CheckedFile(path, 0, "unknown")])
            else:
                found[path] = state
            if len(found) > MOST_FILES:
                raise ConductorError(f"These are more than {MOST_FILES:,} files: they are compared when they are submitted.")
        with self._lock:
            self._total = len(found) + len(self._known)
            self._bytes_total = sum(state.st_size for state in found.values())
        self._found(found)
        cached = self._cache.digests({path: FileState.of(state) for path, state in found.items()})
        self._ask({path: (digest, found[path].st_size) for path, digest in cached.items()})
        self._hash({path: state for path, state in found.items() if path not in cached})

    def _hash(self, states: Mapping[str, os.stat_result]) -> None:
        """Hash what the cache does not know, and ask the store as digests come."""
        smallest_first = sorted(states, key=lambda path: (states[path].st_size, path))
        with ThreadPoolExecutor(self._threads, thread_name_prefix="check") as pool:
            futures = {pool.submit(self._hash_batch, batch) for batch in batches(smallest_first, states)}
            try:
                self._gather(futures)
            except BaseException:
                for future in futures:
                    future.cancel()
                raise

    def _gather(self, futures: set[Future[tuple[Moment, dict[str, HashedFile]]]]) -> None:
        gathered: dict[str, tuple[Digest, int]] = {}
        asked = time.monotonic()
        while futures:
            done, rest = wait(futures, return_when=FIRST_COMPLETED)
            futures -= done
            for future in done:
                began, hashed = future.result()
                self._cache.learn({path: (h.state, h.digest) for path, h in hashed.items()}, began=began)
                gathered.update({path: (h.digest, h.state.size) for path, h in hashed.items()})
            if not rest or time.monotonic() - asked > GATHER:
                self._ask(gathered)
                gathered, asked = {}, time.monotonic()

    def _hash_batch(self, paths: Iterable[str]) -> tuple[Moment, dict[str, HashedFile]]:
        """Return when the first was opened, and what could be read."""
        began = self._cache.now()
        hashed = {}
        for path in paths:
            self._progress.check(path)
            try:
                hashed[path] = hash_file(path, self._progress)
            except TransferCancelled:
                raise
            except TransferError as exc:
                self._note_unread(exc)
                self._tell([CheckedFile(path, 0, "unknown")])
        return began, hashed

    def _ask(self, digests: Mapping[str, tuple[Digest, int]]) -> None:
        """Ask the store about files whose content is known, and tell what it says of each."""
        new = {digest: size for digest, size in digests.values() if digest not in self._said}
        for objects in _questions(new):
            self._said.update(self._asked(objects))
            with self._lock:
                self._bytes_to_send += sum(size for digest, size in objects.items() if self._said[digest] == "new")
        self._tell([CheckedFile(path, size, self._said[digest]) for path, (digest, size) in digests.items()])

    def _asked(self, objects: Mapping[Digest, int]) -> dict[Digest, FileStatus]:
        """Return what the store says, asked again for as long as it is away and somebody wants to know."""
        while True:
            self._progress.check("the comparison")
            try:
                store = self._store()
                missing = store.missing(objects)
                present = [digest for digest in objects if digest not in missing]
                rendered = store.rendered(present) if present else frozenset()
            except _PASSING as exc:
                self._note_away(exc)
                self._stopped.wait(ASK_AGAIN)
                continue
            with self._lock:
                self._away = ""
            return {d: "new" if d in missing else "rendered" if d in rendered else "stored" for d in objects}

    def _tell(self, files: Iterable[CheckedFile]) -> None:
        with self._lock:
            self._known.extend(files)

    def _note_away(self, exc: ConductorError) -> None:
        with self._lock:
            self._away = str(exc)

    def _note_unread(self, exc: ConductorError) -> None:
        """Keep the sentence on the first file that cannot be read: the others have their status."""
        with self._lock:
            self._unread = self._unread or str(exc)


def _walk(
    named: Iterable[str], progress: Progress, left_out: Callable[[str], bool]
) -> Iterator[tuple[str, os.stat_result | None]]:
    """Yield each file that is named or lies in a named folder, once, with what `stat` says; None: it is not there."""
    seen: set[str] = set()
    #: real places of folders: links may go in a circle
    folders: set[str] = set()
    waiting = [os.path.abspath(path) for path in named][::-1]
    while waiting:
        path = waiting.pop()
        progress.check(path)
        if path in seen or left_out(path):
            continue
        seen.add(path)
        try:
            found = os.stat(on_disk(path))
            if stat.S_ISDIR(found.st_mode):
                real = os.path.realpath(on_disk(path))
                if real not in folders:
                    folders.add(real)
                    waiting.extend(os.path.join(path, name) for name in sorted(os.listdir(on_disk(path)), reverse=True))
                continue
        except OSError:
            yield path, None
            continue
        yield path, found


def _questions(objects: Mapping[Digest, int]) -> Iterator[dict[Digest, int]]:
    ordered = list(objects.items())
    for start in range(0, len(ordered), QUESTION):
        yield dict(ordered[start : start + QUESTION])
