"""What the service does with packs and questions, without HTTP: taking packs in, and saying which of 100,000 objects it has."""

from __future__ import annotations

import hashlib
import os
import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from conductor_core.digest import digest_of
from conductor_core.transfer.packs import Member, write_pack
from conductor_service import objects
from conductor_service.accounts import ensure_owner
from conductor_service.farm import Farm, open_farm
from conductor_service.models import Project, ProjectObject, StoredObject
from conductor_service.pack_index import take_pack
from conductor_service.settings import Settings
from sqlalchemy import select
from transfer_rows import Row, interleaved

_EACH = 512
_BYTES = 8192


def rows(folder: Path, *, small: bool) -> Iterator[Row]:
    """Measure, product and baseline in turn."""
    farm = open_farm(Settings(data=str(folder / "store-data"), find_software=False))
    try:
        ensure_owner(farm.database, folder / "store-data", instance_limit=1, owner_name="Ada")
        with farm.database.read() as session:
            project = session.scalars(select(Project.id)).one()
        yield _packs(farm, project, folder, count=10 if small else 40)
        yield _question(farm, project, count=10_000 if small else 100_000)
    finally:
        farm.close()


def _packs(farm: Farm, project: str, folder: Path, *, count: int) -> Row:
    ours, bare = [], []
    plain = folder / "store-plain"
    plain.mkdir()
    for _ in range(count):
        bodies = [os.urandom(_BYTES) for _ in range(_EACH)]
        data = b"".join(write_pack([_member(body) for body in bodies]))
        ours.append(_seconds(lambda data=data: take_pack(farm.filing, farm.store, project, data)))  # type: ignore[misc]
        bare.append(_seconds(lambda bodies=bodies: _write_each(plain, bodies)))  # type: ignore[misc]
    mine, theirs = statistics.median(ours), statistics.median(bare)
    what = f"files of 8 KB taken in, {_EACH} to a pack, on disk and known to the database"
    return Row(
        what, f"{_EACH / mine:,.0f} files/s", f"{_EACH / theirs:,.0f} files/s (hash, write, rename; no fsync)", mine / theirs, 2.0
    )


def _member(body: bytes) -> Member:
    return Member(digest_of(body), len(body), lambda: [body])


def _write_each(folder: Path, bodies: list[bytes]) -> None:
    for body in bodies:
        name = hashlib.sha256(body).hexdigest()
        aside = folder / f"{name}.tmp"
        aside.write_bytes(body)
        aside.rename(folder / name)


def _question(farm: Farm, project: str, *, count: int) -> Row:
    for start in range(0, count, 2000):
        take_pack(
            farm.filing,
            farm.store,
            project,
            b"".join(write_pack([_member(number.to_bytes(8, "big")) for number in range(start, start + 2000)])),
        )
    with farm.database.read() as session:
        visible = select(StoredObject.digest).join(ProjectObject, ProjectObject.object_id == StoredObject.id)
        digests = list(session.scalars(visible))[:count]
    random.shuffle(digests)
    file = farm.settings.data_folder / "conductor.sqlite"
    theirs, mine = interleaved(
        lambda: _look_up(file, digests), lambda: objects.ask(farm.database, farm.shelf, project, digests), rounds=7
    )
    what = f"which of {count:,} objects are there, leases included"
    return Row(
        what,
        f"{mine:.2f} s",
        f"{theirs:.2f} s (the same digests looked up by sqlite3, 1,000 at a time)",
        mine / theirs,
        2.0 if count == 100_000 else None,
    )


def _look_up(file: Path, digests: list[str]) -> None:
    connection = sqlite3.connect(file)
    for start in range(0, len(digests), 1000):
        some = digests[start : start + 1000]
        marks = ",".join("?" * len(some))
        query = f"SELECT digest FROM object WHERE digest IN ({marks})"  # noqa: S608 - question marks
        connection.execute(query, some).fetchall()
    connection.close()


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
