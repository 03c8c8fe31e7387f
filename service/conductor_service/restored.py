"""A data folder that comes from a backup: what happened after it must not be confused with what happens now."""

from __future__ import annotations

from conductor_service.database import Database

#: more than a farm writes between two backups: a thousand events a second for eleven days
AHEAD = 1_000_000_000


def rise_above_the_lost(database: Database) -> None:
    """Let every number that readers remember go on far above those that may have been given out after the backup.

    An agent asks for outputs after the last number that it saw, a listener for events after the last that it heard: both
    would pass over what now gets a number below that.
    """
    with database.write() as unit:
        connection = unit.session.connection()
        # https://www.sqlite.org/autoinc.html: the table may be written by ordinary statements
        connection.exec_driver_sql("UPDATE sqlite_sequence SET seq = seq + ?", (AHEAD,))
        for table in ("event", "output"):
            connection.exec_driver_sql(
                "INSERT INTO sqlite_sequence (name, seq) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)",
                (table, AHEAD, table),
            )
