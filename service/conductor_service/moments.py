"""When the scheduler last did what; moved along with the clock when that is set."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(slots=True)
class Moments:
    """What one scheduler remembers; None: never yet."""

    tick: datetime | None = None
    housekeeping: datetime | None = None
    note: datetime | None = None
    #: silence before this is not held against anybody
    patience: datetime | None = None
    #: bytes that nobody knows are left alone until then: their age cannot be told after the clock was set
    sweep: datetime | None = None
    #: launches that failed: how often, and when to try again
    launches: dict[str, tuple[int, datetime]] = field(default_factory=dict)

    def move(self, step: timedelta) -> None:
        """Move every moment by a step."""
        self.tick = _moved(self.tick, step)
        self.housekeeping = _moved(self.housekeeping, step)
        self.note = _moved(self.note, step)
        self.patience = _moved(self.patience, step)
        self.sweep = _moved(self.sweep, step)
        self.launches = {key: (tries, at + step) for key, (tries, at) in self.launches.items()}


def _moved(moment: datetime | None, step: timedelta) -> datetime | None:
    return None if moment is None else moment + step
