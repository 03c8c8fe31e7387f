"""The section `transfer` of `settings.yaml`: how much of the line transfers may take, and when, and what is done ahead of the click.

```yaml
transfer:
  upload: 20 MB/s                  # or 160 Mbit/s; without: as fast as the line is
  download: 40 MB/s
  hours:                           # the first that holds now counts; what it does not say is as above
    mon-fri 09:00-18:00: {upload: 5 MB/s}
    22:00-06:00: {upload: unlimited, download: unlimited}
  ahead: hash                      # hash | upload | off: files of recent scenes that changed, when the machine is idle
  watch_hours: 16                  # for so long after a scene was last opened or submitted; the agent stays up for it
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Literal

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: bytes per second; with less, a block of 1 MiB takes so long that servers take the line for dead
LEAST = 64_000
#: bytes per second of each unit
_UNITS = {
    "b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30,
    "kbit": 125.0, "mbit": 125e3, "gbit": 125e6,
}  # fmt: skip
_RATE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([a-z]{1,4})\s*/\s*s", re.IGNORECASE)
_WINDOW = re.compile(r"(?:([a-z]{3})(?:\s*-\s*([a-z]{3}))?\s+)?(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes per second that transfers may take; 0: as fast as the line is."""

    upload: int = 0
    download: int = 0


@dataclass(frozen=True, slots=True)
class HourLimits:
    """What holds within some hours; "": as outside of them."""

    upload: str = ""
    download: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no rate."""
        for name in ("upload", "download"):
            _check_rate(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class TransferSettings:
    """How transfers behave towards everybody else on the line and on the machine."""

    upload: str = ""
    download: str = ""
    #: `mon-fri 09:00-18:00` or `09:00-18:00`, local time → what holds then
    hours: Mapping[str, HourLimits] = field(default_factory=dict)
    #: what is done with files of recent scenes that changed, before anybody submits them
    ahead: Literal["hash", "upload", "off"] = "hash"
    #: hours after a scene was last opened or submitted for which its files are watched
    watch_hours: float = 16.0

    def __post_init__(self) -> None:
        """Refuse what is no rate, no hours or no such time."""
        for name in ("upload", "download"):
            _check_rate(name, getattr(self, name))
        for window in self.hours:
            window_of(window)
        if not 0 <= self.watch_hours <= 24 * 60:
            raise ValueError("watch_hours must lie between 0 and 1440")

    def limits(self, now: datetime) -> Limits:
        """Return what holds at `now`, local time."""
        within = next((limits for window, limits in self.hours.items() if window_of(window).holds(now)), HourLimits())
        return Limits(rate_of(within.upload or self.upload), rate_of(within.download or self.download))


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of some days of the week; those that pass midnight belong to the day on which they begin."""

    days: frozenset[int]
    begin: time
    end: time

    def holds(self, now: datetime) -> bool:
        """Tell whether `now` lies within."""
        at, day = now.time(), now.weekday()
        if self.begin < self.end:
            return day in self.days and self.begin <= at < self.end
        return (day in self.days and at >= self.begin) or ((day - 1) % 7 in self.days and at < self.end)


def window_of(text: str) -> Window:
    """Return the hours that `text` says.

    Raises:
        ValueError: it says none.
    """
    found = _WINDOW.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        first, last, *clock = found.groups()
        one = DAYS.index(first.lower()) if first else 0
        other = DAYS.index(last.lower()) if last else (one if first else 6)
        days = frozenset((one + n) % 7 for n in range((other - one) % 7 + 1))
        return Window(days, _moment(clock[0], clock[1]), _moment(clock[2], clock[3]))
    except ValueError:
        raise ValueError(f"hours {text!r} must be like 09:00-18:00 or mon-fri 09:00-18:00") from None


def rate_of(text: str) -> int:
    """Return bytes per second; 0 for no limit.

    Raises:
        ValueError: `text` says no rate, or one that nothing can be sent at.
    """
    if text.strip().lower() in ("", "unlimited"):
        return 0
    found = _RATE.fullmatch(text.strip())
    unit = _UNITS.get(found[2].lower()) if found else None
    if found is None or unit is None:
        raise ValueError("must be like 20 MB/s, 160 Mbit/s or unlimited")
    rate = round(float(found[1]) * unit)
    if rate < LEAST:
        raise ValueError(f"must be at least {LEAST // 1000} kB/s: with less, servers take the line for dead")
    return rate


def _check_rate(name: str, text: str) -> None:
    try:
        rate_of(text)
    except ValueError as exc:
        raise ValueError(f"{name} {exc}") from None


def _moment(hour: str, minute: str) -> time:
    return time(0 if hour == "24" and minute == "00" else int(hour), int(minute))
