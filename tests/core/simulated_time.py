"""Time that passes only when every thread of a test sleeps: what depends on it comes out the same on any machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def an_hour_later() -> int:
    """Return nanoseconds since the epoch, in an hour: by this clock no file that a test writes is so young that it is in doubt."""
    return time.time_ns() + 3_600 * 10**9


class SimulatedTime:
    """A clock, and the sleep that goes with it, for the threads that `run` starts."""

    def __init__(self) -> None:
        self.now = 0.0
        self._changed = threading.Condition()
        self._awake = 0
        #: (when to wake, in the order of falling asleep) → may wake
        self._asleep: dict[tuple[float, int], bool] = {}
        self._naps = 0

    def clock(self) -> float:
        return self.now

    def sleep(self, stopped: threading.Event, seconds: float) -> None:
        with self._changed:
            self._naps += 1
            nap = (self.now + max(seconds, 0.0), self._naps)
            self._asleep[nap] = False
            self._awake -= 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._asleep[nap])
            del self._asleep[nap]

    def run(self, *works: Callable[[], None]) -> None:
        """Run functions in a thread each, until all have returned; one thread is awake at a time."""
        failures: list[BaseException] = []

        def begin(work: Callable[[], None]) -> None:
            try:
                self.sleep(threading.Event(), 0.0)
                work()
            except BaseException as exc:  # noqa: BLE001 - told by run()
                failures.append(exc)
            finally:
                with self._changed:
                    self._awake -= 1
                    self._changed.notify_all()

        self._awake = len(works)
        threads = [threading.Thread(target=begin, args=(work,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        with self._changed:
            while True:
                assert self._changed.wait_for(lambda: self._awake == 0, timeout=120), "a thread neither works nor sleeps"
                if not self._asleep:
                    break
                nap = min(self._asleep)
                self.now = max(self.now, nap[0])
                self._awake += 1
                self._asleep[nap] = True
                self._changed.notify_all()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
