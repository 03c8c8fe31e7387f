"""One service per data folder: a lock that the system lifts when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from conductor_core.errors import ConductorError


class AlreadyServed(ConductorError):
    """Another service has this data folder."""

    def __init__(self, data: Path) -> None:
        super().__init__(
            f"Another service is running with the data folder {data}.",
            "Stop it first, or give this one a folder of its own with --data.",
        )


@contextlib.contextmanager
def sole_service(data: Path) -> Iterator[None]:
    """Hold the data folder's lock for as long as the block lasts.

    Raises:
        AlreadyServed: somebody holds it.
    """
    with (data / "service.lock").open("a+b") as file:
        try:
            _lock(file)
        except OSError as exc:
            raise AlreadyServed(data) from exc
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
