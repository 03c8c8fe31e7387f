"""Ahead of the click: files of recent scenes that change are hashed when the machine is idle, so that a submission need not.

Folders are watched by events. That hears nothing of what another machine writes to a share, nor of what changed while the agent
was away, and a system has only so many watches: so folders are looked at as well, now and then, and those without events more
often. Whatever is missed here is hashed when it is submitted: this only saves time.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from conductor_core.agent.folder_events import FolderEvents, folder_events
from conductor_core.agent.idleness import PoliteProgress
from conductor_core.agent.recent_scenes import FolderFiles, RecentScene, RecentScenes, by_folder, folders_of
from conductor_core.errors import ConductorError, TransferCancelled
from conductor_core.transfer.hash_cache import RACY_NS, FileState, HashCache, Moment
from conductor_core.transfer.hashing import BATCH_BYTES, BATCH_FILES, HashedFile, hash_file
from conductor_core.transfer.long_paths import on_disk
from conductor_core.transfer.progress import Progress

#: folders watched by events; a kernel keeps about 1 kB for each
MOST_FOLDERS = 8192 if sys.platform.startswith("linux") else 256
#: seconds between two looks at folders without events, and at those with: a share hears nothing of other machines
LOOK_EVERY, LOOK_AT_WATCHED_EVERY = 300.0, 1800.0
#: seconds after which a folder that is new here is looked at: what was submitted has just been hashed
SOON = 60.0
#: seconds without a change after which a file counts as saved; beyond what the hash cache finds too fresh to keep
QUIET = 1.0 + RACY_NS / 1e9

_LOG = logging.getLogger("conductor.agent")


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is done ahead of the click, for whoever asks."""

    scenes: int = 0
    folders: int = 0
    #: of these, looked at now and then only
    without_events: int = 0
    #: files that changed and are not hashed yet
    waiting: int = 0
    #: files hashed ahead since the agent started
    hashed: int = 0
    #: why nothing is hashed now; "": it is, or nothing waits
    reason: str = ""
    #: sentence on folders without events; ""
    problem: str = ""


