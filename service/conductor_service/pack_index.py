"""Packs and the database: where a packed object lies, and a pack that comes in."""

from __future__ import annotations

from conductor_core.digest import Digest, digest_of
from conductor_core.transfer.packs import read_pack
from sqlalchemy import select

from conductor_service import losses, objects
from conductor_service.database import Database
from conductor_service.models import Pack, PackedObject, StoredObject
from conductor_service.store import Spot, WritableStore
from conductor_service.upserts import EXCLUDED, upsert

_SPOT = (
    select(Pack.digest, Pack.size, PackedObject.offset, StoredObject.size)
    .join(PackedObject, PackedObject.pack_id == Pack.id)
    .join(StoredObject, StoredObject.digest == PackedObject.digest)
)


class DatabaseIndex:
    """Say where packed objects lie. Not to be asked to `lose` something by who holds the database's pen."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def spot(self, digest: Digest) -> Spot | None:
        """Return where an object lies in a pack, or None."""
        with self._database.read() as session:
            row = session.execute(_SPOT.where(PackedObject.digest == digest)).one_or_none()
        return None if row is None else Spot(Digest(row[0]), row[1], row[2], row[3])

    def lose(self, digest: Digest, spot: Spot | None) -> None:
        """Note that an object is lost, unless it has come to lie elsewhere meanwhile."""
        with self._database.write() as unit:
            row = unit.session.execute(_SPOT.where(PackedObject.digest == digest)).one_or_none()
            if (None if row is None else (row[0], row[2])) == (None if spot is None else (spot.pack, spot.offset)):
                losses.lose(unit, [digest])


def take_pack(database: Database, store: WritableStore, project_id: str, data: bytes) -> int:
    """Keep a pack as one object, register, grant and lease all its members, and return how many they are.

    Members that are in the store already are found here from now on: these bytes were verified just now, the others once.

    Raises:
        PackMalformed: it is none.
        ContentMismatch: the bytes of a member do not hash to its name. Nothing is kept.
        StoreFull, StoreUnwritable: nothing is kept.
    """
    rows = [row for row, _ in read_pack([data])]
    name = digest_of(data)
    store.write(name, [data], len(data))
    with database.write() as unit:
        session = unit.session
        upsert(session, Pack, [{"digest": name, "size": len(data), "created": unit.now}], key=("digest",))
        pack_id = session.scalars(select(Pack.id).where(Pack.digest == name)).one()
        objects.register_all(unit, {row.digest: row.size for row in rows})
        places = [{"digest": row.digest, "pack_id": pack_id, "offset": row.offset} for row in rows]
        upsert(session, PackedObject, places, change={"pack_id": EXCLUDED, "offset": EXCLUDED})
        objects.grant_all(unit, project_id, [row.digest for row in rows])
    return len(rows)
