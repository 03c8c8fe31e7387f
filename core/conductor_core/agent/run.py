"""The agent's process: one lock, one journal, workers, the local channel; ends when it has been idle for long."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from conductor_core import __version__
from conductor_core.agent.ahead import AheadOfTheClick
from conductor_core.agent.allocator import give_memory_back
from conductor_core.agent.channel import Channel, Route
from conductor_core.agent.checks import Checks
from conductor_core.agent.connections import Connections
from conductor_core.agent.downloads import REMEMBERED, Downloads
from conductor_core.agent.journal import Journal
from conductor_core.agent.live_jobs import LiveJobs
from conductor_core.agent.local_answers import LocalAnswers
from conductor_core.agent.lock import AgentLock
from conductor_core.agent.offers import Offers
from conductor_core.agent.panel import Panel
from conductor_core.agent.patience import Patience
from conductor_core.agent.presets import Presets
from conductor_core.agent.readings import Readings
from conductor_core.agent.scene_jobs import SceneJobs
from conductor_core.agent.scouting import Scouting
from conductor_core.agent.snapshots import Snapshots
from conductor_core.agent.submissions import Submissions
from conductor_core.agent.transfers import Transfers
from conductor_core.agent_client import CHANNEL_FILE, read_channel
from conductor_core.api.settings import AgentSettings, read_settings
from conductor_core.api.transport import RetryPolicy
from conductor_core.errors import ConductorError
from conductor_core.transfer.file_state import CTIME
from conductor_core.transfer.hash_cache import HashCache
from conductor_core.transfer.open_parts import open_more
from conductor_core.user_folders import UserFolders, sweep_private, write_private

JOURNAL_FILE = "journal.sqlite"
CACHE_FILE = "hashes.sqlite"
LOCK_FILE = "agent.lock"
SNAPSHOTS = "snapshots"
#: in the folder of settings
PRESETS = "presets"
#: seconds between two looks at the journal where nothing wakes us
TICK = 0.5
#: seconds that a stopped agent waits for calls under way; a service that never answers may not keep it alive
GRACE = 5.0
#: of calls for which a panel waits: once more, since a kept connection may have been closed by the other side
AT_ONCE = RetryPolicy(attempts=2, first_wait=0.1, longest_wait=1.0)

_LOG = logging.getLogger("conductor.agent")


class Agent:
    """Do what the journal says; have the local channel answered (`local_answers.py`)."""

    def __init__(
        self,
        folders: UserFolders,
        settings: AgentSettings,
        *,
        retries: RetryPolicy | None = None,
        first_wait: float = 1.0,
        grace: float = GRACE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders = folders
        self._settings = settings
        self._clock = clock
        self._grace = grace
        self._patience = Patience(first_wait=first_wait)
        self._journal = Journal(folders.state / JOURNAL_FILE)
        self._journal.forget_before(time.time() - REMEMBERED)
        CTIME.heed(settings.ctime)
        self._cache = HashCache(folders.cache / CACHE_FILE)
        options = {"retries": retries} if retries else {}
        self._connections = Connections(folders.config, changed=self._login_changed, **options)
        self._wake = threading.Event()
        self._quit = threading.Event()
        self._quit_when_idle = False
        self._used_at = clock()
        self._asked = Connections(folders.config, retries=AT_ONCE)
        self._transfers = Transfers(
            folders.state,
            folders.config,
            self._journal,
            upload_threads=settings.upload_threads,
            changed=self._paused_or_resumed,
            more=self._more_about_transfers,
        )
        self._live_jobs = LiveJobs(self._asked.client)
        self._downloads = self._make_downloads()
        self._ahead = AheadOfTheClick(folders.state, self._cache, self._connections.client, self._transfers)
        self._snapshots = Snapshots(folders.state / SNAPSHOTS)
        self._scouting = Scouting(Readings(folders.config, at_once=1), keep=self._journal.set_later)
        self._submissions = self._make_submissions()
        self._panel = self._make_panel()
        self._token = secrets.token_urlsafe(32)
        self.channel = self._make_channel()

    def _make_downloads(self) -> Downloads:
        return Downloads(
            self._journal,
            self._connections.client,
            self._cache,
            threads=self._settings.download_threads,
            patience=self._patience,
            wake=self._wake.set,
            asking=self._live_jobs.asking,
            pace=self._transfers.pace,
            paused=self._transfers.job_paused,
        )

    def _make_submissions(self) -> Submissions:
        return Submissions(
            self._journal,
            self._connections.client,
            self._cache,
            settings=self._settings,
            patience=self._patience,
            snapshots=self._snapshots,
            scouting=self._scouting,
            wake_downloads=self._wake.set,
            hashed=self._ahead.submitted,
            pace=self._transfers.pace,
            lanes=self._transfers.lanes,
            paused=self._transfers.paused,
        )

    def _make_panel(self) -> Panel:
        offers = Offers(self._asked.client, validators=lambda: read_settings(self._folders.config).validators)
        jobs = SceneJobs(
            self._journal,
            self._submissions,
            self._live_jobs,
            connect=self._asked.client,
            currency=offers.currency,
            moved=self._moved,
        )
        presets = Presets(self._folders.config / PRESETS, lambda: read_settings(self._folders.config).presets)
        return Panel(
            checks=Checks(self._asked.client, self._cache, threads=self._settings.hash_threads, opened=self._opened),
            jobs=jobs,
            offers=offers,
            presets=presets,
            readings=Readings(self._folders.config),
            snapshots=self._snapshots,
        )

    def _make_channel(self) -> Channel:
        answers = LocalAnswers(
            self._journal,
            self._connections,
            submissions=self._submissions,
            downloads=self._downloads,
            transfers=self._transfers,
            snapshots=self._snapshots,
            scouting=self._scouting,
            wake=self._wake.set,
            end=self._end,
        )
        stop = Route("POST", re.compile("/v1/downloads/stop"), answers.unfollow)
        routes = (*self._panel.routes(), *self._transfers.routes(), stop)
        return Channel(answers, self._token, routes=routes, used=self._used)

    def run(self) -> bool:
        """Work until asked to quit, or idle for as long as the settings say; tell whether every worker ended with us."""
        channel_file = self._folders.state / CHANNEL_FILE
        serving = threading.Thread(target=self.channel.serve_forever, args=(0.2,), name="local channel", daemon=True)
        serving.start()
        about = {"port": self.channel.port, "token": self._token, "pid": os.getpid(), "version": __version__}
        write_private(channel_file, json.dumps(about).encode())
        _LOG.info("agent %s on port %s, process %s", __version__, self.channel.port, os.getpid())
        try:
            while not self._done():
                self._step()
                self._wake.wait(TICK)
                self._wake.clear()
        finally:
            ended = self._close()
            if (read_channel(self._folders) or {}).get("token") == self._token:
                channel_file.unlink(missing_ok=True)
            _LOG.info("agent ended" if ended else "agent ended; calls that were not answered are given up on")
        return ended

    def stop(self) -> None:
        """End the agent from another thread or a signal."""
        self._quit.set()
        self._wake.set()

    def _end(self, when_idle: bool) -> None:
        if when_idle:
            self._quit_when_idle = True
        else:
            self.stop()

    def _step(self) -> None:
        try:
            self._connections.watch()
            self._submissions.step()
            self._submissions.look(self._transfers.look)
            self._downloads.step()
            self._ahead.step()
            self._panel.step()
        except Exception:  # noqa: BLE001 - worker loop: what goes wrong with one must not stop the others
            _LOG.exception("agent")

    def _done(self) -> bool:
        if self._quit.is_set():
            return True
        if self._submissions.busy() or self._downloads.busy():
            self._used_at = self._clock()
            return False
        if self._ahead.watches():  # what changes overnight is to be hashed by the morning
            self._used_at = self._clock()
        idle = self._clock() - self._used_at
        limit = self._settings.idle_minutes * 60
        return self._quit_when_idle or (limit > 0 and idle > limit)

    def _close(self) -> bool:
        """Stop the workers and close the files; tell whether the workers ended in time."""
        self.channel.shutdown()
        self.channel.server_close()
        workers = (self._scouting, self._submissions, self._downloads, self._ahead, self._panel, self._live_jobs)
        stops = [worker.stop for worker in workers]
        endings = [threading.Thread(target=stop, name="ending", daemon=True) for stop in stops]
        for ending in endings:
            ending.start()
        deadline = time.monotonic() + self._grace
        for ending in endings:
            ending.join(max(0.0, deadline - time.monotonic()))
        # a call that comes back later finds its journal closed: the next agent does it again
        self._connections.close()
        self._asked.close()
        self._cache.close()
        self._journal.close()
        return not any(ending.is_alive() for ending in endings)

    def _opened(self, panel: str, project: str, files: Iterable[str]) -> None:
        """Watch the files that a panel asks about."""
        with contextlib.suppress(ConductorError):  # not logged in: nothing can be submitted either
            self._ahead.opened(panel, self._asked.default_service(), project, files)

    def _moved(self, service: str, job: str) -> None:
        """Look at what changes with a job that was moved: a retried one is followed again, a cancelled upload ends."""
        self._downloads.hurry(service, job)
        self._wake.set()

    def _paused_or_resumed(self) -> None:
        self._submissions.look_at_pauses()
        self._wake.set()

    def _used(self) -> None:
        self._used_at = self._clock()

    def _login_changed(self) -> None:
        self._patience.forget()
        self._wake.set()

    def _more_about_transfers(self) -> Mapping[str, Any]:
        return {"ahead": self._ahead.answer()}


def run_agent(
    folders: UserFolders,
    settings: AgentSettings,
    *,
    ready: Callable[[Agent], None] = lambda _: None,
    leave: Callable[[int], object] = os._exit,
) -> bool:
    """Run the agent of this user to its end; tell False at once where one runs already.

    `leave` ends the process where a thread still waits for a service: Python itself would wait for that thread.
    """
    lock = AgentLock(folders.state / LOCK_FILE)
    if not lock.take():
        return False
    try:
        give_memory_back()
        open_more()
        sweep_private(folders.state)
        agent = Agent(folders, settings)
        ready(agent)
        ended = agent.run()
    finally:
        lock.release()
    if not ended:
        logging.shutdown()
        leave(0)
    return True
