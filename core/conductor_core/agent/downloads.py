"""Bring outputs home: hear of them by events, catch up by `outputs?after=SEQ`, fetch several at once.

An event is only a hint that there is something to ask for. So a lost event, a service that was away and an agent that
was killed all take the same way: ask for what comes after the last output in the journal.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from conductor_core.agent.follower import Follower
from conductor_core.agent.journal import Journal
from conductor_core.agent.journal_rows import DownloadRow, OutputRow
from conductor_core.agent.patience import Patience
from conductor_core.api.answers import FINISHED, Job, OutputFile
from conductor_core.api.client import ProjectObjects, ServiceClient
from conductor_core.digest import Digest
from conductor_core.documents import from_json
from conductor_core.errors import (
    BroughtByAnother,
    ConductorError,
    JournalUnwritable,
    LostByStore,
    NotFound,
    PathError,
    PlaceUnwritable,
    ServiceError,
    TransferCancelled,
    TransferError,
)
from conductor_core.paths import ClientPath, local_flavour
from conductor_core.sequences import output_folder
from conductor_core.submission import Submission
from conductor_core.transfer.download import Wanted, execute_download, part_path
from conductor_core.transfer.hash_cache import HashCache
from conductor_core.transfer.progress import Progress

#: seconds for which a job that has ended is still listened to: it may be retried from the dashboard
REMEMBERED = 14 * 86400.0
#: seconds after which a job that still runs is asked about even though no event came
SAFETY_NET = 60.0
#: outputs in one question
PAGE = 1000

_LOG = logging.getLogger("conductor.agent")


class Downloads:
    """Follow jobs of any number of services and keep their files coming."""

    def __init__(
        self,
        journal: Journal,
        connect: Callable[[str], ServiceClient],
        cache: HashCache,
        *,
        threads: int,
        patience: Patience,
        wake: Callable[[], None] = lambda: None,
        seen: Callable[[str, Job], None] = lambda _service, _job: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._connect = connect
        self._cache = cache
        self._patience = patience
        self._wake = wake
        self._seen = seen
        self._clock = clock
        self._lock = threading.Lock()
        self._progress = Progress()
        self._fetching: set[tuple[str, str]] = set()
        #: (service, job) of which there may be news
        self._news: set[tuple[str, str]] = set()
        self._asking: set[tuple[str, str]] = set()
        self._asked: dict[tuple[str, str], float] = {}
        self._folders: dict[tuple[str, str], tuple[ClientPath, ...]] = {}
        self._followers: dict[str, Follower] = {}
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="download")
        # apart from the fetches: a service that is slow to answer must not keep files of another from coming
        self._asking_pool = ThreadPoolExecutor(2, thread_name_prefix="catch-up")

    def step(self) -> None:
        """Ask about jobs with news and start fetches; called again and again by the agent."""
        rows = self._journal.downloads(since=self._clock() - REMEMBERED)
        for service in {row.service for row in rows}:
            self._listen(service)
        for row in rows:
            if self._due(row):
                self._asking_pool.submit(self._catch_up, row)
        self._start_fetches()

    def busy(self) -> bool:
        """Tell whether a followed job still runs, or a file is still to come."""
        return bool(self._journal.services_to_do()) or any(not _ended(row) for row in self._journal.downloads())

    def news_of(self, service: str, job: str) -> None:
        """Have a job asked about at the next step."""
        with self._lock:
            self._news.add((service, job))
        self._wake()

    def hurry(self, service: str, job: str) -> None:
        """Try at once what waits for its next try: somebody asks for it."""
        self._patience.forget(service, job)
        self._patience.worked((service,))
        self.news_of(service, job)

    def stop(self) -> None:
        """Stop; part files stay for the next start to go on from."""
        self._progress.cancel()
        for follower in self._followers.values():
            follower.stop()
        self._asking_pool.shutdown(wait=True, cancel_futures=True)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _listen(self, service: str) -> None:
        if service not in self._followers:
            follower = Follower(
                service,
                connect=self._connect,
                cursor=lambda: self._journal.cursor(service),
                save=lambda event: self._journal.set_cursor(service, event),
                news_of=self._heard,
                connected=self._connected,
            )
            self._followers[service] = follower
            follower.start()

    def _heard(self, service: str, job: str) -> None:
        """Note news of a job, if it is one of ours."""
        if self._journal.download(service, job) is not None:
            self._patience.worked((service, job))
            self.news_of(service, job)

    def _connected(self, service: str) -> None:
        """Have every job that still runs asked about: what happened before the connection is not known."""
        self._patience.worked((service,))
        for row in self._journal.downloads():
            if row.service == service and not _ended(row):
                self._patience.worked((service, row.job))
                self.news_of(service, row.job)

    def _due(self, row: DownloadRow) -> bool:
        """Tell whether a job is to be asked about now, and note that it is."""
        key = (row.service, row.job)
        with self._lock:
            old = not _ended(row) and self._clock() - self._asked.get(key, 0.0) > SAFETY_NET
            if key in self._asking or not (key in self._news or old) or not self._patience.ready(key):
                return False
            self._asking.add(key)
            self._news.discard(key)  # before asking: news that comes while we ask is asked for again
            self._asked[key] = self._clock()
            return True

    def _catch_up(self, row: DownloadRow) -> None:
        """Put all that the service has published of a job into the journal."""
        key = (row.service, row.job)
        try:
            client = self._connect(row.service)
            # the state before the outputs: what a job that has ended published is all there then
            job = client.job(row.job)
            self._seen(row.service, job)
            if row.project != job.project:  # files are asked of their project as soon as they are in the journal
                self._journal.set_job_state(row, number=job.number, project=job.project, state=row.state)
            self._add_all(client, row)
            self._journal.set_job_state(row, number=job.number, project=job.project, state=job.state)
            self._patience.worked(key)
        except NotFound as exc:
            self._journal.set_job_state(row, number=row.number, project=row.project, state="killed")
            self._journal.set_download_error(row, str(exc))
        except ConductorError as exc:
            wait = self._patience.failed(key)
            _LOG.warning("job %s: %s; asked again in %.0f s", row.number or row.job, exc, wait)
            with self._lock:
                self._news.add(key)
            with contextlib.suppress(JournalUnwritable):
                self._journal.set_download_error(row, str(exc))
        except Exception:  # noqa: BLE001 - worker loop: what goes wrong with one must not stop the others
            self._patience.failed(key)
            _LOG.exception("job %s", row.number or row.job)
        finally:
            with self._lock:
                self._asking.discard(key)
            self._wake()

    def _add_all(self, client: ServiceClient, row: DownloadRow) -> None:
        after = row.seq
        while True:
            page: tuple[OutputFile, ...] = client.outputs(row.job, after=after, limit=PAGE)
            if page:
                old = self._journal.superseded(row, page)
                # before, since we may be killed in between; and after, since a fetch may have begun in between
                self._drop_parts(old)
                self._journal.add_outputs(row, page)
                self._drop_parts(old)
                after = page[-1].seq
            if len(page) < PAGE:
                return

    def _drop_parts(self, rows: Sequence[OutputRow]) -> None:
        """Remove the halves of versions that nobody will fetch the other half of; a fetch that is under way notices."""
        for row in rows:
            with contextlib.suppress(ConductorError, OSError):
                self._check_place(row)
                part_path(row.path, Digest(row.digest)).unlink()

    def _start_fetches(self) -> None:
        """Give each service that answers its share of the places: one that is slow or away leaves the others theirs."""
        services = [s for s in self._journal.services_to_do() if self._patience.ready((s,))]
        for service in services:
            self._start_fetches_of(service, share=max(1, self._threads * 2 // len(services)))

    def _start_fetches_of(self, service: str, *, share: int) -> None:
        for row in self._journal.outputs_to_do(service):
            with self._lock:
                mine = sum(1 for s, _ in self._fetching if s == service)
                if mine >= share or len(self._fetching) >= self._threads * 2:
                    return
                # by path alone: two jobs may write the same file, one after the other
                busy = any(path == row.path for _, path in self._fetching)
                if busy or not self._patience.ready(_key(row)):
                    continue
                self._fetching.add((row.service, row.path))
            self._pool.submit(self._fetch, row)

    def _fetch(self, row: OutputRow) -> None:
        try:
            followed = self._journal.download(row.service, row.job)
            if followed is None:
                return
            self._check_place(row)
            wanted = Wanted(row.path, Digest(row.digest), row.size, row.mode, row.mtime_ns, followed.number)
            client = self._connect(row.service)
            try:
                placed = execute_download(wanted, ProjectObjects(client, followed.project), self._cache, self._progress)
            except NotFound as exc:
                with contextlib.suppress(OSError):  # of another life of the object, or empty: it will never be whole
                    part_path(row.path, wanted.digest).unlink()
                raise _lost(row, followed, client) from exc
            self._journal.set_home(row, placed.how, placed.path)
            self._patience.worked(_key(row))
            self._patience.worked((row.service,))
        except TransferCancelled:
            return
        except BroughtByAnother as exc:
            # no failure of the file: soon it is there, or the other has given up
            _LOG.info("%s; looked at again in %.0f s", exc, self._patience.failed(_key(row)))
        except JournalUnwritable as exc:
            _LOG.warning("%s is looked at again in %.0f s: %s", row.path, self._patience.failed(_key(row)), exc)
        except (TransferError, PathError, NotFound) as exc:
            self._patience.failed(_key(row))
            _LOG.warning("%s", exc)
            passing = isinstance(exc, PlaceUnwritable)
            with contextlib.suppress(JournalUnwritable):
                self._journal.set_fetch_error(row, str(exc), final=isinstance(exc, (PathError, LostByStore)), passing=passing)
        except ServiceError as exc:
            wait = self._patience.failed(_key(row))
            # the service may be away for all of its files: not each of them need find that out for itself
            if self._patience.ready((row.service,)):
                self._patience.failed((row.service,))
            _LOG.warning("%s is fetched again in %.0f s: %s", row.path, wait, exc)
        except Exception:  # noqa: BLE001 - worker loop: what goes wrong with one must not stop the others
            self._patience.failed(_key(row))
            _LOG.exception("download of %s", row.path)
            with contextlib.suppress(JournalUnwritable):
                self._journal.set_fetch_error(row, "a defect of the agent; its log (agent.log) says more")
        finally:
            with self._lock:
                self._fetching.discard((row.service, row.path))
            self._wake()
            if not self._journal.wanted(row):
                self._drop_parts([row])

    def _check_place(self, row: OutputRow) -> None:
        """Refuse a path outside of the output folders of the submission: no service may write where nobody asked it to.

        What this machine submitted is known from the journal. A job of elsewhere, followed by its number, is known from
        the service alone: there the artist trusts it with the folders that it says the job was submitted with.

        Raises:
            PathError: naming the path.
        """
        folders = self._folders_of(row.service, row.job)
        flavour = local_flavour()
        try:
            path = ClientPath.parse(row.path, flavour)
        except PathError:
            other = "Windows" if os.name == "posix" else "Linux or macOS"
            raise PathError(row.path, f"belongs to {other}", "Download this job on the machine it was submitted from.") from None
        if path.text != row.path or not any(path.is_within(folder) for folder in folders):
            raise PathError(row.path, "lies outside of the output folders that the job was submitted with")

    def _folders_of(self, service: str, job: str) -> tuple[ClientPath, ...]:
        key = (service, job)
        if key not in self._folders:
            request = self._journal.request_of_job(service, job)
            submission = (
                self._connect(service).job(job).submission if request is None else from_json(Submission, request["submission"])
            )
            self._folders[key] = _output_folders(submission)
        return self._folders[key]


def _lost(row: OutputRow, followed: DownloadRow, client: ServiceClient) -> LostByStore:
    """Return the error for an output whose bytes the store has no more, with its frame and step: those bring it back."""
    found = client.outputs(row.job, after=row.seq - 1, limit=1)
    output = next((output for output in found if output.seq == row.seq), None)
    if output is None:
        return LostByStore(row.path, followed.number, None)
    return LostByStore(row.path, followed.number, output.frame, output.step)


def _key(row: OutputRow) -> tuple[str, str, str]:
    return (row.service, row.job, row.path)


def _ended(row: DownloadRow) -> bool:
    return row.state in FINISHED


def _output_folders(submission: Submission | None) -> tuple[ClientPath, ...]:
    if submission is None or submission.flavour is not local_flavour():
        return ()
    paths = {output.path for step in submission.steps for output in step.outputs}
    return tuple(output_folder(ClientPath.parse(path, submission.flavour)) for path in sorted(paths))
