"""The pen of the database: who holds it writes, on a connection that is kept for that.

SQLite has one writer. Its pages stay in its memory from one transaction to the next, since nobody else changes them: thousands of
new digests touch a page each of several tables, and would read them all anew on whichever connection the pool gives.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from typing import Protocol, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

#: memory for pages, once they are asked for; a transaction that changes more writes some of them twice
_CACHE_KIB = 64 << 10


class Pen(Protocol):
    """Let in whoever wants to write."""

    def held(self) -> contextlib.AbstractContextManager[Engine | Connection]:
        """Give what a writing session is bound to."""
        ...

    def close(self) -> None:
        """Give up the connection, if there is one."""
        ...


class ManyPens:
    """Let everybody write at once: the database's own locks are enough."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextlib.contextmanager
    def held(self) -> Iterator[Engine]:
        """Give the engine."""
        yield self._engine

    def close(self) -> None:
        """Do nothing."""


class OnePen:
    """Let one write after the other, on the same connection.

    Waiting here is fair and costs nothing, SQLite's own busy loop sleeps and starves.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._closing = False

    @contextlib.contextmanager
    def held(self) -> Iterator[Connection]:
        """Give the connection, when it is one's turn; one that is left in a transaction, or failed, is not used again."""
        with self._lock:
            if self._connection is None or not _is_free(self._connection):
                self._drop()
                self._connection = _open(self._engine)
            try:
                yield self._connection
            except IntegrityError:
                raise  # that was the statement's fault
            except DBAPIError:
                self._drop()
                raise
            finally:
                if self._closing or (self._connection is not None and not _is_free(self._connection)):
                    self._drop()

    def close(self) -> None:
        """Give up the connection, as soon as nobody writes."""
        self._closing = True
        if self._lock.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._lock.release()

    def _drop(self) -> None:
        if self._connection is not None:
            dropped, self._connection = self._connection, None
            dropped.close()


def _is_free(connection: Connection) -> bool:
    """Tell whether no transaction is open: a session that joined one would commit nothing."""
    if connection.invalidated or connection.in_transaction():
        return False
    return not cast(sqlite3.Connection, connection.connection.dbapi_connection).in_transaction


def _open(engine: Engine) -> Connection:
    connection = engine.connect()
    driver = cast(sqlite3.Connection, connection.connection.driver_connection)
    # so that a statement can be undone, pages are kept as they were before it: in files, each would be written there
    for pragma in (f"cache_size=-{_CACHE_KIB}", "temp_store=MEMORY"):
        driver.execute(f"PRAGMA {pragma}")
    connection.detach()  # it never comes back to the pool, which has room for those who read
    return connection
