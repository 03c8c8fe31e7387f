"""The service's clock: UTC, passed to whoever needs it, so that tests decide what time it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime | None) -> str | None:
    """Return ISO 8601 with `Z` and milliseconds, as the API writes times; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds_between(start: datetime, end: datetime) -> int:
    """Return the whole milliseconds from `start` to `end`; 0 where a clock was set back between them."""
    return max(0, int((end - start).total_seconds() * 1000))
