"""What is to be brought home and what is home: the journal's tables of what is followed, and of its files.

Followed is a job, or all that a project, or the whole account, publishes (`project_key`); both have rows of one shape.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import time

from conductor_core.agent.journal_file import JournalFile
from conductor_core.agent.journal_rows import (
    OUTPUTS,
    DownloadRow,
    Following,
    NewOutput,
    OutputRow,
    Tally,
    download_row,
    output_row,
)

#: times that a file's own error (not the service's absence) may come before it is given up on
FETCH_ATTEMPTS = 5
#: seconds for which a job that does not end, or a service that is away for good, is waited for beyond all others
WAITED_FOR = 90 * 86400.0

# Where the index of what is due is meant, its own condition stands in the query, word for word.
_DUE_OF_JOB = f"{OUTPUTS} WHERE state IN ('pending', 'stuck') AND service = ? AND job = ?"
_DUE_SERVICES = "SELECT DISTINCT service FROM outputs INDEXED BY outputs_due WHERE state IN ('pending', 'stuck') ORDER BY service"
_DUE_OF_SERVICE = OUTPUTS + (  # noqa: S608 - nothing of a caller's
    " INDEXED BY outputs_due WHERE state IN ('pending', 'stuck') AND service = ? "
    "AND job NOT IN (SELECT value FROM json_each(?)) AND path NOT IN (SELECT value FROM json_each(?)) "
    "ORDER BY attempts, frame IS NULL, frame, seq LIMIT ?"
)
#: which of some pairs of path and digest, by their place among them
_OUTDATED = (
    "SELECT asked.key FROM json_each(?) AS asked WHERE NOT EXISTS (SELECT 1 FROM outputs WHERE service = ? AND job = ? "
    "AND path = json_extract(asked.value, '$[0]') AND digest = json_extract(asked.value, '$[1]'))"
)
_NEW_OUTPUT = (
    "INSERT INTO outputs (service, job, path, seq, digest, size, mode, mtime_ns, published, step, frame, origin, number, project,"
    " output, state, error, attempts) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) "
    "ON CONFLICT (service, job, path) DO UPDATE SET seq = excluded.seq, digest = excluded.digest, size = excluded.size, "
    "mode = excluded.mode, mtime_ns = excluded.mtime_ns, published = excluded.published, step = excluded.step, "
    "frame = excluded.frame, origin = excluded.origin, number = excluded.number, project = excluded.project, "
    "output = excluded.output, state = excluded.state, error = excluded.error, attempts = excluded.attempts "
    "WHERE excluded.seq > outputs.seq"
)

_HOME = "UPDATE outputs SET state = ?, placed = ?, error = '', came = ? WHERE service = ? AND job = ? AND path = ? AND seq = ?"


class DownloadJournal(JournalFile):
    """Keep what is followed, its files, and how far each of them is."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time) -> None:
        #: how often the files of a job changed since the journal was opened
        self._changes: Counter[tuple[str, str]] = Counter()
        super().__init__(path, clock=clock)

    def add_download(
        self, service: str, job: str, *, number: int = 0, project: str = "", following: Following | None = None
    ) -> list[OutputRow]:
        """Follow a job's outputs; asked again, the service is asked again, and what was given up on is tried again.

        `following` says where its files go, and what else there is to say of it; None: as before. What goes elsewhere than
        before is brought home anew: the files that were still to come to the former places are returned.
        """
        with self._transaction():
            known = self.download(service, job)
            self._run(
                "INSERT INTO downloads (service, job, created, number, project) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (service, job) DO UPDATE SET state = '', created = MAX(excluded.created, created + 0.001)",
                (service, job, self._clock(), number, project),
            )
            self._run(
                "UPDATE outputs SET state = 'pending', attempts = 0, error = '' "
                "WHERE service = ? AND job = ? AND state IN ('failed', 'stuck')",
                (service, job),
            )
            if following is not None:
                self._run(
                    "UPDATE downloads SET kind = ?, place_to = ?, place_name = ?, under = ?, share = ?, lasting = ? "
                    "WHERE service = ? AND job = ?",
                    (*following.values(), service, job),
                )
            before = known.following if known else Following()
            dropped = self._begin_anew(service, job) if following and following.places() != before.places() else []
            self._changed(service, job)
            return dropped

    def _begin_anew(self, service: str, job: str) -> list[OutputRow]:
        rows = self._rows(_DUE_OF_JOB, (service, job))
        self._run("DELETE FROM outputs WHERE service = ? AND job = ?", (service, job))
        self._run("UPDATE downloads SET seq = 0 WHERE service = ? AND job = ?", (service, job))
        return [output_row(row) for row in rows]

    def stop_following(self, service: str, job: str) -> list[OutputRow]:
        """Forget what is followed; return the files that were still to come."""
        with self._transaction():
            rows = self._rows(_DUE_OF_JOB, (service, job))
            self._run("DELETE FROM outputs WHERE service = ? AND job = ?", (service, job))
            self._run("DELETE FROM downloads WHERE service = ? AND job = ?", (service, job))
            self._changed(service, job)
            return [output_row(row) for row in rows]

    def downloads(self, *, since: float = 0.0) -> list[DownloadRow]:
        """Return what is followed, oldest first: asked for since then, or not at its end."""
        query = "SELECT * FROM downloads WHERE created >= ? OR state NOT IN ('success', 'failed', 'killed') ORDER BY created, job"
        return [download_row(row) for row in self._rows(query, (since,))]

    def download(self, service: str, job: str) -> DownloadRow | None:
        """Return one followed job."""
        rows = self._rows("SELECT * FROM downloads WHERE service = ? AND job = ?", (service, job))
        return download_row(rows[0]) if rows else None

    def projects(self, service: str) -> list[str]:
        """Return the keys of the projects of a service that are followed on; one that was caught up with is done."""
        rows = self._rows(
            "SELECT job FROM downloads WHERE service = ? AND kind = 'project' AND state NOT IN ('success', 'failed', 'killed')",
            (service,),
        )
        return [row["job"] for row in rows]

    def shares(self, service: str) -> dict[str, str]:
        """Return the name of the share of each job and project of a service that is shared with other agents."""
        rows = self._rows("SELECT * FROM downloads WHERE service = ? AND share != ''", (service,))
        return {row["job"]: download_row(row).following.share_name() for row in rows}

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

    def add_outputs(self, row: DownloadRow, outputs: Sequence[NewOutput], *, seq: int = 0) -> None:
        """Keep files to bring home, and that the service was asked up to the last of them (or `seq`), in one step.

        A path that was published again is brought home again: its later version replaces the earlier. What comes of a question
        that was asked for a former place is dropped: the question is asked again.
        """
        with self._transaction():
            now = self.download(row.service, row.job)
            if now is None or now.following.places() != row.following.places():
                return
            self._run_many(_NEW_OUTPUT, ((row.service, row.job, *o.values()) for o in outputs))
            self._changed(row.service, row.job)
            last = max(max((o.seq for o in outputs), default=row.seq), seq)
            self._run("UPDATE downloads SET seq = max(seq, ?) WHERE service = ? AND job = ?", (last, row.service, row.job))

    def superseded(self, row: DownloadRow, outputs: Sequence[NewOutput]) -> list[OutputRow]:
        """Return the files still to come of which `outputs` has later versions: what has come of them is of no use any more."""
        later = {o.path: o for o in outputs}
        pending = self._rows(_DUE_OF_JOB, (row.service, row.job))
        found = [output_row(r) for r in pending if r["path"] in later]
        return [o for o in found if later[o.path].seq > o.seq and later[o.path].digest != o.digest]

    def seqs_at(self, row: DownloadRow, paths: Iterable[str]) -> dict[str, tuple[int, str]]:
        """Return number and published path of what goes to each of these places; places of nothing are left out."""
        query = "SELECT seq, published FROM outputs WHERE service = ? AND job = ? AND path = ?"
        found: dict[str, tuple[int, str]] = {}
        with self._lock:
            for path in paths:
                for one in self._rows(query, (row.service, row.job, path)):
                    found[path] = (one["seq"], one["published"] or path)
        return found

    def places(self, row: DownloadRow) -> list[tuple[str, str]]:
        """Return where files of what is followed lie, or will lie, with the jobs they come from; the earliest published first."""
        query = "SELECT path, origin FROM outputs WHERE service = ? AND job = ? AND state != 'nowhere' ORDER BY seq"
        return [(r["path"], r["origin"]) for r in self._rows(query, (row.service, row.job))]

    def origins_at(self, row: DownloadRow, paths: Iterable[str]) -> dict[str, str]:
        """Return of those of `paths` where files of what is followed lie, or will lie, the jobs that they come from."""
        query = (
            "SELECT path, origin FROM outputs WHERE service = ? AND job = ? AND path IN (SELECT value FROM json_each(?)) "
            "AND state != 'nowhere'"
        )
        return {r["path"]: r["origin"] for r in self._rows(query, (row.service, row.job, json.dumps(list(paths))))}

    def outdated(self, rows: Sequence[OutputRow]) -> list[OutputRow]:
        """Return those that are no more the version that belongs at their path."""
        of_job: dict[tuple[str, str], list[OutputRow]] = {}
        for row in rows:
            of_job.setdefault((row.service, row.job), []).append(row)
        return [
            asked[found["key"]]
            for (service, job), asked in of_job.items()
            for found in self._rows(_OUTDATED, (json.dumps([(row.path, row.digest) for row in asked]), service, job))
        ]

    def outputs(self, service: str, job: str) -> list[OutputRow]:
        """Return the files of a followed job."""
        query = f"{OUTPUTS} WHERE service = ? AND job = ?"
        return [output_row(row) for row in self._rows(query, (service, job))]

    def services_to_do(self) -> list[str]:
        """Return the services that have files to bring home."""
        rows = self._rows(_DUE_SERVICES, ())
        return [row["service"] for row in rows]

    def outputs_to_do(
        self, service: str, limit: int = 2000, *, without: Sequence[str] = (), besides: Sequence[str] = ()
    ) -> list[OutputRow]:
        """Return files to bring home from a service: those that failed least, by frames, as a player wants them.

        `without`: of these jobs none, so that files of a job that is paused are not in the way of others; `besides`: none that go
        to these paths.
        """
        values = (service, json.dumps(list(without)), json.dumps(list(besides)), limit)
        return [output_row(row) for row in self._rows(_DUE_OF_SERVICE, values)]

    def tally(self, service: str, job: str) -> Tally:
        """Count the files of a followed job."""
        states = {
            "home": "IN ('done', 'beside', 'elsewhere')",
            "elsewhere": "= 'elsewhere'",
            "failed": "IN ('failed', 'stuck', 'nowhere')",
            "pending": "= 'pending'",
        }
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

    def set_home(self, homes: Iterable[tuple[OutputRow, str, str]]) -> None:
        """Keep of files how and where they came home, in one step; a later version that came meanwhile stays to be done."""
        now, came = self._clock(), list(homes)
        values = [
            (how if how in ("beside", "elsewhere") else "done", placed, now, row.service, row.job, row.path, row.seq)
            for row, how, placed in came
        ]
        with self._transaction():
            self._run_many(_HOME, values)
            for service, job in {(row.service, row.job) for row, _, _ in came}:
                self._changed(service, job)

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

    def holder(self) -> str:
        """Return the name under which this agent shares work with others; the same for as long as there is this journal."""
        with self._transaction():
            self._run("INSERT OR IGNORE INTO agent (name, value) VALUES ('holder', ?)", (secrets.token_hex(8),))
            return str(self._rows("SELECT value FROM agent WHERE name = 'holder'", ())[0]["value"])

    def forget_downloads(self, moment: float) -> None:
        """Drop what was asked for before a time: what ended and is home, given up on or lost, and long after that all else.

        What is still to come is waited for, and a project that is followed for ever is never forgotten.
        """
        self._run(
            "DELETE FROM downloads WHERE created < ? AND state IN ('success', 'failed', 'killed') AND NOT EXISTS "
            "(SELECT 1 FROM outputs o WHERE o.service = downloads.service AND o.job = downloads.job AND o.state = 'pending')",
            (moment,),
        )
        self._run("DELETE FROM downloads WHERE created < ? AND NOT lasting", (moment - WAITED_FOR,))
        self._run(
            "DELETE FROM outputs WHERE NOT EXISTS "
            "(SELECT 1 FROM downloads d WHERE d.service = outputs.service AND d.job = outputs.job)"
        )

    def _changed(self, service: str, job: str) -> None:
        with self._lock:
            self._changes[service, job] += 1
