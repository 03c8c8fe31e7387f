"""What the store turned out not to have any more: noted, so that the next submission that needs it sends it again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, delete, select, update

from conductor_service.database import Unit
from conductor_service.many_values import among
from conductor_service.models import Pack, PackedObject, StoredObject


def lose(unit: Unit, digests: Sequence[str]) -> None:
    """Note objects as lost, wherever they lay: what was read there was not them."""
    _mark(unit, digests)
    if digests:
        these = select(StoredObject.id).where(among(unit.session, StoredObject.digest, digests))
        unit.session.connection().execute(delete(PackedObject).where(PackedObject.object_id.in_(these)))


def miss(unit: Unit, digests: Sequence[str]) -> None:
    """Note objects as lost that were not read at all; where they lay stays known, a disk that was away may come back."""
    _mark(unit, digests)


def lose_packs(unit: Unit, packs: Sequence[str]) -> None:
    """Note all members of packs as lost that were not read at all."""
    if packs:
        _mark_where(unit, StoredObject.id.in_(_members(unit, packs)))


def lift(unit: Unit, digests: Sequence[str], packs: Sequence[str], noted: datetime) -> int:
    """Take back that objects, and the members of packs, were noted as lost at that moment: they are there; return how many."""
    here = among(unit.session, StoredObject.digest, digests)
    if packs:
        here |= StoredObject.id.in_(_members(unit, packs))
    lifting = update(StoredObject).where(here, StoredObject.lost == noted, StoredObject.removed.is_(None)).values(lost=None)
    return unit.session.connection().execute(lifting).rowcount


def _members(unit: Unit, packs: Sequence[str]) -> Select[int]:
    members = select(PackedObject.object_id).join(Pack, Pack.id == PackedObject.pack_id)
    return members.where(among(unit.session, Pack.digest, packs))


def _mark(unit: Unit, digests: Sequence[str]) -> None:
    _mark_where(unit, among(unit.session, StoredObject.digest, digests))


def _mark_where(unit: Unit, these: ColumnElement[bool]) -> None:
    unnoted = StoredObject.lost.is_(None) & StoredObject.removed.is_(None)
    unit.session.connection().execute(update(StoredObject).where(these, unnoted).values(lost=unit.now))
