"""What this user's files hash to, so that an unchanged file is never read twice.

SQLite with **one row per directory**, holding JSON `{name: [size, mtime_ns, inode, digest]}`: a lookup of 100,000
files costs 0.16–0.31 of a bare `stat` of each, where one row per file costs 2.0. Rows are rewritten only where
something in the directory changed. The file is private to the user (0600), and a damaged one is rebuilt: it holds
nothing that cannot be had again.

A folder that was renamed or moved is found by its device and inode; its files are taken for the same where their names and
states are.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from conductor_core.digest import Digest, is_digest
from conductor_core.transfer.cache_file import LARGEST, CacheFile
from conductor_core.transfer.long_paths import on_disk, spelled
from conductor_core.transfer.page_memory import PageMemory

#: A file written within this time of its hashing may be written again with the same mtime (FAT counts in 2 s, NFS and
#: ext4 in clock ticks); git calls such an entry racy. It is not kept.
RACY_NS = 2_000_000_000
#: files with a time in the future that are remembered as seen
_MOST_AHEAD = 200_000
#: days between two notes that a folder was asked for
_NOTED_DAYS = 7


class Found(Protocol):
    """What is needed of what `stat` says."""

    @property
    def st_size(self) -> int:
        """Bytes."""

    @property
    def st_mtime_ns(self) -> int:
        """Nanoseconds since the epoch."""

    @property
    def st_ino(self) -> int:
        """The inode."""

    @property
    def st_mode(self) -> int:
        """Kind and permissions."""


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells one content of a file from the next without reading it."""

    size: int
    mtime_ns: int
    #: the file's number on its disk, which Windows calls its index; 0: not known, as where Windows looks a locked file up in
    #: its folder's listing, and in caches from before numbers were kept there
    inode: int

    @classmethod
    def of(cls, found: Found) -> FileState:
        """Return the state in what `stat` answered."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ino)

    def agrees(self, other: FileState) -> bool:
        """Tell whether both are one state, as far as both are known."""
        same_file = self.inode == other.inode or not (self.inode and other.inode)
        return same_file and (self.size, self.mtime_ns) == (other.size, other.mtime_ns)


class HashCache:
    """Digests by file state; safe to share between threads."""

    def __init__(self, path: Path, *, clock_ns: Callable[[], int] = time.time_ns, largest: int = LARGEST) -> None:
        self._clock_ns = clock_ns
        self._lock = threading.RLock()
        self._file = CacheFile(path, largest=largest)
        #: path and state of files whose time lies in the future → when they were first seen, in monotonic seconds
        self._ahead: dict[tuple[str, FileState], float] = {}
        self._file.shrink(self._today())
        self.pages = PageMemory(self._file, self._today)

    def close(self) -> None:
        """Close the database; whoever still asks finds nothing, and what is learnt is not kept."""
        self._file.close()

    def digests(self, states: Mapping[str, FileState]) -> dict[str, Digest]:
        """Return the digest of each path whose state is the one it was hashed in."""
        found: dict[str, Digest] = {}
        for folder, names in _by_folder(states).items():
            row = self._row(folder)
            known = _matching(row, names, states)
            if len(known) < len(names) and (moved := self._moved(folder)):
                found_there = _matching(moved, names, states)
                if found_there.keys() - known.keys():
                    self._keep(folder, {**moved, **{name: row[name] for name, path in names if path in known}})
                known = {**found_there, **known}
            found.update(known)
            if known:
                self._note_use(folder)
        return found

    def former(self, path: str) -> Digest | None:
        """Return what was at `path` when it was last hashed, whatever its state is now: what the store may have of it."""
        folder, name = os.path.split(path)
        entry: Any = self._row(folder).get(name)
        return Digest(entry[3]) if entry is not None and _is_entry(entry) else None

    def forget(self, path: str) -> None:
        """Drop what is known of a file that turned out to be another than it was taken for."""
        folder, name = os.path.split(path)
        with self._lock:
            row = self._row(folder)
            if row.pop(name, None) is not None:
                self._keep(folder, row)

    def learn(self, hashed: Mapping[str, tuple[FileState, Digest]], *, began: float | None = None) -> None:
        """Keep what files hash to, except those written so recently that they could change unseen.

        `began` is when the first of them was opened, in monotonic seconds: what counts is how old a file was then, since
        others of its batch were read after it. Without it, they are taken as read now, and none whose time lies in the
        future is kept.
        """
        now = self._clock_ns()
        if began is not None:
            now -= int((time.monotonic() - began) * 1e9)
        for folder, names in _by_folder(hashed).items():
            self._update(folder, {name: (path, *hashed[path]) for name, path in names}, now, began)

    def _update(self, folder: str, hashed: Mapping[str, tuple[str, FileState, Digest]], now: int, began: float | None) -> None:
        with self._lock:
            row = self._row(folder) or dict(self._moved(folder))
            before = dict(row)
            for name, (path, state, digest) in hashed.items():
                if self._settled(path, state, now, began):
                    row[name] = [state.size, state.mtime_ns, state.inode, digest]
                else:
                    row.pop(name, None)
            if row != before:
                self._keep(folder, row)

    def _keep(self, folder: str, row: Mapping[str, Any]) -> None:
        blob = json.dumps(row, separators=(",", ":")).encode()
        identity = _identity(folder)
        self._file.run_all(
            [
                ("INSERT OR REPLACE INTO directories (path, files) VALUES (?, ?)", (_key(folder), blob)),
                (
                    "INSERT OR REPLACE INTO folders (path, identity, used) VALUES (?, ?, ?)",
                    (_key(folder), identity, self._today()),
                ),
                # whoever had it before was moved here, or is gone: a file system gives the inode of what is deleted to the next
                (
                    "UPDATE folders SET identity = '' WHERE identity = ? AND path != ? AND identity != ''",
                    (identity, _key(folder)),
                ),
            ]
        )

    def _settled(self, path: str, state: FileState, now: int, began: float | None) -> bool:
        """Tell whether the file could not be written again under the time it has.

        A time in the future (a file server's clock, or our own that was set back) says nothing of that: such a file is
        taken when it has kept its state for as long before it was read.
        """
        if now >= state.mtime_ns:
            return now - state.mtime_ns >= RACY_NS
        if len(self._ahead) >= _MOST_AHEAD:
            self._ahead.clear()
        seen = self._ahead.setdefault((path, state), time.monotonic())
        return began is not None and began - seen >= RACY_NS / 1e9

    def _row(self, folder: str) -> dict[str, Any]:
        return _read(self._file.run("SELECT files FROM directories WHERE path = ?", (_key(folder),)))

    def _moved(self, folder: str) -> dict[str, Any]:
        """Return what is known of this folder under the path that it had before."""
        identity = _identity(folder)
        if not identity:
            return {}
        query = "SELECT files FROM directories WHERE path IN (SELECT path FROM folders WHERE identity = ? AND path != ? LIMIT 1)"
        return _read(self._file.run(query, (identity, _key(folder))))

    def _note_use(self, folder: str) -> None:
        today = self._today()
        query = "UPDATE folders SET used = ? WHERE path = ? AND used < ?"
        if self._file.run("SELECT 1 FROM folders WHERE path = ? AND used < ?", (_key(folder), today - _NOTED_DAYS)):
            self._file.run(query, (today, _key(folder), today))

    def _today(self) -> int:
        return self._clock_ns() // 86_400_000_000_000


def _read(rows: list[Any]) -> dict[str, Any]:
    try:
        row = json.loads(rows[0][0]) if rows else {}
    except (ValueError, TypeError):
        return {}
    return row if isinstance(row, dict) else {}


def _matching(row: Mapping[str, Any], names: Iterable[tuple[str, str]], states: Mapping[str, FileState]) -> dict[str, Digest]:
    """Return the digests of those paths whose state is the one in `row`."""
    known = {}
    for name, path in names if row else ():
        entry: Any = row.get(name)
        state = states[path]
        if _is_entry(entry) and (entry[:3] == [state.size, state.mtime_ns, state.inode] or FileState(*entry[:3]).agrees(state)):
            known[path] = Digest(entry[3])
    return known


def _identity(folder: str) -> str:
    """Return what stays when a folder is renamed; "" where there is nothing of the kind."""
    try:
        found = os.stat(on_disk(folder))
    except OSError:
        return ""
    return f"{found.st_dev}:{found.st_ino}" if found.st_ino else ""


def _by_folder(paths: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    folders: dict[str, list[tuple[str, str]]] = {}
    for path in paths:
        folder, name = os.path.split(path)
        folders.setdefault(folder, []).append((name, path))
    return folders


def _key(folder: str) -> bytes:
    """Return `folder` as bytes, in its one spelling: names on POSIX need not be text."""
    return os.fsencode(spelled(folder) if os.name == "nt" else folder)


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, list) and len(entry) == 4 and isinstance(entry[3], str) and is_digest(entry[3])
