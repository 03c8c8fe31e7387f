"""How long a transfer still takes, from what it did lately; where nobody can know, it says so."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from conductor_core.transfer.progress import Counts

#: seconds of the past that count, at most and at least, and between two looks
WINDOW, LEAST, APART = 20.0, 2.0, 0.5


@dataclass(frozen=True, slots=True)
class Outlook:
    """Rates in bytes per second, and the seconds until each part is done; None: nobody knows."""

    hash_rate: float = 0.0
    send_rate: float = 0.0
    hash_seconds_left: float | None = None
    #: only once everything is hashed, and asked about: before, nobody knows what is to be sent
    send_seconds_left: float | None = None


class Forecast:
    """Watch one transfer's counts; used by one thread at a time."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, Counts]] = deque()

    def note(self, counts: Counts) -> None:
        """Take a look at the counts; more often than twice a second changes nothing."""
        now = self._clock()
        if self._seen and now - self._seen[-1][0] < APART:
            return
        # what the hash cache knew, or the store had, came at once: it says nothing about the rest
        if self._seen and _jumped(self._seen[-1][1], counts):
            self._seen.clear()
        self._seen.append((now, counts))
        while len(self._seen) > 2 and now - self._seen[0][0] > WINDOW:
            self._seen.popleft()

    def outlook(self) -> Outlook:
        """Return rates and what is left, as of the last look."""
        if not self._seen or self._seen[-1][0] - self._seen[0][0] < LEAST:
            return Outlook()
        (begin, before), (end, now) = self._seen[0], self._seen[-1]
        span = end - begin
        hash_rate, send_rate = _rate(before.bytes_hashed, now.bytes_hashed, span), _rate(before.bytes_sent, now.bytes_sent, span)
        files = _seconds(now.files - now.files_hashed, _rate(before.files_hashed, now.files_hashed, span))
        hashed = _longer(_seconds(now.bytes_total - now.bytes_hashed, hash_rate), files)
        if now.files_hashed < now.files or now.objects_unsure:
            return Outlook(hash_rate, send_rate, hashed, None)
        objects = _seconds(now.objects_to_send - now.objects_sent, _rate(before.objects_sent, now.objects_sent, span))
        sending = _seconds(now.bytes_to_send - now.bytes_sent, send_rate)
        # where great files are sent, none may end for long: their bytes tell, small ones are told by their number
        sending = sending if objects is None else _longer(sending, objects)
        return Outlook(hash_rate, send_rate, 0.0, sending)


def _jumped(before: Counts, now: Counts) -> bool:
    return now.files_cached != before.files_cached or now.bytes_to_send > before.bytes_to_send


def _rate(before: int, now: int, span: float) -> float:
    return max(0.0, (now - before) / span)


def _seconds(left: int, rate: float) -> float | None:
    """Return the seconds that something takes; None where it does not move."""
    if left <= 0:
        return 0.0
    return left / rate if rate > 0 else None


def _longer(one: float | None, other: float | None) -> float | None:
    return None if one is None else max(one, other or 0.0)
