"""What nothing needs any more: forgotten first, deleted from the store after a grace time; safe beside all that goes on.

    manifests → objects → packs (`compaction.py`) → bytes

Each step is made of short transactions, and each of these looks again whether what it forgets is needed: it may be cut off
between any two of them, and several may run at once. The store is never listed. What is forgotten is missing from then on;
whoever sends it again has it back (docs/decisions/0017-packs.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ScalarSelect, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from conductor_service import clock, removals
from conductor_service.database import Database, Unit
from conductor_service.many_values import among
from conductor_service.marking import Marks
from conductor_service.models import (
    Discarded,
    Job,
    ManifestObject,
    OutputFile,
    PackedObject,
    PresenceLease,
    Project,
    ProjectFile,
    ProjectObject,
    StoredManifest,
    StoredObject,
)
from conductor_service.objects import PRESENCE, needed_bytes
from conductor_service.store import PrunableStore

#: between the last use of bytes and their end: who has just asked where they are still finds them there
GRACE = PRESENCE
#: objects that are forgotten in one transaction
_BATCH = 500
#: bytes that are claimed at once: who sends one of them again meanwhile has to wait
_CLAIMED = 100
#: rights are found by project first, as their key is
_OF_ANY_PROJECT = ProjectObject.project_id.in_(select(Project.id))


@dataclass(frozen=True, slots=True)
class Rules:
    """What may go."""

    #: inputs of jobs that ended longer ago than this; None: inputs stay as long as their jobs
    inputs_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """What was forgotten, or would be."""

    manifests: int = 0
    objects: int = 0
    #: of these objects
    size: int = 0


def unneeded_manifests(session: Session, now: datetime, rules: Rules) -> list[str]:
    """Return the manifests whose files no job needs, and that nobody was just told to be known."""
    return list(session.scalars(select(StoredManifest.digest).where(_unneeded(now, rules)).order_by(StoredManifest.digest)))


def _unneeded(now: datetime, rules: Rules) -> ColumnElement[bool]:
    needs = Job.manifest == StoredManifest.digest
    if rules.inputs_after is not None:
        needs &= or_(Job.finished.is_(None), Job.finished > now - rules.inputs_after)
    leased = select(PresenceLease.digest).where(PresenceLease.expires >= now)
    return StoredManifest.removed.is_(None) & ~exists().where(needs) & StoredManifest.digest.not_in(leased)


def forget_manifests(database: Database, rules: Rules) -> int:
    """Forget which files unneeded manifests name, one in a transaction, and return how many those were."""
    with database.read() as session:
        found = unneeded_manifests(session, database.clock(), rules)
    forgotten = 0
    for digest in found:
        with database.write() as unit:
            connection = unit.session.connection()
            still = StoredManifest.digest == digest, _unneeded(unit.now, rules)
            if connection.execute(update(StoredManifest).where(*still).values(removed=unit.now)).rowcount:
                connection.execute(delete(ManifestObject).where(ManifestObject.manifest_id == _number(digest)))
                forgotten += 1
    return forgotten


def forget_objects(database: Database) -> Gone:
    """Forget the objects that nothing needs, and return how many, of how many bytes."""
    with Marks(database.engine, database.clock()) as marks:
        count = size = 0
        for page in marks.unmarked():
            for start in range(0, len(page), _BATCH):
                with database.write() as unit:
                    gone = _forget(unit, marks, page[start : start + _BATCH])
                count += len(gone)
                size += sum(gone.values())
    return Gone(objects=count, size=size)


def _forget(unit: Unit, marks: Marks, candidates: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Look again where nobody else can write a row; forget what is still needed by nothing."""
    session, connection = unit.session, unit.session.connection()
    digests = [digest for digest, _ in candidates]
    needed = set(_needed_now(session, marks, digests, unit.now))
    gone = {digest: size for digest, size in candidates if digest not in needed}
    names = list(gone)
    these = select(StoredObject.id).where(among(session, StoredObject.digest, names))
    in_pack = exists().where(PackedObject.object_id == StoredObject.id)
    packed = set(session.scalars(select(StoredObject.digest).where(among(session, StoredObject.digest, names), in_pack)))
    alone = [digest for digest in names if digest not in packed]
    removals.discard(unit, alone)
    connection.execute(delete(PackedObject).where(PackedObject.object_id.in_(these)))
    connection.execute(delete(ProjectObject).where(_OF_ANY_PROJECT, ProjectObject.object_id.in_(these)))
    connection.execute(update(StoredObject).where(among(session, StoredObject.digest, names)).values(removed=unit.now, lost=None))
    return gone


def _needed_now(session: Session, marks: Marks, digests: Sequence[str], now: datetime) -> Iterator[str | None]:
    """Yield those that something needs by now, whatever the marks said, or that somebody else has forgotten."""
    removed = StoredObject.removed.is_not(None)
    yield from session.scalars(select(StoredObject.digest).where(among(session, StoredObject.digest, digests), removed))
    leased = exists().where(_OF_ANY_PROJECT, ProjectObject.object_id == StoredObject.id, ProjectObject.leased >= now)
    yield from session.scalars(select(StoredObject.digest).where(among(session, StoredObject.digest, digests), leased))
    yield from session.scalars(select(PresenceLease.digest).where(PresenceLease.expires >= now))
    for column in (OutputFile.digest, OutputFile.preview, ProjectFile.digest):
        yield from session.scalars(select(column).where(among(session, column, digests)))
    there = session.execute(select(StoredManifest.digest, StoredManifest.created).where(StoredManifest.removed.is_(None)))
    for manifest, _ in {(digest, created) for digest, created in there} - marks.manifests:
        yield manifest
        named = exists().where(ManifestObject.manifest_id == _number(manifest), ManifestObject.object_id == StoredObject.id)
        yield from session.scalars(select(StoredObject.digest).where(among(session, StoredObject.digest, digests), named))


def _number(manifest: str) -> ScalarSelect[int]:
    return select(StoredManifest.id).where(StoredManifest.digest == manifest).scalar_subquery()


def delete_discarded(
    database: Database, shelf: PrunableStore, *, grace: timedelta = GRACE, elapsed: Callable[[], float] = clock.elapsed
) -> int:
    """Delete from the store what was discarded longer ago than `grace`, and return how much that was.

    Raises:
        TransferError: the store failed; what was done is noted.
    """
    return sum(deleting_discarded(database, shelf, grace=grace, elapsed=elapsed))


def deleting_discarded(
    database: Database, shelf: PrunableStore, *, grace: timedelta = GRACE, elapsed: Callable[[], float] = clock.elapsed
) -> Iterator[int]:
    """Delete what was discarded, and yield after each claim how many objects it deleted.

    A row stays until its bytes are gone: who is cut off between the two deletes again what is not there any more. Bytes that
    are young belong to a transaction that is still to come.
    """
    now = database.clock()
    due = now - grace
    with database.read() as session:
        old = list(session.scalars(select(Discarded.digest).where(removals.is_due(now, due)).order_by(Discarded.digest)))
    for start in range(0, len(old), _CLAIMED):
        some = old[start : start + _CLAIMED]
        yield removals.remove(database, shelf, some, due=due, young=PRESENCE, needed=needed_bytes, elapsed=elapsed)
