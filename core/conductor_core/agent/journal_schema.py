"""The journal's tables, and how those of an earlier version become them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS submissions (
    id TEXT PRIMARY KEY,
    created REAL NOT NULL,
    service TEXT NOT NULL,
    request BLOB NOT NULL,
    state TEXT NOT NULL,
    job TEXT NOT NULL DEFAULT '',
    number INTEGER NOT NULL DEFAULT 0,
    manifest BLOB,
    counts BLOB NOT NULL DEFAULT '{}',
    error BLOB,
    kill INTEGER NOT NULL DEFAULT 0,
    scene TEXT NOT NULL DEFAULT '',
    title TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS found_later (id TEXT PRIMARY KEY, found BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS downloads (
    service TEXT NOT NULL,
    job TEXT NOT NULL,
    created REAL NOT NULL,
    number INTEGER NOT NULL DEFAULT 0,
    project TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT '',
    seq INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    kind TEXT NOT NULL DEFAULT 'job',
    place_to TEXT NOT NULL DEFAULT '',
    place_name TEXT NOT NULL DEFAULT '',
    under TEXT NOT NULL DEFAULT '[]',
    share TEXT NOT NULL DEFAULT '',
    lasting INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (service, job)
);
CREATE TABLE IF NOT EXISTS outputs (
    service TEXT NOT NULL,
    job TEXT NOT NULL,
    path TEXT NOT NULL,
    seq INTEGER NOT NULL,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    mode INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    placed TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    came REAL NOT NULL DEFAULT 0,
    published TEXT NOT NULL DEFAULT '',
    step TEXT NOT NULL DEFAULT '',
    frame INTEGER,
    origin TEXT NOT NULL DEFAULT '',
    number INTEGER NOT NULL DEFAULT 0,
    project TEXT NOT NULL DEFAULT '',
    output TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (service, job, path)
);
CREATE INDEX IF NOT EXISTS outputs_in_short ON outputs (state, service, job, size);
CREATE TABLE IF NOT EXISTS cursors (service TEXT PRIMARY KEY, event TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS agent (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

#: all but the request and the manifest, which have megabytes: the agent looks here again and again
_IN_SHORT = """
CREATE INDEX IF NOT EXISTS submissions_in_short
ON submissions (id, created, service, state, job, number, counts, error, kill, scene, title)
"""

#: what is still to come, in the order in which it comes; small however much is home
_DUE = """
CREATE INDEX IF NOT EXISTS outputs_due ON outputs (service, attempts, frame IS NULL, frame, seq)
WHERE state IN ('pending', 'stuck')
"""

_TEXT, _NUMBER = "TEXT NOT NULL DEFAULT ''", "INTEGER NOT NULL DEFAULT 0"
#: columns that tables of an earlier version lack
_LATER = {
    "submissions": {"scene": _TEXT, "title": _TEXT},
    "downloads": {
        "kind": "TEXT NOT NULL DEFAULT 'job'",
        "place_to": _TEXT,
        "place_name": _TEXT,
        "under": "TEXT NOT NULL DEFAULT '[]'",
        "share": _TEXT,
        "lasting": _NUMBER,
    },
    "outputs": {
        "came": "REAL NOT NULL DEFAULT 0",
        "published": _TEXT,
        "step": _TEXT,
        "frame": "INTEGER",
        "origin": _TEXT,
        "number": _NUMBER,
        "project": _TEXT,
        "output": _TEXT,
    },
}


def prepare(database: sqlite3.Connection) -> None:
    """Make the tables, or bring those of an earlier version up to date, in one step; an earlier agent can still use them."""
    database.executescript(_SCHEMA)
    lacking = [
        (table, name, kind)
        for table, columns in _LATER.items()
        for name, kind in columns.items()
        if name not in {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
    ]
    if lacking:
        _migrate(database, lacking)
    database.execute(_IN_SHORT)
    database.execute(_DUE)


def told_by(request: Mapping[str, Any]) -> tuple[str, str]:
    """Return scene and title of a submission's request."""
    submission = request.get("submission")
    told = submission if isinstance(submission, Mapping) else {}
    return str(told.get("scene", "")), str(told.get("title", ""))


def _migrate(database: sqlite3.Connection, lacking: list[tuple[str, str, str]]) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        for table, name, kind in lacking:
            database.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
        told_anew = any(table == "submissions" for table, _, _ in lacking)
        for (identity,) in database.execute("SELECT id FROM submissions").fetchall() if told_anew else ():
            # one at a time: requests have megabytes, and a month has many of them
            (request,) = database.execute("SELECT request FROM submissions WHERE id = ?", (identity,)).fetchone()
            try:
                told = told_by(json.loads(request))
            except (ValueError, AttributeError):
                continue  # damaged: whoever needs the request itself will say so
            database.execute("UPDATE submissions SET scene = ?, title = ? WHERE id = ?", (*told, identity))
        database.execute("DROP INDEX IF EXISTS submissions_in_short")
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise
