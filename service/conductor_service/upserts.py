"""Insert rows or change those that are there, in one statement: both databases can, each by its own construct."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from conductor_service.models import Base

#: the value of the row that could not be inserted
EXCLUDED: Final = object()


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
    table = cast(Table, kind.__table__)
    keys = list(key) or [column.name for column in table.primary_key]
    construct = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement: Any = construct(table)
    if change is None:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    else:
        new = {name: statement.excluded[name] if value is EXCLUDED else value for name, value in change.items()}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=new)
    session.connection().execute(statement, rows)
