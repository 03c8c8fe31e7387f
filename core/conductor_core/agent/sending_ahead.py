"""Send what was hashed ahead of the click, where its user wants that: to the project that its scene was last used with.

The service keeps what nobody submits for as long as it is leased, so what was sent is asked for again now and then while the
scene is watched. A scene that is never submitted costs its upload, and nothing in the store: its objects belong to no job, and
the service's `gc` takes them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from conductor_core.agent.idleness import PoliteProgress
from conductor_core.agent.recent_scenes import RecentScene
from conductor_core.api.client import ProjectObjects, ServiceClient
from conductor_core.errors import ConductorError, ServiceError, TransferCancelled
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import local_flavour
from conductor_core.transfer.concurrency import Lanes
from conductor_core.transfer.hashing import HashedFile
from conductor_core.transfer.progress import Pace
from conductor_core.transfer.sink import ObjectSink
from conductor_core.transfer.upload import plan_upload, send_missing

#: seconds after which what was sent is leased anew (a lease holds for an hour), and after which a failed attempt is repeated
LEASE_EVERY, AGAIN = 2700.0, 60.0
#: files that are remembered as sent ahead; more are leased by their submission
MOST_SENT = 100_000

_LOG = logging.getLogger("conductor.agent")

#: address of the service and name of the project
Target = tuple[str, str]


class SendingAhead:
    """Send files as they are hashed; safe to share between threads."""

    def __init__(
        self,
        connect: Callable[[str], ServiceClient],
        scenes: Callable[[], Iterable[RecentScene]],
        *,
        busy: Callable[[], str],
        pace: Pace,
        lanes: Lanes | None = None,
        clock: Callable[[], float] = time.monotonic,
        sink: Callable[[ServiceClient, str], ObjectSink] = ProjectObjects,
    ) -> None:
        """`busy` says why nothing is to be sent now: not wished for, paused, or the machine has better to do."""
        self._connect = connect
        self._scenes = scenes
        self._busy = busy
        self._lanes = lanes
        self._clock = clock
        self._sink = sink
        self._lock = threading.Lock()
        self._waiting: dict[Target, dict[str, HashedFile]] = {}
        self._sent: dict[Target, dict[str, HashedFile]] = {}
        self._leased = clock()
        self._not_before = 0.0
        self._count = 0
        self._progress = PoliteProgress(busy, pace)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._work: Future[None] | None = None

    def hashed(self, files: Mapping[str, HashedFile]) -> None:
        """Note files that were hashed ahead, for the projects of the scenes that have them."""
        with self._lock:
            for scene in self._scenes():
                mine = {path: file for path, file in files.items() if scene.has(path)}
                if mine and scene.project:
                    self._waiting.setdefault((scene.service, scene.project), {}).update(mine)

    def sent(self) -> int:
        """Count the files sent ahead since the agent started."""
        return self._count

    def step(self) -> None:
        """Start to send what waits; called again and again by the agent."""
        if self._work is not None and not self._work.done():
            return
        with self._lock:
            now = self._clock()
            if self._sent and now - self._leased >= LEASE_EVERY:
                self._leased = now
                self._lease_anew()
            due = bool(self._waiting) and now >= self._not_before
        if due and not self._busy():
            self._work = self._pool.submit(self._send_all)

    def forget(self) -> None:
        """Send nothing of what waits: it is not wished for any more."""
        with self._lock:
            self._waiting.clear()
            self._sent.clear()

    def stop(self) -> None:
        """Stop sending."""
        self._progress.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _lease_anew(self) -> None:
        """Ask again for what was sent and is still of a scene that is watched; what the store dropped meanwhile is sent again."""
        scenes = list(self._scenes())
        for target, files in self._sent.items():
            mine = {path: f for path, f in files.items() if any(s.has(path) and (s.service, s.project) == target for s in scenes)}
            if mine:
                self._waiting[target] = {**mine, **self._waiting.get(target, {})}
        self._sent.clear()

    def _send_all(self) -> None:
        with self._lock:
            targets = list(self._waiting)
        try:
            for target in targets:
                self._send(target)
        except TransferCancelled:
            return
        except Exception:  # noqa: BLE001 - worker loop: a defect here must not end the sending
            self._not_before = self._clock() + AGAIN
            _LOG.exception("sending ahead")

    def _send(self, target: Target) -> None:
        with self._lock:
            files = dict(self._waiting.get(target, {}))
        service, project = target
        entries = [
            Entry(path, "file", file.digest, size=file.state.size, mode=file.mode, mtime_ns=file.state.mtime_ns)
            for path, file in files.items()
        ]
        try:
            objects = self._sink(self._connect(service), project)
            manifest = make_manifest(local_flavour(), entries)
            plan = plan_upload(manifest, manifest.objects())
            sent: int | None = send_missing(plan, objects, self._progress, threads=2, lanes=self._lanes)
        except ServiceError as exc:
            self._not_before = self._clock() + AGAIN
            _LOG.info("sending ahead to %s waits: %s", project, exc)
            return
        except TransferCancelled:
            raise
        except ConductorError as exc:
            # a file changed again, or went: it will be hashed anew; the others are sent with their submission at the latest
            _LOG.info("sending ahead: %s", exc)
            sent = None
        with self._lock:
            left = {path: file for path, file in self._waiting.pop(target, {}).items() if files.get(path) != file}
            if left:
                self._waiting[target] = left
            if sent is not None:
                self._count += sent
                self._sent.setdefault(target, {}).update(files)
                if len(self._sent[target]) > MOST_SENT:
                    self._sent[target] = {}
