"""What tells one content of a file from the next without reading it, and when that can be relied on (docs/decisions/0024).

Beside size, time and number there is the ctime: POSIX systems note when a file was last changed in any way, and no program can set
that. A file that was written in place and given its former time again is told by it alone. On Windows the field of that name says
when the file was made, so it counts for nothing there.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Protocol

#: A file written within this time of its hashing may be written again with the same times (FAT counts in 2 s, NFS and
#: ext4 in clock ticks); git calls such an entry racy. It is not kept.
RACY_NS = 2_000_000_000


class Found(Protocol):
    """What is needed of what `stat` says."""

    @property
    def st_size(self) -> int:
        """Bytes."""

    @property
    def st_mtime_ns(self) -> int:
        """Nanoseconds since the epoch."""

    @property
    def st_ctime_ns(self) -> int:
        """Nanoseconds since the epoch: of the last change of any kind; on Windows, when it was made."""

    @property
    def st_ino(self) -> int:
        """The inode."""

    @property
    def st_mode(self) -> int:
        """Kind and permissions."""


class Ctime:
    """Whether ctimes tell anything: not on Windows, nor where the user says that his file server's do not."""

    def __init__(self, *, system: str = os.name) -> None:
        self._told = system == "posix"
        self.counts = self._told

    def heed(self, wanted: bool) -> None:
        """Have it count from now on, if this system has it and the user wants it."""
        self.counts = self._told and wanted

    def of(self, found: Found) -> int:
        """Return the ctime in nanoseconds; 0: it counts for nothing."""
        return found.st_ctime_ns if self.counts else 0


#: of this process: how a machine's disks and shares behave is the same for all that asks
CTIME = Ctime()


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells one content of a file from the next without reading it."""

    size: int
    mtime_ns: int
    #: the file's number on its disk, which Windows calls its index; 0: not known, as where Windows looks a locked file up in
    #: its folder's listing, and in caches from before numbers were kept there
    inode: int
    #: 0: not known, or of no account (`Ctime`)
    ctime_ns: int = 0

    @classmethod
    def of(cls, found: Found) -> FileState:
        """Return the state in what `stat` answered."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ino, CTIME.of(found))

    def agrees(self, other: FileState) -> bool:
        """Tell whether both are one state, as far as both are known."""
        same_ctime = self.ctime_ns == other.ctime_ns or not (self.ctime_ns and other.ctime_ns)
        return same_ctime and self.agrees_but_for_ctime(other)

    def agrees_but_for_ctime(self, other: FileState) -> bool:
        """Tell the same of two that may have been renamed, linked or given other rights in between."""
        same_file = self.inode == other.inode or not (self.inode and other.inode)
        return same_file and (self.size, self.mtime_ns) == (other.size, other.mtime_ns)


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant by two clocks: files are stamped by one that may be set; the other is never set, and may stand still while a machine sleeps."""

    #: nanoseconds since the epoch
    wall_ns: int
    #: monotonic
    steady_ns: int

    @classmethod
    def now(cls) -> Moment:
        """Return this instant."""
        return cls(time.time_ns(), time.monotonic_ns())

    def earliest(self, other: Moment) -> Moment:
        """Return the earlier of two moments, by the clock as it was set at either: by that which makes it the earliest.

        Where both clocks went on alike in between, that is the earlier one as it is. If the machine slept, or its clock was set,
        nobody knows when; what was done in between was not done before this, whichever it was.
        """
        ahead = min(self.wall_ns - self.steady_ns, other.wall_ns - other.steady_ns)
        steady = min(self.steady_ns, other.steady_ns)
        return Moment(steady + ahead, steady)
