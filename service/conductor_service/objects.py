"""Which project may see which object, that what was called present stays, and that nothing stays that no row knows of."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

from conductor_core.digest import Digest
from sqlalchemy import ColumnElement, bindparam, delete, exists, false, func, or_, select, update
from sqlalchemy.orm import Session

from conductor_service import losses, removals
from conductor_service.database import Database, Unit
from conductor_service.errors import Busy
from conductor_service.many_values import among, among_numbers
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
from conductor_service.store import PrunableStore, Store, WritableStore
from conductor_service.store.looking import most_looks, sizes_of
from conductor_service.upserts import EXCLUDED, upsert, upsert_pairs

#: how long `present` holds at least, and bytes without a row are left alone
PRESENCE = timedelta(hours=1)
#: a lease is taken for so long: a large scene over a slow line takes days, and what is sent ahead waits for the click.
#: It is taken anew when half of it is over, so that most questions need not write
LEASE = timedelta(days=7)
_SLICE = 5000
#: deletions of one claim
_DELETIONS = 100

# with every object that comes in: statements are made once
_NUMBER = select(StoredObject.id).where(StoredObject.digest == bindparam("digest")).scalar_subquery()
_SEEN = select(ProjectObject.object_id).where(
    ProjectObject.project_id == bindparam("project_id"), ProjectObject.object_id == _NUMBER
)
_NAMED = select(ManifestObject.object_id).where(
    ManifestObject.manifest_id
    == select(StoredManifest.id).where(StoredManifest.digest == bindparam("manifest")).scalar_subquery(),
    ManifestObject.object_id == _NUMBER,
)
_UNPACK = delete(PackedObject).where(PackedObject.object_id == _NUMBER)
_PACKED = exists().where(PackedObject.object_id == StoredObject.id)


def visible(session: Session, project_id: str, digests: Sequence[str]) -> set[str]:
    """Return those digests that the project has a right to."""
    query = select(StoredObject.digest).where(among(session, StoredObject.digest, digests), _seen_by(project_id))
    return set(session.scalars(query))


def _seen_by(project_id: str) -> ColumnElement[bool]:
    """Return the condition that a project has a right to an object.

    Not joined: SQLite would look through all that the project has for the few that are asked for.
    """
    return exists().where(ProjectObject.project_id == project_id, ProjectObject.object_id == StoredObject.id)


def sizes(session: Session, project_id: str, digests: Sequence[str]) -> dict[str, int]:
    """Return the size of each object that the project has a right to."""
    query = select(StoredObject.digest, StoredObject.size)
    query = query.where(among(session, StoredObject.digest, digests), _seen_by(project_id))
    return {row.digest: row.size for row in session.execute(query)}


def present(session: Session, project_id: str, digests: Sequence[str]) -> set[str]:
    """Return those digests that the project can see and that are in the store by the database's word (see `look`)."""
    return visible(session, project_id, digests) - _lost(session, digests)


def held(session: Session, project_id: str, digests: Sequence[str], now: datetime) -> dict[str, bool]:
    """Return, for each digest that the project has a right to, whether it has a lease on it for some days from now as well.

    The question that is asked most: a scene that was submitted before asks nothing else, and writes nothing. A look-up of the object
    and one of the right are all that it costs (not joined, see `_seen_by`).
    """
    long = func.coalesce(ProjectObject.leased >= now + LEASE / 2, false())
    right = select(long).where(ProjectObject.project_id == project_id, ProjectObject.object_id == StoredObject.id)
    query = select(StoredObject.digest, right.scalar_subquery()).where(among(session, StoredObject.digest, digests))
    return {digest: bool(leased) for digest, leased in session.execute(query) if leased is not None}


def _lost(session: Session, digests: Iterable[str]) -> set[str]:
    """Return what the store is known to have no more, of these at least; all, where it is little, as in a store that is well."""
    query = select(StoredObject.digest).where(StoredObject.lost.is_not(None))
    found = set(session.scalars(query.limit(_SLICE)))
    if len(found) < _SLICE:
        return found
    return set(session.scalars(query.where(among(session, StoredObject.digest, list(digests)))))


def ask(database: Database, shelf: PrunableStore, project_id: str, digests: Sequence[str]) -> list[str]:
    """Return which objects the project lacks, in their order, and lease the others for some days."""
    with database.read() as session:
        leased = held(session, project_id, digests, database.clock())
    if not leased:  # a first submission: nothing to look at, nothing to lease
        return list(digests)
    mine = set(leased)
    look(database, shelf, project_id, [d for d in digests if d in mine])
    with database.read() as session:
        doubtful = {d for d, long in leased.items() if not long} | _lost(session, mine).intersection(mine)
    if doubtful:
        with database.write() as unit:  # what is there is leased in the step that finds it: nothing can take it in between
            there = keep(unit, project_id, doubtful)
            there |= visible(unit.session, project_id, sorted(doubtful - there))  # somebody else has leased them meanwhile
            mine -= doubtful - (there - _lost(unit.session, doubtful))
    return [d for d in digests if d not in mine]


