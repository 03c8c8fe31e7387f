"""Put a file of the cache at a path of a stage: as a reflink, a hard link, or a copy, whichever the file system can."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from pathlib import Path
from typing import Literal

from conductor_service.runner.cache import Variant

#: `reflink`: shares blocks until somebody writes; `hardlink`: is the cache's own file; `copy`: bytes of its own
Method = Literal["reflink", "hardlink", "copy"]

#: linux/fs.h: _IOW(0x94, 9, int)
FICLONE = 0x40049409
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP)


def reflink(source: Path, target: Path) -> bool:
    """Make `target` share the blocks of `source`; return False where the file system cannot (ext4, NFS)."""
    with source.open("rb") as reading:
        writing = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            fcntl.ioctl(writing, FICLONE, reading.fileno())
        except OSError:
            os.unlink(target)
            return False
        finally:
            os.close(writing)
    return True


def can_reflink(folder: Path) -> bool:
    """Tell whether the file system of `folder` has reflinks, by trying one."""
    probe, twin = folder / ".reflink-probe", folder / ".reflink-twin"
    probe.write_bytes(b"x" * 4096)
    try:
        return reflink(probe, twin)
    finally:
        for path in (probe, twin):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()


def place(source: Path, target: Path, variant: Variant, method: Method) -> Method:
    """Put `source` (of the cache) at `target` with mode and time of `variant`; return how it was done.

    A hard link shares mode and time with its source, so `source` must then be the variant itself. A method that fails
    gives way to the next: a link can't leave its file system, and a file can't have more than 65,000 of them on ext4.
    """
    if method == "reflink" and reflink(source, target):
        _dress(target, variant)
        return "reflink"
    if method == "hardlink":
        try:
            os.link(source, target)
        except OSError as exc:
            if exc.errno not in _NO_LINK:
                raise
        else:
            return "hardlink"
    shutil.copyfile(source, target)
    _dress(target, variant)
    return "copy"


def _dress(target: Path, variant: Variant) -> None:
    os.chmod(target, variant.permissions)
    os.utime(target, ns=(variant.mtime_ns, variant.mtime_ns))
