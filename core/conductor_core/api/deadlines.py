"""What a time-out for each byte does not bound: a server that gives one byte now and then, for ever.

An answer's head has the time that was given for the answer; a whole answer that is no file has ten minutes; a file has to come
faster than a modem's line, looked at over a minute of waiting for it.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator

#: seconds that all of an answer may take which is no file
WHOLE_ANSWER = 600.0
#: bytes that have to come within so many seconds of waiting
LEAST, WITHIN = 64 << 10, 60.0
#: seconds on top, so that a server that is silent gets the library's own error
_GRACE = 1.0
#: seconds between two looks at what is waited for
_LOOK_EVERY = 0.5


class Trickle:
    """How much of a file came while it was waited for; what its reader does meanwhile is not the server's fault."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waited = 0.0
        self._came = 0

    def read(self, read: Callable[[], bytes]) -> bytes:
        """Return the next bytes.

        Raises:
            TimeoutError: hardly any come.
        """
        began = self._clock()
        block = read()
        self._waited += self._clock() - began
        self._came += len(block)
        if self._waited >= WITHIN:
            if self._came < LEAST and block:
                raise TimeoutError(f"{self._came} bytes in {self._waited:.0f} s")
            self._waited, self._came = 0.0, 0
        return block


class _Watch:
    """One thread that breaks connections whose time is over; it sleeps while there are none."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._running: dict[int, tuple[float, socket.socket]] = {}
        self._thread: threading.Thread | None = None

    def add(self, sock: socket.socket, seconds: float) -> int:
        """Break a connection after so long, unless `remove` comes first."""
        with self._changed:
            number = next(self._numbers)
            self._running[number] = time.monotonic() + seconds, sock
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="deadlines")
                self._thread.start()
            elif len(self._running) == 1:
                self._changed.notify()
            return number

    def remove(self, number: int) -> bool:
        """Let a connection be; return whether it was broken before."""
        with self._changed:
            return self._running.pop(number, None) is None

    def _run(self) -> None:
        with self._changed:
            while True:
                self._changed.wait(_LOOK_EVERY if self._running else None)
                now = time.monotonic()
                for number in [n for n, (due, _) in self._running.items() if due <= now]:
                    _, sock = self._running.pop(number)
                    with contextlib.suppress(OSError):
                        # not TLS's own: that would take the connection apart under whoever reads
                        socket.socket.shutdown(sock, socket.SHUT_RDWR)


_watch = _Watch()


@contextlib.contextmanager
def within(seconds: float | None, sock: socket.socket | None) -> Iterator[None]:
    """Break a connection if what is done here takes longer: whoever reads from it then finds it closed.

    Raises:
        TimeoutError: it was broken, and whoever read took the end for the end of what was said.
    """
    if sock is None or seconds is None:
        yield
        return
    number = _watch.add(sock, seconds + _GRACE)
    broken = False
    try:
        yield
    finally:
        broken = _watch.remove(number)
    if broken:
        raise TimeoutError(f"not whole within {seconds:.0f} s")
