"""Hash files again as soon as they are saved, so that the next submission finds them hashed.

The folders of recently submitted files are watched. A file of theirs that was saved, and then left alone for a while, is
hashed into the cache. This only saves time: whatever is missed here is hashed when it is submitted.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from conductor_core.errors import ConductorError
from conductor_core.transfer.hash_cache import RACY_NS, HashCache
from conductor_core.transfer.hashing import hash_files
from conductor_core.transfer.progress import Progress

#: folders watched at once: on Linux each is an inotify instance, of which a user has 128 by default
MOST_FOLDERS = 32
#: seconds without a change after which a file counts as saved; beyond what the hash cache finds too fresh to keep
QUIET = 1.0 + RACY_NS / 1e9

_LOG = logging.getLogger("conductor.agent")


class Watcher(FileSystemEventHandler):
    """Watch the folders of recent submissions; safe to share between threads."""

    def __init__(self, cache: HashCache, *, clock: Callable[[], float] = time.monotonic, quiet: float = QUIET) -> None:
        self._cache = cache
        self._clock = clock
        self._quiet = quiet
        self._lock = threading.Lock()
        # Apart from the other: watchdog holds a lock of its own while it tells of an event, and takes the same one to
        # watch a folder.
        self._folders_lock = threading.Lock()
        #: the most recently submitted last
        self._folders: dict[str, object] = {}
        self._files: set[str] = set()
        #: path → when it last changed
        self._changed: dict[str, float] = {}
        self._progress = Progress()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="watch")
        self._observer = Observer()
        self._observer.daemon = True
        self._started = False

    def watch(self, files: Iterable[str]) -> None:
        """Watch the folders in which most of these files lie, in place of those watched longest."""
        names = list(files)
        folders = [folder for folder, _ in Counter(map(os.path.dirname, names)).most_common(MOST_FOLDERS)]
        with self._folders_lock:
            for folder in folders:
                self._folders[folder] = self._folders.pop(folder, None) or self._schedule(folder)
            while len(self._folders) > MOST_FOLDERS:
                self._unschedule(next(iter(self._folders)))
            files = {f for f in (*self._files, *names) if os.path.dirname(f) in self._folders}
            with self._lock:
                self._files = files

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note that a file of ours changed; called in a thread of watchdog's."""
        if event.event_type in ("opened", "closed_no_write"):
            return  # our own hashing is no change
        with self._lock:
            for path in (os.fsdecode(event.src_path), os.fsdecode(event.dest_path or "")):
                if path in self._files:
                    self._changed[path] = self._clock()

    def step(self) -> None:
        """Start to hash what was saved and left alone; called again and again by the agent."""
        with self._lock:
            still = self._clock() - self._quiet
            ready = [path for path, changed in self._changed.items() if changed <= still]
            for path in ready:
                del self._changed[path]
        if ready:
            self._pool.submit(self._hash, ready)

    def stop(self) -> None:
        """Stop watching."""
        self._progress.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._started:
            self._observer.stop()
            self._observer.join(5.0)

    def _hash(self, paths: list[str]) -> None:
        for path in paths:
            try:
                hash_files({path: os.stat(path)}, self._cache, self._progress, threads=1)
            except (OSError, ConductorError) as exc:
                _LOG.debug("watched file %s: %s", path, exc)

    def _schedule(self, folder: str) -> object:
        try:
            watch = self._observer.schedule(self, folder, recursive=False)
            if not self._started:
                self._observer.start()
                self._started = True
        except OSError as exc:
            # no such folder, a file system without events, or no watches left: hashed at the next submission then
            _LOG.debug("%s is not watched: %s", folder, exc)
            return None
        return watch

    def _unschedule(self, folder: str) -> None:
        watch = self._folders.pop(folder)
        if watch is not None:
            self._observer.unschedule(watch)  # type: ignore[arg-type]
