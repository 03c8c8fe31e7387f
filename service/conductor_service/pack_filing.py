"""Packs that come in at the same time are noted at the same time.

A digest may lie anywhere in a table: fifteen hundred new ones touch about as many of its pages, and each transaction writes each
page that it touches. Of five packs that waited for the pen, one transaction writes little more than of one.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conductor_core.digest import Digest
from conductor_core.transfer.packs import Row
from sqlalchemy import bindparam, exists, select
from sqlalchemy.exc import IntegrityError

from conductor_service import objects, removals
from conductor_service.database import Database, Unit
from conductor_service.errors import Busy
from conductor_service.many_values import named_table, told
from conductor_service.models import Pack, PackedObject, StoredObject
from conductor_service.upserts import EXCLUDED, upsert, upsert_pairs

#: members after which a transaction takes no more packs: others wait for the pen, runners' beats among them, and what it changes is to
#: stay within the pen's own memory
MEMBERS_TOGETHER = 4096
_ID = select(Pack.id).where(Pack.digest == bindparam("digest"))


@dataclass(frozen=True, slots=True)
class NewPack:
    """A pack whose bytes are in the store, to be noted."""

    digest: Digest
    size: int
    project_id: str
    #: in the order of their digests: keys are found faster so
    rows: Sequence[Row]

    def note(self, unit: Unit) -> None:
        """Register, grant and lease its members.

        Raises:
            Busy: a clean-up is removing the same pack, as what it was before; nothing was changed.
        """
        removals.check_unclaimed(unit, self.digest)
        session = unit.session
        digests = [row.digest for row in self.rows]
        upsert(session, Pack, [{"digest": self.digest, "size": self.size, "created": unit.now}], key=("digest",))
        pack_id = session.connection().execute(_ID, {"digest": self.digest}).scalar_one()
        _discard_those_alone(unit, digests)
        objects.register_all(unit, {row.digest: row.size for row in self.rows})
        upsert_pairs(
            session,
            PackedObject,
            {row.digest: row.offset for row in self.rows},
            columns=("object_id", "offset"),
            fixed={"pack_id": pack_id},
            change={"pack_id": EXCLUDED, "offset": EXCLUDED},
        )
        objects.grant_all(unit, self.project_id, digests)


@dataclass(slots=True)
class _Waiting:
    pack: NewPack
    done: bool = False
    error: BaseException | None = None


class PackFiling:
    """Note packs; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._waiting: list[_Waiting] = []

    def file(self, pack: NewPack) -> None:
        """Note a pack, with those that wait at the same time; it is noted when this returns.

        Raises:
            Busy: a clean-up is removing the same pack, as what it was before. The others are noted.
        """
        own = _Waiting(pack)
        with self._lock:
            self._waiting.append(own)
        with self._turn:  # while one notes, the others gather here
            while not own.done:
                self._note(self._next() or [own])  # it is among none where another thread took it and was ended
        if own.error is not None:
            raise own.error

    def _next(self) -> list[_Waiting]:
        with self._lock:
            found: list[_Waiting] = []
            members = 0
            while self._waiting and (not found or members + len(self._waiting[0].pack.rows) <= MEMBERS_TOGETHER):
                found.append(self._waiting.pop(0))
                members += len(found[-1].pack.rows)
        return found

    def _note(self, together: Sequence[_Waiting]) -> None:
        """Note packs in one transaction; where it fails for what one of them is, each in its own."""
        try:
            with self._database.write() as unit:
                for one in together:
                    one.error = None
                    try:
                        one.pack.note(unit)
                    except Busy as exc:
                        one.error = exc
        except IntegrityError as exc:
            if len(together) > 1:
                for one in together:
                    self._note([one])
                return
            together[0].error = exc
        except BaseException as exc:  # noqa: BLE001  raised again in each thread whose pack it is
            for one in together:
                one.error = exc
        for one in together:
            one.done = True


def _discard_those_alone(unit: Unit, digests: Sequence[str]) -> None:
    """What lies in the store by itself is found in the pack from now on, and not needed there any more."""
    dialect = unit.session.get_bind().dialect.name
    alone = unit.session.connection().execute(_alone(dialect), told(dialect, digests))
    removals.discard(unit, list(alone.scalars()))


@functools.cache
def _alone(dialect: str) -> Any:
    """Return the question which objects lie by themselves: it is the same for all packs."""
    asked = named_table(dialect)
    packed = exists().where(PackedObject.object_id == StoredObject.id)
    return select(StoredObject.digest).where(StoredObject.digest.in_(select(asked.c.value)), ~packed)
