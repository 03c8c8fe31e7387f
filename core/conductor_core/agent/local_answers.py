"""What the agent answers on the local channel about submissions and downloads, and what it does when asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from conductor_core import __version__
from conductor_core.agent.connections import Connections
from conductor_core.agent.downloads import Downloads
from conductor_core.agent.journal import Journal
from conductor_core.agent.journal_rows import DownloadRow, SubmissionRow
from conductor_core.agent.panel import absolute_paths
from conductor_core.agent.scouting import Scouting
from conductor_core.agent.snapshots import Snapshots
from conductor_core.agent.submissions import Submissions
from conductor_core.agent.transfers import Transfers
from conductor_core.agent.wishes import read_wish
from conductor_core.agent_client import SceneReading
from conductor_core.documents import from_json
from conductor_core.errors import ConductorError
from conductor_core.submission import Submission


class LocalAnswers:
    """Answer the channel (`channel.AgentCalls`)."""

    def __init__(
        self,
        journal: Journal,
        connections: Connections,
        *,
        submissions: Submissions,
        downloads: Downloads,
        transfers: Transfers,
        snapshots: Snapshots,
        scouting: Scouting,
        wake: Callable[[], None],
        end: Callable[[bool], None],
    ) -> None:
        """`end` ends the agent: at once, or (True) when there is nothing left to do."""
        self._journal = journal
        self._connections = connections
        self._submissions = submissions
        self._downloads = downloads
        self._transfers = transfers
        self._snapshots = snapshots
        self._scouting = scouting
        self._wake = wake
        self._end = end

    def status(self) -> Mapping[str, Any]:
        """Return version, process, service and what is being transferred."""
        try:
            service = self._connections.default_service()
        except ConductorError:
            service = ""
        transfers = [self._submission_answer(row) for row in self._journal.submissions_to_do()]
        about = {"version": __version__, "pid": os.getpid(), "service": service}
        return {**about, "transfers": transfers, **self._transfers.answer()}

    def submit(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep a submission and return its id; it is on disk when this returns."""
        submission = from_json(Submission, request.get("submission"))
        absolute_paths(request)
        request, reading = _without_reading(request)
        if self._journal.submission(submission.id) is None:  # asked again, its snapshot may be gone: the service has it
            service = str(request.get("service") or self._connections.default_service())
            snapshots = self._snapshots.taken(submission.id, request.get("snapshots"))
            look = self._scouting.prepare(submission, reading, snapshots.get(submission.scene, "")) if reading else None
            self._journal.add_submission(submission.id, service, {**request, "snapshots": snapshots})
            if look is not None:
                look()
        self._wake()
        return {"id": submission.id}

    def submission(self, identity: str) -> Mapping[str, Any] | None:
        """Return one submission, None where there is no such."""
        row = self._journal.submission(identity)
        return None if row is None else self._submission_answer(row)

    def submissions(self) -> Mapping[str, Any]:
        """Return all submissions, newest first."""
        return {"submissions": [self._submission_answer(row) for row in self._journal.submissions()]}

    def cancel(self, identity: str) -> Mapping[str, Any] | None:
        """Cancel a submission and return it, None where there is no such."""
        found = self._submissions.cancel(identity)
        self._wake()
        return self.submission(identity) if found else None

    def follow(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow a job's outputs, or a project's; a number is looked up at the service first."""
        wish = read_wish(request)
        service = str(request.get("service") or self._connections.default_service())
        job, number = wish.job, 0
        if job.isdigit():
            found = self._connections.client(service).job(job)
            job, number = found.id, found.number
        self._downloads.follow(service, job, number=number, project=wish.project, following=wish.following)
        return {"job": job}

    def unfollow(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Follow no more, None where there is no such; what is home stays."""
        job = str(request.get("job") or "")
        rows = [row for row in self._journal.downloads() if job and job in (row.job, str(row.number))]
        ended = [row.job for row in rows if self._downloads.unfollow(row.service, row.job)]
        return {"stopped": ended} if ended else None

    def downloads(self, job: str = "") -> Mapping[str, Any]:
        """Return all followed jobs, oldest first; or the one that is asked for."""
        rows = [row for row in self._journal.downloads() if job in ("", row.job)]
        return {"downloads": [self._download_answer(row) for row in rows]}

    def quit(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """End the agent at once (`now`), or when there is nothing left to do."""
        self._end(request.get("now") is not True)
        return {"quitting": True}

    def _submission_answer(self, row: SubmissionRow) -> Mapping[str, Any]:
        return self._transfers.submission_answer(row, self._submissions.progress(row.id))

    def _download_answer(self, row: DownloadRow) -> Mapping[str, Any]:
        return self._transfers.download_answer(row, self._journal.tally(row.service, row.job))


def _without_reading(request: Mapping[str, Any]) -> tuple[Mapping[str, Any], SceneReading | None]:
    """Return what of a request is kept on the disk, and how the scene is to be read, which has the host's environment.

    Raises:
        InvalidDocument: it is no such thing.
    """
    kept = {name: value for name, value in request.items() if name not in ("reading", "later_read")}
    if request.get("reading") is None or request.get("later"):
        return kept, None
    return kept, from_json(SceneReading, request["reading"], document="request")
