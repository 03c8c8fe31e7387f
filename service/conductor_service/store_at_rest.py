"""A service's database and store for a command that works on them, whether the service runs or not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alembic.migration import MigrationContext
from conductor_core.errors import ConductorError

from conductor_service.clock import utc_now
from conductor_service.database import Database, Unit, newest_migration, sqlite_url
from conductor_service.settings import load_settings
from conductor_service.signals import Signals
from conductor_service.store import FolderStore, PrunableStore


class NoService(ConductorError):
    """The folder is not a service's data folder, or one of another version."""


@dataclass(frozen=True, slots=True)
class StoreAtRest:
    """What such a command works on."""

    data: Path
    database: Database
    #: the store as it lies there: packs, and objects by themselves
    shelf: PrunableStore


@contextlib.contextmanager
def store_at_rest(data: str | None, settings_file: Path | None) -> Iterator[StoreAtRest]:
    """Open database and store; nothing is migrated.

    Raises:
        NoService: there is no database of this version.
        SettingsError: the settings cannot be understood.
    """
    folder = load_settings(settings_file, overrides={"data": data}).data_folder
    file = folder / "conductor.sqlite"
    if not file.is_file():
        raise NoService(f"There is no database in {folder}.", "Name the data folder of a service with --data or --settings.")
    database = Database(sqlite_url(file), clock=utc_now, signals=Signals(), finish=_nothing_to_tell)
    try:
        with database.engine.connect() as connection:
            there = MigrationContext.configure(connection).get_current_revision()
        if there != newest_migration():
            what = f"The database in {folder} is of another version of Conductor."
            raise NoService(what, "Start the service of this version once: it brings the database up to date.")
        yield StoreAtRest(folder, database, FolderStore(folder / "store"))
    finally:
        database.close()


def _nothing_to_tell(_unit: Unit) -> None:
    """Write no events: what a clean-up changes, no listener shows."""
