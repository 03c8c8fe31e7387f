"""The file in which the bytes of a download are gathered: who has it locked is the only one to write it."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

from conductor_core.errors import BroughtByAnother
from conductor_core.transfer.file_lock import is_locked, try_lock


@contextlib.contextmanager
def open_part(part: Path, path: str) -> Iterator[io.FileIO]:
    """Open the part file of `path`, made if need be, for us alone."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(part, flags, 0o666)
    except PermissionError:
        _remove_left(part, path)
        handle = os.open(part, flags, 0o666)
    with open(handle, "r+b", buffering=0) as file:
        try:
            locked = try_lock(handle)
        except OSError:
            locked = True  # a file system without locks: two agents would write the same bytes to the same places
        if not locked:
            raise BroughtByAnother(path)
        check_ours(part, handle, path)
        yield file


def _remove_left(part: Path, path: str) -> None:
    """Remove a part that may not be written: it had its final mode, or is another user's, and was killed before it had its name.

    Raises:
        BroughtByAnother: it was not killed, but is written at this moment.
        OSError: it may not be removed; who may not do this may not write here.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    with contextlib.ExitStack() as opened:
        locked = False
        with contextlib.suppress(OSError):  # nor may it be read, or there are no locks: who writes it looks before he names it
            handle = os.open(part, flags)
            opened.callback(os.close, handle)
            locked = is_locked(handle)
        if locked:
            raise BroughtByAnother(path)
        if os.name == "nt":
            opened.close()  # Windows removes no open file
        part.unlink()  # elsewhere while we have it locked: its writer cannot lock it, to name what comes in its place


def check_ours(part: Path | str, handle: int, path: str) -> None:
    """Refuse a part that was renamed or removed since it was opened: its bytes are another's affair now.

    Raises:
        BroughtByAnother: it was.
    """
    try:
        same = os.path.samestat(os.fstat(handle), os.stat(part, follow_symlinks=False))
    except FileNotFoundError:
        same = False
    if not same:
        raise BroughtByAnother(path)


def write_all(file: io.FileIO, block: bytes | memoryview) -> None:
    """Write all of `block`: a disk that fills takes part of it first, and says so only the next time."""
    view = memoryview(block)
    while view:
        view = view[file.write(view) :]
