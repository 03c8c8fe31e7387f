"""A service's database and store for a command that works on them, whether the service runs or not."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from alembic.migration import MigrationContext
from conductor_core.errors import ConductorError

from conductor_service.clock import utc_now
from conductor_service.database import Database, Unit, newest_migration, sqlite_url
from conductor_service.settings import load_settings
from conductor_service.signals import Signals
from conductor_service.store import PrunableStore
from conductor_service.stores import open_store

#: seconds for which a command may write, in pieces, before it lets the service write
_PEN_SECONDS = 0.2
#: seconds that it then waits at least: SQLite looks every 0.1 s whether it may write
_REST_SECONDS = 0.15


class NoService(ConductorError):
    """The folder is not a service's data folder, or one of another version."""


@dataclass(frozen=True, slots=True)
class StoreAtRest:
    """What such a command works on."""

    data: Path
    database: Database
    #: the store as it lies there: packs, and objects by themselves
    shelf: PrunableStore
    #: the service itself looks through the store for bytes that no row knows of; a bucket is too slow to list
    swept: bool


class Manners:
    """Leave half of the time to others who write: SQLite has no queue, and who writes on and on in one process starves another.

    A runner whose beat is not written in time loses its lease, and its frame is rendered, and paid, again.
    """

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._held = 0.0

    def rest(self, held: float) -> None:
        """Hear of seconds for which nobody else could write, and wait when that has become long."""
        self._held += held
        if self._held >= _PEN_SECONDS:
            self._sleep(max(_REST_SECONDS, self._held))
            self._held = 0.0


@contextlib.contextmanager
def store_at_rest(data: str | None, settings_file: Path | None) -> Iterator[StoreAtRest]:
    """Open database and store; nothing is migrated.

    Raises:
        NoService: there is no database of this version.
        SettingsError: the settings cannot be understood.
        TransferError: the store does not answer, or gives no right.
    """
    settings = load_settings(settings_file, overrides={"data": data})
    folder = settings.data_folder
    file = folder / "conductor.sqlite"
    if not file.is_file():
        raise NoService(f"There is no database in {folder}.", "Name the data folder of a service with --data or --settings.")
    database = Database(sqlite_url(file), clock=utc_now, signals=Signals(), finish=_nothing_to_tell, rest=Manners().rest)
    try:
        with database.engine.connect() as connection:
            there = MigrationContext.configure(connection).get_current_revision()
        if there != newest_migration():
            what = f"The database in {folder} is of another version of Conductor."
            raise NoService(what, "Start the service of this version once: it brings the database up to date.")
        shelf = open_store(settings.store, folder, utc_now)
        yield StoreAtRest(folder, database, shelf, swept=settings.store.kind == "folder")
    finally:
        database.close()


def _nothing_to_tell(_unit: Unit) -> None:
    """Write no events: what a clean-up changes, no listener shows."""
