"""The journal's file: SQLite with a write-ahead log and `synchronous = FULL`.

What was committed survives `kill -9` and a power cut. Each statement is one transaction, unless several are made one.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from conductor_core.agent.journal_schema import prepare
from conductor_core.errors import JournalUnwritable
from conductor_core.user_folders import private_folder


class JournalFile:
    """One connection, safe to share between threads, used by one process (the agent's lock sees to that)."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Open the journal at `path`, made where it is not there.

        Raises:
            JournalUnwritable: its disk is full or read-only, or the folder is somebody else's.
        """
        self._path = path
        self._clock = clock
        self._lock = threading.RLock()
        with self._on_disk():
            self._open(path)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

    def _open(self, path: Path) -> None:
        private_folder(path.parent)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._database = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            self._database.execute(f"PRAGMA {pragma}")
        prepare(self._database)

    def _run(self, statement: str, values: Sequence[Any] = ()) -> bool:
        """Run one statement and tell whether it changed a row."""
        with self._lock, self._on_disk():
            return self._database.execute(statement, values).rowcount > 0

    def _run_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row, within a transaction of the caller's."""
        with self._lock, self._on_disk():
            self._database.executemany(statement, rows)

    def _rows(self, query: str, values: Sequence[Any]) -> list[sqlite3.Row]:
        with self._lock:
            return self._database.execute(query, values).fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            if self._database.in_transaction:
                yield
                return
            self._run("BEGIN IMMEDIATE")
            try:
                yield
                self._run("COMMIT")
            except BaseException:
                if self._database.in_transaction:  # a full disk may have undone it already
                    self._database.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _on_disk(self) -> Iterator[None]:
        """Say what it means when the disk does not take what is to be remembered."""
        try:
            yield
        except (sqlite3.OperationalError, OSError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else None
            raise JournalUnwritable(str(self._path), reason or str(exc)) from exc
