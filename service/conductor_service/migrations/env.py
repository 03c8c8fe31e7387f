"""Run the migrations on the connection that `database.migrate` hands over."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from alembic import context
from sqlalchemy import Connection

from conductor_service.models import Base


@contextlib.contextmanager
def _references_let_go(connection: Connection) -> Iterator[None]:
    """Let SQLite make tables anew that others refer to.

    A table that is dropped takes its rows with it, which others refer to until it is there again; what is in force is said outside
    of transactions only (https://www.sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes").
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute("PRAGMA foreign_keys=OFF")
    if driver.execute("PRAGMA foreign_keys").fetchone()[0]:
        raise RuntimeError("migrations run in a transaction of their own")
    try:
        yield
    finally:
        if connection.in_transaction():  # where nothing was to be done, the look whether there was has begun one
            connection.rollback()
        driver.execute("PRAGMA foreign_keys=ON")
        if not driver.execute("PRAGMA foreign_keys").fetchone()[0]:
            connection.invalidate()


given: Connection = context.config.attributes["connection"]
context.configure(connection=given, target_metadata=Base.metadata, render_as_batch=True, compare_type=True)
with _references_let_go(given), context.begin_transaction():
    context.run_migrations()
