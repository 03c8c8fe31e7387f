"""Whether this machine has nothing better to do: what is done ahead of the click must not slow down its artist."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from conductor_core.errors import TransferCancelled
from conductor_core.transfer.progress import Free, Pace, Progress

#: seconds over which the processors are looked at
SPAN = 5.0
#: share of all processors that others may use for the machine to count as idle
BUSY = 0.5


@dataclass(frozen=True, slots=True)
class Sample:
    """Processor seconds since some time."""

    #: of all processors, and of these not used by anybody
    total: float
    idle: float
    #: used by ourselves
    own: float


def sample() -> Sample:
    """Return what the system counts."""
    times = psutil.cpu_times()
    own = psutil.Process().cpu_times()
    # Linux counts a guest's time in `user` too
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return Sample(total, times.idle + getattr(times, "iowait", 0.0), own.user + own.system)


def on_battery() -> bool:
    """Tell whether the machine runs on its battery."""
    try:
        battery = psutil.sensors_battery()
    except (AttributeError, OSError, NotImplementedError, psutil.Error):
        return False  # this system cannot tell, or has none
    return battery is not None and battery.power_plugged is False


class Idleness:
    """Say what keeps the machine busy; safe to share between threads."""

    def __init__(
        self,
        *,
        sample: Callable[[], Sample] = sample,
        on_battery: Callable[[], bool] = on_battery,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sample = sample
        self._on_battery = on_battery
        self._clock = clock
        self._lock = threading.Lock()
        self._since = clock()
        self._before = sample()
        #: nobody knows yet: what waits may wait a little longer
        self._reason = "the machine may be busy"

    def reason(self) -> str:
        """Return why nothing is to be done now; "": the machine is idle."""
        with self._lock:
            now = self._clock()
            if now - self._since >= SPAN:
                seen, before = self._sample(), self._before
                self._since, self._before = now, seen
                total = seen.total - before.total
                others = total - (seen.idle - before.idle) - (seen.own - before.own)
                busy = total > 0 and others / total > BUSY
                self._reason = "the machine is busy" if busy else "it runs on its battery" if self._on_battery() else ""
            return self._reason


class GaveWay(TransferCancelled):
    """The machine got something better to do."""


class PoliteProgress(Progress):
    """Give way in the middle of a file."""

    def __init__(self, busy: Callable[[], str], pace: Pace = Free()) -> None:
        super().__init__(pace)
        self._busy = busy

    def check(self, path: str) -> None:
        """Raise when the machine is busy, or the agent ends."""
        super().check(path)
        if self._busy():
            raise GaveWay(path)
