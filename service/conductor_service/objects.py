"""Which project may see which object, that what was called present stays, and that nothing stays that no row knows of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice

from conductor_core.digest import Digest
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from conductor_service.database import Database, Unit
from conductor_service.models import (
    ManifestObject,
    OutputFile,
    PresenceLease,
    ProjectFile,
    ProjectObject,
    StoredManifest,
    StoredObject,
)
from conductor_service.store import PrunableStore, Store

#: how long `present` holds
PRESENCE = timedelta(hours=1)
_SLICE = 5000
#: deletions under the database's one pen: others wait for as long
_DELETIONS = 100


def visible(session: Session, project_id: str, digests: Sequence[str]) -> set[str]:
    """Return those digests that the project has a right to."""
    found: set[str] = set()
    for start in range(0, len(digests), _SLICE):
        some = digests[start : start + _SLICE]
        query = select(ProjectObject.digest).where(ProjectObject.project_id == project_id, ProjectObject.digest.in_(some))
        found.update(session.scalars(query))
    return found


def sizes(session: Session, project_id: str, digests: Sequence[str]) -> dict[str, int]:
    """Return the size of each object that the project has a right to."""
    found: dict[str, int] = {}
    for start in range(0, len(digests), _SLICE):
        query = (
            select(StoredObject.digest, StoredObject.size)
            .join(ProjectObject, ProjectObject.digest == StoredObject.digest)
            .where(ProjectObject.project_id == project_id, ProjectObject.digest.in_(digests[start : start + _SLICE]))
        )
        found.update((digest, size) for digest, size in session.execute(query))
    return found


def present(session: Session, store: Store, project_id: str, digests: Sequence[str]) -> set[str]:
    """Return those digests that the project can see and the store really has, in full length.

    Asking the store as well costs a look at the disk per object, and lets a store that lost or cut one be repaired by the
    next submission that needs it. Damage that does not show in the length is found when the object is read.
    """
    found: set[str] = set()
    for start in range(0, len(digests), _SLICE):
        query = (
            select(StoredObject.digest, StoredObject.size)
            .join(ProjectObject, ProjectObject.digest == StoredObject.digest)
            .where(ProjectObject.project_id == project_id, ProjectObject.digest.in_(digests[start : start + _SLICE]))
        )
        found.update(digest for digest, size in session.execute(query) if store.size(Digest(digest)) == size)
    return found


def rendered(session: Session, project_id: str, digests: Sequence[str]) -> set[str]:
    """Return those digests that are in the project's tree because one of its jobs made them."""
    found: set[str] = set()
    for start in range(0, len(digests), _SLICE):
        some = digests[start : start + _SLICE]
        query = select(ProjectFile.digest).where(ProjectFile.digest.in_(some), ProjectFile.project_id == project_id)
        found.update(session.scalars(query.where(ProjectFile.output_id.is_not(None))))
    return found


def keep(unit: Unit, project_id: str, digests: Iterable[str]) -> None:
    """Lease objects for an hour, so that no clean-up takes them before the manifest is committed."""
    wanted = list(digests)
    for start in range(0, len(wanted), _SLICE):
        some = wanted[start : start + _SLICE]
        old = delete(PresenceLease).where(PresenceLease.project_id == project_id, PresenceLease.digest.in_(some))
        unit.session.execute(old, execution_options={"synchronize_session": False})
        rows = [{"project_id": project_id, "digest": d, "expires": unit.now + PRESENCE} for d in some]
        unit.session.execute(insert(PresenceLease), rows)


def grant(unit: Unit, project_id: str, digest: str, size: int) -> None:
    """Give a project the right to an object whose bytes it has sent."""
    register(unit, digest, size)
    if unit.session.get(ProjectObject, (project_id, digest)) is None:
        unit.session.add(ProjectObject(project_id=project_id, digest=digest, created=unit.now))


def register(unit: Unit, digest: str, size: int) -> None:
    """Note that the store's object belongs to something; what nothing belongs to is swept."""
    if unit.session.get(StoredObject, digest) is None:
        unit.session.add(StoredObject(digest=digest, size=size, created=unit.now))
        unit.session.flush()


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
    for column in (StoredObject.digest, StoredManifest.digest, OutputFile.preview):
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
