"""One service per data folder: a lock that the system lifts when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from conductor_core.errors import ConductorError

#: about a second in all
_TRIES = 20
_PAUSE_SECONDS = 0.05


class AlreadyServed(ConductorError):
    """Another service has this data folder."""

    def __init__(self, data: Path) -> None:
        super().__init__(
            f"Another service is running with the data folder {data}.",
            "Stop it first, or give this one a folder of its own with --data.",
        )


@contextlib.contextmanager
def sole_service(data: Path, *, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Hold the data folder's lock for as long as the block lasts.

    Who holds it for an instant alone is no service: `is_served` has to take it to find out whether it is free.

    Raises:
        AlreadyServed: somebody holds it.
    """
    with (data / "service.lock").open("a+b") as file:
        for left in reversed(range(_TRIES)):
            try:
                _lock(file)
                break
            except OSError as exc:
                if not left:
                    raise AlreadyServed(data) from exc
            sleep(_PAUSE_SECONDS)
        yield


def is_served(data: Path) -> bool:
    """Tell whether a service is running with the data folder; nothing is written to find out."""
    try:
        with (data / "service.lock").open("rb") as file:
            return not _is_free(file)
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        file.seek(0, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _is_free(file: IO[bytes]) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _is_free(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
