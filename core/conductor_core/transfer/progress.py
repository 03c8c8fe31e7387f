"""One object that counts a transfer, read by whoever shows it, slowed by its pace and cancelled by whoever stops it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol

from conductor_core.errors import TransferCancelled


@dataclass(frozen=True, slots=True)
class Counts:
    """How far a transfer is; bytes unless it says files or objects."""

    files: int = 0
    files_hashed: int = 0
    #: of these, files whose digest was in the hash cache
    files_cached: int = 0
    bytes_total: int = 0
    bytes_hashed: int = 0
    objects: int = 0
    #: of these, what the service is still to be asked about: what is said of the others is not the whole
    objects_unsure: int = 0
    objects_present: int = 0
    objects_to_send: int = 0
    objects_sent: int = 0
    bytes_to_send: int = 0
    bytes_sent: int = 0
    #: of changed files, what was there already: no part of `bytes_to_send` any more
    bytes_saved: int = 0
    bytes_received: int = 0


class Pace(Protocol):
    """How fast bytes may go over the line; each call holds its thread for as long as they should take, or a pause lasts."""

    def send(self, count: int, stopped: threading.Event) -> None:
        """Return when `count` bytes may be sent, or at once when `stopped` is set."""

    def receive(self, count: int, stopped: threading.Event) -> None:
        """Return when the next bytes may be asked for, `count` having come, or at once when `stopped` is set."""


#: bytes that are handed to a line at once: a paced one takes its turn for each, and a receiver that hears nothing for 30 s
#: gives up
STRIDE = 128 << 10


class Free:
    """As fast as the line is."""

    def send(self, count: int, stopped: threading.Event) -> None:
        """Return at once."""

    def receive(self, count: int, stopped: threading.Event) -> None:
        """Return at once."""


class Progress:
    """Count from many threads; a snapshot is consistent."""

    def __init__(self, pace: Pace = Free()) -> None:
        self._pace = pace
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(Counts.__dataclass_fields__, 0)
        self._cancelled = threading.Event()
        self._leaves_off = threading.Event()

    def add(self, **counts: int) -> None:
        """Add to counts by name; a negative number takes back what a failed attempt had counted."""
        with self._lock:
            for name, number in counts.items():
                self._counts[name] += number

    def sent(self, count: int) -> None:
        """Count bytes that go out now, having waited until they may."""
        self._pace.send(count, self._cancelled)
        self.add(bytes_sent=count)

    def received(self, count: int) -> None:
        """Count bytes that came, and wait until more may."""
        self.add(bytes_received=count)
        self._pace.receive(count, self._cancelled)

    def put(self, **counts: int) -> None:
        """Set counts by name, at the beginning of a stage."""
        with self._lock:
            self._counts.update({name: number for name, number in counts.items() if name in self._counts})

    def counts(self) -> Counts:
        """Return all counts as of one instant."""
        with self._lock:
            return Counts(**self._counts)

    def cancel(self) -> None:
        """Make the transfer stop at its next block."""
        self._cancelled.set()

    def cancelled(self) -> bool:
        """Tell whether somebody stopped the transfer."""
        return self._cancelled.is_set()

    def leave_off(self) -> None:
        """Have the transfer begin nothing more: what is under way comes to the next place from where it can be gone on."""
        self._leaves_off.set()

    def leaves_off(self) -> bool:
        """Tell whether nothing more is to be begun."""
        return self._leaves_off.is_set()

    def check(self, path: str) -> None:
        """Raise TransferCancelled, naming `path`, when somebody stopped the transfer."""
        if self._cancelled.is_set():
            raise TransferCancelled(path)


class Branch(Progress):
    """Some of a transfer: counted and paced with all of it, stopped with it, or alone."""

    def __init__(self, whole: Progress) -> None:
        super().__init__()
        self._whole = whole

    def add(self, **counts: int) -> None:
        """Add to the counts of the whole."""
        self._whole.add(**counts)

    def sent(self, count: int) -> None:
        """Count bytes that go out now, having waited until they may."""
        self._whole.sent(count)

    def received(self, count: int) -> None:
        """Count bytes that came, and wait until more may."""
        self._whole.received(count)

    def put(self, **counts: int) -> None:
        """Set counts of the whole."""
        self._whole.put(**counts)

    def counts(self) -> Counts:
        """Return the counts of the whole."""
        return self._whole.counts()

    def cancelled(self) -> bool:
        """Tell whether somebody stopped this, or the whole."""
        return super().cancelled() or self._whole.cancelled()

    def leaves_off(self) -> bool:
        """Tell whether nothing more of this, or of the whole, is to be begun."""
        return super().leaves_off() or self._whole.leaves_off()

    def check(self, path: str) -> None:
        """Raise TransferCancelled, naming `path`, when somebody stopped this, or the whole."""
        self._whole.check(path)
        super().check(path)
