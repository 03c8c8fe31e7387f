"""Moments as a person reads them: the hour of this machine, and the day where it is another one."""

from __future__ import annotations

import time
from datetime import datetime


def clock_words(moment: float, *, now: float | None = None) -> str:
    """Return `14:03:07`, or `2026-11-24 14:03:07` for another day than that of `now`; `moment` as `time.time` gives it."""
    then, today = time.localtime(moment), time.localtime(now)
    return time.strftime("%H:%M:%S" if then[:3] == today[:3] else "%Y-%m-%d %H:%M:%S", then)


def clock_words_of(text: str) -> str:
    """Return the same for a moment of an answer (`2026-11-24T13:03:07Z`); what is no moment stays as it is."""
    try:
        return clock_words(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())
    except ValueError:
        return text
