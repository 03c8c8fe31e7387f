"""Write a small file, whose bytes are all there, to its part: few questions to the system, since there are thousands of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from conductor_core.errors import BroughtByAnother
from conductor_core.transfer.bundle import Content
from conductor_core.transfer.download import Wanted, open_part, part_of, set_as_made, write_all
from conductor_core.transfer.file_lock import try_lock
from conductor_core.transfer.flushing import begin_to_flush
from conductor_core.transfer.hash_cache import FileState

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_OWN = 0o600


@dataclass(frozen=True, slots=True)
class SmallPart:
    """A part that is whole, and its file's name."""

    wanted: Wanted
    path: str
    #: as it will be under its name, unless its file system keeps times less exactly; None: it is still to be given its mode and time
    state: FileState | None


def write_part(wanted: Wanted, content: Content, *, as_made: bool) -> SmallPart:
    """Write all of a part, and give it mode and time at once where that may be (`as_made`): it need not be opened again.

    Raises:
        BroughtByAnother: another process writes it.
        OSError: it cannot be written.
    """
    part = part_of(wanted.path, wanted.digest)
    if not (as_made and content) or (wanted.mode and not wanted.mode & 0o400):  # what may not be read cannot be opened again
        return _rewritten(wanted, part, content)
    try:
        handle = os.open(part, _NEW, wanted.mode & 0o777 if wanted.mode & _OWN == _OWN else 0o666)
    except FileExistsError:
        return _rewritten(wanted, part, content)
    try:
        found = _ours(handle, wanted.path)
        written = os.write(handle, content)
        while written < len(content):  # a disk that fills takes part of it first, and says so only the next time
            written += os.write(handle, content[written:])
        if wanted.mode and (found.st_mode ^ wanted.mode) & 0o777:
            set_as_made(wanted, handle)
        else:
            os.utime(handle, ns=(wanted.mtime_ns, wanted.mtime_ns))
        return SmallPart(wanted, part, FileState(written, wanted.mtime_ns, found.st_ino))
    finally:
        os.close(handle)


def _ours(handle: int, path: str) -> os.stat_result:
    """Lock a part that was just made, and return what it is.

    Between the two another may have opened, filled and named it, since its name is known to all: it is not empty then.
    """
    try:
        locked = try_lock(handle)
    except OSError:
        locked = True  # a file system without locks
    found = os.fstat(handle)
    if not locked or found.st_size:
        raise BroughtByAnother(path)
    return found


def _rewritten(wanted: Wanted, part: str, content: Content) -> SmallPart:
    """Write over what may be there: a part of a go that was killed."""
    with open_part(Path(part), wanted.path) as file:
        write_all(file, content)
        file.truncate(len(content))
        begin_to_flush(file.fileno())
    return SmallPart(wanted, part, None)