def look(database: Database, shelf: PrunableStore, project_id: str, digests: Sequence[str]) -> None:
    """Look whether the store still has, in full length, what the database calls present; note what it has not.

    The next submission that needs it then sends it again. Of a large question a part is looked for, another each time; one
    look is for a pack with all its members. What is damaged in its middle is found when it is read.

    Args:
        shelf: the store as it lies there, packs and all.
    """
    most = most_looks(shelf)
    some = list(digests) if len(digests) <= most else random.sample(list(digests), most)
    alone: dict[str, int] = {}
    packs: dict[str, int] = {}
    with database.read() as session:
        query = (
            select(StoredObject.digest, StoredObject.size, Pack.digest.label("pack"), Pack.size.label("pack_size"))
            .outerjoin(PackedObject, PackedObject.object_id == StoredObject.id)
            .outerjoin(Pack, Pack.id == PackedObject.pack_id)
            .where(among(session, StoredObject.digest, some), _seen_by(project_id))
            .where(StoredObject.lost.is_(None))
        )
        for row in session.execute(query):
            if row.pack is None:
                alone[row.digest] = row.size
            else:
                packs[row.pack] = row.pack_size
    lost, lost_packs = sorted(alone.keys() - _there(shelf, alone)), sorted(packs.keys() - _there(shelf, packs))
    if lost or lost_packs:
        note_missing(database, shelf, {d: alone[d] for d in lost}, {d: packs[d] for d in lost_packs})


def _there(store: Store, sizes: Mapping[str, int]) -> set[str]:
    """Return those that the store has in full length."""
    found = sizes_of(store, list(sizes))
    return {digest for (digest, size), there in zip(sizes.items(), found, strict=True) if there == size}


def note_missing(database: Database, store: Store, alone: Mapping[str, int], packs: Mapping[str, int]) -> None:
    """Note as lost what the store was just seen not to have, and look again: it may have come anew in between.

    Args:
        alone: sizes of objects by themselves.
        packs: sizes of packs, whose members are lost with them.
    """
    with database.write() as unit:
        query = select(StoredObject.digest).where(among(unit.session, StoredObject.digest, list(alone)), _PACKED)
        packed = set(unit.session.scalars(query))
        losses.lose(unit, [d for d in alone if d not in packed])
        losses.lose_packs(unit, list(packs))
        noted = unit.now
    back = sorted(_there(store, {d: size for d, size in alone.items() if d not in packed}))
    packs_back = sorted(_there(store, packs))
    if back or packs_back:
        with database.write() as unit:
            taken = removals.claimed(unit, [*back, *packs_back])
            losses.lift(unit, [d for d in back if d not in taken], [d for d in packs_back if d not in taken], noted)


def rendered(session: Session, project_id: str, digests: Sequence[str]) -> set[str]:
    """Return those digests that are in the project's tree because one of its jobs made them."""
    query = select(ProjectFile.digest).where(ProjectFile.project_id == project_id, ProjectFile.output_id.is_not(None))
    return set(session.scalars(query.where(among(session, ProjectFile.digest, digests))))


def keep(unit: Unit, project_id: str, digests: Iterable[str]) -> set[str]:
    """Lease objects of the project for some days, so that no clean-up takes them before the manifest is committed.

    Return those that had no such lease yet, and have one now.
    """
    connection = unit.session.connection()
    asked = select(StoredObject.id, StoredObject.digest).where(among(unit.session, StoredObject.digest, list(digests)))
    names = {row.id: row.digest for row in connection.execute(asked)}
    if not names:
        return set()
    short = or_(ProjectObject.leased.is_(None), ProjectObject.leased < unit.now + LEASE / 2)
    mine = (ProjectObject.project_id == project_id, among_numbers(unit.session, ProjectObject.object_id, list(names)))
    leasing = update(ProjectObject).where(*mine, short).values(leased=unit.now + LEASE).returning(ProjectObject.object_id)
    return {names[number] for number in connection.execute(leasing).scalars()}


def keep_manifest(unit: Unit, project_id: str, manifest: str) -> None:
    """Lease all that a manifest names for some days, by one row on the manifest's own digest."""
    row = {"project_id": project_id, "digest": manifest, "expires": unit.now + LEASE}
    upsert(unit.session, PresenceLease, [row], change={"expires": EXCLUDED})


def grant(unit: Unit, project_id: str, digest: str, size: int) -> bool:
    """Give a project the right to an object whose bytes it has sent, lease it, and say whether it is new there.

    Whether other projects have it is nobody's business.
    """
    connection = unit.session.connection()
    new = connection.execute(_SEEN, {"project_id": project_id, "digest": digest}).first() is None
    register(unit, digest, size)
    grant_all(unit, project_id, [digest])
    return new


