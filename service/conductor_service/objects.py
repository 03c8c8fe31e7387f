"""Which project may see which object, that what was called present stays, and that nothing stays that no row knows of."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

from conductor_core.digest import Digest
from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.orm import Session

from conductor_service import losses
from conductor_service.database import Database, Unit
from conductor_service.models import (
    Discarded,
    ManifestObject,
    OutputFile,
    Pack,
    PackedObject,
    PresenceLease,
    ProjectFile,
    ProjectObject,
    StoredManifest,
    StoredObject,
)
from conductor_service.store import PrunableStore
from conductor_service.upserts import EXCLUDED, upsert

#: how long `present` holds at least
PRESENCE = timedelta(hours=1)
#: a lease is taken for so long, so that the same question need not write for as long again
_LEASE = 2 * PRESENCE
_SLICE = 5000
#: deletions under the database's one pen: others wait for as long
_DELETIONS = 100
#: objects and packs that a question looks for in the store itself
_LOOKS = 5000


def visible(session: Session, project_id: str, digests: Sequence[str]) -> set[str]:
    """Return those digests that the project has a right to."""
    found: set[str] = set()
    for some in _slices(digests):
        query = select(ProjectObject.digest).where(ProjectObject.project_id == project_id, ProjectObject.digest.in_(some))
        found.update(session.scalars(query))
    return found


def sizes(session: Session, project_id: str, digests: Sequence[str]) -> dict[str, int]:
    """Return the size of each object that the project has a right to."""
    found: dict[str, int] = {}
    for some in _slices(digests):
        query = (
            select(StoredObject.digest, StoredObject.size)
            .join(ProjectObject, ProjectObject.digest == StoredObject.digest)
            .where(ProjectObject.project_id == project_id, ProjectObject.digest.in_(some))
        )
        found.update((digest, size) for digest, size in session.execute(query))
    return found


def present(session: Session, project_id: str, digests: Sequence[str]) -> set[str]:
    """Return those digests that the project can see and that are in the store by the database's word (see `look`)."""
    found: set[str] = set()
    for some in _slices(digests):
        query = _there(project_id, some).with_only_columns(ProjectObject.digest)
        found.update(session.scalars(query))
    return found


def look(database: Database, shelf: PrunableStore, project_id: str, digests: Sequence[str]) -> None:
    """Look whether the store still has, in full length, what the database calls present; note what it has not.

    The next submission that needs it then sends it again. One look is for a pack with all its members: of most questions
    all is looked for, of a large one a part, another each time. What is damaged in its middle is found when it is read.

    Args:
        shelf: the store as it lies there, packs and all.
    """
    alone: dict[str, int] = {}
    packs: dict[str, int] = {}
    with database.read() as session:
        for some in _slices(digests):
            query = _there(project_id, some).outerjoin(PackedObject, PackedObject.digest == ProjectObject.digest)
            query = query.outerjoin(Pack, Pack.id == PackedObject.pack_id)
            columns = (StoredObject.digest, StoredObject.size, Pack.digest.label("pack"), Pack.size.label("pack_size"))
            for row in session.execute(query.with_only_columns(*columns)):
                if row.pack is None:
                    alone[row.digest] = row.size
                else:
                    packs[row.pack] = row.pack_size
    lost = _not_there(shelf, alone), _not_there(shelf, packs)
    if any(lost):
        with database.write() as unit:
            losses.lose(unit, lost[0])
            losses.lose_packs(unit, lost[1])


def _not_there(shelf: PrunableStore, sizes: Mapping[str, int]) -> list[str]:
    """Return what the store has not, or not in this size; of many, some are looked for."""
    most = getattr(shelf, "looks_at_once", _LOOKS)  # a store over a network says how many of them are soon done
    asked = list(sizes) if len(sizes) <= most else random.sample(list(sizes), most)
    return [digest for digest in asked if shelf.size(Digest(digest)) != sizes[digest]]


def _there(project_id: str, digests: Sequence[str]) -> Select[ProjectObject]:
    return (
        select(ProjectObject)
        .join(StoredObject, StoredObject.digest == ProjectObject.digest)
        .where(ProjectObject.project_id == project_id, ProjectObject.digest.in_(digests))
        .where(StoredObject.lost.is_(None), StoredObject.removed.is_(None))
    )


def rendered(session: Session, project_id: str, digests: Sequence[str]) -> set[str]:
    """Return those digests that are in the project's tree because one of its jobs made them."""
    found: set[str] = set()
    for start in range(0, len(digests), _SLICE):
        some = digests[start : start + _SLICE]
        query = select(ProjectFile.digest).where(ProjectFile.digest.in_(some), ProjectFile.project_id == project_id)
        found.update(session.scalars(query.where(ProjectFile.output_id.is_not(None))))
    return found