class Watcher:
    """Watch the files of recent scenes; safe to share between threads."""

    def __init__(
        self,
        cache: HashCache,
        memory: Path,
        *,
        busy: Callable[[], str] = lambda: "",
        hashed: Callable[[Mapping[str, HashedFile]], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        quiet: float = QUIET,
        events: Callable[[Callable[[str], None], Callable[[str], None]], FolderEvents] = folder_events,
    ) -> None:
        """Watch what `memory` remembers; `busy` says why nothing is to be done now, `hashed` hears what was hashed ahead."""
        self._cache = cache
        self._memory = memory
        self._busy = busy
        self._hashed = hashed
        self._clock = clock
        self._now = now
        self._quiet = quiet
        self._make_events = events
        self._lock = threading.Lock()
        self._scenes: RecentScenes | None = None
        #: scenes that came since they were sorted in last
        self._new: list[tuple[str, tuple[str, ...], str, str]] = []
        self._folders: dict[str, FolderFiles] = {}
        #: when each folder was looked at last
        self._looked: dict[str, float] = {}
        #: those that tell of changes by events
        self._watched: set[str] = set()
        #: path → when it last changed
        self._changed: dict[str, float] = {}
        #: what the hash cache does not keep, such as files from the future: not to be hashed at each look
        self._unkept: dict[str, FileState] = {}
        self._count = 0
        self._reason = self._problem = ""
        self._progress = PoliteProgress(busy)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="watch")
        self._events: FolderEvents | None = None
        self._work: Future[None] | None = None
        self._settled = False
        self._oldest = 0.0

    def remember(self, key: str, files: Iterable[str], *, service: str = "", project: str = "") -> None:
        """Watch the files of a scene that was opened or submitted; returns at once."""
        with self._lock:
            self._new.append((key, tuple(files), service, project))
            self._settled = False

    def scenes(self) -> tuple[RecentScene, ...]:
        """Return the scenes that are watched, the oldest first."""
        with self._lock:
            return self._scenes.all() if self._scenes else ()

    def forget_before(self, moment: float) -> None:
        """Watch scenes no longer that were used before `moment`, in seconds since the epoch."""
        with self._lock:
            self._oldest = moment
            if self._scenes and self._scenes.forget(lambda scene: scene.at < moment):
                self._settled = False

    def ahead(self) -> Ahead:
        """Return what is being done."""
        scenes = len(self.scenes())
        with self._lock:
            folders, without = len(self._folders), len(self._folders) - len(self._watched)
            reason = self._reason if self._changed else ""
            return Ahead(scenes, folders, without, len(self._changed), self._count, reason, self._problem)

    def step(self) -> None:
        """Start what is to be done now; called again and again by the agent, which it never holds up."""
        if self._work is not None and not self._work.done():
            return
        with self._lock:
            still = self._clock() - self._quiet
            ready = [path for path, changed in self._changed.items() if changed <= still]
            due = not self._settled or any(self._is_due(folder) for folder in self._folders)
        self._reason = self._busy() if ready else ""
        if due or (ready and not self._reason):
            self._work = self._pool.submit(self._do, () if self._reason else ready)

    def stop(self) -> None:
        """Stop watching."""
        self._progress.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._events is not None:
            self._events.stop()

    def _do(self, ready: Iterable[str]) -> None:
        try:
            if not self._settled:
                self._settle()
            for folder in [folder for folder in self._folders if self._is_due(folder)]:
                self._look(folder)
            self._hash_all(ready)
        except TransferCancelled:
            return
        except Exception:  # noqa: BLE001 - worker loop: a defect here must not end the watching
            _LOG.exception("files ahead of the click")

    def _is_due(self, folder: str) -> bool:
        every = LOOK_AT_WATCHED_EVERY if folder in self._watched else LOOK_EVERY
        return self._clock() - self._looked.get(folder, float("-inf")) >= every

    def _settle(self) -> None:
        """Watch the folders of the scenes of now and no others; those that are new are looked at soon."""
        scenes = self._sorted_in()
        folders = folders_of(scenes)
        # where there are too many, those of the latest scenes are watched
        wanted = list(dict.fromkeys(folder for scene in reversed(scenes) for folder in scene.folders))[:MOST_FOLDERS]
        with self._lock:
            going = self._watched - set(wanted)
            soon = self._clock() - LOOK_AT_WATCHED_EVERY + SOON
            self._looked = {folder: self._looked.get(folder, soon) for folder in folders}
            self._folders = folders
            self._changed = {path: at for path, at in self._changed.items() if os.path.dirname(path) in folders}
            self._unkept = {path: state for path, state in self._unkept.items() if os.path.dirname(path) in folders}
            if len(folders) > MOST_FOLDERS:
                self._note_limit("there are more of them than are watched at once")
        for folder in going:
            self._unwatch(folder)
        for folder in wanted:
            Progress.check(self._progress, folder)
            if folder not in self._watched and not self._watch(folder):
                break

    def _sorted_in(self) -> tuple[RecentScene, ...]:
        """Return all scenes, with those that came since the last time; they are on disk then."""
        known = self._scenes or RecentScenes(self._memory)
        with self._lock:
            known.forget(lambda scene: scene.at < self._oldest)
            if self._scenes is None:  # of the last time: anything may have changed since
                self._looked = dict.fromkeys(folders_of(known.all()), float("-inf"))
            new, self._new = self._new, []
            self._settled = True
            self._scenes = known
        made = [RecentScene(key, service, project, self._now(), by_folder(files)) for key, files, service, project in new]
        with self._lock:
            for scene in made:
                known.add(scene)
            if made:
                known.save()
            return known.all()

    def _watch(self, folder: str) -> bool:
        """Watch a folder; tell False where there are no watches left."""
        try:
            if self._events is None:
                self._events = self._make_events(self._note, self._note_lost)
            self._events.watch(folder)
        except (OSError, RuntimeError) as exc:  # the latter: no more threads, of which macOS and Windows take one each
            if isinstance(exc, (FileNotFoundError, NotADirectoryError, PermissionError)):
                return True  # it is not there now: it is looked at again
            with self._lock:
                self._note_limit(getattr(exc, "strerror", None) or str(exc))
            return False
        with self._lock:
            self._watched.add(folder)
        return True

    def _note_limit(self, reason: str) -> None:
        """Say once that folders are only looked at; under the lock."""
        if not self._problem:
            self._problem = (
                f"Some folders of recent scenes cannot be watched ({reason}): they are looked at every "
                f"{LOOK_EVERY / 60:.0f} minutes instead. On Linux, fs.inotify.max_user_watches says how many can be."
            )
            _LOG.warning("%s", self._problem)

    def _unwatch(self, folder: str) -> None:
        with self._lock:
            self._watched.discard(folder)
        if self._events is not None:
            self._events.unwatch(folder)

    def _note(self, path: str) -> None:
        """Note that a file changed, if it is one of ours; called in a thread of the events."""
        folder, name = os.path.split(path)
        with self._lock:
            known = self._folders.get(folder)
            if known is not None and known.has(name):
                self._changed[path] = self._clock()

    def _note_lost(self, folder: str) -> None:
        """Look at a folder that has no events any more, or at all where events were dropped."""
        with self._lock:
            self._watched.discard(folder)
            for one in [folder] if folder else list(self._looked):
                if one in self._looked:
                    self._looked[one] = float("-inf")
            self._settled = False

    def _look(self, folder: str) -> None:
        """Compare a folder's files with what the hash cache knows."""
        with self._lock:
            self._looked[folder] = self._clock()
            room = not self._problem and len(self._watched) < MOST_FOLDERS
        if folder not in self._watched and room:  # it was not there before
            self._watch(folder)
        states: dict[str, FileState] = {}
        with contextlib.suppress(OSError), os.scandir(on_disk(folder)) as entries:
            for entry in entries:
                Progress.check(self._progress, folder)
                if self._folders[folder].has(entry.name):
                    with contextlib.suppress(OSError):
                        path = os.path.join(folder, entry.name)
                        found = os.stat(on_disk(path))
                        if stat.S_ISREG(found.st_mode) and self._folders[folder].has(entry.name, found.st_mtime_ns):
                            states[path] = FileState.of(found)
        known = self._cache.digests(states)
        with self._lock:
            for path in states.keys() - known.keys():
                if path not in self._unkept or not self._unkept[path].agrees(states[path]):
                    self._changed.setdefault(path, self._clock())

    def _hash_all(self, paths: Iterable[str]) -> None:
        """Hash files for as long as the machine is idle; what is left stays for later."""
        batch: dict[str, HashedFile] = {}
        began = self._cache.now()
        for path in paths:
            with self._lock:
                before = self._changed.get(path)
            began = began if batch else self._cache.now()
            try:
                batch[path] = hash_file(path, self._progress)
            except TransferCancelled:
                break
            except ConductorError as exc:
                _LOG.debug("watched file %s: %s", path, exc)
            with self._lock:
                if self._changed.get(path) == before:
                    self._changed.pop(path, None)
            if len(batch) >= BATCH_FILES or sum(h.state.size for h in batch.values()) >= BATCH_BYTES:
                self._learn(batch, began)
                batch = {}
        self._learn(batch, began)

    def _learn(self, batch: Mapping[str, HashedFile], began: Moment) -> None:
        if not batch:
            return
        self._cache.learn({path: (h.state, h.digest) for path, h in batch.items()}, began=began)
        kept = self._cache.digests({path: h.state for path, h in batch.items()})
        with self._lock:
            self._count += len(batch)
            self._unkept.update({path: h.state for path, h in batch.items() if path not in kept})
        self._hashed(batch)
