"""The database: engine, and transactions that end in events and wake-ups.

All that is particular to SQLite stands in this module and in `pen.py`: its pragmas, and that it has one writer. Everything else
is plain SQLAlchemy, fit for PostgreSQL.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from conductor_service.clock import Clock
from conductor_service.models import Instance, Job, OutputFile, Task
from conductor_service.pen import ManyPens, OnePen, Pen
from conductor_service.signals import Signals

log = logging.getLogger(__name__)

BUSY_MILLISECONDS = 10_000
#: pages of the log, of 4 KB, after which it goes into the tables: what many transactions change goes there once
_LOG_PAGES = 4000
#: a connection for every thread that may want one: there are 40 for requests, and some dozens that take bodies
_POOL = {"pool_size": 32, "max_overflow": 64}
_UNUSABLE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR})
_UNOPENABLE = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


class Unit:
    """One writing transaction: its session, its time, and what it changed (for events at its end)."""

    def __init__(self, session: Session, now: datetime) -> None:
        self.session = session
        self.now = now
        self.jobs: dict[str, Job] = {}
        self.tasks: dict[str, Task] = {}
        self.progress: dict[str, Task] = {}
        self.outputs: dict[str, OutputFile] = {}
        self.instances: dict[str, Instance] = {}
        #: some task became ready, or an instance is to retire: wake the runners that wait
        self.work = False
        #: e-mails were written: wake who sends them
        self.letters = False

    def job_changed(self, job: Job) -> None:
        """Tell of the job when the transaction ends."""
        self.jobs[job.id] = job

    def task_changed(self, task: Task) -> None:
        """Tell of the task, and of its job, when the transaction ends."""
        self.tasks[task.id] = task

    def task_progressed(self, task: Task) -> None:
        """Tell of the task alone: its job is none the wiser."""
        self.progress[task.id] = task

    def output_changed(self, output: OutputFile) -> None:
        """Tell of the output when the transaction ends."""
        self.outputs[output.id] = output

    def instance_changed(self, instance: Instance) -> None:
        """Tell of the instance when the transaction ends."""
        self.instances[instance.id] = instance

    @property
    def changed(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.jobs or self.tasks or self.progress or self.outputs or self.instances)


class _KeepingSession(Session):
    """A session that keeps what it loaded: a transaction asks for each row once, however many functions need it.

    SQLAlchemy's own sessions refer to rows weakly, and would load a job again for every function that looks at it.
    """


@event.listens_for(_KeepingSession, "loaded_as_persistent")
@event.listens_for(_KeepingSession, "pending_to_persistent")
def _keep(session: Session, row: object) -> None:
    session.info.setdefault("kept", []).append(row)


class Database:
    """Sessions over one engine.

    Args:
        finish: called with each `Unit` before it commits; it writes the events.
        rest: called after each writing transaction, with the seconds for which nobody else could write.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        clock: Clock,
        signals: Signals,
        finish: Callable[[Unit], None],
        rest: Callable[[float], None] | None = None,
    ) -> None:
        self.engine = _engine(url)
        self._rest = rest
        self.clock = clock
        self.signals = signals
        self._finish = finish
        self._pen: Pen = OnePen(self.engine) if self.engine.dialect.name == "sqlite" else ManyPens(self.engine)
        self._writing = threading.local()

    def upgrade(self) -> None:
        """Bring the tables to the newest migration."""
        with self._pen.held(), self.engine.connect() as connection:
            there, newest = MigrationContext.configure(connection).get_current_revision(), newest_migration()
            connection.rollback()  # what is migrated, is in a transaction of its own
            if there not in (None, newest):
                log.warning(
                    "The database is brought from %s to %s; with millions of files this takes some minutes.", there, newest
                )
            migrate(connection)
            connection.commit()

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that sees one state of the database and changes nothing."""
        with Session(self.engine, autoflush=False, expire_on_commit=False) as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Unit]:
        """Give a transaction; it commits at the end, and is undone whole by an exception."""
        with self._pen.held() as bind, _KeepingSession(bind, expire_on_commit=False, close_resets_only=False) as session:
            session.connection(execution_options={"conductor_writes": True})
            begun = time.monotonic()
            unit = Unit(session, self.clock())
            self._writing.here = True
            try:
                yield unit
                session.flush()
                self._finish(unit)
                session.commit()
            finally:
                self._writing.here = False
        if self._rest is not None:
            self._rest(time.monotonic() - begun)
        if unit.changed:
            self.signals.events.send()
        if unit.letters:
            self.signals.letters.set()
        if unit.work:
            self.signals.work.send()
            self.signals.schedule.set()

    def writes_here(self) -> bool:
        """Tell whether this thread is in a writing transaction: it would wait for itself in another."""
        return getattr(self._writing, "here", False)

    def close(self) -> None:
        """Give up all connections."""
        self._pen.close()
        self.engine.dispose()


def migrate(connection: Connection) -> None:
    """Run the migrations that this database does not have yet."""
    config = _migrations()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def newest_migration() -> str | None:
    """Return the migration that this version of Conductor needs."""
    return ScriptDirectory.from_config(_migrations()).get_current_head()


def _migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config


def sqlite_url(path: Path) -> URL:
    """Return the URL of a database file; in a text, a `?` in a folder's name would begin the options."""
    return URL.create("sqlite", database=str(path))


def is_unusable(error: DBAPIError) -> bool:
    """Tell whether a database cannot be opened, read or written: a disk that is full, read-only or broken, or no right."""
    return _primary_code(error) in _UNUSABLE


def is_unopenable(error: DBAPIError) -> bool:
    """Tell whether a database, or its log, cannot even be opened: this says nothing about what is in it."""
    return _primary_code(error) in _UNOPENABLE


def is_locked(error: DBAPIError) -> bool:
    """Tell whether another program had the database for longer than we wait for it."""
    return _primary_code(error) in _LOCKED


def _primary_code(error: DBAPIError) -> int:
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else 0


def read_only_engine(path: Path) -> Engine:
    """Return an engine on a database file that cannot change it, whatever is asked of it; a service may be at work on it.

    A database that was left by a crash has a write-ahead log: it is read with it, and both stay as they are.
    """
    address = f"{path.absolute().as_uri()}?mode=ro"
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True), poolclass=NullPool)
    event.listen(engine, "connect", _set_reading_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _set_reading_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("query_only=ON", f"busy_timeout={BUSY_MILLISECONDS}"):
        connection.execute(f"PRAGMA {pragma}")


def _engine(url: str | URL) -> Engine:
    place = make_url(url)
    in_file = place.get_backend_name() == "sqlite" and place.database not in (None, "", ":memory:")
    engine = create_engine(url, **(_POOL if in_file else {}))
    if place.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
    return engine


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    """Set up a connection: write-ahead log, every commit on disk before it is answered, foreign keys in force."""
    connection.isolation_level = None  # the driver must not begin by itself: `_begin` does
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"wal_autocheckpoint={_LOG_PAGES}",
        f"busy_timeout={BUSY_MILLISECONDS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Begin as writer or reader: a reader that turns into a writer half-way would be refused when another wrote."""
    writes = connection.get_execution_options().get("conductor_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
