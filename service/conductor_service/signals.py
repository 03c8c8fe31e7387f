"""Wake whoever waits inside this process, without polling: runners for work, streams for events, the scheduler.

Waiting is asynchronous (no thread per waiter), waking comes from any thread. A `Signal` is a counter: a waiter says
which count it has seen, so a wake-up between looking and waiting is never lost.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field


class Signal:
    """Something that many wait for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._waiters: set[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = set()

    @property
    def count(self) -> int:
        """How often it was sent."""
        return self._count

    def send(self) -> None:
        """Wake everyone who waits now."""
        with self._lock:
            self._count += 1
            waiters, self._waiters = self._waiters, set()
        for loop, future in waiters:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, future)

    async def wait(self, seen: int, seconds: float) -> bool:
        """Wait until it is sent after count `seen`; return False when `seconds` went by without."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        entry = (loop, future)
        with self._lock:
            if self._count != seen:
                return True
            self._waiters.add(entry)
        try:
            await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return False
        finally:
            with self._lock:
                self._waiters.discard(entry)
        return True


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


@dataclass(frozen=True, slots=True)
class Signals:
    """All that can be waited for."""

    #: a task became ready, or an instance is to retire
    work: Signal = field(default_factory=Signal)
    #: events were committed
    events: Signal = field(default_factory=Signal)
    #: the scheduler has something to decide
    schedule: threading.Event = field(default_factory=threading.Event)
    #: e-mails are to be sent
    letters: threading.Event = field(default_factory=threading.Event)
    #: the service shuts down: long polls and streams end
    closing: threading.Event = field(default_factory=threading.Event)

    def close(self) -> None:
        """End everyone's wait for good."""
        self.closing.set()
        for signal in (self.work, self.events):
            signal.send()
        self.schedule.set()
