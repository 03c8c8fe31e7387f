"""Bring outputs home: hear of them by events, catch up (`catching_up.py`), fetch several at once (`fetching.py`)."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from conductor_core.agent.catching_up import CatchingUp
from conductor_core.agent.fetching import Fetcher, row_key
from conductor_core.agent.follower import Follower
from conductor_core.agent.journal import Journal
from conductor_core.agent.journal_rows import DownloadRow, Following, OutputRow
from conductor_core.agent.loads import LOAD_FILES, Load, lacks_loads, load_files, plan_loads
from conductor_core.agent.output_folders import OutputFolders
from conductor_core.agent.patience import Patience
from conductor_core.agent.shares import ShareKey, Shares
from conductor_core.api.answers import FINISHED, Job
from conductor_core.api.client import ServiceClient
from conductor_core.errors import ConductorError, JournalUnwritable, NotFound
from conductor_core.transfer.hash_cache import HashCache
from conductor_core.transfer.learning import Learning
from conductor_core.transfer.progress import Free, Pace, Progress

#: seconds for which a job that has ended is still listened to: it may be retried from the dashboard
REMEMBERED = 14 * 86400.0
#: seconds after which what goes on is asked about even though no event came
SAFETY_NET = 60.0
#: files that are due of which the next are chosen: for each load that there is room for, since those of several jobs lie mixed,
#: and where some of them wait for their next try
LOOKED_AT, WIDE = 2 * LOAD_FILES, 2000
#: files of one load from which on more are likely to come at once: a folder of 100,000 frames would be read and written anew in the
#: hash cache with each load of some hundred
FEW = 256

_LOG = logging.getLogger("conductor.agent")


class Downloads:
    """Follow jobs and projects of any number of services and keep their files coming."""

    def __init__(
        self,
        journal: Journal,
        connect: Callable[[str], ServiceClient],
        cache: HashCache,
        *,
        threads: int,
        patience: Patience,
        wake: Callable[[], None] = lambda: None,
        asking: Callable[[str], Callable[[Job], None]] = lambda _service: lambda _job: None,
        clock: Callable[[], float] = time.time,
        pace: Pace = Free(),
        paused: Callable[[str, str], bool] = lambda _service, _job: False,
    ) -> None:
        """Begin with `step`; `paused` tells of what is followed whether its files shall wait."""
        self._journal = journal
        self._connect = connect
        self._patience = patience
        self._wake = wake
        self._clock = clock
        self._paused = paused
        self._lock = threading.Lock()
        self._pace = pace
        #: each load that is fetched, by its `id`, with what stops it
        self._progress: dict[int, tuple[Load, Progress]] = {}
        self._stopping = False
        #: by service and path alone: two jobs may write the same file, one after the other
        self._fetching: dict[tuple[str, str], Load] = {}
        #: loads of each service that are fetched, or wait for a thread
        self._loads: Counter[str] = Counter()
        #: (service, job) of which there may be news
        self._news: set[tuple[str, str]] = set()
        self._asking: set[tuple[str, str]] = set()
        self._asked: dict[tuple[str, str], float] = {}
        self._followers: dict[str, Follower] = {}
        #: services that we were connected to since we began
        self._met: set[str] = set()
        folders = OutputFolders(journal, connect)
        self._catching_up = CatchingUp(journal, connect, folders=folders, asking=asking)
        self._learning = Learning(cache, few=FEW)
        self._fetcher = Fetcher(journal, connect, self._learning, folders=folders, patience=patience)
        self._shares = Shares(journal, connect)
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
        self._stop_paused()
        self._renew()
        self._start_fetches()

    def busy(self) -> bool:
        """Tell whether a followed job still runs, or a file is still to come, of what is not paused."""
        if any(not _ended(row) and not self._paused(row.service, row.job) for row in self._journal.downloads()):
            return True
        return any(self._has_files_to_come(service) for service in self._journal.services_to_do())

    def _has_files_to_come(self, service: str) -> bool:
        resting = self._resting(service)
        return not resting or bool(self._journal.outputs_to_do(service, 1, without=resting))

    def _resting(self, service: str) -> list[str]:
        """Return the ids of what is paused."""
        return [row.job for row in self._journal.downloads() if row.service == service and self._paused(service, row.job)]

    def news_of(self, service: str, job: str) -> None:
        """Have a job asked about at the next step."""
        with self._lock:
            self._news.add((service, job))
        self._wake()

    def follow(self, service: str, job: str, *, number: int = 0, project: str = "", following: Following | None = None) -> None:
        """Follow a job, or a project, and try at once what waits; what came to a former place is not gone on with there."""
        before = self._journal.download(service, job)
        dropped = self._journal.add_download(service, job, number=number, project=project, following=following)
        self._catching_up.drop_parts(dropped, before)
        self._catching_up.forget(service, job)
        self.hurry(service, job)

    def unfollow(self, service: str, job: str) -> bool:
        """Follow no more, and tell whether it was followed; what is home stays."""
        before = self._journal.download(service, job)
        if before is None:
            return False
        self._catching_up.drop_parts(self._journal.stop_following(service, job), before)
        self._catching_up.forget(service, job)
        return True

    def hurry(self, service: str, job: str) -> None:
        """Try at once what waits for its next try: somebody asks for it."""
        self._patience.forget(service, job)
        self._patience.worked((service,))
        self.news_of(service, job)

    def stop(self) -> None:
        """Stop; part files stay for the next start to go on from."""
        with self._lock:
            self._stopping = True
            for _, progress in self._progress.values():
                progress.cancel()
        for follower in self._followers.values():
            follower.stop()
        self._asking_pool.shutdown(wait=True, cancel_futures=True)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._learning.settle()

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
        """Note news of a job, if it, or what it may belong to, is one of ours."""
        known = [job] if self._journal.download(service, job) is not None else []
        for key in (*known, *self._journal.projects(service)):
            self._patience.worked((service, key))
            self.news_of(service, key)

    def _connected(self, service: str) -> None:
        """Have every job that still runs asked about: what happened before the connection is not known.

        The first time those that have ended too: while we were away for long, they may have been retried.
        """
        self._patience.worked((service,))
        met = service in self._met
        self._met.add(service)
        for row in self._journal.downloads(since=self._clock() - REMEMBERED):
            if row.service == service and not (_ended(row) and (met or row.following.kind == "project")):
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
        key = (row.service, row.job)
        try:
            self._catching_up.catch_up(row)
            self._patience.worked(key)
        except NotFound as exc:
            self._journal.set_job_state(row, number=row.number, project=row.project, state="killed")
            self._catching_up.forget(row.service, row.job)
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

    def _start_fetches(self) -> None:
        """Start as many fetches as there are threads, and some more; each service has its share of them."""
        services = [service for service in self._journal.services_to_do() if self._patience.ready((service,))]
        for service in services:
            self._start_fetches_of(service, share=max(1, self._threads * 2 // len(services)))

    def _start_fetches_of(self, service: str, *, share: int) -> None:
        with self._lock:
            if not lacks_loads(self._at_work(), self._at_work(service), threads=self._threads, share=share):
                return
            busy = set(self._fetching)
            room = min(self._threads * 2 - self._at_work(), share - self._at_work(service))
        shares = self._journal.shares(service)
        rows = self._ready(service, [path for of, path in busy if of == service], limit=WIDE if shares else room * LOOKED_AT)
        if shares:
            rows = self._ours(service, rows, shares)
        most = load_files(len(rows) + len(busy), self._threads)
        for load in plan_loads(_once(rows), together=self._fetcher.bundles(service), most=most):
            with self._lock:
                if self._at_work() >= self._threads * 2 or self._at_work(service) >= share:
                    return
                self._fetching.update(((service, row.path), load) for row in load)
                self._loads[service] += 1
            self._pool.submit(self._fetch, load)

    def _ready(self, service: str, busy: Sequence[str], *, limit: int) -> list[OutputRow]:
        """Return files that may be fetched now: of the first that are due, or, where some of these wait, of many."""
        resting = self._resting(service)
        while True:
            due = self._journal.outputs_to_do(service, limit, without=resting, besides=busy)
            ready = [row for row in due if self._patience.ready(row_key(row))]
            if limit >= WIDE or len(due) < limit or len(ready) == len(due):
                return ready
            limit = WIDE

    def _ours(self, service: str, rows: Sequence[OutputRow], shares: Mapping[str, str]) -> list[OutputRow]:
        """Return those that nobody shares, or that are ours; and have more of the others claimed."""
        ours: list[OutputRow] = []
        mine: dict[str, int] = dict.fromkeys(shares.values(), 0)
        others: dict[str, list[OutputRow]] = {share: [] for share in mine}
        for row in rows:
            share = shares.get(row.job, "")
            if not share:
                ours.append(row)
            elif self._shares.mine((service, share), row):
                mine[share] += 1
                ours.append(row)
            else:
                others[share].append(row)
        for share, waiting in mine.items():
            if others[share]:
                self._claim((service, share), others[share], waiting=waiting)
        return ours

    def _renew(self) -> None:
        """Keep the claims of what takes long."""
        with self._lock:
            services = {service for service, _ in self._fetching}
        for service in services:
            for share in sorted(set(self._journal.shares(service).values())):
                self._claim((service, share), (), waiting=1)

    def _claim(self, key: ShareKey, rows: Sequence[OutputRow], *, waiting: int) -> None:
        shares = self._journal.shares(key[0])
        with self._lock:
            going = [row.seq for row in _fetched(self._fetching) if (row.service, shares.get(row.job)) == key]
        if self._shares.begin(key, waiting=waiting, going=going):
            self._asking_pool.submit(self._ask_share, key, rows, going)

    def _ask_share(self, key: ShareKey, rows: Sequence[OutputRow], going: Sequence[int]) -> None:
        try:
            self._shares.ask(key, rows, going)
        except Exception:  # noqa: BLE001 - worker loop: what goes wrong with one must not stop the others
            _LOG.exception("share %s", key[1])
        finally:
            self._wake()

    def _stop_paused(self) -> None:
        """Break off what is to wait; it goes on from there."""
        with self._lock:
            going = list(self._progress.values())
        for load, progress in going:
            if self._paused(load[0].service, load[0].job):
                progress.cancel()

    def _at_work(self, service: str = "") -> int:
        """Count the loads that are fetched, or wait for a thread."""
        return self._loads[service] if service else self._loads.total()

    def _fetch(self, load: Load) -> None:
        progress = Progress(self._pace)
        home: list[OutputRow] = []
        try:
            with self._lock:
                self._progress[id(load)] = load, progress
                if self._stopping:
                    progress.cancel()
            home = self._fetcher.fetch(load, progress)
            share = self._journal.shares(load[0].service).get(load[0].job)
            if share:
                self._shares.ended((load[0].service, share), load, home)
        except Exception:  # noqa: BLE001 - worker loop: what goes wrong with one must not stop the others
            _LOG.exception("download of %s", load[0].path)
            for row in load:
                self._patience.failed(row_key(row))
        finally:
            with self._lock:
                self._progress.pop(id(load), None)
                self._loads[load[0].service] -= 1
                for row in load:
                    self._fetching.pop((row.service, row.path), None)
                last = not self._at_work()
            self._wake()
            came = set(home)  # of these nothing is left
            self._catching_up.drop_parts(self._journal.outdated([row for row in load if row not in came]))
            if last:
                self._learning.settle()


def _fetched(fetching: Mapping[tuple[str, str], Load]) -> Iterator[OutputRow]:
    """Yield each file that is on its way."""
    for load in {id(load): load for load in fetching.values()}.values():
        yield from load


def _once(rows: list[OutputRow]) -> list[OutputRow]:
    """Return the first of rows that have the same place."""
    return list({row.path: row for row in reversed(rows)}.values())[::-1]


def _ended(row: DownloadRow) -> bool:
    return row.state in FINISHED
