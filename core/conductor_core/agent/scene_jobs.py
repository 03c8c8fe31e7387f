"""The jobs of a scene as the panel shows them: the journal's submissions and downloads, with what the service last said."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conductor_core.agent.journal import ASKED_FOR, UNFINISHED, Journal
from conductor_core.agent.journal_rows import SubmissionRow, Tally
from conductor_core.agent.live_jobs import JobKey, LiveJobs, Seen
from conductor_core.agent.submissions import Submissions
from conductor_core.agent_answers import SceneJob
from conductor_core.api.answers import Job
from conductor_core.api.client import ServiceClient
from conductor_core.errors import AgentError, InvalidDocument, NotFound

#: what can be asked of a job
VERBS = ("hold", "resume", "release", "kill", "retry")
#: ways to write the path of one scene (`c:/shot.ma`, `C:\Shot.ma`) that are looked for
SPELLINGS = 100

#: what a service that does not say allows, by the job's state
_USUAL = {
    "uploading": ("kill",),
    "pending": ("hold", "kill"),
    "running": ("hold", "kill"),
    "holding": ("resume", "kill"),
    "failed": ("retry",),
    "killed": ("retry",),
}


@dataclass(frozen=True, slots=True)
class _Home:
    """What has come home of a job, as of a number of changes (`Journal.changes`)."""

    changes: int
    tally: Tally
    last: str


class SceneJobs:
    """Tell of jobs by their scene, and move them; safe to share between threads."""

    def __init__(
        self,
        journal: Journal,
        submissions: Submissions,
        live: LiveJobs,
        *,
        connect: Callable[[str], ServiceClient],
        currency: Callable[[str], str],
        moved: Callable[[str, str], None],
    ) -> None:
        self._journal = journal
        self._submissions = submissions
        self._live = live
        self._connect = connect
        self._currency = currency
        self._moved = moved
        #: job → its newest preview, by the id of the output
        self._previews: dict[JobKey, tuple[str, bytes]] = {}
        self._homes: dict[JobKey, _Home] = {}

    def jobs(self, scene: str, *, limit: int) -> list[SceneJob]:
        """Return the jobs of `scene`, newest first."""
        place = _place(scene)
        spellings = [written for written in self._journal.scenes() if written and _place(written) == place]
        rows = self._journal.submissions_of(spellings[:SPELLINGS], limit)
        seen = self._live.look([_key(row) for row in rows if self._renders(row)])
        return [self._scene_job(row, seen.get(_key(row), Seen())) for row in rows]

    def move(self, submission: str, verb: str, *, reason: str) -> SceneJob | None:
        """Move the job of a submission and return it as it is then; None where there is no such submission.

        Raises:
            AgentError: it is not with the service yet, or was never there.
            ServiceError: the service does not allow it now, or cannot be asked.
        """
        if verb not in VERBS:
            raise InvalidDocument("request", "verb", f"must be one of {', '.join(VERBS)}")
        row = self._journal.submission(submission)
        if row is None:
            return None
        if row.state in UNFINISHED and verb == "kill":
            self._submissions.cancel(submission)
            row = self._journal.submission(submission) or row
            return self._scene_job(row, Seen())
        if row.state in UNFINISHED:
            raise AgentError(f"{row.title} is still on its way to the service.", "Wait until it is there, or cancel it.")
        if row.state == "failed":
            raise AgentError(f"{row.title} did not become a job.", "Submit it again.")
        _, job = self._connect(row.service).move(row.job, verb, reason=reason)
        self._live.hear(row.service, job)
        self._moved(row.service, row.job)
        return self._scene_job(row, Seen(job))

    def preview(self, submission: str) -> bytes | None:
        """Return the newest preview of a job as PNG, empty where there is none; None where there is no such submission."""
        row = self._journal.submission(submission)
        if row is None or not self._renders(row):
            return None if row is None else b""
        key = _key(row)
        job = self._live.look([key])[key].job
        if job is None or not job.last_output:
            return b""
        known = self._previews.get(key)
        if known is None or known[0] != job.last_output:
            try:
                known = (job.last_output, self._connect(row.service).preview(job.last_output))
            except NotFound:
                return b""
            self._previews = {**dict(list(self._previews.items())[-15:]), key: known}
        return known[1]

    def _scene_job(self, row: SubmissionRow, seen: Seen) -> SceneJob:
        progress = self._submissions.progress(row.id)
        counts = progress.counts() if progress else None
        home = self._home(row)
        job = seen.job
        return SceneJob(
            id=row.id,
            title=row.title,
            scene=row.scene,
            upload_state=row.state,
            bytes_to_send=counts.bytes_to_send if counts else row.counts.get("bytes_to_send", 0),
            bytes_sent=counts.bytes_sent if counts else row.counts.get("bytes_sent", 0),
            job="" if row.job == ASKED_FOR else row.job,
            number=row.number,
            state=job.state if job else self._heard_state(row),
            frames=dict(job.frames) if job else {},
            cost=job.cost if job else "",
            currency=self._currency(row.service),
            page=f"{row.service}/#/jobs/{row.number}" if row.number else "",
            files_home=home.tally.home,
            files_total=home.tally.total,
            last_frame=home.last,
            last_output=(job.last_output or "") if job else "",
            verbs=_verbs(row, job),
            problem=self._problem(row, seen, home.tally.errors),
        )

    def _home(self, row: SubmissionRow) -> _Home:
        """Return what is home of a job, counted anew only when that changed: a job may have a hundred thousand files."""
        key = _key(row)
        changes = self._journal.changes(*key)
        known = self._homes.get(key)
        if known is None or known.changes != changes:
            known = _Home(changes, self._journal.tally(*key), self._journal.last_home(*key))
            self._homes = {**dict(list(self._homes.items())[-99:]), key: known}
        return known

    def _renders(self, row: SubmissionRow) -> bool:
        """Tell whether frames may come of a submission: it is with the service, or its scout frames are rendered already."""
        early = row.state in UNFINISHED and row.job not in ("", ASKED_FOR)
        return row.state == "submitted" or (early and self._journal.download(row.service, row.job) is not None)

    def _heard_state(self, row: SubmissionRow) -> str:
        """Return the job's state as the downloads last heard it."""
        followed = self._journal.download(row.service, row.job) if self._renders(row) else None
        return followed.state if followed else ""

    def _problem(self, row: SubmissionRow, seen: Seen, errors: tuple[str, ...]) -> str:
        """Return the one thing that the artist should know first."""
        if self._submissions.rests(row):
            return "Its upload is paused. To let it go on: conductor transfers resume"
        if row.error:
            return _sentence(row.error)
        if seen.problem or not self._renders(row):
            return seen.problem
        followed = self._journal.download(row.service, row.job)
        return next(filter(None, (*errors, followed.error if followed else "")), "")


def _place(scene: str) -> str:
    r"""Return a path by which two spellings of one scene are the same: on Windows `C:\a` is `c:/A`."""
    return os.path.normcase(os.path.abspath(scene))


def _key(row: SubmissionRow) -> JobKey:
    return (row.service, row.job)


def _verbs(row: SubmissionRow, job: Job | None) -> tuple[str, ...]:
    if row.state in UNFINISHED:
        return ("kill",)
    if row.state == "failed" or job is None:
        return ()
    return _USUAL.get(job.state, ()) if job.verbs is None else job.verbs


def _sentence(error: Any) -> str:
    return f"{error.get('message', '')} {error.get('next', '')}".strip()
