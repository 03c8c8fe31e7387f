"""The transfer section of this user's settings, as it is now: a change counts without a restart of the agent."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from conductor_core.api.settings import FILE, read_settings
from conductor_core.api.transfer_settings import Limits, TransferSettings
from conductor_core.errors import SettingsError
from conductor_core.transfer.concurrency import Lanes, lanes_at
from conductor_core.transfer.pace import LimitedPace, Throttle

#: seconds between two looks at the file and at the hour
LOOK_EVERY = 1.0

_LOG = logging.getLogger("conductor.agent")


class TransferLimits:
    """Say what limits hold; safe to share between threads, and cheap enough to be asked for each block."""

    def __init__(
        self,
        config: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._config = config
        self._clock = clock
        self._now = now
        self._lock = threading.Lock()
        self._settings = TransferSettings()
        self._seen: tuple[int, int] | None = None
        self._looked = float("-inf")
        self._limits = Limits()

    def settings(self) -> TransferSettings:
        """Return the section; one that cannot be read leaves the one before, and that is said in the log."""
        self.limits()
        return self._settings

    def limits(self) -> Limits:
        """Return what holds at this hour."""
        with self._lock:
            if self._clock() - self._looked >= LOOK_EVERY:
                self._looked = self._clock()
                self._look()
                self._limits = self._settings.limits(self._now())
            return self._limits

    def lanes(self, most: int) -> Lanes:
        """Return how many uploads of this agent may go at once: as many as the line rewards, and the limit has room for."""
        return Lanes(start=min(4, most), most=most, cap=lambda: lanes_at(self.limits().upload))

    def pace(self, *, sent: Callable[[int], None], held: Callable[[], bool]) -> LimitedPace:
        """Return the pace of all transfers of this agent."""
        upload, download = Throttle(lambda: self.limits().upload), Throttle(lambda: self.limits().download)
        return LimitedPace(upload, download, sent=sent, held=held)

    def _look(self) -> None:
        try:
            found = (self._config / FILE).stat()
            seen = (found.st_mtime_ns, found.st_size)
        except OSError:
            seen = (0, 0)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._settings = read_settings(self._config).transfer
        except (SettingsError, OSError) as exc:
            _LOG.warning("limits of transfers stay as they are: %s", exc)
