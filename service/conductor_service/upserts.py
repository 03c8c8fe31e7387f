"""Insert rows or change those that are there, in one statement: both databases can, each by its own construct."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from sqlalchemy import Table, bindparam, literal_column, null, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from conductor_service.many_values import named_pairs, told_pairs
from conductor_service.models import Base, StoredObject

#: the value of the row that could not be inserted
EXCLUDED: Final = object()
#: before the name of a parameter that is a changed column's new value
_NEW = "new_"
#: before that of a column that is the same in all rows
_FIXED = "fixed_"


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
    changed, values = _taken_apart(change or {})
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
    key: Sequence[str] = (),
) -> None:
    """Insert a row for each pair, all with the same `fixed` values; thousands cost little more than one.

    Args:
        columns: what key and value of a pair are in a row; with one, only the key is. Where the key is to be an `object_id`, it is
            the number of the object whose digest the pair has.
        fixed: column → its value in all rows.
        change: as `upsert` has it.
        key: as `upsert` has it.

    Raises:
        LookupError: an object is not known, or a row was there that nothing of is to change.
    """
    if not pairs:
        return
    dialect = session.get_bind().dialect.name
    changed, values = _taken_apart(change)
    statement = _pairs_statement(dialect, kind, tuple(columns), tuple(fixed), changed, tuple(key))
    same = {_FIXED + name: value for name, value in fixed.items()}
    told = {**told_pairs(dialect, pairs), **same, **values}
    done = session.connection().execute(statement, told, execution_options={"preserve_rowcount": True}).rowcount
    if done != len(pairs):
        raise LookupError(f"{kind.__tablename__}: {len(pairs) - done} of {len(pairs)} rows name no known object, or are there")


def _insert(dialect: str, table: Table) -> Any:
    return (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)


def _taken_apart(change: Mapping[str, Any]) -> tuple[tuple[tuple[str, str], ...], dict[str, Any]]:
    """Return what of a change is in the statement, and what goes to it as parameters."""
    changed = tuple((name, _how(value)) for name, value in change.items())
    return changed, {_NEW + name: value for name, value in change.items() if _how(value) == "value"}


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
    return statement.on_conflict_do_update(index_elements=keys, set_=_changes(table, statement, changed))


@functools.cache
def _pairs_statement(
    dialect: str,
    kind: type[Base],
    columns: tuple[str, ...],
    fixed: tuple[str, ...],
    changed: tuple[tuple[str, str], ...],
    key: tuple[str, ...],
) -> Any:
    """Return the statement, which is the same for whatever pairs."""
    table = cast(Table, kind.__table__)
    pairs = named_pairs(dialect)
    same = [bindparam(_FIXED + name, type_=table.c[name].type).label(name) for name in fixed]
    # without a condition SQLite takes ON CONFLICT for a join's (https://www.sqlite.org/lang_upsert.html, "Parsing Ambiguity")
    numbered = columns[0] == "object_id"
    first = StoredObject.id if numbered else pairs.c.key
    rows = select(*[first, pairs.c.value][: len(columns)], *same).where(literal_column("1") == literal_column("1"))
    if numbered:
        rows = rows.select_from(pairs).where(StoredObject.digest == pairs.c.key)
    statement: Any = _insert(dialect, table).from_select([*columns, *fixed], rows)
    keys = list(key) or [column.name for column in table.primary_key]
    if not changed:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(index_elements=keys, set_=_changes(table, statement, changed))


def _changes(table: Table, statement: Any, changed: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    new: dict[str, Any] = {name: bindparam(_NEW + name, type_=table.c[name].type) for name, how in changed if how == "value"}
    new |= {name: statement.excluded[name] for name, how in changed if how == "excluded"}
    new |= {name: null() for name, how in changed if how == "null"}
    return new
