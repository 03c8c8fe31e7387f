"""The service's clock: UTC, passed to whoever needs it, so that tests decide what time it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time in UTC as the system has it."""
    return datetime.now(UTC)


if sys.platform == "linux":

    def elapsed() -> float:
        """Return the seconds since some moment, sleep included; nobody can set this clock."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

elif sys.platform == "darwin":

    def elapsed() -> float:
        """Return the seconds since some moment, sleep included; nobody can set this clock."""
        return time.clock_gettime(time.CLOCK_MONOTONIC)  # time.monotonic() stands still there while the machine sleeps

else:

    def elapsed() -> float:
        """Return the seconds since some moment, sleep included; nobody can set this clock."""
        return time.monotonic()


#: two looks at clocks that are further apart than this say nothing
_LOOK = timedelta(seconds=0.1)


class SteadyClock:
    """Tell the time as it was at the start, moved on by what has really passed since.

    A system's clock gets set, by people and by NTP: by it leases would run out at once or not for hours, and instances be
    billed for hours that never were. This clock does not jump. `drift` says how far the system's clock has gone from it,
    and `adopt` follows that, once all times that are measured by it have been moved along (`clock_steps.py`).
    """

    def __init__(self, system: Clock = utc_now, elapsed: Callable[[], float] = elapsed) -> None:
        self._system, self._elapsed = system, elapsed
        self._anchor = (system(), elapsed())
        #: all steps together
        self.adopted = timedelta()

    def __call__(self) -> datetime:
        """Return the time in UTC."""
        start, at = self._anchor
        return start + timedelta(seconds=self._elapsed() - at)

    def drift(self) -> timedelta:
        """Return by how much the system's clock is ahead of this one; nothing where that cannot be told at this moment."""
        before = self()
        system = self._system()
        if self() - before > _LOOK:
            return timedelta()  # this process, or the machine, stood still between the looks
        return system - before

    def adopt(self, step: timedelta) -> None:
        """Set this clock forward, or back, by a step."""
        start, at = self._anchor
        self._anchor = (start + step, at)
        self.adopted += step


def iso(moment: datetime | None) -> str | None:
    """Return ISO 8601 with `Z` and milliseconds, as the API writes times; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds_between(start: datetime, end: datetime) -> int:
    """Return the whole milliseconds from `start` to `end`; 0 where a clock was set back between them."""
    return max(0, int((end - start).total_seconds() * 1000))