def confirm(database: Database, store: Store, digest: Digest, size: int) -> None:
    """See that an object is in the store, now that rows need it: a deletion may have met the bytes before those were written.

    From then on none does: each claims what it deletes, and nobody can claim what rows need (`removals.py`).

    Raises:
        Busy: it is not there, and is to be sent again.
    """
    if store.size(digest) == size:
        return
    note_missing(database, store, {digest: size}, {})
    raise Busy(f"Object {digest} was removed by a clean-up while it came in.", "Send it again.")


def confirm_bytes(store: WritableStore, digest: Digest, data: bytes | bytearray) -> None:
    """See that bytes are in the store, now that rows need them, and else write them again."""
    if store.size(digest) != len(data):
        store.write_whole(data)


def register(unit: Unit, digest: str, size: int) -> None:
    """Note that the store's object belongs to something; what nothing belongs to is swept.

    Its bytes were written to the store by themselves just now: whatever was known of them before, they are there.

    Raises:
        Busy: a clean-up is about to remove them.
    """
    removals.check_unclaimed(unit, digest)
    register_all(unit, {digest: size})
    unit.session.connection().execute(_UNPACK, {"digest": digest})


def register_all(unit: Unit, sizes: Mapping[str, int]) -> None:
    """Note objects by their sizes; those that were lost or removed are there again."""
    fixed, back = {"created": unit.now}, {"lost": None, "removed": None}
    upsert_pairs(
        unit.session, StoredObject, sizes, columns=("digest", "size"), fixed=fixed, change=back, key=(StoredObject.digest.key,)
    )


def grant_all(unit: Unit, project_id: str, digests: Sequence[str]) -> None:
    """Give a project the right to registered objects whose bytes it has sent, and lease them."""
    fixed = {"project_id": project_id, "created": unit.now, "leased": unit.now + LEASE}
    pairs = dict.fromkeys(digests, 0)
    upsert_pairs(unit.session, ProjectObject, pairs, columns=("object_id",), fixed=fixed, change={"leased": EXCLUDED})


def sweep(database: Database, store: PrunableStore) -> int:
    """Remove what the store holds and no row knows of, and return how many those were."""
    return sum(sweeping(database, store))


def sweeping(database: Database, store: PrunableStore) -> Iterator[int]:
    """Remove what no row knows of, and yield now and then how many objects that were since.

    Bytes go to the store before the transaction that they belong to: one that is refused, or a crash, leaves them. What
    was written within the time of a presence lease may belong to a transaction that is still to come.
    """
    before = database.clock() - PRESENCE
    digests = store.digests()
    while some := list(islice(digests, _SLICE)):
        with database.read() as session:
            unknown = sorted(set(some) - registered(session, some))
        for start in range(0, len(unknown), _DELETIONS):
            old = [d for d in unknown[start : start + _DELETIONS] if _is_old(store, d, before)]
            if old:
                yield removals.remove(database, store, old, due=before, young=PRESENCE, needed=needed_bytes, unknown=True)
        yield 0


def _is_old(store: PrunableStore, digest: Digest, before: datetime) -> bool:
    written = store.written(digest)
    return written is not None and written < before


def registered(session: Session, digests: Sequence[Digest]) -> set[str]:
    """Return those that something belongs to, or that are deleted in their time."""
    waiting = session.scalars(select(Discarded.digest).where(among(session, Discarded.digest, digests)))
    return needed_bytes(session, digests) | set(waiting)


def needed_bytes(session: Session, digests: Sequence[str]) -> set[str]:
    """Return those whose bytes, as they lie in the store by themselves, belong to something."""
    alone = select(StoredObject.digest).where(
        among(session, StoredObject.digest, digests), StoredObject.removed.is_(None), ~_PACKED
    )
    found = set(session.scalars(alone))
    found.update(session.scalars(select(Pack.digest).where(among(session, Pack.digest, digests))))
    for column in (StoredManifest.digest, OutputFile.preview):  # these had no row of their own at first
        unregistered = ~exists().where(StoredObject.digest == column)
        rows = session.scalars(select(column).where(among(session, column, digests), unregistered))
        found.update(digest for digest in rows if digest is not None)
    return found


def in_manifest(session: Session, manifest: str, digest: str) -> bool:
    """Tell whether a manifest names an object."""
    return session.execute(_NAMED, {"manifest": manifest, "digest": digest}).first() is not None


def forget_leases(unit: Unit, now: datetime) -> None:
    """Delete leases that ran out."""
    unit.session.execute(
        delete(PresenceLease).where(PresenceLease.expires < now), execution_options={"synchronize_session": False}
    )
