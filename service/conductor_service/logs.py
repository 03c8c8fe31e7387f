"""One log file per attempt, appended at an offset, so that a chunk sent twice is kept once."""

from __future__ import annotations

import threading
from pathlib import Path

from conductor_service.errors import LogOffset, TooLarge


class AttemptLogs:
    """Logs as files of a folder; a service that dies while it appends leaves a beginning of the chunk, no wrong byte."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._lock = threading.Lock()

    def size(self, attempt: str) -> int:
        """Return the bytes held."""
        try:
            return self._path(attempt).stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, attempt: str, offset: int, data: bytes) -> int:
        """Append `data` at `offset` and return the bytes held then.

        Raises:
            LogOffset: the log held does not end at `offset`.
            TooLarge: the log would be larger than allowed.
        """
        with self._lock:
            held = self.size(attempt)
            if offset != held:
                raise LogOffset(offset, held)
            if held + len(data) > self._limit:
                raise TooLarge(held + len(data), self._limit)
            path = self._path(attempt)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(data)
            return held + len(data)

    def read(self, attempt: str, offset: int, limit: int) -> bytes:
        """Return at most `limit` bytes from `offset` on."""
        try:
            with self._path(attempt).open("rb") as file:
                file.seek(offset)
                return file.read(limit)
        except FileNotFoundError:
            return b""

    def _path(self, attempt: str) -> Path:
        return self._folder / attempt[:2] / f"{attempt}.log"
