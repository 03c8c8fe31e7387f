"""Endings of instances that go on beside the scheduler: one that drains, or hangs, keeps nobody else waiting."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

_log = logging.getLogger(__name__)

#: endings under way; each looks through the processes of the machine, or asks a provider
AT_ONCE = 16


class Endings(Protocol):
    """Start endings, know which are under way, and give those that are over."""

    def begin(self, instance_id: str, end: Callable[[], None]) -> None:
        """Start to end an instance; nothing happens if that is under way, or too many are: ask again later."""

    def under_way(self, instance_id: str) -> bool:
        """Tell whether an instance is being ended."""

    def over(self) -> list[str]:
        """Return the instances that have been ended since this was asked last."""

    def wait(self, seconds: float) -> None:
        """Wait until all are over, or for so long."""


class AtOnce:
    """End each instance before `begin` returns."""

    def __init__(self) -> None:
        self._over: list[str] = []

    def begin(self, instance_id: str, end: Callable[[], None]) -> None:
        """End an instance."""
        end()
        self._over.append(instance_id)

    def under_way(self, instance_id: str) -> bool:  # noqa: ARG002 - the protocol's
        """Return False."""
        return False

    def over(self) -> list[str]:
        """Return what was ended since this was asked last."""
        ended, self._over = self._over, []
        return ended

    def wait(self, seconds: float) -> None:
        """Return at once."""


class Aside:
    """End each instance in a thread of its own.

    The threads do not keep the service: one that ends in the middle finds the instance again at its next start.
    `done` is called when one is over.
    """

    def __init__(self, done: Callable[[], None] = lambda: None) -> None:
        self._done = done
        self._lock = threading.Lock()
        self._threads: dict[str, threading.Thread] = {}
        self._ended: list[str] = []

    def begin(self, instance_id: str, end: Callable[[], None]) -> None:
        """Start to end an instance; nothing happens if that is under way, or too many are: ask again later.

        Raises:
            RuntimeError: the system gives no thread; nothing was begun.
        """
        thread = threading.Thread(target=self._run, args=(instance_id, end), name=f"end {instance_id}", daemon=True)
        with self._lock:
            if instance_id not in self._threads and len(self._threads) < AT_ONCE:
                thread.start()
                self._threads[instance_id] = thread

    def under_way(self, instance_id: str) -> bool:
        """Tell whether an instance is being ended."""
        with self._lock:
            return instance_id in self._threads

    def over(self) -> list[str]:
        """Return the instances that have been ended since this was asked last."""
        with self._lock:
            ended, self._ended = self._ended, []
        return ended

    def wait(self, seconds: float) -> None:
        """Wait until all are over, or for so long."""
        deadline = time.monotonic() + seconds
        with self._lock:
            threads = list(self._threads.values())
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, instance_id: str, end: Callable[[], None]) -> None:
        ended = [instance_id]
        try:
            end()
        except Exception:  # noqa: BLE001 - worker loop: the next look of the scheduler begins it again
            _log.exception("Instance %s could not be ended; it is tried again.", instance_id)
            ended = []
        with self._lock:
            self._threads.pop(instance_id, None)
            self._ended += ended
        self._done()
