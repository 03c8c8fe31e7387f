"""Transfers as their user steers them: pause and resume, one or all; limits; how long each still takes."""

from __future__ import annotations

import dataclasses
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from conductor_core.agent.channel import Answer, Route
from conductor_core.agent.journal import ASKED_FOR, UNFINISHED, Journal
from conductor_core.agent.journal_rows import DownloadRow, SubmissionRow, Tally
from conductor_core.agent.pauses import Pauses
from conductor_core.agent.transfer_limits import TransferLimits
from conductor_core.api.answers import FINISHED
from conductor_core.transfer.outlook import Forecast, Outlook
from conductor_core.transfer.progress import Progress

PAUSES_FILE = "pauses.json"


class Transfers:
    """Answer for pauses, limits and outlooks; safe to share between threads."""

    def __init__(
        self,
        state: Path,
        config: Path,
        journal: Journal,
        *,
        upload_threads: int = 4,
        changed: Callable[[], None] = lambda: None,
        more: Callable[[], Mapping[str, Any]] = lambda: {},
    ) -> None:
        """`changed` is called after each pause and resume; `more` is told with each answer."""
        self._journal = journal
        self._changed = changed
        self._more = more
        self._pauses = Pauses(state / PAUSES_FILE)
        self.limits = TransferLimits(config)
        self.lanes = self.limits.lanes(upload_threads)
        self.pace = self.limits.pace(sent=self.lanes.moved, held=self._pauses.everything)
        self._lock = threading.Lock()
        self._forecasts: dict[str, Forecast] = {}

    def routes(self) -> tuple[Route, ...]:
        """Return what can be asked of transfers."""
        return (
            Route("GET", re.compile("/v1/transfers"), lambda _request: self.answer()),
            Route("POST", re.compile("/v1/transfers/pause"), self._pause),
            Route("POST", re.compile("/v1/transfers/resume"), self._resume),
        )

    def paused(self, *names: str) -> bool:
        """Tell whether what has these ids (of a submission, of a job) is paused."""
        return self._pauses.holds(*names)

    def job_paused(self, _service: str, job: str) -> bool:
        """Tell whether the files of a job wait."""
        return self._pauses.holds(job)

    def answer(self) -> Mapping[str, Any]:
        """Return what is paused and what limits hold now, in bytes per second; 0: none."""
        limits = self.limits.limits()
        return {
            "paused": self._pauses.everything(),
            "paused_jobs": list(self._pauses.names()),
            "limits": {"upload": limits.upload, "download": limits.download},
            **self._more(),
        }

    def look(self, identity: str, progress: Progress | None) -> Outlook:
        """Look at a submission's counts and return how long it still takes; called again and again while it is worked on."""
        with self._lock:
            if progress is None:
                self._forecasts.pop(identity, None)
                return Outlook()
            forecast = self._forecasts.setdefault(identity, Forecast())
            forecast.note(progress.counts())
            return forecast.outlook()

    def submission_answer(self, row: SubmissionRow, progress: Progress | None) -> Mapping[str, Any]:
        """Return what is told of a submission; `progress` where it is worked on."""
        counts = dict(row.counts) if progress is None else dataclasses.asdict(progress.counts())
        measured = ("files", "bytes_total", "bytes_hashed", "bytes_to_send", "bytes_sent", "bytes_saved")
        names = (*measured, "objects_present", "objects_unsure")
        return {
            "id": row.id,
            "service": row.service,
            "state": row.state,
            "job": "" if row.job == ASKED_FOR else row.job,
            "number": row.number,
            **{name: counts.get(name, 0) for name in names},
            **dataclasses.asdict(self.look(row.id, progress)),
            "error": row.error,
            "unfinished": row.state in UNFINISHED,
            "paused": row.state in UNFINISHED and self.paused(row.id),
        }

    def download_answer(self, row: DownloadRow, tally: Tally) -> Mapping[str, Any]:
        """Return what is told of a followed job."""
        complete = row.state in FINISHED and not tally.pending
        return {
            "service": row.service,
            "job": row.job,
            "number": row.number,
            "project": row.project,
            "to": row.following.to,
            "under": list(row.following.under),
            "watch": row.following.lasting,
            "state": row.state,
            "done": tally.home,
            "total": tally.total,
            "failed": tally.failed,
            "by_others": tally.elsewhere,
            "bytes": tally.bytes,
            "kept_beside": list(tally.beside),
            "errors": [*tally.errors, *([row.error] if row.error else [])],
            "complete": complete,
            "paused": not complete and self.paused(row.job),
        }

    def _pause(self, request: Mapping[str, Any]) -> Answer:
        return self._steer(request, self._pauses.pause)

    def _resume(self, request: Mapping[str, Any]) -> Answer:
        return self._steer(request, self._pauses.resume)

    def _steer(self, request: Mapping[str, Any], steer: Callable[[tuple[str, ...] | None], None]) -> Answer:
        wish = str(request.get("job", ""))
        names = self._names_of(wish) if wish else None
        if names == ():
            return {"unknown": wish}
        steer(names)
        self._changed()
        return self.answer()

    def _names_of(self, wish: str) -> tuple[str, ...]:
        """Return all ids of the job that is named by its number or an id; none where nothing of it is sent or fetched here."""
        known = (*self._journal.submissions(), *self._journal.submissions_to_do())  # the newest, and all that may be paused
        submissions = [row for row in known if wish in (row.id, row.job, str(row.number))]
        downloads = [row for row in self._journal.downloads() if wish in (row.job, str(row.number))]
        names = {name for row in submissions for name in (row.id, row.job) if name not in ("", ASKED_FOR)}
        return tuple(sorted(names | {row.job for row in downloads}))
