"""How long the farm waits for licences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class LicenceSettings:
    """When software that got no licence is tried again; times in seconds."""

    #: the first wait; each further one is twice as long
    first_wait_seconds: int = 30
    #: no wait is longer: each try starts the software, and after a longer one perhaps an instance too
    longest_wait_seconds: int = 1800
    #: a job that got no licence at all for this long fails; 0: to get none is a failure like others
    patience_seconds: int = 43_200

    def __post_init__(self) -> None:
        """Refuse waits that would ask a licence server without a pause, or that never grow up."""
        if self.first_wait_seconds <= 0:
            raise ValueError("first_wait_seconds must be more than 0")
        if self.longest_wait_seconds < self.first_wait_seconds:
            raise ValueError("longest_wait_seconds is less than first_wait_seconds")
        if self.patience_seconds < 0:
            raise ValueError("patience_seconds is negative")

    def pause(self, tries: int) -> int:
        """Return the seconds to wait after so many tries (1 or more) without a licence."""
        doublings = min(tries - 1, 30)
        return min(self.first_wait_seconds << doublings, self.longest_wait_seconds)

    @property
    def patience(self) -> timedelta:
        """How long a job may get no licence at all."""
        return timedelta(seconds=self.patience_seconds)
