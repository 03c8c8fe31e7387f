"""Limits on what transfers take of the line, shared by all of them.

A block goes when the blocks before it have had their time at the rate of now. So the rate holds over all threads together,
each gets its turn in the order of asking, and a new limit (another hour began, the settings were changed) counts at once,
for those that wait already too. Time is a monotonic clock's: a clock that is put back stops nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

#: seconds after which who waits looks again whether the rate has changed, or it was stopped
LOOK_AGAIN = 0.25
#: seconds of the rate that may go at once after a pause: what a thread oversleeps is made up for
CREDIT = 0.1


def _sleep(stopped: threading.Event, seconds: float) -> None:
    stopped.wait(seconds)


@dataclass(slots=True, eq=False)
class _Turn:
    count: int


class Throttle:
    """Let bytes go in one direction at a rate that may change at any time; safe to share between threads."""

    def __init__(
        self,
        rate: Callable[[], int],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[threading.Event, float], None] = _sleep,
    ) -> None:
        """Ask `rate` for bytes per second, 0 for no limit; `sleep` returns after some seconds, or when the event is set."""
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._turns: list[_Turn] = []
        #: bytes that have gone and whose time is not over; below 0: bytes that may go at once
        self._owed = 0.0
        self._settled = clock()

    def take(self, count: int, stopped: threading.Event) -> None:
        """Return when `count` bytes may go, or at once when `stopped` is set."""
        turn = _Turn(count)
        with self._lock:
            self._turns.append(turn)
        try:
            while not stopped.is_set():
                seconds = self._wait_of(turn)
                if seconds <= 0.0:
                    return
                self._sleep(stopped, min(seconds, LOOK_AGAIN))
        finally:
            with self._lock:
                self._turns.remove(turn)

    def _wait_of(self, turn: _Turn) -> float:
        """Return the seconds until it is its turn; at 0 its bytes are counted as gone."""
        rate = self._rate()
        with self._lock:
            now = self._clock()
            elapsed, self._settled = now - self._settled, now
            if rate <= 0:
                self._owed = 0.0
                return 0.0
            self._owed = max(self._owed - rate * elapsed, -rate * CREDIT)
            before = sum(other.count for other in self._turns[: self._turns.index(turn)])
            if self._owed + before < 1.0:  # less than a byte is what rounding leaves
                self._owed += turn.count
                # its time is counted now: whoever is behind it must not count it again
                turn.count = 0
                return 0.0
            return (self._owed + before) / rate


class LimitedPace:
    """The pace of all transfers of an agent (`conductor_core.transfer.progress.Pace`)."""

    def __init__(
        self,
        upload: Throttle,
        download: Throttle,
        *,
        sent: Callable[[int], None] = lambda _: None,
        held: Callable[[], bool] = lambda: False,
    ) -> None:
        """`sent` hears of bytes as they go; for as long as `held`, nothing more is asked for."""
        self._upload = upload
        self._download = download
        self._sent = sent
        self._held = held

    def send(self, count: int, stopped: threading.Event) -> None:
        """Return when `count` bytes may be sent, or at once when `stopped` is set."""
        if count > 0:
            self._upload.take(count, stopped)
            self._sent(count)

    def receive(self, count: int, stopped: threading.Event) -> None:
        """Return when more may be asked for, `count` bytes having come, or at once when `stopped` is set."""
        if count > 0:
            self._download.take(count, stopped)
            while self._held() and not stopped.is_set():
                stopped.wait(LOOK_AGAIN)
