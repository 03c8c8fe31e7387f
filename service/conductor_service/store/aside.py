"""Files written aside: locked while somebody writes them, so that a sweep knows the dead from the living.

Several processes may serve one folder. A leftover of a crash is told from another process's upload by the lock that
the system drops when its holder dies: no age limits, no process ids.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

if sys.platform != "win32":
    import fcntl


@contextlib.contextmanager
def written_aside(folder: Path) -> Iterator[tuple[FileIO, Path]]:
    """Give a new, locked file in `folder`, mode 0600; it is gone when the block ends, unless it was moved away."""
    stream, path = _create(folder)
    try:
        yield stream, path
    finally:
        stream.close()
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def sweep(folder: Path) -> int:
    """Remove the files in `folder` that nobody writes any more; return how many.

    What cannot be removed (a read-only disk; on Windows, a file that is open) stays for the next sweep.
    """
    return sum(_remove_if_dead(path) for path in list(folder.iterdir()))


def _create(folder: Path) -> tuple[FileIO, Path]:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        path = folder / secrets.token_hex(16)
        stream = FileIO(os.open(path, flags, 0o600), "wb")
        if _lock(stream.fileno()):
            return stream, path
        stream.close()


if sys.platform == "win32":

    def _lock(_fd: int) -> bool:
        return True  # Windows itself refuses to remove a file that is open

    def _remove_if_dead(path: Path) -> bool:
        try:
            path.unlink()
        except OSError:
            return False
        return True

else:

    def _lock(fd: int) -> bool:
        """Lock; False where a sweep took the file between its making and its locking."""
        fcntl.flock(fd, fcntl.LOCK_EX)
        return os.fstat(fd).st_nlink > 0

    def _remove_if_dead(path: Path) -> bool:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return _remove(path) if path.is_symlink() else False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return _remove(path)
        except BlockingIOError:
            return False
        finally:
            os.close(fd)

    def _remove(path: Path) -> bool:
        try:
            path.unlink()
        except OSError:
            return False
        return True
