"""What the agent was asked to do and how far it is, on disk before anybody is told so.

SQLite with a write-ahead log and `synchronous = FULL`: what was committed survives `kill -9` and a power cut. Each
statement below is one transaction; the work in between may be repeated and is idempotent.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conductor_core.agent.journal_rows import (
    DownloadRow,
    OutputRow,
    SubmissionRow,
    Tally,
    download_row,
    output_row,
    submission_row,
)
from conductor_core.agent.journal_schema import prepare, told_by
from conductor_core.api.answers import OutputFile
from conductor_core.errors import JournalUnwritable
from conductor_core.user_folders import private_folder

#: states of a submission in which there is work to do
UNFINISHED = ("hashing", "uploading", "committing")
#: the job of a submission between the asking for it and the answer
ASKED_FOR = "?"
#: times that a file's own error (not the service's absence) may come before it is given up on
FETCH_ATTEMPTS = 5

#: what a SubmissionRow is read from, without touching the row itself
IN_SHORT = (
    "SELECT id, created, service, state, job, number, counts, error, kill, scene, title "
    "FROM submissions INDEXED BY submissions_in_short"
)


class Journal:
    """The agent's memory; safe to share between threads, used by one process (the agent's lock sees to that)."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Open the journal at `path`, made where it is not there.

        Raises:
            JournalUnwritable: its disk is full or read-only, or the folder is somebody else's.
        """
        self._path = path
        self._clock = clock
        self._lock = threading.RLock()
        #: how often the files of a job changed since the journal was opened
        self._changes: Counter[tuple[str, str]] = Counter()
        with self._on_disk():
            self._open(path)

    def _open(self, path: Path) -> None:
        private_folder(path.parent)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._database = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            self._database.execute(f"PRAGMA {pragma}")
        prepare(self._database)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

    def add_submission(self, identity: str, service: str, request: Mapping[str, Any]) -> None:
        """Keep a request; the same id again is the same submission."""
        self._run(
            "INSERT OR IGNORE INTO submissions (id, created, service, request, state, scene, title) "
            "VALUES (?, ?, ?, ?, 'hashing', ?, ?)",
            (identity, self._clock(), service, json.dumps(request), *told_by(request)),
        )

    def submission(self, identity: str) -> SubmissionRow | None:
        """Return one submission."""
        rows = self._rows(f"{IN_SHORT} WHERE id = ?", (identity,))
        return submission_row(rows[0]) if rows else None

    def request(self, identity: str) -> Mapping[str, Any]:
        """Return what was asked for: `{"submission": …, "files": […], "download": bool}`."""
        row = self._rows("SELECT request FROM submissions WHERE id = ?", (identity,))[0]
        return dict(json.loads(row["request"]))

    def request_of_job(self, service: str, job: str) -> Mapping[str, Any] | None:
        """Return the request that became a job; None where the job was submitted from elsewhere."""
        rows = self._rows(f"{IN_SHORT} WHERE service = ? AND job = ?", (service, job))
        return self.request(rows[0]["id"]) if rows else None

    def manifest(self, identity: str) -> bytes | None:
        """Return a submission's manifest in canonical bytes, once every file is hashed."""
        row = self._rows("SELECT manifest FROM submissions WHERE id = ?", (identity,))[0]
        return None if row["manifest"] is None else bytes(row["manifest"])

    def submissions(self, limit: int = 200) -> list[SubmissionRow]:
        """Return submissions, newest first."""
        rows = self._rows(f"{IN_SHORT} ORDER BY created DESC, id LIMIT ?", (limit,))
        return [submission_row(row) for row in rows]

    def scenes(self) -> list[str]:
        """Return the scenes of all submissions, as they were written."""
        return [row["scene"] for row in self._rows("SELECT DISTINCT scene FROM submissions INDEXED BY submissions_in_short", ())]

    def submissions_of(self, scenes: Sequence[str], limit: int) -> list[SubmissionRow]:
        """Return the submissions of scenes, newest first."""
        query = f"{IN_SHORT} WHERE scene IN ({', '.join('?' * len(scenes))}) ORDER BY created DESC, id LIMIT ?"
        return [submission_row(row) for row in self._rows(query, (*scenes, limit))]

    def submissions_to_do(self) -> list[SubmissionRow]:
        """Return the submissions on which there is work, oldest first."""
        query = f"{IN_SHORT} WHERE state IN (?, ?, ?) OR kill ORDER BY created, id"
        return [submission_row(row) for row in self._rows(query, UNFINISHED)]

    def set_manifest(self, identity: str, manifest: bytes, counts: Mapping[str, int]) -> None:
        """Keep what the files are, so that an edit after this fails by name also after a restart."""
        self._run(
            "UPDATE submissions SET manifest = ?, counts = ?, state = 'uploading', error = NULL "
            "WHERE id = ? AND state != 'failed'",
            (manifest, json.dumps(counts), identity),
        )

    def set_job(self, identity: str, job: str, number: int) -> None:
        """Keep which job the submission became."""
        self._run("UPDATE submissions SET job = ?, number = ? WHERE id = ?", (job, number, identity))

    def set_state(self, identity: str, state: str, counts: Mapping[str, int]) -> bool:
        """Keep how far a submission is, unless it was cancelled meanwhile; tell whether it was kept."""
        return self._run(
            "UPDATE submissions SET state = ?, counts = ?, error = NULL WHERE id = ? AND state != 'failed'",
            (state, json.dumps(counts), identity),
        )

    def set_submitted(self, row: SubmissionRow, counts: Mapping[str, int], *, download: bool) -> None:
        """End a submission, and begin to follow its job, in one step."""
        with self._transaction():
            if self.set_state(row.id, "submitted", counts) and download:
                self.add_download(row.service, row.job, number=row.number)

    def set_waiting(self, identity: str, error: Mapping[str, Any]) -> None:
        """Keep what a submission waits for."""
        self._run("UPDATE submissions SET error = ? WHERE id = ?", (json.dumps(error), identity))

    def set_failed(self, identity: str, error: Mapping[str, Any], counts: Mapping[str, int]) -> None:
        """End a submission; the job that it may have made is killed in a step of its own."""
        self._run(
            "UPDATE submissions SET state = 'failed', error = ?, counts = ?, kill = 1 WHERE id = ?",
            (json.dumps(error), json.dumps(counts), identity),
        )

    def set_killed(self, identity: str) -> None:
        """Keep that there is no job left of a failed submission."""
        self._run("UPDATE submissions SET kill = 0 WHERE id = ?", (identity,))

    def add_download(self, service: str, job: str, *, number: int = 0) -> None:
        """Follow a job's outputs; asked again, the service is asked again, and what was given up on is tried again."""
        with self._transaction():
            self._run(
                "INSERT INTO downloads (service, job, created, number) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (service, job) DO UPDATE SET state = '', created = MAX(excluded.created, created + 0.001)",
                (service, job, self._clock(), number),
            )
            self._run(
                "UPDATE outputs SET state = 'pending', attempts = 0, error = '' "
                "WHERE service = ? AND job = ? AND state IN ('failed', 'stuck')",
                (service, job),
            )
            self._changed(service, job)

    def downloads(self, *, since: float = 0.0) -> list[DownloadRow]:
        """Return the jobs that are followed, oldest first."""
        rows = self._rows("SELECT * FROM downloads WHERE created >= ? ORDER BY created, job", (since,))
        return [download_row(row) for row in rows]

    def download(self, service: str, job: str) -> DownloadRow | None:
        """Return one followed job."""
        rows = self._rows("SELECT * FROM downloads WHERE service = ? AND job = ?", (service, job))
        return download_row(rows[0]) if rows else None

    def set_job_state(self, row: DownloadRow, *, number: int, project: str, state: str) -> None:
        """Keep what the service says of a followed job; its state only where nobody has asked again since `row` was read."""
        self._run(
            "UPDATE downloads SET number = ?, project = ?, error = '', state = CASE WHEN created = ? THEN ? ELSE state END "
            "WHERE service = ? AND job = ?",
            (number, project, row.created, state, row.service, row.job),
        )

    def set_download_error(self, row: DownloadRow, error: str) -> None:
        """Keep why a followed job cannot be asked about."""
        self._run("UPDATE downloads SET error = ? WHERE service = ? AND job = ?", (error, row.service, row.job))

    def add_outputs(self, row: DownloadRow, outputs: Sequence[OutputFile]) -> None:
        """Keep files to bring home, and that the service was asked up to the last of them, in one step.

        A path that was published again is brought home again: its later version replaces the earlier.
        """
        with self._transaction():
            for o in outputs:
                self._run(
                    "INSERT INTO outputs (service, job, path, seq, digest, size, mode, mtime_ns) VALUES (?,?,?,?,?,?,?,?) "
                    "ON CONFLICT (service, job, path) DO UPDATE SET seq = excluded.seq, digest = excluded.digest, "
                    "size = excluded.size, mode = excluded.mode, mtime_ns = excluded.mtime_ns, state = 'pending', "
                    "attempts = 0, error = '' WHERE excluded.seq > outputs.seq",
                    (row.service, row.job, o.path, o.seq, o.digest, o.size, o.mode, o.mtime_ns),
                )
            self._changed(row.service, row.job)
            last = max((o.seq for o in outputs), default=row.seq)
            self._run("UPDATE downloads SET seq = max(seq, ?) WHERE service = ? AND job = ?", (last, row.service, row.job))

    def superseded(self, row: DownloadRow, outputs: Sequence[OutputFile]) -> list[OutputRow]:
        """Return the files still to come of which `outputs` has later versions: what has come of them is of no use any more."""
        later = {o.path: o for o in outputs}
        pending = self._rows("SELECT * FROM outputs WHERE service = ? AND job = ? AND state != 'done'", (row.service, row.job))
        found = [output_row(r) for r in pending if r["path"] in later]
        return [o for o in found if later[o.path].seq > o.seq and later[o.path].digest != o.digest]

    def wanted(self, row: OutputRow) -> bool:
        """Tell whether this is still the version that belongs at its path."""
        query = "SELECT 1 FROM outputs WHERE service = ? AND job = ? AND path = ? AND digest = ?"
        return bool(self._rows(query, (row.service, row.job, row.path, row.digest)))

    def outputs(self, service: str, job: str) -> list[OutputRow]:
        """Return the files of a followed job."""
        return [output_row(r) for r in self._rows("SELECT * FROM outputs WHERE service = ? AND job = ?", (service, job))]

    def services_to_do(self) -> list[str]:
        """Return the services that have files to bring home."""
        rows = self._rows("SELECT DISTINCT service FROM outputs WHERE state IN ('pending', 'stuck') ORDER BY service", ())
        return [row["service"] for row in rows]

    def outputs_to_do(self, service: str, limit: int = 500) -> list[OutputRow]:
        """Return files to bring home from a service, in the order of their publication."""
        query = "SELECT * FROM outputs WHERE state IN ('pending', 'stuck') AND service = ? ORDER BY attempts, seq LIMIT ?"
        return [output_row(row) for row in self._rows(query, (service, limit))]

    def tally(self, service: str, job: str) -> Tally:
        """Count the files of a followed job."""
        states = {"home": "IN ('done', 'beside')", "failed": "IN ('failed', 'stuck')", "pending": "= 'pending'"}
        sums = ", ".join(f"COALESCE(SUM(state {test}), 0) AS {name}" for name, test in states.items())
        where = "FROM outputs WHERE service = ? AND job = ?"
        query = f"SELECT COUNT(*) AS total, {sums}, COALESCE(SUM(size * (state {states['home']})), 0) AS bytes {where}"
        counts = dict(self._rows(query, (service, job))[0])
        beside = self._rows(f"SELECT placed {where} AND state = 'beside' ORDER BY seq", (service, job))
        errors = self._rows(f"SELECT error {where} AND error != '' ORDER BY seq", (service, job))
        return Tally(**counts, beside=tuple(r["placed"] for r in beside), errors=tuple(r["error"] for r in errors))

    def changes(self, service: str, job: str) -> int:
        """Return a number that rises with each change of a job's files: what was counted before is right while it stays."""
        with self._lock:
            return self._changes[service, job]

    def last_home(self, service: str, job: str) -> str:
        """Return where the file lies that came home last; "" where none has."""
        query = (
            "SELECT placed FROM outputs WHERE service = ? AND job = ? AND state IN ('done', 'beside') "
            "ORDER BY came DESC, seq DESC LIMIT 1"
        )
        rows = self._rows(query, (service, job))
        return str(rows[0]["placed"]) if rows else ""

    def set_home(self, row: OutputRow, how: str, placed: str) -> None:
        """Keep that this version of a file is home; a later version that came meanwhile stays to be done."""
        self._run(
            "UPDATE outputs SET state = ?, placed = ?, error = '', came = ? "
            "WHERE service = ? AND job = ? AND path = ? AND seq = ?",
            ("beside" if how == "beside" else "done", placed, self._clock(), row.service, row.job, row.path, row.seq),
        )
        self._changed(row.service, row.job)

    def set_fetch_error(self, row: OutputRow, error: str, *, final: bool = False, passing: bool = False) -> None:
        """Count a failure of a file's own; after FETCH_ATTEMPTS of them nobody need wait for it any longer.

        It is given up on then, unless its cause may pass (a full disk, a folder without rights): then it is tried again.
        """
        attempts = FETCH_ATTEMPTS if final else row.attempts + 1
        ended = "stuck" if passing else "failed"
        state = ended if attempts >= FETCH_ATTEMPTS else "pending"
        self._run(
            "UPDATE outputs SET attempts = ?, state = ?, error = ? WHERE service = ? AND job = ? AND path = ? AND seq = ?",
            (attempts, state, error, row.service, row.job, row.path, row.seq),
        )
        self._changed(row.service, row.job)

    def cursor(self, service: str) -> str:
        """Return the id of the last event heard of a service, empty where none was."""
        rows = self._rows("SELECT event FROM cursors WHERE service = ?", (service,))
        return str(rows[0]["event"]) if rows else ""

    def set_cursor(self, service: str, event: str) -> None:
        """Keep the id of the last event heard."""
        self._run("INSERT OR REPLACE INTO cursors (service, event) VALUES (?, ?)", (service, event))

    def forget_before(self, moment: float) -> None:
        """Drop what ended long ago, so that the journal does not grow for ever."""
        with self._transaction():
            self._run("DELETE FROM submissions WHERE created < ? AND NOT kill AND state IN ('submitted', 'failed')", (moment,))
            self._run("DELETE FROM downloads WHERE created < ?", (moment,))
            self._run(
                "DELETE FROM outputs WHERE NOT EXISTS "
                "(SELECT 1 FROM downloads d WHERE d.service = outputs.service AND d.job = outputs.job)"
            )

    def _changed(self, service: str, job: str) -> None:
        with self._lock:
            self._changes[service, job] += 1

    def _run(self, statement: str, values: Sequence[Any] = ()) -> bool:
        """Run one statement and tell whether it changed a row."""
        with self._lock, self._on_disk():
            return self._database.execute(statement, values).rowcount > 0

    def _rows(self, query: str, values: Sequence[Any]) -> list[sqlite3.Row]:
        with self._lock:
            return self._database.execute(query, values).fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            if self._database.in_transaction:
                yield
                return
            self._run("BEGIN IMMEDIATE")
            try:
                yield
                self._run("COMMIT")
            except BaseException:
                if self._database.in_transaction:  # a full disk may have undone it already
                    self._database.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _on_disk(self) -> Iterator[None]:
        """Say what it means when the disk does not take what is to be remembered."""
        try:
            yield
        except (sqlite3.OperationalError, OSError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else None
            raise JournalUnwritable(str(self._path), reason or str(exc)) from exc
