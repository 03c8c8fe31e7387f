"""Packs and the database: where a packed object lies, and a pack that comes in."""

from __future__ import annotations

from collections.abc import Sequence

from conductor_core.digest import Digest
from conductor_core.transfer.packs import read_pack
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from conductor_service import losses, objects
from conductor_service.database import Database
from conductor_service.many_values import among
from conductor_service.models import Pack, PackedObject, StoredObject
from conductor_service.pack_filing import NewPack, PackFiling
from conductor_service.store import Spot, WritableStore

_SPOT = (
    select(Pack.digest, Pack.size, PackedObject.offset, StoredObject.size)
    .join(PackedObject, PackedObject.pack_id == Pack.id)
    .join(StoredObject, StoredObject.id == PackedObject.object_id)
)
_SPOT_OF = _SPOT.where(StoredObject.digest == bindparam("digest"))


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
            row = unit.session.execute(_SPOT.where(StoredObject.digest == digest)).one_or_none()
            if (None if row is None else (row[0], row[2])) == (None if spot is None else (spot.pack, spot.offset)):
                (losses.lose if read else losses.miss)(unit, [digest])


def spots(session: Session, digests: Sequence[str]) -> dict[str, Spot]:
    """Return where objects lie in packs; those that lie in none are left out."""
    query = _SPOT.add_columns(StoredObject.digest).where(among(session, StoredObject.digest, digests))
    return {row[4]: Spot(Digest(row[0]), row[1], row[2], row[3]) for row in session.execute(query)}


def take_pack(filing: PackFiling, store: WritableStore, project_id: str, data: bytes | bytearray) -> int:
    """Keep a pack as one object, register, grant and lease all its members, and return how many they are.

    Members that are in the store already are found here from now on: these bytes were verified just now, the others once.

    Raises:
        PackMalformed: it is none.
        ContentMismatch: the bytes of a member do not hash to its name. Nothing is kept.
        StoreFull, StoreUnwritable: nothing is kept.
        Busy: a clean-up is removing the same pack, as what it was before.
    """
    rows = sorted((row for row, _ in read_pack([data])), key=lambda row: row.digest)
    name = store.write_whole(data)
    filing.file(NewPack(name, len(data), project_id, rows))
    objects.confirm_bytes(store, name, data)
    return len(rows)