def keep(unit: Unit, project_id: str, digests: Iterable[str]) -> None:
    """Lease objects of the project for an hour at least, so that no clean-up takes them before the manifest is committed."""
    short = or_(ProjectObject.leased.is_(None), ProjectObject.leased < unit.now + PRESENCE)
    for some in _slices(list(digests)):
        mine = (ProjectObject.project_id == project_id, ProjectObject.digest.in_(some))
        unit.session.connection().execute(update(ProjectObject).where(*mine, short).values(leased=unit.now + _LEASE))


def keep_manifest(unit: Unit, project_id: str, manifest: str) -> None:
    """Lease all that a manifest names for an hour at least, by one row on the manifest's own digest."""
    row = {"project_id": project_id, "digest": manifest, "expires": unit.now + PRESENCE}
    upsert(unit.session, PresenceLease, [row], change={"expires": EXCLUDED})


def grant(unit: Unit, project_id: str, digest: str, size: int) -> None:
    """Give a project the right to an object whose bytes it has sent."""
    register(unit, digest, size)
    upsert(unit.session, ProjectObject, [{"project_id": project_id, "digest": digest, "created": unit.now}])


def register(unit: Unit, digest: str, size: int) -> None:
    """Note that the store's object belongs to something; what nothing belongs to is swept.

    Its bytes were written to the store by themselves just now: whatever was known of them before, they are there.
    """
    register_all(unit, {digest: size})
    unit.session.connection().execute(delete(PackedObject).where(PackedObject.digest == digest))


def register_all(unit: Unit, sizes: Mapping[str, int]) -> None:
    """Note objects by their sizes; those that were lost or removed are there again."""
    rows = [{"digest": digest, "size": size, "created": unit.now} for digest, size in sizes.items()]
    upsert(unit.session, StoredObject, rows, change={"lost": None, "removed": None})


def grant_all(unit: Unit, project_id: str, digests: Iterable[str]) -> None:
    """Give a project the right to registered objects whose bytes it has sent, and lease them."""
    leased = unit.now + _LEASE
    rows = [{"project_id": project_id, "digest": d, "created": unit.now, "leased": leased} for d in digests]
    upsert(unit.session, ProjectObject, rows, change={"leased": EXCLUDED})


def sweep(database: Database, store: PrunableStore) -> int:
    """Remove what the store holds and no row knows of, and return how many those were.

    Bytes go to the store before the transaction that they belong to: one that is refused, or a crash, leaves them. What
    was written within the time of a presence lease may belong to a transaction that is still to come.
    """
    before = database.clock() - PRESENCE
    digests = store.digests()
    removed = 0
    while some := list(islice(digests, _SLICE)):
        with database.read() as session:
            unknown = sorted(set(some) - _registered(session, some))
        old = [d for d in unknown if _is_old(store, d, before)]
        for start in range(0, len(old), _DELETIONS):
            removed += _remove(database, store, old[start : start + _DELETIONS], before)
    return removed


def _slices(digests: Sequence[str]) -> Iterator[Sequence[str]]:
    return (digests[start : start + _SLICE] for start in range(0, len(digests), _SLICE))


def _is_old(store: PrunableStore, digest: Digest, before: datetime) -> bool:
    written = store.written(digest)
    return written is not None and written < before


def _remove(database: Database, store: PrunableStore, digests: Sequence[Digest], before: datetime) -> int:
    """Look again where nobody else can write a row, then remove."""
    with database.write() as unit:
        gone = [d for d in set(digests) - _registered(unit.session, digests) if _is_old(store, d, before)]
        for digest in gone:
            store.delete(digest)
    return len(gone)


def _registered(session: Session, digests: Sequence[Digest]) -> set[Digest]:
    """Return those digests that something belongs to; manifests and previews had no row of their own at first."""
    found: set[Digest] = set()
    for column in (StoredObject.digest, Pack.digest, Discarded.digest, StoredManifest.digest, OutputFile.preview):
        left = [d for d in digests if d not in found]
        found.update(Digest(d) for d in session.scalars(select(column).where(column.in_(left))) if d is not None)
    return found


def in_manifest(session: Session, manifest: str, digest: str) -> bool:
    """Tell whether a manifest names an object."""
    return session.get(ManifestObject, (manifest, digest)) is not None


def forget_leases(unit: Unit, now: datetime) -> None:
    """Delete leases that ran out."""
    unit.session.execute(
        delete(PresenceLease).where(PresenceLease.expires < now), execution_options={"synchronize_session": False}
    )
