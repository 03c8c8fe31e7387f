"""The database as a whole: its file, its migration, its references."""

from __future__ import annotations

from collections.abc import Iterator

from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError

from conductor_service.audit.kinds import Ground, Seen, kind
from conductor_service.database import is_locked, is_unopenable, newest_migration

#: references that a kind of its own looks at, and names better: by table, to `object`
_NAMED_ELSEWHERE = frozenset({"output", "project_file", "manifest_object", "project_object"})


@kind(
    "database-damaged",
    "Stop the service, keep a copy of the data folder, and restore the database from a backup.",
    fatal=True,
)
def database_damaged(ground: Ground) -> Iterator[Seen]:
    """The file of the database is damaged (SQLite's own integrity check)."""
    if not _is_sqlite(ground):
        return
    try:
        lines = ground.session.execute(text("PRAGMA integrity_check")).scalars().all()
    except DatabaseError as exc:
        if is_locked(exc) or is_unopenable(exc):
            raise  # who may not read it, or not now, knows nothing of it
        lines = [str(exc.orig)]
    for line in lines:
        if line != "ok":
            yield Seen("database", f"The database is damaged: {line}.")


@kind("migration", "Start the service of this version once: it brings the database up to date.", fatal=True)
def migration(ground: Ground) -> Iterator[Seen]:
    """The database is of another version of Conductor."""
    connection = ground.session.connection()
    there = MigrationContext.configure(connection).get_current_revision() if inspect(connection).get_table_names() else None
    newest = newest_migration()
    if there != newest:
        has = f"has migration {there}" if there else "has no tables"
        yield Seen("database", f"The database {has}, this version of Conductor needs {newest}.")


@kind("broken-reference", "Please report it, with the row: nothing that Conductor does leaves such a row.")
def broken_reference(ground: Ground) -> Iterator[Seen]:
    """A row refers to a row that is not there (objects apart, which have kinds of their own)."""
    if not _is_sqlite(ground):
        return  # other databases check references that were written without the service, too
    for table, row, parent, _ in ground.session.execute(text("PRAGMA foreign_key_check")):
        if parent != "object" or table not in _NAMED_ELSEWHERE:
            which = "A row" if row is None else f"Row {row}"  # tables that are their own index have no numbers of rows
            yield Seen(f"{table} row {row}", f"{which} of table {table} refers to a row of {parent} that is not there.")


def _is_sqlite(ground: Ground) -> bool:
    return ground.session.get_bind().dialect.name == "sqlite"
