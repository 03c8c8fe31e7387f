"""What to do when the system's clock is set: every time that something is still measured from moves along.

Leases keep what they had left, instances are billed for what they took, and whoever waits for a moment waits as long as he
would have. What has ended stays as it was written. While the service was down, a clock that was set cannot be told from time
that passed; only that nothing can have begun in the future.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, Table, bindparam, exists, select, update

from conductor_service import removals
from conductor_service.clock import SteadyClock
from conductor_service.database import Database, Unit
from conductor_service.models import (
    Attempt,
    Base,
    Discarded,
    Instance,
    LicenceWait,
    Notification,
    OutputFile,
    PresenceLease,
    ProjectObject,
    Token,
    Upload,
)

#: less than this is no step: NTP slews it, and what is measured by elapsed time is slewed with it
STEP = timedelta(seconds=1)
_OPEN = Instance.ended.is_(None)
_INSTANCE_MARKS = ("launched", "ready", "heard", "idle_since", "retired")
_ATTEMPT_MARKS = ("started", "ended", "expires", "released")
#: these live for so long; a person's token until a date
_RELATIVE_TOKENS = ("instance", "session")
_THERE = exists().where(Instance.id == Attempt.instance_id, _OPEN)
_PUBLISHED_THERE = exists().where(Attempt.id == OutputFile.attempt_id, Attempt.instance_id == Instance.id, _OPEN)


def follow(database: Database, clock: SteadyClock, step: timedelta) -> None:
    """Set the service's clock by a step, and move along what is measured by it; all of it, or nothing."""
    before = clock.adopted
    try:
        with database.write() as unit:
            _move_all(unit, step)
            clock.adopt(step)  # before somebody else gets the pen, and reads the time
    except BaseException:
        clock.adopt(before - clock.adopted)
        raise


def _move_all(unit: Unit, step: timedelta) -> None:
    for instance in unit.session.scalars(select(Instance).where(_OPEN)):
        for mark in _INSTANCE_MARKS:
            at = getattr(instance, mark)
            setattr(instance, mark, None if at is None else at + step)
        unit.instance_changed(instance)
    _move(unit, Attempt, _ATTEMPT_MARKS, _THERE, step)
    _move(unit, OutputFile, ("created",), _PUBLISHED_THERE, step)
    _move(unit, LicenceWait, ("since", "until"), None, step)
    _move(unit, PresenceLease, ("expires",), None, step)
    _move(unit, Discarded, ("since",), ~removals.is_claim(unit.now), step)
    _move(unit, ProjectObject, ("leased",), ProjectObject.leased > unit.now, step)
    _move(unit, Upload, ("touched",), None, step)
    _move(unit, Notification, ("next_try",), Notification.sent.is_(None), step)
    _move(unit, Token, ("created", "expires"), Token.kind.in_(_RELATIVE_TOKENS), step)


def _move(unit: Unit, kind: type[Base], marks: Sequence[str], where: ColumnElement[bool] | None, step: timedelta) -> None:
    """Move times of a table's rows, some or all."""
    table = cast(Table, kind.__table__)
    keys = [column.name for column in table.primary_key]
    query = select(*(table.c[name] for name in (*keys, *marks)))
    rows = unit.session.execute(query if where is None else query.where(where)).all()
    if not rows:
        return
    change = update(table).where(*(table.c[key] == bindparam(f"b_{key}") for key in keys))
    moved = [
        {
            f"b_{name}" if name in keys else name: value + step if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        for row in (r._mapping for r in rows)  # SQLAlchemy's own name for it, and public
    ]
    unit.session.connection().execute(change.values({mark: bindparam(mark) for mark in marks}), moved)


def forget_the_future(database: Database) -> None:
    """Let nothing that is under way have begun after now, where the clock was set back while the service was down."""
    with database.write() as unit:
        now = unit.now
        for mark in _INSTANCE_MARKS:
            column = getattr(Instance, mark)
            _set(unit, Instance, {mark: now}, _OPEN & (column > now))
        at_work = Attempt.released.is_(None)
        _set(unit, Attempt, {"started": now}, at_work & Attempt.ended.is_(None) & (Attempt.started > now))
        for wait in unit.session.scalars(select(LicenceWait)):
            wait.since = min(wait.since, now)
            wait.until = min(wait.until, now + timedelta(seconds=wait.pause))
        theirs = exists().where(Attempt.id == OutputFile.attempt_id, at_work)
        _set(unit, OutputFile, {"created": now}, theirs & (OutputFile.created > now))


def _set(unit: Unit, kind: type[Base], values: dict[str, datetime], where: ColumnElement[bool]) -> None:
    statement = update(kind).where(where).values(values)
    unit.session.execute(statement, execution_options={"synchronize_session": False})
