"""The work folder of one runner: where cache, stages, sessions and attempts lie, and the lock that keeps it to itself."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

from conductor_service.runner.errors import WorkFolderInUse
from conductor_service.runner.group_sweep import RECORD, sweep_groups
from conductor_service.runner.limits import Room
from conductor_service.trees import remove_tree


class WorkFolder:
    """Give the places inside a work folder.

    The cache outlives the runner; everything else belongs to one life of it, and what a runner that was killed left
    behind is removed when the next one opens the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cache = root / "cache"
        self.stages = root / "stages"
        self.sessions = root / "sessions"
        self.attempts = root / "attempts"
        self._lock: int | None = None

    def open(self) -> None:
        """Make the folder, take its lock, and remove what an earlier runner left.

        Raises:
            WorkFolderInUse: a living runner has it.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(self.root / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            self._lock = None
            raise WorkFolderInUse(str(self.root)) from None
        sweep_groups(self.root / RECORD)
        for folder in (self.stages, self.sessions, self.attempts):
            remove_tree(folder)
            folder.mkdir(mode=0o700)
        self.cache.mkdir(mode=0o700, exist_ok=True)

    def close(self) -> None:
        """Remove all but the cache, and let go of the lock."""
        sweep_groups(self.root / RECORD)
        for folder in (self.stages, self.sessions, self.attempts):
            remove_tree(folder)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def room(self) -> Room:
        """Return what is free on the folder's file system."""
        facts = os.statvfs(self.root)
        return Room(facts.f_bavail * facts.f_frsize, facts.f_favail if facts.f_files else sys.maxsize)
