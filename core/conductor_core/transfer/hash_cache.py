"""What this user's files hash to, so that an unchanged file is never read twice.

SQLite with **one row per directory**, holding JSON `{name: [size, mtime_ns, inode, digest]}`: a lookup of 100,000
files costs 0.16–0.31 of a bare `stat` of each, where one row per file costs 2.0. Rows are rewritten only where
something in the directory changed. The file is private to the user (0600), and a damaged one is rebuilt: it holds
nothing that cannot be had again.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor_core.digest import Digest, parse_digest
from conductor_core.user_folders import private_folder

#: A file written within this time of its hashing may be written again with the same mtime (FAT counts in 2 s, NFS and
#: ext4 in clock ticks); git calls such an entry racy. It is not kept.
RACY_NS = 2_000_000_000

_LOG = logging.getLogger("conductor.hash-cache")

_SCHEMA = "CREATE TABLE IF NOT EXISTS directories (path BLOB PRIMARY KEY, files BLOB NOT NULL) WITHOUT ROWID"


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells one content of a file from the next without reading it."""

    size: int
    mtime_ns: int
    #: 0 on Windows, where `scandir` gives none
    inode: int

    @classmethod
    def of(cls, found: os.stat_result) -> FileState:
        """Return the state in what `stat` answered."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ino if os.name == "posix" else 0)


class HashCache:
    """Digests by file state; safe to share between threads."""

    def __init__(self, path: Path, *, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._path = path
        self._clock_ns = clock_ns
        self._lock = threading.RLock()
        self._closed = False
        self._database = self._open()

    def close(self) -> None:
        """Close the database; whoever still asks finds nothing, and what is learnt is not kept."""
        with self._lock:
            self._closed = True
            self._database.close()

    def digests(self, states: Mapping[str, FileState]) -> dict[str, Digest]:
        """Return the digest of each path whose state is the one it was hashed in."""
        found: dict[str, Digest] = {}
        for folder, names in _by_folder(states).items():
            row = self._row(folder)
            for name, path in names:
                entry = row.get(name)
                state = states[path]
                if entry is not None and entry[:3] == [state.size, state.mtime_ns, state.inode]:
                    found[path] = parse_digest(entry[3])
        return found

    def learn(self, hashed: Mapping[str, tuple[FileState, Digest]]) -> None:
        """Keep what files hash to, except those written so recently that they could change unseen."""
        now = self._clock_ns()
        for folder, names in _by_folder(hashed).items():
            self._update(folder, {name: hashed[path] for name, path in names}, now)

    def _update(self, folder: str, hashed: Mapping[str, tuple[FileState, Digest]], now: int) -> None:
        with self._lock:
            row = self._row(folder)
            before = dict(row)
            for name, (state, digest) in hashed.items():
                if now - state.mtime_ns < RACY_NS:
                    row.pop(name, None)
                else:
                    row[name] = [state.size, state.mtime_ns, state.inode, digest]
            if row != before:
                blob = json.dumps(row, separators=(",", ":")).encode()
                self._run("INSERT OR REPLACE INTO directories (path, files) VALUES (?, ?)", (_key(folder), blob))

    def _row(self, folder: str) -> dict[str, list[Any]]:
        rows = self._run("SELECT files FROM directories WHERE path = ?", (_key(folder),))
        if not rows:
            return {}
        try:
            row = json.loads(rows[0][0])
            return {name: entry for name, entry in row.items() if _is_entry(entry)}
        except (ValueError, AttributeError):
            return {}

    def _run(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        with self._lock:
            if self._closed:  # the next agent may use the file by now
                return []
            try:
                return self._database.execute(statement, values).fetchall()
            except sqlite3.OperationalError as exc:
                # locked by another process, disk full, read-only: without the cache we are slower, not wrong
                _LOG.debug("hash cache %s: %s", self._path, exc)
                return []
            except sqlite3.DatabaseError as exc:
                self._rebuild(exc)
                return []

    def _open(self) -> sqlite3.Connection:
        try:
            private_folder(self._path.parent)
            return _connect(self._path)
        except (sqlite3.OperationalError, OSError) as exc:
            _LOG.warning("The hash cache %s cannot be used (%s): files are hashed again after the next start.", self._path, exc)
            return _in_memory()
        except sqlite3.DatabaseError as exc:
            return self._replaced(exc)

    def _rebuild(self, exc: sqlite3.DatabaseError) -> None:
        self._database.close()
        self._database = self._replaced(exc)

    def _replaced(self, exc: sqlite3.DatabaseError) -> sqlite3.Connection:
        _LOG.warning("The hash cache %s was damaged (%s) and starts anew: files are hashed once more.", self._path, exc)
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        return _connect(self._path)


def _connect(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    database = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(_SCHEMA)
        database.execute("SELECT path FROM directories LIMIT 1").fetchall()
    except BaseException:
        database.close()
        raise
    return database


def _in_memory() -> sqlite3.Connection:
    """Return a cache for this run alone: without one on disk we are slower, not wrong."""
    database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    database.execute(_SCHEMA)
    return database


def _by_folder(paths: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    folders: dict[str, list[tuple[str, str]]] = {}
    for path in paths:
        folder, name = os.path.split(path)
        folders.setdefault(folder, []).append((name, path))
    return folders


def _key(folder: str) -> bytes:
    """Return `folder` as bytes: names on POSIX need not be text."""
    return os.fsencode(folder)


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, list) or len(entry) != 4 or not isinstance(entry[3], str):
        return False
    try:
        parse_digest(entry[3])
    except ValueError:
        return False
    return True
