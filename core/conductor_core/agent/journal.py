"""What the agent was asked to do and how far it is, on disk before anybody is told so.

SQLite with a write-ahead log and `synchronous = FULL`: what was committed survives `kill -9` and a power cut. Each
statement below is one transaction; the work in between may be repeated and is idempotent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from conductor_core.agent.journal_downloads import FETCH_ATTEMPTS, DownloadJournal
from conductor_core.agent.journal_rows import SubmissionRow, submission_row
from conductor_core.agent.journal_schema import told_by

__all__ = ["ASKED_FOR", "FETCH_ATTEMPTS", "IN_SHORT", "UNFINISHED", "Journal"]

#: states of a submission in which there is work to do
UNFINISHED = ("hashing", "uploading", "committing")
#: the job of a submission between the asking for it and the answer
ASKED_FOR = "?"

#: what a SubmissionRow is read from, without touching the row itself
IN_SHORT = (
    "SELECT id, created, service, state, job, number, counts, error, kill, scene, title "
    "FROM submissions INDEXED BY submissions_in_short"
)


class Journal(DownloadJournal):
    """The agent's memory: submissions here, downloads in `DownloadJournal`."""

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
        """Return what was asked for: `{"submission": …, "files": […], "download": bool}`, with what was found for it."""
        row = self._rows("SELECT request FROM submissions WHERE id = ?", (identity,))[0]
        request = dict(json.loads(row["request"]))
        for later in self._rows("SELECT found FROM found_later WHERE id = ?", (identity,)):
            request.update(json.loads(later["found"]))
        return request

    def set_later(self, identity: str, later: Sequence[str], read: Sequence[tuple[str, str, int, int]]) -> None:
        """Keep which files of a submission no scout frame needs, and what told so, as if its request had said it.

        Beside the request: to put it in, that of two hundred thousand files would be read and written anew.
        """
        found = json.dumps({"later": list(later), "later_read": list(read)})
        self._run("INSERT OR REPLACE INTO found_later (id, found) VALUES (?, ?)", (identity, found))

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

    def forget_before(self, moment: float) -> None:
        """Drop what ended long ago, so that the journal does not grow for ever."""
        with self._transaction():
            self._run("DELETE FROM submissions WHERE created < ? AND NOT kill AND state IN ('submitted', 'failed')", (moment,))
            self._run("DELETE FROM found_later WHERE id NOT IN (SELECT id FROM submissions)", ())
            self.forget_downloads(moment)
