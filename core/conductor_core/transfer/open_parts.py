"""How many parts may stay open, and so locked, between being written and getting their names.

One that is closed in between has to be opened, locked and looked at again: a sixth of the time that a small file takes.
"""

from __future__ import annotations

import contextlib
import sys
import threading

#: of what this process may have open, so much is for all else: databases, connections, folders
_RESERVED = 256
#: parts that stay open at the most: of four loads of 512
_MOST = 2048


class OpenParts:
    """Count what is open; safe to share between threads."""

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._most = most
        self._open = 0

    def allow(self, most: int) -> None:
        """Allow so many from now on."""
        self._most = most

    def take(self) -> bool:
        """Tell whether one more may stay open, and count it then."""
        with self._lock:
            if self._open >= self._most:
                return False
            self._open += 1
            return True

    def give_back(self) -> None:
        """Count one less."""
        with self._lock:
            self._open -= 1

    def open(self) -> int:
        """Return how many are open."""
        return self._open


if sys.platform == "win32":

    def most_open() -> int:
        """Return how many may stay open: none, since Windows names nothing that is open."""
        return 0

    def open_more() -> None:
        """Have this process open more files, where it is asked to: Windows needs no asking."""

else:
    import resource

    def most_open() -> int:
        """Return how many may stay open in a process such as this one: half of what is not for all else."""
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return _MOST if soft == resource.RLIM_INFINITY else max(0, min(_MOST, (soft - _RESERVED) // 2))

    def open_more() -> None:
        """Have this process open as many files as it may ask for, up to what parts and all else need; most begin with 1,024."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        enough = 2 * _MOST + _RESERVED
        if soft != resource.RLIM_INFINITY and soft < enough:
            most = enough if hard == resource.RLIM_INFINITY else min(enough, hard)
            with contextlib.suppress(
                OSError, ValueError
            ):  # macOS takes no more than a limit of its own, whatever it calls the hard one
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        OPEN.allow(most_open())


#: of this process
OPEN = OpenParts(most_open())
