"""One agent per user: a lock on a file, which the system lets go of when the process ends, however it ends."""

from __future__ import annotations

import os
from pathlib import Path

from conductor_core.transfer.file_lock import try_lock
from conductor_core.user_folders import private_folder


class AgentLock:
    """Hold the lock from `take` to `release`, or to the end of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """Take the lock if nobody has it, and tell whether it is ours."""
        private_folder(self._path.parent)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            taken = try_lock(handle)
        except OSError:
            taken = False
        if not taken:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def release(self) -> None:
        """Let go of the lock; the file stays, since removing it would let two agents hold different files."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
