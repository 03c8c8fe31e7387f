"""The submissions of the journal are worked off: two at a time, each again until it is a job, or told why not (`submitting.py`)."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from conductor_core.agent.journal import ASKED_FOR, UNFINISHED, Journal
from conductor_core.agent.journal_rows import SubmissionRow
from conductor_core.agent.patience import Patience
from conductor_core.agent.scouting import Scouting
from conductor_core.agent.snapshots import Snapshots
from conductor_core.agent.submitting import Submitting, counts_of
from conductor_core.api.client import ServiceClient
from conductor_core.api.settings import AgentSettings
from conductor_core.documents import from_json
from conductor_core.errors import (
    ConductorError,
    Conflict,
    FileChanged,
    JournalUnwritable,
    NotFound,
    Refused,
    ServiceUnreachable,
    Unauthorized,
)
from conductor_core.submission import Submission
from conductor_core.transfer.concurrency import Lanes
from conductor_core.transfer.hash_cache import HashCache
from conductor_core.transfer.progress import Free, Pace, Progress

#: submissions that are worked on at once
AT_ONCE = 2
#: seconds between two looks for snapshots that are of no use any more
SWEEP_EVERY = 3600.0

_LOG = logging.getLogger("conductor.agent")

#: what passes by itself, or with a new login: the submission waits
_PASSING = (ServiceUnreachable, Unauthorized, JournalUnwritable)


class Submissions:
    """Work off the submissions of the journal, two at a time."""

    def __init__(
        self,
        journal: Journal,
        connect: Callable[[str], ServiceClient],
        cache: HashCache,
        *,
        settings: AgentSettings,
        patience: Patience,
        snapshots: Snapshots,
        scouting: Scouting,
        wake_downloads: Callable[[], None] = lambda: None,
        hashed: Callable[[SubmissionRow, Submission, Iterable[str]], None] = lambda *_: None,
        pace: Pace = Free(),
        lanes: Lanes | None = None,
        paused: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`paused` tells of the id of a submission whether it shall wait."""
        self._journal = journal
        self._connect = connect
        self._cache = cache
        self._patience = patience
        self._snapshots = snapshots
        self._scouting = scouting
        self._swept = -math.inf
        self._pace = pace
        self._paused = paused
        self._submitting = Submitting(
            journal,
            connect,
            cache,
            settings=settings,
            scouting=scouting,
            wake_downloads=wake_downloads,
            hashed=hashed,
            lanes=lanes,
        )
        self._lock = threading.Lock()
        self._progress: dict[str, Progress] = {}
        self._running: set[str] = set()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="submission")

    def step(self) -> None:
        """Start what can be started; called again and again by the agent."""
        if time.monotonic() - self._swept > SWEEP_EVERY:
            self._swept = time.monotonic()
            self._snapshots.sweep(self._needs_snapshot)
        for row in self._journal.submissions_to_do():
            with self._lock:
                if row.id in self._running or not self._patience.ready(row.id) or self.rests(row):
                    continue
                self._running.add(row.id)
            self._pool.submit(self._work, row.id)

    def busy(self) -> bool:
        """Tell whether there is anything left to do that is not paused."""
        return not all(self.rests(row) for row in self._journal.submissions_to_do())

    def look(self, see: Callable[[str, Progress | None], object]) -> None:
        """Show the live counts of each submission that is worked on."""
        with self._lock:
            live = dict(self._progress)
        for identity, progress in live.items():
            see(identity, progress)

    def look_at_pauses(self) -> None:
        """Stop what is paused now: it lets go of the line, and later goes on with what is missing."""
        with self._lock:
            for identity, progress in self._progress.items():
                if self._paused(identity):
                    progress.cancel()

    def rests(self, row: SubmissionRow) -> bool:
        """Tell whether a submission is paused; the job of a cancelled one is killed all the same."""
        return row.state in UNFINISHED and self._paused(row.id)

    def progress(self, identity: str) -> Progress | None:
        """Return the live counts of a submission that is worked on."""
        with self._lock:
            return self._progress.get(identity)

    def cancel(self, identity: str) -> bool:
        """Stop a submission and have its job killed; tell whether there is such a submission."""
        row = self._journal.submission(identity)
        if row is None:
            return False
        with self._lock:
            progress = self._progress.get(identity)
        if progress is not None:
            progress.cancel()
        if row.state != "failed":
            self._journal.set_failed(identity, _told("TransferCancelled", "The submission was cancelled."), row.counts)
        self._patience.worked(identity)
        return True

    def stop(self) -> None:
        """Stop working; what is unfinished goes on after the next start."""
        with self._lock:
            for progress in self._progress.values():
                progress.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, identity: str) -> None:
        row = self._journal.submission(identity)
        try:
            if row is None:
                return
            if row.state in UNFINISHED:
                self._submit(row)
            elif row.kill:
                self._kill(row)
            self._patience.worked(identity)
        except _PASSING as exc:
            wait = self._patience.failed(identity)
            _LOG.warning("submission %s waits %.0f s: %s", identity, wait, exc)
            with contextlib.suppress(JournalUnwritable):
                self._note_wait(identity, exc)
        except Exception:  # noqa: BLE001 - worker loop: what goes wrong with one must not stop the others
            self._patience.failed(identity)
            _LOG.exception("submission %s", identity)
        finally:
            with self._lock:
                self._running.discard(identity)
            if self._needs_snapshot(identity) is False:
                self._scouting.leave(identity)
                self._snapshots.remove(identity)

    def _needs_snapshot(self, identity: str) -> bool | None:
        """Tell whether a submission still has to send its snapshot; None where there is no such submission."""
        row = self._journal.submission(identity)
        return None if row is None else row.state in UNFINISHED

    def _note_wait(self, identity: str, exc: ConductorError) -> None:
        """Keep what a submission waits for, and since when: that stays while it waits for the same."""
        now = self._journal.submission(identity)
        if now is None or now.state not in UNFINISHED:
            return
        error, before = told(exc, waiting=True), now.error or {}
        again = before.get("waiting") and before.get("kind") == error["kind"] and before.get("since")
        since = before["since"] if again else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._journal.set_waiting(identity, {**error, "since": since})

    def _submit(self, row: SubmissionRow) -> None:
        progress = Progress(self._pace)
        progress.put(**row.counts)
        progress.put(bytes_sent=0, bytes_saved=0, objects_sent=0)
        with self._lock:
            self._progress[row.id] = progress
        if self._paused(row.id):  # since it was chosen
            progress.cancel()
        try:
            self._submitting.run(row, progress)
        except _PASSING:
            raise
        except ConductorError as exc:
            # cancelled by stop() or a pause is not cancelled by the artist: the journal says which
            now = self._journal.submission(row.id)
            if isinstance(exc, FileChanged):
                self._cache.forget(exc.path)  # whatever the cache took it for, the next submission reads it
            if not progress.cancelled() and now is not None and now.state in UNFINISHED:
                _LOG.warning("submission %s failed: %s", row.id, exc)
                self._journal.set_failed(row.id, told(exc), counts_of(progress))
            elif now is not None and self.rests(now):  # to be told while it is paused
                self._journal.set_state(row.id, now.state, counts_of(progress))
        finally:
            with self._lock:
                self._progress.pop(row.id, None)

    def _submission(self, identity: str) -> Submission:
        return from_json(Submission, self._journal.request(identity)["submission"])

    def _kill(self, row: SubmissionRow) -> None:
        if row.job:
            try:
                client = self._connect(row.service)
                # asked for, and then a crash: the same submission id gives the job's id, whether or not it was made then
                asked_for = row.job == ASKED_FOR
                job = client.create_job(self._submission(row.id)).id if asked_for else row.job
                client.move(job, "kill", reason="the submission failed or was cancelled")
            except (Conflict, NotFound, Refused) as exc:
                _LOG.info("job %s of submission %s: %s", row.number, row.id, exc)
        self._journal.set_killed(row.id)


def told(exc: ConductorError, *, waiting: bool = False) -> dict[str, Any]:
    """Return an error as the local channel tells it."""
    return _told(type(exc).__name__, exc.what, exc.next_step, waiting=waiting)


def _told(kind: str, message: str, next_step: str = "", *, waiting: bool = False) -> dict[str, Any]:
    return {"kind": kind, "message": message, "next": next_step, "waiting": waiting}
