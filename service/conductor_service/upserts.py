"""Insert rows or change those that are there, in one statement: both databases can, each by its own construct."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from sqlalchemy import Table, bindparam, literal, literal_column, null, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from conductor_service.many_values import pairs_table
from conductor_service.models import Base

#: the value of the row that could not be inserted
EXCLUDED: Final = object()
#: before the name of a parameter that is a changed column's new value
_NEW = "new_"


def upsert(
    session: Session,
    kind: type[Base],
    rows: list[dict[str, Any]],
    *,
    change: Mapping[str, Any] | None = None,
    key: Sequence[str] = (),
) -> None:
    """Insert rows; of those whose key is there, set the columns of `change`, or leave them as they are.

    Args:
        key: the columns that tell rows apart, where those are not the primary key.
        change: column → its new value; `EXCLUDED` stands for that of the row that was to be inserted.
    """
    if not rows:
        return
    changed = tuple((name, _how(value)) for name, value in (change or {}).items())
    values = {_NEW + name: value for name, value in (change or {}).items() if _how(value) == "value"}
    statement = _statement(session.get_bind().dialect.name, kind, tuple(key), changed)
    session.connection().execute(statement, [{**row, **values} for row in rows] if values else rows)


def upsert_pairs(
    session: Session,
    kind: type[Base],
    pairs: Mapping[str, int],
    *,
    columns: Sequence[str],
    fixed: Mapping[str, Any],
    change: Mapping[str, Any],
) -> None:
    """Insert a row for each pair, all with the same `fixed` values; thousands cost little more than one.

    Args:
        columns: what key and value of a pair are in a row; with one, only the key is.
        fixed: column → its value in all rows.
        change: as `upsert` has it.
    """
    if not pairs:
        return
    table = cast(Table, kind.__table__)
    told = pairs_table(session, pairs)
    values = [literal(value, table.c[name].type).label(name) for name, value in fixed.items()]
    # without a condition SQLite takes ON CONFLICT for a join's (https://www.sqlite.org/lang_upsert.html, "Parsing Ambiguity")
    rows = select(*[told.c.key, told.c.value][: len(columns)], *values).where(literal_column("1") == literal_column("1"))
    statement: Any = _insert(session.get_bind().dialect.name, table).from_select([*columns, *fixed], rows)
    new = {name: statement.excluded[name] if value is EXCLUDED else value for name, value in change.items()}
    keys = [column.name for column in table.primary_key]
    session.connection().execute(statement.on_conflict_do_update(index_elements=keys, set_=new))


def _insert(dialect: str, table: Table) -> Any:
    return (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)


def _how(value: object) -> str:
    return "excluded" if value is EXCLUDED else "null" if value is None else "value"


@functools.cache
def _statement(dialect: str, kind: type[Base], key: tuple[str, ...], changed: tuple[tuple[str, str], ...]) -> Any:
    """Return the statement, which is the same for whatever rows: to make it anew costs as much as to execute it."""
    table = cast(Table, kind.__table__)
    keys = list(key) or [column.name for column in table.primary_key]
    statement = _insert(dialect, table)
    if not changed:
        return statement.on_conflict_do_nothing(index_elements=keys)
    new: dict[str, Any] = {name: bindparam(_NEW + name, type_=table.c[name].type) for name, how in changed if how == "value"}
    new |= {name: statement.excluded[name] for name, how in changed if how == "excluded"}
    new |= {name: null() for name, how in changed if how == "null"}
    return statement.on_conflict_do_update(index_elements=keys, set_=new)
