"""Listen to one service's events, in a thread of its own, for as long as the agent lives."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from conductor_core.api.client import ServiceClient
from conductor_core.api.events import CONNECTED, Event
from conductor_core.errors import ConductorError

#: seconds between two attempts to reach a service that is away
AWAY_FIRST, AWAY_LONGEST = 1.0, 30.0
#: seconds between two notes of how far we heard: an event heard twice costs one question
SAVE_EVERY = 2.0

_LOG = logging.getLogger("conductor.agent")


class Follower(threading.Thread):
    """Tell `news_of(service, job)` for each event of a job, and `connected(service)` after each connection."""

    def __init__(
        self,
        service: str,
        *,
        connect: Callable[[str], ServiceClient],
        cursor: Callable[[], str],
        save: Callable[[str], None],
        news_of: Callable[[str, str], None],
        connected: Callable[[str], None],
    ) -> None:
        super().__init__(name=f"events of {service}", daemon=True)
        self._service = service
        self._connect = connect
        self._cursor = cursor
        self._save = save
        self._news_of = news_of
        self._connected = connected
        self._stopped = threading.Event()
        self._saved = 0.0

    def stop(self) -> None:
        """End at the next event, comment or attempt; nobody waits for it."""
        self._stopped.set()

    def run(self) -> None:
        """Listen until stopped; a service that is away is tried again and again."""
        wait = AWAY_FIRST
        while not self._stopped.is_set():
            try:
                for event in self._connect(self._service).events(after=self._cursor(), stopped=self._stopped.is_set):
                    if self._stopped.is_set():
                        return
                    wait = AWAY_FIRST
                    self._take(event)
            except ConductorError as exc:
                _LOG.info("events of %s: %s", self._service, exc)
            except Exception:  # noqa: BLE001 - worker loop: what goes wrong with one must not stop the others
                if not self._stopped.is_set():
                    _LOG.exception("events of %s", self._service)
            self._stopped.wait(wait)
            wait = min(wait * 2, AWAY_LONGEST)

    def _take(self, event: Event) -> None:
        if event.kind == CONNECTED:
            self._connected(self._service)
            return
        job = _job_of(event)
        if job:
            self._news_of(self._service, job)
        if event.id and time.monotonic() - self._saved >= SAVE_EVERY:
            self._saved = time.monotonic()
            self._save(event.id)


def _job_of(event: Event) -> str:
    """Return the id of the job whose outputs or state the event tells of, or an empty text."""
    data: Mapping[str, Any] = event.data if isinstance(event.data, dict) else {}
    if event.kind == "output":
        return str(data.get("job", ""))
    return str(data.get("id", "")) if event.kind == "job" else ""
