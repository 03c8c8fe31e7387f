"""How many files go over the line at once: as many as make it faster, and no more.

One connection over a long line is bound by its round trips, so several carry more; over a short or narrow line they only get
into each other's way, and into everybody else's. Nobody can know which it is but by trying: while every lane is taken, one
lane more is tried, and kept where the bytes per second grew; one fewer is tried, and kept where they did not fall. A failure
(a server that is overloaded, a line that breaks) halves the lanes: additive increase, multiplicative decrease, as TCP does
(Chiu and Jain 1989).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

#: seconds over which bytes are counted before one judges
PERIOD = 2.0
#: share by which the bytes per second must grow for one lane more, and may fall for one fewer
GROWTH, LOSS = 0.04, 0.02
#: periods between two trials that changed nothing: doubled each time, up to
LONGEST_REST = 16
#: bytes that a sender reads at once, and seconds between two of its blocks within which servers do not take it for dead (ours: 30)
_BLOCK, _SILENCE = 1 << 20, 8.0
#: seconds between two looks of who waits for a lane whether it was stopped
LOOK_AGAIN = 0.25


def lanes_at(rate: int) -> int:
    """Return how many lanes a limit in bytes per second leaves room for: each must be heard of before it is taken for dead."""
    return max(1, int(rate * _SILENCE / _BLOCK)) if rate else 1_000


class Concurrency:
    """Judge what lanes bring; used under a lock."""

    def __init__(self, *, start: int = 4, most: int = 16, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = max(1, most)
        self.allowed = min(max(1, start), self._most)
        self._clock = clock
        self._begun = clock()
        self._failed = float("-inf")
        self._bytes = 0
        self._full = False
        #: bytes per second before the trial under way
        self._before = 0.0
        #: lanes that the trial added (+1) or took away (-1); 0: none is under way
        self._trial = 0
        self._next_trial = 1
        self._resting = 0
        self._rest = 1

    def moved(self, count: int, *, full: bool) -> None:
        """Count bytes that went; `full`: every lane was taken and more files waited."""
        if not full or not self._full:
            # a period in which lanes were free says nothing
            self._full, self._bytes, self._begun = full, 0, self._clock()
            return
        self._bytes += count
        elapsed = self._clock() - self._begun
        if elapsed >= PERIOD:
            self._judge(self._bytes / elapsed)
            self._bytes, self._begun = 0, self._clock()

    def failed(self) -> None:
        """Halve the lanes: something could not take it; what fails together counts once."""
        now = self._clock()
        if now - self._failed < PERIOD:
            return
        self._failed = now
        self.allowed = max(1, self.allowed // 2)
        self._trial, self._resting, self._full = 0, LONGEST_REST // 2, False

    def _judge(self, rate: float) -> None:
        if self._trial:
            self._end_trial(rate)
        elif self._resting > 0:
            self._resting -= 1
        else:
            self._try(rate, self._next_trial)

    def _end_trial(self, rate: float) -> None:
        trial, self._trial = self._trial, 0
        grew, fell = rate > self._before * (1 + GROWTH), rate < self._before * (1 - LOSS)
        if grew if trial > 0 else not fell:
            self._rest = 1
            self._try(rate, trial)
            return
        self.allowed -= trial
        self._next_trial = -trial
        self._resting = self._rest
        self._rest = min(self._rest * 2, LONGEST_REST)

    def _try(self, rate: float, trial: int) -> None:
        wish = self.allowed + trial
        if not 1 <= wish <= self._most:
            self._next_trial = -trial
            self._resting = self._rest
            return
        self._before, self._trial, self.allowed = rate, trial, wish


class Lanes:
    """Let so many files go at once as `Concurrency` finds good; safe to share between threads."""

    def __init__(
        self,
        *,
        start: int = 4,
        most: int = 16,
        cap: Callable[[], int] = lambda: 1_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`cap` says how many there is room for now, whatever they bring."""
        self._judge = Concurrency(start=start, most=most, clock=clock)
        self._cap = cap
        self._changed = threading.Condition()
        self._taken = 0
        self._waiting = 0

    @property
    def allowed(self) -> int:
        """Return how many may go at once now."""
        with self._changed:
            return self._now()

    @contextlib.contextmanager
    def lane(self, stopped: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Hold a lane, waited for; at once when `stopped` says so: whoever is stopped sends nothing in it."""
        with self._changed:
            self._waiting += 1
            try:
                while self._taken >= self._now() and not stopped():
                    self._changed.wait(LOOK_AGAIN)
            finally:
                self._waiting -= 1
            self._taken += 1
        try:
            yield
        finally:
            with self._changed:
                self._taken -= 1
                self._changed.notify()

    def moved(self, count: int) -> None:
        """Count bytes that went over the line."""
        with self._changed:
            before = self._judge.allowed
            # at a limit it is the limit that is measured, and no line
            self._judge.moved(count, full=self._waiting > 0 and self._taken >= before)
            if self._judge.allowed > before:
                self._changed.notify_all()

    def failed(self) -> None:
        """Note that the line or the service could not take it."""
        with self._changed:
            self._judge.failed()

    def _now(self) -> int:
        return min(self._judge.allowed, max(1, self._cap()))
