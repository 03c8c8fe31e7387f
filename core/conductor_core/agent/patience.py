"""How long the agent waits before it tries again what failed: longer each time, never for ever."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Hashable

#: seconds
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0


class Patience:
    """Remember per key when to try again; doubles with each failure, with up to half taken off at random."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
        first_wait: float = FIRST_WAIT,
    ) -> None:
        self._clock = clock
        self._uniform = uniform
        self._first = first_wait
        self._lock = threading.Lock()
        #: key → (failures, when to try again)
        self._waiting: dict[Hashable, tuple[int, float]] = {}

    def failed(self, key: Hashable) -> float:
        """Count a failure and return the seconds to wait."""
        with self._lock:
            failures = self._waiting.get(key, (0, 0.0))[0] + 1
            full = min(self._first * 2 ** min(failures - 1, 30), LONGEST_WAIT)
            wait = self._uniform(full / 2, full)
            self._waiting[key] = (failures, self._clock() + wait)
            return wait

    def worked(self, key: Hashable) -> None:
        """Forget the failures of `key`."""
        with self._lock:
            self._waiting.pop(key, None)

    def ready(self, key: Hashable) -> bool:
        """Tell whether `key` may be tried now."""
        with self._lock:
            waiting = self._waiting.get(key)
            return waiting is None or waiting[1] <= self._clock()

    def forget(self, *prefix: Hashable) -> None:
        """Let everything be tried at once, or what has a key that begins so: something changed, such as a new login."""
        with self._lock:
            for key in [k for k in self._waiting if not prefix or (isinstance(k, tuple) and k[: len(prefix)] == prefix)]:
                del self._waiting[key]
