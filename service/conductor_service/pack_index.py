"""Packs and the database: where a packed object lies, and a pack that comes in."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from conductor_core.digest import Digest
from conductor_core.transfer.packs import read_pack
from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session

from conductor_service import losses, objects, removals
from conductor_service.database import Database, Unit
from conductor_service.many_values import among, named_table, told
from conductor_service.models import Pack, PackedObject, StoredObject
from conductor_service.store import Spot, WritableStore
from conductor_service.upserts import EXCLUDED, upsert, upsert_pairs

_SPOT = (
    select(Pack.digest, Pack.size, PackedObject.offset, StoredObject.size)
    .join(PackedObject, PackedObject.pack_id == Pack.id)
    .join(StoredObject, StoredObject.digest == PackedObject.digest)
)
_SPOT_OF = _SPOT.where(PackedObject.digest == bindparam("digest"))
_ID = select(Pack.id).where(Pack.digest == bindparam("digest"))


class DatabaseIndex:
    """Say where packed objects lie."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def spot(self, digest: Digest) -> Spot | None:
        """Return where an object lies in a pack, or None."""
        with self._database.engine.connect() as connection:  # before every read: a session costs twice as much
            row = connection.execute(_SPOT_OF, {"digest": digest}).one_or_none()
        return None if row is None else Spot(Digest(row[0]), row[1], row[2], row[3])

    def lose(self, digest: Digest, spot: Spot | None, *, read: bool = True) -> None:
        """Note that an object is lost, unless it has come to lie elsewhere meanwhile.

        Only where what was `read` is not the object, its place is forgotten: a pack that is away may come back.

        Who finds it while he holds the database's pen himself notes nothing: the next who reads it does.
        """
        if self._database.writes_here():
            return
        with self._database.write() as unit:
            row = unit.session.execute(_SPOT.where(PackedObject.digest == digest)).one_or_none()
            if (None if row is None else (row[0], row[2])) == (None if spot is None else (spot.pack, spot.offset)):
                (losses.lose if read else losses.miss)(unit, [digest])


def spots(session: Session, digests: Sequence[str]) -> dict[str, Spot]:
    """Return where objects lie in packs; those that lie in none are left out."""
    query = _SPOT.add_columns(PackedObject.digest).where(among(session, PackedObject.digest, digests))
    return {row[4]: Spot(Digest(row[0]), row[1], row[2], row[3]) for row in session.execute(query)}


def take_pack(database: Database, store: WritableStore, project_id: str, data: bytes | bytearray) -> int:
    """Keep a pack as one object, register, grant and lease all its members, and return how many they are.

    Members that are in the store already are found here from now on: these bytes were verified just now, the others once.

    Raises:
        PackMalformed: it is none.
        ContentMismatch: the bytes of a member do not hash to its name. Nothing is kept.
        StoreFull, StoreUnwritable: nothing is kept.
        Busy: a clean-up is removing the same pack, as what it was before.
    """
    rows = sorted((row for row, _ in read_pack([data])), key=lambda row: row.digest)  # keys are found faster in their order
    name = store.write_whole(data)
    with database.write() as unit:
        session = unit.session
        removals.check_unclaimed(unit, name)
        upsert(session, Pack, [{"digest": name, "size": len(data), "created": unit.now}], key=("digest",))
        pack_id = session.connection().execute(_ID, {"digest": name}).scalar_one()
        _discard_those_alone(unit, [row.digest for row in rows])
        objects.register_all(unit, {row.digest: row.size for row in rows})
        upsert_pairs(
            session,
            PackedObject,
            {row.digest: row.offset for row in rows},
            columns=("digest", "offset"),
            fixed={"pack_id": pack_id},
            change={"pack_id": EXCLUDED, "offset": EXCLUDED},
        )
        objects.grant_all(unit, project_id, [row.digest for row in rows])
    objects.confirm_bytes(store, name, data)
    return len(rows)


def _discard_those_alone(unit: Unit, digests: Sequence[str]) -> None:
    """What lies in the store by itself is found in the pack from now on, and not needed there any more."""
    dialect = unit.session.get_bind().dialect.name
    alone = unit.session.connection().execute(_alone(dialect), told(dialect, digests))
    removals.discard(unit, list(alone.scalars()))


@functools.cache
def _alone(dialect: str) -> Any:
    """Return the question which objects lie by themselves: it is the same for all packs."""
    asked = named_table(dialect)
    there, packed = (exists().where(kind.digest == asked.c.value) for kind in (StoredObject, PackedObject))
    return select(asked.c.value).where(there, ~packed)
