"""Packs that are mostly dead: what lives in them goes into new ones, and the old ones go."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conductor_core.digest import Digest, digest_of
from conductor_core.errors import TransferError
from conductor_core.transfer.packs import MAX_MEMBERS, head_size, pack_head
from sqlalchemy import Executable, Table, bindparam, delete, exists, func, select, update

from conductor_service import losses, removals
from conductor_service.database import Database, Unit
from conductor_service.models import Discarded, Pack, PackedObject, StoredObject
from conductor_service.store import PrunableStore
from conductor_service.upserts import upsert

log = logging.getLogger(__name__)

#: bytes of live members that one new pack is filled with
_FILL = 4 << 20


@dataclass(frozen=True, slots=True)
class Worn:
    """A pack of which less than half is needed."""

    id: int
    digest: str
    members: int
    #: of these members
    live: int


@dataclass(frozen=True, slots=True)
class _Member:
    """An object, and where it lies in its pack."""

    digest: str
    offset: int
    size: int
    number: int


@dataclass(frozen=True, slots=True)
class _Copied:
    """A member on its way from one pack to another."""

    member: _Member
    pack_id: int
    data: bytes


@dataclass(slots=True)
class _Reading:
    """What was read out of old packs."""

    good: list[_Copied]
    damaged: list[str]


def drop_empty(database: Database) -> int:
    """Forget packs of which nothing is needed, and return how many."""
    used = exists().where(PackedObject.pack_id == Pack.id)
    with database.read() as session:
        empty = list(session.execute(select(Pack.id, Pack.digest).where(~used)))
    dropped = 0
    for pack_id, digest in empty:
        with database.write() as unit:
            dropped += _drop_if_empty(unit, pack_id, digest)
    return dropped


def worn(rows: Callable[[Executable], Iterable[Any]], *, marked: Table | None = None) -> list[Worn]:
    """Return the packs of which less than half is needed.

    Args:
        rows: asks the database.
        marked: a table of what is needed; without it, all that is found in packs.
    """
    live = func.coalesce(func.sum(StoredObject.size), 0)
    query = (
        select(Pack.id, Pack.digest, func.count(PackedObject.object_id), live, Pack.size)
        .join(PackedObject, PackedObject.pack_id == Pack.id)
        .join(StoredObject, StoredObject.id == PackedObject.object_id)
        .group_by(Pack.id, Pack.digest, Pack.size)
        .order_by(Pack.id)
    )
    if marked is not None:
        query = query.join(marked, marked.c.digest == StoredObject.digest)
    return [Worn(i, d, n, int(size)) for i, d, n, size, whole in rows(query) if 2 * (int(size) + head_size(n)) < whole]


def compact(database: Database, shelf: PrunableStore) -> int:
    """Rewrite worn packs, several into one, and return how many there were.

    Raises:
        StoreFull, StoreUnwritable: there is no room for the new ones; all is as it was.
    """
    with database.read() as session:
        found = worn(session.execute)
    for group in _groups(found):
        _rewrite(database, shelf, group)
    return len(found)


def _groups(packs: Sequence[Worn]) -> Iterator[list[Worn]]:
    """Yield packs that fit into one."""
    group: list[Worn] = []
    for pack in packs:
        full = sum(p.live for p in (*group, pack)) > _FILL or sum(p.members for p in (*group, pack)) > MAX_MEMBERS
        if group and full:
            yield group
            group = []
        group.append(pack)
    if group:
        yield group


def _rewrite(database: Database, shelf: PrunableStore, group: Sequence[Worn]) -> None:
    """Copy what lives, verified; what is damaged is noted as lost. The old bytes stay for a while, for who reads them now."""
    reading = _Reading([], [])
    for pack in group:
        with database.read() as session:
            query = select(StoredObject.digest, PackedObject.offset, StoredObject.size, StoredObject.id)
            query = query.join(PackedObject, PackedObject.object_id == StoredObject.id)
            rows = session.execute(query.where(PackedObject.pack_id == pack.id).order_by(PackedObject.offset)).all()
        _read(shelf, pack, [_Member(*row) for row in rows], reading)
    good = reading.good
    data = pack_head((Digest(m.member.digest), len(m.data)) for m in good) + b"".join(m.data for m in good)
    name = digest_of(data)
    if good:
        with database.write() as unit:  # known before it is written: cut off in between, it is deleted again
            removals.discard(unit, [name])
            noted = unit.now
        shelf.write(name, [data], len(data))
    with database.write() as unit:
        if good and not _is_ours(unit, name, noted):
            return  # another clean-up has it, as what it was before, or did the same: the next one does it all again
        losses.lose(unit, reading.damaged)
        if good:
            _move(unit, good, name, len(data))
        for pack in group:
            _drop_if_empty(unit, pack.id, pack.digest)


def _is_ours(unit: Unit, name: Digest, noted: datetime) -> bool:
    """Tell whether nobody has touched a pack since it was noted: then nobody has deleted it either."""
    row = unit.session.get(Discarded, name)
    return row is not None and row.since == noted


def _read(shelf: PrunableStore, pack: Worn, members: Sequence[_Member], reading: _Reading) -> None:
    """Sort what a pack has into good and damaged; one that cannot be read now stays as it is: what is in it is not known."""
    try:
        data = b"".join(shelf.read(Digest(pack.digest)))
    except TransferError as exc:
        log.warning("A pack stays as it is: %s", exc)
        return
    for member in members:
        part = data[member.offset : member.offset + member.size]
        if f"sha256:{hashlib.sha256(part).hexdigest()}" == member.digest:
            reading.good.append(_Copied(member, pack.id, part))
        else:
            reading.damaged.append(member.digest)


def _move(unit: Unit, members: Sequence[_Copied], name: Digest, size: int) -> None:
    """Let members be found in the new pack, if they are still where they were read."""
    session = unit.session
    upsert(session, Pack, [{"digest": name, "size": size, "created": unit.now}], key=("digest",))
    pack_id = session.scalars(select(Pack.id).where(Pack.digest == name)).one()
    session.connection().execute(delete(Discarded).where(Discarded.digest == name))
    offset = head_size(len(members))
    places = []
    for copied in members:
        member = copied.member
        places.append({"b_object": member.number, "b_pack": copied.pack_id, "b_offset": member.offset, "new": offset})
        offset += len(copied.data)
    there = (
        PackedObject.object_id == bindparam("b_object"),
        PackedObject.pack_id == bindparam("b_pack"),
        PackedObject.offset == bindparam("b_offset"),
    )
    session.connection().execute(update(PackedObject).where(*there).values(pack_id=pack_id, offset=bindparam("new")), places)


def _drop_if_empty(unit: Unit, pack_id: int, digest: str) -> int:
    """Forget a pack that nothing is found in, and return whether it was there."""
    used = exists().where(PackedObject.pack_id == Pack.id)
    dropped = unit.session.connection().execute(delete(Pack).where(Pack.id == pack_id, ~used)).rowcount
    if dropped:
        removals.discard(unit, [digest])
    return dropped
