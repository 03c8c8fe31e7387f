"""Which agent brings which published file home, of those that share the work.

A claim is for efficiency alone: it runs out, and two agents that bring the same file bring the same bytes to the same
place. So nothing here need be certain, only seldom wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from conductor_service.database import Unit
from conductor_service.models import DownloadClaim, Job, OutputFile

#: how long a claim holds; its holder asks again well before
CLAIM = timedelta(seconds=120)
#: how long it is known that a file is home; who comes later looks at the file itself
REMEMBERED = timedelta(days=30)
_SLICE = 500


@dataclass(frozen=True, slots=True)
class Share:
    """Agents of one account that name the same share, and the one that asks."""

    account_id: str
    name: str
    holder: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """What became of a question; what is in neither is another's for now."""

    #: theirs to bring home who asked
    granted: tuple[int, ...]
    #: another has brought it home
    home: tuple[int, ...]


def claim(unit: Unit, share: Share, wanted: Sequence[int], most: int) -> Claimed:
    """Give the first `most` of `wanted` (numbers of outputs) that nobody holds, and renew those held by who asks."""
    wanted = list(dict.fromkeys(wanted))
    known = _claims(unit.session, share, wanted)
    mine = [seq for seq, c in known.items() if not c.home and c.holder == share.holder]
    free = [seq for seq in wanted if seq not in known or not (known[seq].home or known[seq].expires >= unit.now)]
    real = _of_account(unit.session, share.account_id, free) - set(mine)
    new = [seq for seq in free if seq in real][: max(0, most - len(mine))]
    until = unit.now + CLAIM
    _set(unit, share, [*mine, *(seq for seq in new if seq in known)], holder=share.holder, expires=until)
    rows = [_row(share, seq, until) for seq in new if seq not in known]
    if rows:
        unit.session.execute(insert(DownloadClaim), rows)
    return Claimed((*mine, *new), tuple(seq for seq, c in known.items() if c.home))


def end(unit: Unit, share: Share, *, home: Sequence[int] = (), released: Sequence[int] = ()) -> None:
    """Note what is home, for all who share; and give up what could not be brought."""
    known = _claims(unit.session, share, [*home, *released])
    _set(unit, share, [seq for seq in home if seq in known], holder=share.holder, expires=unit.now + REMEMBERED, home=True)
    fresh = _of_account(unit.session, share.account_id, [seq for seq in home if seq not in known])
    if fresh:
        rows = [{**_row(share, seq, unit.now + REMEMBERED), "home": True} for seq in sorted(fresh)]
        unit.session.execute(insert(DownloadClaim), rows)
    mine = [seq for seq in released if seq in known and known[seq].holder == share.holder and not known[seq].home]
    _set(unit, share, mine, holder="", expires=unit.now - CLAIM)


def forget_claims(unit: Unit) -> None:
    """Delete what ran out; who asks then begins anew."""
    old = delete(DownloadClaim).where(DownloadClaim.expires < unit.now)
    unit.session.execute(old, execution_options={"synchronize_session": False})


@dataclass(frozen=True, slots=True)
class _Claim:
    holder: str
    expires: datetime
    home: bool


def _claims(session: Session, share: Share, wanted: Sequence[int]) -> dict[int, _Claim]:
    found: dict[int, _Claim] = {}
    for some in _slices(wanted):
        query = select(DownloadClaim.seq, DownloadClaim.holder, DownloadClaim.expires, DownloadClaim.home).where(
            DownloadClaim.account_id == share.account_id, DownloadClaim.share == share.name, DownloadClaim.seq.in_(some)
        )
        found.update((seq, _Claim(holder, expires, home)) for seq, holder, expires, home in session.execute(query))
    return found


def _of_account(session: Session, account_id: str, wanted: Sequence[int]) -> set[int]:
    """Return those that are outputs of the account's jobs: nobody fills the table with numbers of nothing."""
    found: set[int] = set()
    for some in _slices(wanted):
        query = select(OutputFile.seq).join(Job, Job.id == OutputFile.job_id)
        found.update(session.scalars(query.where(OutputFile.seq.in_(some), Job.account_id == account_id)))
    return found


def _set(unit: Unit, share: Share, seqs: Sequence[int], **values: object) -> None:
    for some in _slices(seqs):
        which = (DownloadClaim.account_id == share.account_id, DownloadClaim.share == share.name, DownloadClaim.seq.in_(some))
        change = update(DownloadClaim).where(*which).values(**values)
        unit.session.execute(change, execution_options={"synchronize_session": False})


def _row(share: Share, seq: int, expires: datetime) -> dict[str, object]:
    about = {"account_id": share.account_id, "share": share.name, "holder": share.holder}
    return {**about, "seq": seq, "expires": expires, "home": False}


def _slices(seqs: Sequence[int]) -> Iterable[Sequence[int]]:
    return (seqs[i : i + _SLICE] for i in range(0, len(seqs), _SLICE))
