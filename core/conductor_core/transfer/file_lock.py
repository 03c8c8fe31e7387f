"""A lock on an open file, which the system lets go of when the file is closed or the process ends, however it ends."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import msvcrt

    def try_lock(handle: int) -> bool:
        """Lock the file if nobody has it locked, and tell whether it is locked now; Windows keeps others from its first byte."""
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def is_locked(handle: int) -> bool:
        """Tell whether somebody has the file locked; ask it of a file that may only be read."""
        return not try_lock(handle)

else:
    import fcntl

    def try_lock(handle: int) -> bool:
        """Lock the file if nobody has it locked, and tell whether it is locked now.

        Raises:
            OSError: the file system has no locks.
        """
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def is_locked(handle: int) -> bool:
        """Tell whether somebody has the file locked; ask it of a file that may only be read.

        A lock that others may have too is asked for: on NFS the other kind needs a file that is open to be written.

        Raises:
            OSError: the file system has no locks.
        """
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
