"""Put many files on disk with one wait, where a file system can be asked to (docs/decisions/0021).

Linux has `syncfs`: all that was written to a file system before the call is on disk when it returns. It is asked of file
systems of this machine's own disks only. On a server's share it would wait for whatever else this machine has to send there,
and the files are with the server when they are closed; there, on other systems and for a few files each is flushed by itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import re
import sys
import threading
from collections.abc import Callable, Sequence

#: files from which on one flush of the whole file system is asked for: it puts other programs' bytes on disk too, and from
#: about here on costs less than the files' own flushes, which put these on disk in part as well
MANY = 16
#: since this kernel `syncfs` tells of bytes that could not be written; before, it was silent about them (man 2 syncfs)
_HONEST_SINCE = (5, 8)
#: `f_type` of what keeps its files on a disk of this machine (man 2 statfs): ext2 to ext4, XFS, Btrfs, F2FS
_ON_OWN_DISK = frozenset({0xEF53, 0x58465342, 0x9123683E, 0xF2F52010})
#: `AT_FDCWD` and `RENAME_NOREPLACE` (man 2 rename)
_HERE, _NO_REPLACE = -100, 1
#: bytes that hold what `fstatfs` answers, whatever the machine
_ANSWER_BYTES = 512


class WholeFlush:
    """One file system, open since before the files were written: only what goes wrong after that is told."""

    def __init__(self, handle: int, syncfs: Callable[[int], int]) -> None:
        self._handle = handle
        self._syncfs = syncfs
        #: who has it makes files on this disk: several threads at once wait for each other inside the system, and make none sooner
        self.turn = _turn_on(os.fstat(handle).st_dev)

    def __call__(self) -> bool:
        """Put all that was written on disk; False: it is not known to be there, each file has to be asked about."""
        return self._syncfs(self._handle) == 0

    def close(self) -> None:
        """Let go of the file system."""
        os.close(self._handle)


_turns: dict[int, threading.Lock] = {}


def _turn_on(disk: int) -> threading.Lock:
    """Return the turn of a disk, the same for all loads of this process."""
    return _turns.setdefault(disk, threading.Lock())


def whole_flush(folder: str) -> WholeFlush | None:
    """Return the flush of the file system of `folder`; None: each file has to be flushed by itself.

    Raises:
        OSError: the folder is not there, or may not be read.
    """
    calls = _calls()
    if calls is None:
        return None
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fstatfs, syncfs = calls
    answer = ctypes.create_string_buffer(_ANSWER_BYTES)
    if fstatfs(handle, answer) == 0 and ctypes.c_long.from_buffer(answer).value & 0xFFFFFFFF in _ON_OWN_DISK:
        return WholeFlush(handle, syncfs)
    os.close(handle)
    return None


def name_if_free(part: str, path: str) -> bool:
    """Give a file a name that nothing has, in one step (`renameat2`, Linux); False: it has to be done in another way.

    Between a look and a rename the artist may save there; here there is no between, and a question to the system less.
    """
    call = _naming_call()
    return call is not None and call(_HERE, os.fsencode(part), _HERE, os.fsencode(path), _NO_REPLACE) == 0


def flush_each(paths: Sequence[str]) -> dict[str, OSError]:
    """Put files on disk one by one; return those that could not be, with the reason.

    They were closed before, so that hundreds of them do not hold as many handles.
    """
    failed: dict[str, OSError] = {}
    for path in paths:
        try:
            _flush_one(path)
        except OSError as exc:
            failed[path] = exc
    return failed


def begin_to_flush(handle: int) -> None:
    """Have the system begin to put a file on disk, where it can be asked to: the wait for it at the end is a third then."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):  # a file system without it
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)


def _flush_one(path: str) -> None:
    flags = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        handle = os.open(path, os.O_RDWR | flags)
    except PermissionError:
        # it has its final mode; a share of Windows flushes only what is open to be written, but there no file has it yet
        handle = os.open(path, os.O_RDONLY | flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@functools.cache
def _calls() -> tuple[Callable[[int, object], int], Callable[[int], int]] | None:
    """Return `fstatfs` and `syncfs` where both are to be had and can be relied on."""
    if not sys.platform.startswith("linux") or _kernel(os.uname().release) < _HONEST_SINCE:
        return None
    try:
        library = ctypes.CDLL(None, use_errno=True)
        return library.fstatfs, library.syncfs
    except (OSError, AttributeError):  # a C library without them
        return None


@functools.cache
def _naming_call() -> Callable[[int, bytes, int, bytes, int], int] | None:
    """Return `renameat2` where it is to be had."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL(None).renameat2
    except (OSError, AttributeError):  # a C library without it
        return None


def _kernel(release: str) -> tuple[int, ...]:
    """Return the first two numbers of a kernel's release, such as `6.1.0-13-amd64`."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else (0, 0)
