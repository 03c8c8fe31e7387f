"""What the store turned out not to have any more: noted, so that the next submission that needs it sends it again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select, update

from conductor_service.database import Unit
from conductor_service.models import Pack, PackedObject, StoredObject


def lose(unit: Unit, digests: Sequence[str]) -> None:
    """Note objects as lost, wherever they lay."""
    if not digests:
        return
    connection = unit.session.connection()
    unnoted = StoredObject.lost.is_(None) & StoredObject.removed.is_(None)
    connection.execute(update(StoredObject).where(StoredObject.digest.in_(digests), unnoted).values(lost=unit.now))
    connection.execute(delete(PackedObject).where(PackedObject.digest.in_(digests)))


def lose_packs(unit: Unit, packs: Sequence[str]) -> None:
    """Note all members of packs as lost."""
    for pack in packs:
        members = select(PackedObject.digest).join(Pack, Pack.id == PackedObject.pack_id).where(Pack.digest == pack)
        lose(unit, list(unit.session.scalars(members)))
