"""Open a file that is to be read, whatever it has become since it was seen.

A pipe that has taken its place is opened without waiting for a writer, so that whoever looks at the open file can refuse it.
A lock is waited for a little: virus scanners, indexers and programs that save hold a file for a moment, and on Windows (and
on shares of Windows, elsewhere) nobody else can open it meanwhile.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable

from conductor_core.transfer.long_paths import on_disk

#: ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION (learn.microsoft.com/windows/win32/debug/system-error-codes--0-499-)
_LOCKED_ON_WINDOWS = frozenset({32, 33})
#: what Linux and macOS make of these on an SMB share, and of mandatory locks
_LOCKED = frozenset({errno.EBUSY, errno.ETXTBSY, errno.EAGAIN, errno.EDEADLK})
#: seconds between two tries to open a file that is locked; together about what a large save takes
WAITS = (0.1, 0.2, 0.4, 0.8, 1.5, 2.0)
#: not inherited, not as text, and not waiting for the other end of a pipe
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


def is_locked(exc: OSError) -> bool:
    """Tell whether a file could not be had because another program holds it."""
    return getattr(exc, "winerror", None) in _LOCKED_ON_WINDOWS or exc.errno in _LOCKED


def open_to_read(path: str, *, opener: Callable[[str, int], int] = os.open, sleep: Callable[[float], None] = time.sleep) -> int:
    """Return a descriptor of `path`, having waited about five seconds for a lock to go.

    Raises:
        OSError: as the system says it; of a lock, if it stays.
    """
    place = on_disk(path)
    for wait in WAITS:
        try:
            return opener(place, _FLAGS)
        except OSError as exc:
            if not is_locked(exc):
                raise
        sleep(wait)
    return opener(place, _FLAGS)
