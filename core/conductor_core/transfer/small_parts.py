"""Write a small file, whose bytes are all there, to its part: few questions to the system, since there are thousands of them."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from conductor_core.errors import BroughtByAnother
from conductor_core.transfer.bundle import Content
from conductor_core.transfer.download import Wanted, part_of, set_as_made
from conductor_core.transfer.file_lock import try_lock
from conductor_core.transfer.flushing import begin_to_flush
from conductor_core.transfer.hash_cache import RACY_NS, FileState
from conductor_core.transfer.open_parts import OPEN
from conductor_core.transfer.part_file import check_ours, open_part, write_all

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_OWN = 0o600


@dataclass(frozen=True, slots=True)
class SmallPart:
    """A part that is whole, and its file's name."""

    wanted: Wanted
    path: str
    #: as it will be under its name, but for the ctime; None: it is still to be given its mode
    state: FileState | None
    #: as it was seen once it had the file's time, to know it again by; None: it could not be given it, or its file system did not keep it
    mtime_ns: int | None
    #: its file, open and locked until it has its name, with the number of its disk; None: it was closed, and others may lock it
    held: tuple[int, int] | None = None

    def close(self) -> None:
        """Let go of its file, if that is open: once only."""
        if self.held is not None:
            try:
                os.close(self.held[0])
            finally:
                OPEN.give_back()


def write_part(wanted: Wanted, content: Content, *, as_made: bool) -> SmallPart:
    """Write all of a part, and give it mode and time at once where that may be (`as_made`): it need not be opened again.

    Raises:
        BroughtByAnother: another process writes it.
        OSError: it cannot be written.
    """
    part = part_of(wanted.path, wanted.digest)
    # one that may not be read and written cannot be opened again, and another agent would take it for one that was left behind
    if not (as_made and content) or (wanted.mode and wanted.mode & _OWN != _OWN):
        return _rewritten(wanted, part, content)
    try:
        handle = os.open(part, _NEW, wanted.mode & 0o777 or 0o666)
    except FileExistsError:
        return _rewritten(wanted, part, content)
    held = False
    try:
        locked, found = _ours(handle, wanted.path)
        written = os.write(handle, content)
        while written < len(content):  # a disk that fills takes part of it first, and says so only the next time
            written += os.write(handle, content[written:])
        if wanted.mode and (found.st_mode ^ wanted.mode) & 0o777:
            set_as_made(wanted, handle)
        else:
            os.utime(handle, ns=(wanted.mtime_ns, wanted.mtime_ns))
        kept = _time_kept(wanted, handle)
        state = FileState(written, wanted.mtime_ns if kept is None else kept, found.st_ino)
        held = locked and OPEN.take()
        return SmallPart(wanted, part, state, kept, (handle, found.st_dev) if held else None)
    finally:
        if not held:
            os.close(handle)


def _ours(handle: int, path: str) -> tuple[bool, os.stat_result]:
    """Lock a part that was just made, and return whether that can be done, and what it is.

    Between the two another may have opened, filled and named it, since its name is known to all: it is not empty then.
    """
    locks = True
    try:
        locked = try_lock(handle)
    except OSError:
        locks, locked = False, True  # a file system without locks
    found = os.fstat(handle)
    if not locked or found.st_size:
        raise BroughtByAnother(path)
    return locks, found


def check_held(part: SmallPart) -> None:
    """Refuse a part whose name is no more that of the file that is held: who locks nothing may have removed it, or written to it.

    Raises:
        BroughtByAnother: it is another's now.
        OSError: it is not there, or cannot be looked at.
    """
    found = os.lstat(part.path)
    if part.held is not None and found.st_dev != part.held[1]:
        raise BroughtByAnother(part.wanted.path)
    _check_written(part, found)


@contextlib.contextmanager
def still_ours(part: SmallPart) -> Iterator[Callable[[], None]]:
    """Keep others from a part while it gets its name, if what lies there is still what was written; give what looks once more.

    Where it was closed, it was not locked between writing and naming. An agent of another user, who may not write
    it, takes it for one that was left behind, and begins his own in its place.

    Raises:
        BroughtByAnother: it is another's now.
        OSError: it is not there, or cannot be looked at.
    """
    handle = _opened(part.path)
    if handle is None:
        _check_written(part, os.lstat(part.path))
        yield lambda: _check_written(part, os.lstat(part.path))
        return
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            if not try_lock(handle):
                raise BroughtByAnother(part.wanted.path)
        check_ours(part.path, handle, part.wanted.path)  # after locking: now nobody removes it
        _check_written(part, os.fstat(handle))
        yield lambda: check_ours(part.path, handle, part.wanted.path)
    finally:
        os.close(handle)


def _opened(part: str) -> int | None:
    """Open a part to lock it: to write, since NFS locks no other; None: on Windows, which names nothing that is open."""
    if os.name == "nt":
        return None
    try:
        return os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except PermissionError:
        return None  # another user's, in all likelihood


def _check_written(part: SmallPart, found: os.stat_result) -> None:
    """Refuse what is not whole, or not what we wrote."""
    same = stat.S_ISREG(found.st_mode) and found.st_size == part.wanted.size
    if part.mtime_ns is not None:
        same = same and abs(found.st_mtime_ns - part.mtime_ns) <= RACY_NS
    if part.state is not None:  # on a disk of this machine: elsewhere the number of a file may change
        same = same and found.st_ino == part.state.inode
    if not same:
        raise BroughtByAnother(part.wanted.path)


def _rewritten(wanted: Wanted, part: str, content: Content) -> SmallPart:
    """Write over what may be there: a part of a go that was killed."""
    with open_part(Path(part), wanted.path) as file:
        write_all(file, content)
        file.truncate(len(content))
        begin_to_flush(file.fileno())
        seen = None
        if os.utime in os.supports_fd:
            os.utime(file.fileno(), ns=(wanted.mtime_ns, wanted.mtime_ns))
            seen = _time_kept(wanted, file.fileno())
    return SmallPart(wanted, part, None, seen)


def _time_kept(wanted: Wanted, handle: int) -> int | None:
    """Return the time that a part has once it was given that of its file; None: its file system does not keep it."""
    seen = os.fstat(handle).st_mtime_ns
    return seen if abs(seen - wanted.mtime_ns) <= RACY_NS else None  # some keep times in steps of 2 s, or none before 1980
