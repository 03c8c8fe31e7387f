"""Work that Qt's thread must do itself, cut into slices so short that nobody notices them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator

from qtpy.QtCore import QObject, QTimer

#: seconds that one slice takes; with what the views do after it, the event loop is held for less than 20 ms
SLICE = 0.006
#: seconds between two times that what was done is shown: a view lays all of its rows out anew each time
BETWEEN = 0.08


class Slices(QObject):
    """Run iterators one after the other, a few steps at a time, each time the event loop has nothing else to do."""

    def __init__(
        self,
        after: Callable[[], None],
        parent: QObject | None = None,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(parent)
        self._after = after
        self._clock = clock
        self._waiting: deque[Iterator[None]] = deque()
        self._shown = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.step)

    @property
    def idle(self) -> bool:
        """Whether there is nothing left to do."""
        return not self._waiting

    def add(self, work: Iterator[None]) -> None:
        """Do this after what is waiting already; each step of it must cost less than a millisecond."""
        self._waiting.append(work)
        self._timer.start()

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._timer.stop()

    def step(self) -> None:
        """Work for one slice, and show what was done now and then."""
        end = self._clock() + SLICE
        while self._waiting and self._clock() < end:
            for _ in self._waiting[0]:
                if self._clock() >= end:
                    break
            else:
                self._waiting.popleft()
        if not self._waiting:
            self._timer.stop()
        if not self._waiting or self._clock() - self._shown > BETWEEN:
            self._after()
            self._shown = self._clock()
