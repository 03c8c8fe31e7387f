"""The SQLite file that holds what can be had again: private, rebuilt when damaged, never in anybody's way, never too large."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from conductor_core.user_folders import private_folder

#: bytes; about two million files
LARGEST = 256 << 20
#: days after which what nobody asked for goes
UNUSED_DAYS = 180
#: rows removed at a time from a file that has grown too large
_SLICE = 100

_LOG = logging.getLogger("conductor.hash-cache")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS directories (path BLOB PRIMARY KEY, files BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS folders (path BLOB PRIMARY KEY, identity TEXT NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS folders_by_identity ON folders (identity);
CREATE INDEX IF NOT EXISTS folders_by_use ON folders (used);
CREATE TABLE IF NOT EXISTS pages (
    fingerprint BLOB PRIMARY KEY, manifest TEXT NOT NULL, first INTEGER NOT NULL, used INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pages_by_manifest ON pages (manifest);
CREATE INDEX IF NOT EXISTS pages_by_use ON pages (used);
"""


class CacheFile:
    """One connection, shared between threads; an error costs what was asked for and nothing else."""

    def __init__(self, path: Path, *, largest: int = LARGEST) -> None:
        self._path = path
        self._largest = largest
        self._lock = threading.RLock()
        self._closed = False
        self._database = self._open()

    def close(self) -> None:
        """Close the database; whoever still asks finds nothing, and what is learnt is not kept."""
        with self._lock:
            self._closed = True
            self._database.close()

    def run(self, statement: str, values: Iterable[Any] = ()) -> list[Any]:
        """Return the rows of one statement; none where the file cannot be used now."""
        return self.run_all([(statement, tuple(values))])

    def run_all(self, statements: Iterable[tuple[str, tuple[Any, ...]]]) -> list[Any]:
        """Run statements in one transaction and return the rows of the last."""
        with self._lock:
            if self._closed:  # the next agent may use the file by now
                return []
            try:
                return self._transaction(list(statements))
            except sqlite3.OperationalError as exc:
                # locked by another process, disk full, read-only: without the cache we are slower, not wrong
                _LOG.debug("hash cache %s: %s", self._path, exc)
                return []
            except sqlite3.DatabaseError as exc:
                self._rebuild(exc)
                return []

    def shrink(self, today: int) -> None:
        """Remove what nobody asked for in half a year, and of a file that is too large what was not asked for longest."""
        before = (today - UNUSED_DAYS,)
        self.run_all(
            [
                ("DELETE FROM directories WHERE path IN (SELECT path FROM folders WHERE used < ?)", before),
                ("DELETE FROM folders WHERE used < ?", before),
                ("DELETE FROM pages WHERE used < ?", before),
            ]
        )
        while self._size() > self._largest and self._drop_oldest():
            pass

    def _size(self) -> int:
        rows = self.run(
            "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
        )
        return int(rows[0][0]) if rows else 0

    def _drop_oldest(self) -> bool:
        """Remove the folders that were not asked for longest, those first of which no use is known; tell whether any were."""
        query = "SELECT d.path FROM directories d LEFT JOIN folders f ON f.path = d.path ORDER BY COALESCE(f.used, 0) LIMIT ?"
        oldest = [row[0] for row in self.run(query, (_SLICE,))]
        for statement in ("DELETE FROM directories WHERE path = ?", "DELETE FROM folders WHERE path = ?"):
            self.run_all([(statement, (path,)) for path in oldest])
        return bool(oldest)

    def _transaction(self, statements: list[tuple[str, tuple[Any, ...]]]) -> list[Any]:
        rows: list[Any] = []
        alone = len(statements) == 1
        try:
            if not alone:
                self._database.execute("BEGIN IMMEDIATE")
            for statement, values in statements:
                rows = self._database.execute(statement, values).fetchall()
            if not alone:
                self._database.execute("COMMIT")
        except sqlite3.OperationalError:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise
        return rows

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
        try:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)
            return _connect(self._path)
        except (OSError, sqlite3.Error) as gone:  # read-only, full, or held by a scanner: slower, not wrong
            _LOG.warning("The hash cache %s cannot be made anew (%s): nothing is kept until the next start.", self._path, gone)
            return _in_memory()


def _connect(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    database = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.executescript(_SCHEMA)
        database.execute("SELECT path FROM directories LIMIT 1").fetchall()
        database.execute("SELECT identity FROM folders LIMIT 1").fetchall()
        database.execute("SELECT manifest FROM pages LIMIT 1").fetchall()
    except BaseException:
        database.close()
        raise
    return database


def _in_memory() -> sqlite3.Connection:
    """Return a cache for this run alone: without one on disk we are slower, not wrong."""
    database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    database.executescript(_SCHEMA)
    return database
