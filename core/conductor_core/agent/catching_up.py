"""Ask what was published since the last time, and put it into the journal.

An event is only a hint that there is something to ask for. So a lost event, a service that was away and an agent that
was killed all take the same way: ask for what comes after the last output in the journal.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from conductor_core.agent.journal import Journal
from conductor_core.agent.journal_rows import DownloadRow, OutputRow
from conductor_core.agent.output_folders import OutputFolders
from conductor_core.api.answers import FINISHED, Job, OutputFile
from conductor_core.api.client import ServiceClient
from conductor_core.digest import Digest
from conductor_core.errors import ConductorError
from conductor_core.transfer.download import part_path
from conductor_core.transfer.long_paths import on_disk

#: outputs in one question
PAGE = 1000
#: states of what is followed beside those of a job: a project that is followed for ever, and one that was caught up with
GOES_ON, CAUGHT_UP = "running", "success"


class CatchingUp:
    """Ask services about what is followed."""

    def __init__(
        self,
        journal: Journal,
        connect: Callable[[str], ServiceClient],
        *,
        folders: OutputFolders,
        asking: Callable[[str], Callable[[Job], None]],
    ) -> None:
        self._journal = journal
        self._connect = connect
        self._folders = folders
        self._asking = asking

    def catch_up(self, row: DownloadRow) -> None:
        """Put all that the service has published of a job, or a project, into the journal.

        Raises:
            NotFound: there is no such job, or project.
            ServiceError: the service cannot be asked.
        """
        try:
            self._catch_up(row)
        finally:
            now = self._journal.download(row.service, row.job)
            if now is None or now.state in FINISHED:  # it was unfollowed meanwhile, or no more is to come
                self.forget(row.service, row.job)

    def forget(self, service: str, job: str) -> None:
        """Drop what is kept in mind of something of which no more is to come."""
        self._folders.forget(service, job)

    def _catch_up(self, row: DownloadRow) -> None:
        client = self._connect(row.service)
        if row.following.kind == "project":
            self._ask_project(client, row)
            state = GOES_ON if row.following.lasting else CAUGHT_UP
            self._journal.set_job_state(row, number=0, project=row.project, state=state)
            return
        # the state before the outputs: what a job that has ended published is all there then
        take = self._asking(row.service)
        job = client.job(row.job)
        take(job)
        if row.project != job.project:  # files are asked of their project as soon as they are in the journal
            self._journal.set_job_state(row, number=job.number, project=job.project, state=row.state)
        self._ask_job(client, row)
        self._journal.set_job_state(row, number=job.number, project=job.project, state=job.state)

    def drop_parts(self, rows: Sequence[OutputRow], followed: DownloadRow | None = None) -> None:
        """Remove the halves of versions that nobody will fetch the other half of; a fetch that is under way notices."""
        for row in rows:
            about = followed or self._journal.download(row.service, row.job)
            with contextlib.suppress(ConductorError, OSError):
                if about is not None:
                    self._folders.check(row, about)
                    part_path(on_disk(row.path), Digest(row.digest)).unlink()

    def _ask_job(self, client: ServiceClient, row: DownloadRow) -> None:
        after = row.seq
        while True:
            page = client.outputs(row.job, after=after, limit=PAGE)
            if page:
                self._add(row, page)
                after = page[-1].seq
            if len(page) < PAGE:
                return

    def _ask_project(self, client: ServiceClient, row: DownloadRow) -> None:
        after = row.seq
        while True:
            page = client.published(project=row.project, after=after, limit=PAGE)
            self._add(row, page.outputs, seq=page.seq)
            after = page.seq
            if not page.more:
                return

    def _add(self, row: DownloadRow, page: Sequence[OutputFile], *, seq: int = 0) -> None:
        new = self._folders.placed(row, page)
        old = self._journal.superseded(row, new)
        # before, since we may be killed in between; and after, since a fetch may have begun in between
        self.drop_parts(old, row)
        self._journal.add_outputs(row, new, seq=max([seq, *(one.seq for one in page)]))
        self.drop_parts(old, row)
