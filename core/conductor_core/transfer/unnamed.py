"""Files that have no name until they are whole and on disk (`O_TMPFILE`, Linux): nobody else comes near them, and a kill leaves nothing.

A part with a name is opened, locked and looked at once more before it becomes the file, since another agent may have it by then. Of one
without a name none of that need be asked. It lives as long as it is open, so that a process has only so many of them at a time.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from dataclasses import dataclass

from conductor_core.transfer.bundle import Content
from conductor_core.transfer.download import Wanted, part_of
from conductor_core.transfer.hash_cache import FileState
from conductor_core.transfer.small_parts import SmallPart

_UNNAMED = getattr(os, "O_TMPFILE", 0)
#: by its handle here, a file that has no name gets one (man 2 open, O_TMPFILE)
_HANDLES = "/proc/self/fd"
#: of the handles that this process may have, those that are left to all else
_LEFT = 512
#: of these, what a process of several threads asks for
ENOUGH = 4096


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A file that is whole, and has no name yet."""

    wanted: Wanted
    handle: int
    #: as it will be under its name
    state: FileState


class _Room:
    """How many more handles may be held, by all threads together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    def take(self, count: int) -> int:
        """Return how many of `count` there is room for; they are taken."""
        with self._lock:
            found = max(0, min(count, _allowed() - self._taken))
            self._taken += found
            return found

    def give_back(self, count: int) -> None:
        with self._lock:
            self._taken -= count


_ROOM = _Room()


class UnnamedFiles:
    """Those of one go; where the system has none, or no room for them, each is to be written in another way."""

    def __init__(self, count: int) -> None:
        """`count`: how many there will be at the most."""
        self._open: list[int] = []
        self._room = 0
        self._names = _handles_folder() if count else None
        if self._names is not None:
            self._room = _ROOM.take(count)

    def write(self, wanted: Wanted, content: Content, folder: str) -> Unnamed | None:
        """Write a file with mode and time as made, in its folder but without a name; None: it is to be written in another way.

        Raises:
            OSError: it cannot be written.
        """
        if len(self._open) >= self._room:
            return None
        try:
            handle = os.open(folder, _UNNAMED | os.O_RDWR | os.O_CLOEXEC, wanted.mode & 0o777 or 0o666)
        except OSError:
            return None  # a file system without them; what else is wrong is said in the other way
        self._open.append(handle)
        written = os.write(handle, content)
        while written < len(content):  # a disk that fills takes part of it first, and says so only the next time
            written += os.write(handle, content[written:])
        os.utime(handle, ns=(wanted.mtime_ns, wanted.mtime_ns))
        found = os.fstat(handle)
        if wanted.mode and (found.st_mode ^ wanted.mode) & 0o777:
            os.chmod(handle, wanted.mode & 0o777)  # what the user's mask took away
        return Unnamed(wanted, handle, FileState.of(found))

    def name(self, file: Unnamed, path: str) -> bool:
        """Give a file a name that nothing has, in one step; False: something has it.

        Raises:
            OSError: it can be given none there.
        """
        try:
            # with the folder given, Python has the link followed
            os.link(str(file.handle), path, src_dir_fd=self._names, follow_symlinks=True)
        except FileExistsError:
            return False
        return True

    def as_part(self, file: Unnamed) -> SmallPart | None:
        """Give a file the name of a part, which then can replace what lies in its place; None: another is at it."""
        part = part_of(file.wanted.path, file.wanted.digest)
        return SmallPart(file.wanted, part, file.state, file.state.mtime_ns) if self.name(file, part) else None

    def let_go(self) -> None:
        """Close all; those that got no name are gone."""
        for handle in self._open:
            os.close(handle)
        self._open.clear()

    def close(self) -> None:
        """Close all, and write no more."""
        self.let_go()
        _ROOM.give_back(self._room)
        self._room = 0
        if self._names is not None:
            os.close(self._names)
            self._names = None


def allow_many() -> None:
    """Let this process have as many handles as full loads of some threads need; most systems allow it more than it begins with."""
    if sys.platform == "win32" or not _UNNAMED:
        return
    import resource

    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wish = ENOUGH if most == resource.RLIM_INFINITY else min(ENOUGH, most)
    if soft != resource.RLIM_INFINITY and soft < wish:
        with contextlib.suppress(OSError, ValueError):  # where it may not, fewer files are written in this way
            resource.setrlimit(resource.RLIMIT_NOFILE, (wish, most))


def _handles_folder() -> int | None:
    if not _UNNAMED:
        return None
    try:
        return os.open(_HANDLES, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # a system of which this is not to be seen
        return None


def _allowed() -> int:
    """Return how many handles may be held for this."""
    if sys.platform == "win32":
        return 0
    import resource

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if most == resource.RLIM_INFINITY else most - _LEFT
