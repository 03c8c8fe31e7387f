"""The data folder when nothing can be written there: its disk, its rights and its database have a sentence each."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from conductor_core.errors import ConductorError
from sqlalchemy.exc import DBAPIError

from conductor_service.database import is_locked, is_unusable

#: what a disk says that is full or read-only
_DISK = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EROFS})
_RIGHTS = frozenset({errno.EACCES, errno.EPERM})


class DataUnwritable(ConductorError):
    """The service's data folder cannot be written."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"{folder} cannot be written ({reason}).", "Make room on its disk, see that you may write there, then start again."
        )


class DataForbidden(ConductorError):
    """Something in the service's data folder belongs to another user."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} may not be read and written by you ({reason}).", "Start the service as the user whose data folder it is."
        )


class DatabaseLocked(ConductorError):
    """Another program holds the database and does not let go."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"The database in {folder} is locked by another program.",
            "End what has it open (a database browser, a backup), then start again.",
        )


@contextlib.contextmanager
def writing_into(folder: Path) -> Iterator[None]:
    """Say what it means when the block cannot write into the data folder; what is wrong elsewhere is left as it is.

    Raises:
        DataUnwritable: its disk is full or read-only, or the database cannot be opened.
        DataForbidden: a file in it is somebody else's.
        DatabaseLocked: another program has the database.
    """
    try:
        yield
    except OSError as exc:
        if exc.errno in _DISK and (exc.filename is None or _lies_in(folder, exc.filename)):  # a write has no name
            raise DataUnwritable(folder, exc.strerror or str(exc)) from exc
        if exc.errno in _RIGHTS and _lies_in(folder, exc.filename):
            raise DataForbidden(Path(exc.filename), exc.strerror or str(exc)) from exc
        raise
    except DBAPIError as exc:
        if is_unusable(exc):
            raise DataUnwritable(folder, str(exc.orig)) from exc
        if is_locked(exc):
            raise DatabaseLocked(folder) from exc
        raise


def _lies_in(folder: Path, name: object) -> bool:
    """Tell whether a file is the folder, in it, or above it: it may be the folder's parent that cannot be written."""
    if not isinstance(name, (str, os.PathLike)):
        return False
    path, folder = Path(os.path.abspath(name)), Path(os.path.abspath(folder))
    return path.is_relative_to(folder) or folder.is_relative_to(path)
