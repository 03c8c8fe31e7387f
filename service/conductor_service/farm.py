"""Everything that routes and scheduler share, in one value; `open_farm` makes it from the settings."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from conductor_core.user_folders import private_folder

from conductor_service import clock_steps, events
from conductor_service.catalogue import Catalogue, load_catalogue
from conductor_service.clock import Clock, SteadyClock, elapsed, utc_now
from conductor_service.database import Database, sqlite_url
from conductor_service.found_software import find_software
from conductor_service.hand_out import LeaseTimes
from conductor_service.logs import AttemptLogs
from conductor_service.pack_filing import PackFiling
from conductor_service.pack_index import DatabaseIndex
from conductor_service.settings import Settings
from conductor_service.signals import Signals
from conductor_service.signatures import Signatures
from conductor_service.store import PackedStore, PrunableStore, VerifyingStore
from conductor_service.stores import open_store, part_store
from conductor_service.tokens import Gatekeeper, Principal, principal_of
from conductor_service.uploads import Uploads


@dataclass(frozen=True, slots=True)
class Farm:
    """One running service."""

    settings: Settings
    catalogue: Catalogue
    database: Database
    filing: PackFiling
    #: objects by digest, out of packs too, verified while they are read
    store: PrunableStore
    #: the store as it lies there: packs, and objects by themselves
    shelf: PrunableStore
    uploads: Uploads
    logs: AttemptLogs
    signatures: Signatures
    signals: Signals
    gatekeeper: Gatekeeper
    clock: SteadyClock
    monotonic: Callable[[], float]
    #: when each instance's runner was last heard of; kept in memory, since it changes with every request
    seen: dict[str, datetime] = field(default_factory=dict)

    @property
    def lease(self) -> timedelta:
        """How long a beat renews a lease for."""
        return timedelta(seconds=self.settings.lease_seconds)

    @property
    def lease_times(self) -> LeaseTimes:
        """How long leases last."""
        first = min(self.settings.lease_seconds, 4 * self.settings.heartbeat_seconds)
        return LeaseTimes(self.lease, timedelta(seconds=first))

    def close(self) -> None:
        """Give up the database."""
        self.database.close()


def open_farm(
    settings: Settings,
    *,
    store: PrunableStore | None = None,
    clock: Clock = utc_now,
    monotonic: Callable[[], float] = elapsed,
) -> Farm:
    """Open the data folder: migrate the database, read the catalogue, open the store.

    Args:
        clock: the system's clock; the farm's own does not jump when that is set.

    Raises:
        SettingsError: the catalogue does not fit its schema.
    """
    data = private_folder(settings.data_folder)
    catalogue = load_catalogue(
        [Path(p) for p in settings.catalogue],
        instance_types=settings.instance_types,
        software=settings.software,
        found=find_software() if settings.find_software else (),
    )
    signals = Signals()
    steady = SteadyClock(clock, monotonic)
    finish = functools.partial(events.finish, sends_email=bool(settings.email.host))
    database = Database(sqlite_url(data / "conductor.sqlite"), clock=steady, signals=signals, finish=finish)
    database.upgrade()
    clock_steps.forget_the_future(database)

    def look_up(secret: str) -> Principal | None:
        with database.read() as session:
            return principal_of(session, secret, steady())

    shelf = store if store is not None else open_store(settings.store, data, steady)
    kept = VerifyingStore(PackedStore(shelf, DatabaseIndex(database)))
    return Farm(
        settings=settings,
        catalogue=catalogue,
        database=database,
        filing=PackFiling(database),
        store=kept,
        shelf=shelf,
        uploads=Uploads(database, kept, part_store(shelf, steady)),
        logs=AttemptLogs(private_folder(data / "logs"), settings.max_log_bytes),
        signatures=Signatures(private_folder(data / "signatures")),
        signals=signals,
        gatekeeper=Gatekeeper(look_up, monotonic),
        clock=steady,
        monotonic=monotonic,
    )
