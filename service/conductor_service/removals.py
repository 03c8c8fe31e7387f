"""Bytes leave the store in three steps, so that nobody who wants to write to the database waits for the store:

    claim what nothing needs → look and delete, outside of any transaction → let go

Between claim and letting go no transaction comes to need bytes of that name (`check_unclaimed`): who brings them is told to
bring them again in a moment. Who dies in between leaves his claim; it ends by itself, and the next clean-up deletes again. A
claim is a row of `Discarded` whose moment lies a century ahead: clocks of two processes never differ by so much.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from conductor_core.digest import Digest
from sqlalchemy import ColumnElement, Table, and_, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from conductor_service import clock, losses
from conductor_service.database import Database, Unit
from conductor_service.errors import Busy
from conductor_service.many_values import among
from conductor_service.models import Discarded
from conductor_service.store import PrunableStore
from conductor_service.upserts import upsert

log = logging.getLogger(__name__)

#: after which a claim counts no more: the last call to the store that was made under it has ended by then. On S3 that is one
#: that begins at the end of `_ACT_SECONDS`, and may be tried for twelve minutes
CLAIM = timedelta(minutes=30)
_AHEAD = timedelta(days=36525)
#: seconds after its claim in which a deletion may begin
_ACT_SECONDS = 60.0
_ROWS = cast(Table, Discarded.__table__)
_SINCE = select(Discarded.since).where(Discarded.digest == bindparam("digest"))

#: tells which of some digests' bytes, as they lie in the store by themselves, something needs
Needed = Callable[[Session, Sequence[str]], set[str]]


@dataclass(frozen=True, slots=True)
class Claim:
    """Bytes that one process has for itself: it alone may take them away, and nobody may come to need them."""

    #: when it ends, and a century: what the rows of these bytes have
    until: datetime
    #: digest → since when it was discarded
    since: Mapping[str, datetime]


@dataclass(slots=True)
class _Done:
    """What came of a claim."""

    deleted: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    #: whose deletion was begun and not seen to end: it may still come to pass
    begun: str = ""

    def delete(self, shelf: PrunableStore, digest: Digest, oldest: datetime, is_late: Callable[[], bool]) -> bool:
        """Delete bytes, unless they are young; False where it is too late to begin."""
        written = shelf.written(digest)
        if written is None:
            self.absent.append(digest)
        elif is_late():  # asked last: the look may have taken its time, too
            return False
        elif written < oldest:
            self.begun = digest
            shelf.delete(digest)
            self.begun = ""
            self.deleted.append(digest)
        return True


def discard(unit: Unit, digests: Sequence[str]) -> None:
    """Note bytes that nothing needs from now on; what is claimed stays claimed."""
    if not digests:
        return
    taken = claimed(unit, digests)
    rows = [{"digest": digest, "since": unit.now} for digest in digests if digest not in taken]
    upsert(unit.session, Discarded, rows, change={"since": unit.now})


def is_due(now: datetime, before: datetime) -> ColumnElement[bool]:
    """Return the condition that bytes were discarded before a moment, or claimed by somebody who did not live to let them go."""
    return or_(Discarded.since < before, and_(is_claim(now), Discarded.since <= now + _AHEAD))


def is_claim(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a row is, or was, a claim: its moment is a mark by which its holder finds it, not a time."""
    return Discarded.since > now + _AHEAD / 2


def claimed(unit: Unit, digests: Sequence[str]) -> set[str]:
    """Return those digests whose bytes somebody has for himself."""
    query = select(Discarded.digest).where(among(unit.session, Discarded.digest, digests))
    return set(unit.session.scalars(query.where(Discarded.since > unit.now + _AHEAD)))


def check_unclaimed(unit: Unit, digest: str) -> None:
    """Refuse to need bytes that are being taken away at this moment.

    Raises:
        Busy: they are.
    """
    since = unit.session.connection().execute(_SINCE, {"digest": digest}).scalar()
    if since is not None and since > unit.now + _AHEAD:
        raise _going(digest)


def check_not_claimed_now(database: Database, digest: str) -> None:
    """Refuse at once who begins to send bytes that are being taken away; whether they still are at the end is looked at there.

    Raises:
        Busy: they are.
    """
    with database.engine.connect() as connection:  # before every object that comes in: a session costs twice as much
        since = connection.execute(_SINCE, {"digest": digest}).scalar()
    if since is not None and since > database.clock() + _AHEAD:
        raise _going(digest)


