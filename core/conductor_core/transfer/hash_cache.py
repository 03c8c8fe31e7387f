"""What this user's files hash to, so that an unchanged file is never read twice.

SQLite with **one row per directory**, holding JSON `{name: [size, mtime_ns, inode, digest, ctime_ns]}`: a lookup of 100,000
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
from pathlib import Path
from typing import Any

from conductor_core.digest import Digest, is_digest
from conductor_core.transfer.cache_file import LARGEST, CacheFile
from conductor_core.transfer.file_state import RACY_NS, FileState, Found, Moment
from conductor_core.transfer.long_paths import on_disk, spelled
from conductor_core.transfer.page_memory import PageMemory

__all__ = ["RACY_NS", "FileState", "Found", "HashCache", "Moment"]

#: files with a time in the future that are remembered as seen
_MOST_AHEAD = 200_000
#: of a file in its folder's row; four in caches from before the ctime was kept
_FIELDS = 5
#: days between two notes that a folder was asked for
_NOTED_DAYS = 7


class HashCache:
    """Digests by file state; safe to share between threads."""

    def __init__(
        self,
        path: Path,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        steady_ns: Callable[[], int] = time.monotonic_ns,
        largest: int = LARGEST,
    ) -> None:
        self._clock_ns = clock_ns
        self._steady_ns = steady_ns
        self._lock = threading.RLock()
        self._file = CacheFile(path, largest=largest)
        #: path and state of files whose time lies in the future → when they were first seen, in monotonic nanoseconds
        self._ahead: dict[tuple[str, FileState], int] = {}
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

    def now(self) -> Moment:
        """Return this instant, as files are judged by it."""
        return Moment(self._clock_ns(), self._steady_ns())

    def learn(self, hashed: Mapping[str, tuple[FileState, Digest]], *, began: Moment | None = None, placed: bool = False) -> None:
        """Keep what files hash to, except those changed so recently that they could change unseen.

        `began` is before the first of them was opened: what counts is how old a file was then, since others of its batch were
        read after it, and since the machine may have slept or had its clock set. Without it, they are taken as read now, and
        none whose time lies in the future is kept. Of what we gave its name ourselves (`placed`) the ctime is no reason for
        doubt.
        """
        now = self.now()
        read = now if began is None else began.earliest(now)
        for folder, names in _by_folder(hashed).items():
            row = {}
            for name, path in names:
                state, digest = hashed[path]
                changed = state.mtime_ns if placed else max(state.mtime_ns, state.ctime_ns)
                kept = self._settled(path, state, changed, read, known=began is not None)
                row[name] = _entry(state, digest) if kept else None
            self._update(folder, row)

    def _update(self, folder: str, entries: Mapping[str, list[Any] | None]) -> None:
        with self._lock:
            row = self._row(folder) or dict(self._moved(folder))
            before = dict(row)
            for name, entry in entries.items():
                if entry is None:
                    row.pop(name, None)
                else:
                    row[name] = entry
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

    def _settled(self, path: str, state: FileState, changed_ns: int, read: Moment, *, known: bool) -> bool:
        """Tell whether the file could not be changed again under the times it has.

        A time in the future (a file server's clock, or our own that was set back) says nothing of that: such a file is
        taken when it has kept its state for as long before it was read, if that is `known`.
        """
        if read.wall_ns >= changed_ns:
            return read.wall_ns - changed_ns >= RACY_NS
        with self._lock:
            if len(self._ahead) >= _MOST_AHEAD:
                self._ahead.clear()
            seen = self._ahead.setdefault((path, state), self._steady_ns())
            settled = known and read.steady_ns - seen >= RACY_NS
            if settled:
                del self._ahead[(path, state)]
        return settled

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
        if _is_entry(entry) and (entry == _entry(state, entry[3]) or _agrees(entry, state)):
            known[path] = Digest(entry[3])
    return known


def _entry(state: FileState, digest: str) -> list[Any]:
    return [state.size, state.mtime_ns, state.inode, digest, state.ctime_ns]


def _agrees(entry: list[Any], state: FileState) -> bool:
    """Tell whether a file is in the state that it was hashed in; one of which no ctime was noted then is read where it has one."""
    ctime_ns = entry[4] if len(entry) == _FIELDS else 0
    return state.ctime_ns in (0, ctime_ns) and FileState(*entry[:3]).agrees(state)


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
    return isinstance(entry, list) and len(entry) in (4, _FIELDS) and isinstance(entry[3], str) and is_digest(entry[3])
