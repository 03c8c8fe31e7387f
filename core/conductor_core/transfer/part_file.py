"""The file in which the bytes of a download are gathered: who has it locked is the only one to write it."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from conductor_core.errors import BroughtByAnother
from conductor_core.transfer.file_lock import is_locked, try_lock
from conductor_core.transfer.odd_names import PART_ENDING

#: seconds without a change after which a part that tells no lock counts as left behind: whoever goes on with a large one reads
#: first what is there, and changes nothing meanwhile
LEFT_SECONDS = 600.0


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
        BroughtByAnother: it was not killed, but is written at this moment; or it tells no lock, and changed a short while ago.
        OSError: it may not be removed; who may not do this may not write here.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    # one that is not there has its name by now, or never was: who may make none here is told so next
    with contextlib.suppress(FileNotFoundError), contextlib.ExitStack() as opened:
        try:
            handle = os.open(part, flags)
            opened.callback(os.close, handle)
            alive = is_locked(handle)
        except OSError:  # nor may it be read, or there are no locks
            alive = _changed_lately(part)
        if alive:
            raise BroughtByAnother(path)
        if os.name == "nt":
            opened.close()  # Windows removes no open file
        part.unlink()  # elsewhere while we have it locked: its writer cannot lock it, to name what comes in its place


def _changed_lately(part: Path) -> bool:
    """Tell whether a part was changed less than `LEFT_SECONDS` ago, by the clock that gives its file system its times."""
    now = _time_there(part.parent)
    found = os.stat(part, follow_symlinks=False)
    changed = found.st_ctime
    if found.st_mtime <= now:  # else it has its file's time already, from a renderer whose clock is ahead
        changed = max(changed, found.st_mtime)  # Windows: st_ctime is when it was made
    return now - changed < LEFT_SECONDS


def _time_there(folder: Path) -> float:
    """Return the seconds that a file made in `folder` just now has as its time: a server's clock may be minutes from ours."""
    made = folder / f".clock-{secrets.token_hex(8)}{PART_ENDING}"
    handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        return os.fstat(handle).st_ctime
    finally:
        os.close(handle)
        made.unlink()


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