def _going(digest: str) -> Busy:
    return Busy(f"Object {digest} is being removed by a clean-up.", "Send it again in a moment.")


def claim_for_good(unit: Unit, digest: str) -> Claim | None:
    """Claim bytes although something needs them, to set them aside; None: somebody else has a claim."""
    if claimed(unit, [digest]):
        return None
    claim = Claim(unit.now + _AHEAD + CLAIM, {digest: unit.now})
    upsert(unit.session, Discarded, [{"digest": digest, "since": claim.until}], change={"since": claim.until})
    return claim


def release(unit: Unit, claim: Claim) -> None:
    """Let go what was set aside, or is not to be."""
    _drop(unit, claim, list(claim.since))


def remove(
    database: Database,
    shelf: PrunableStore,
    digests: Sequence[str],
    *,
    due: datetime,
    young: timedelta,
    needed: Needed,
    unknown: bool = False,
    elapsed: Callable[[], float] = clock.elapsed,
) -> int:
    """Delete bytes that were discarded before `due` and that nothing needs, and return how many objects that were.

    Args:
        young: bytes that were written within that time belong to a transaction that is still to come: they stay.
        unknown: nothing knows of them yet; they are discarded now.

    Raises:
        TransferError: the store failed; what was done is noted.
    """
    begun = elapsed()
    with database.write() as unit:
        if unknown:
            upsert(unit.session, Discarded, [{"digest": d, "since": due - timedelta(seconds=1)} for d in digests])
        claim = _claim(unit, digests, due, needed)
        oldest = unit.now - young
    done = _Done()
    try:
        for digest in claim.since:
            if not done.delete(shelf, Digest(digest), oldest, lambda: elapsed() - begun > _ACT_SECONDS):
                break
    finally:  # whatever ends it, Ctrl-C too: who sends what was not begun need not wait until the claim ends by itself
        _let_go(database, shelf, claim, done, needed)
    return len(done.deleted)


def _claim(unit: Unit, digests: Sequence[str], due: datetime, needed: Needed) -> Claim:
    session, connection = unit.session, unit.session.connection()
    query = select(Discarded.digest, Discarded.since).where(among(session, Discarded.digest, digests), is_due(unit.now, due))
    since = {row.digest: row.since for row in session.execute(query.order_by(Discarded.digest))}
    wanted = needed(session, list(since))
    until = unit.now + _AHEAD + CLAIM
    connection.execute(delete(Discarded).where(among(session, Discarded.digest, sorted(wanted))))
    mine = {digest: at for digest, at in since.items() if digest not in wanted}
    connection.execute(update(Discarded).where(among(session, Discarded.digest, list(mine))).values(since=until))
    return Claim(until, mine)


def _let_go(database: Database, shelf: PrunableStore, claim: Claim, done: _Done, needed: Needed) -> None:
    """End a claim, and see that nothing came to need what was deleted: it can where the claim had ended by itself before."""
    if not claim.since:
        return
    over = {*done.deleted, *done.absent}
    kept = [{"b_digest": d, "b_since": at} for d, at in claim.since.items() if d not in over and d != done.begun]
    with database.write() as unit:
        _drop(unit, claim, sorted(over))
        if kept:
            back = update(_ROWS).where(_ROWS.c.digest == bindparam("b_digest"), _ROWS.c.since == claim.until)
            unit.session.connection().execute(back.values(since=bindparam("b_since")), kept)
        taken = needed(unit.session, done.deleted) if done.deleted else set()
    gone = [d for d in sorted(taken) if shelf.size(Digest(d)) is None]
    if gone:
        log.error("%d objects were deleted by a clean-up that took too long; who needs them sends them again.", len(gone))
        with database.write() as unit:
            losses.lose(unit, gone)
            losses.lose_packs(unit, gone)


def _drop(unit: Unit, claim: Claim, digests: Sequence[str]) -> None:
    mine = (among(unit.session, Discarded.digest, digests), Discarded.since == claim.until)
    unit.session.connection().execute(delete(Discarded).where(*mine))
