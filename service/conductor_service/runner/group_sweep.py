"""Remove control groups, with all that is in them.

A record in the work folder says which groups a runner may have made, a line for each way that it tried, so that those of one
that was killed are found and removed by the next that opens the folder, or by the fleet.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import re
import signal
import stat
import time
from pathlib import Path

_log = logging.getLogger(__name__)

#: of the work folder: prefix and parents of the groups that its runner makes
RECORD = "control-groups"
_PREFIX = re.compile(r"conductor-[0-9a-f]{8}-")
#: a process that was killed is gone in milliseconds, unless the kernel waits for a disk or a device
GONE_SECONDS = 10.0
_POLL_SECONDS = 0.02


def sweep_groups(record: Path, patience: float = GONE_SECONDS) -> bool:
    """Remove the groups that a record tells of; whoever calls knows that their runner is gone. Return whether none is left.

    The record goes with the last of them: what could not be removed is for the next sweep.
    """
    left = []
    for line in _lines(record):
        gone = [remove_group(folder, patience) for folder in _recorded(line)]
        if not all(gone):
            left.append(line)
    if left:
        aside = record.with_name(f"{record.name}.new")
        aside.write_bytes(b"".join(line + b"\n" for line in left))
        aside.replace(record)
    else:
        record.unlink(missing_ok=True)
    return not left


def _lines(record: Path) -> list[bytes]:
    try:
        return record.read_bytes().splitlines()
    except OSError:
        return []


def _recorded(line: bytes) -> list[Path]:
    """Return the groups there are of a record's line, which a task without sandbox may have written: nothing else is believed."""
    try:
        data = json.loads(line)
        prefix, parents = str(data["prefix"]), [Path(str(parent)) for parent in data["parents"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []
    if _PREFIX.fullmatch(prefix) is None:
        return []
    found: list[Path] = []
    for parent in parents:
        with contextlib.suppress(OSError, ValueError):
            found += [folder for folder in parent.glob(f"{prefix}*") if _is_group(folder)]
    return found


def _is_group(folder: Path) -> bool:
    """Tell whether a folder is a control group: files that the kernel makes up say that they are empty."""
    try:
        facts = os.lstat(folder / "cgroup.procs")
    except OSError:
        return False
    return stat.S_ISREG(facts.st_mode) and not facts.st_size and not folder.is_symlink()


def remove_group(folder: Path, patience: float = GONE_SECONDS) -> bool:
    """Kill the processes of a group and of those in it, and remove it; one that does not go is logged and left for the next sweep.

    Returns: whether it is gone, or is no group.
    """
    deadline = time.monotonic() + patience
    while True:
        nested = _nested(folder)
        try:
            for group in nested:
                group.rmdir()
            return True
        except OSError as exc:
            if exc.errno == errno.ENOTEMPTY:  # files of the kernel's are in nobody's way
                return True
            if exc.errno != errno.ENOENT and time.monotonic() > deadline:
                _log.warning("control group %s cannot be removed yet: %s", folder, exc)
                return False
        if not folder.exists():
            return True
        _kill_members(nested)
        time.sleep(_POLL_SECONDS)


def _nested(folder: Path) -> list[Path]:
    """Return a group after all that are in it: a task without sandbox can have made some."""
    found = []
    for top, folders, _ in os.walk(folder):
        folders[:] = [name for name in folders if _is_group(Path(top, name))]
        found.append(Path(top))
    return found[::-1]


def _kill_members(nested: list[Path]) -> None:
    """Kill what is in groups, the outermost last: version 2 does it at one stroke, from Linux 5.14."""
    try:
        descriptor = os.open(nested[-1] / "cgroup.kill", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, b"1")
        finally:
            os.close(descriptor)
    except OSError:
        for pid in {pid for group in nested for pid in _members(group)}:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _members(folder: Path) -> list[int]:
    """Return the processes of a group; 0 stands for those of another process namespace, which nobody here can name."""
    with contextlib.suppress(OSError, ValueError):
        return [pid for word in (folder / "cgroup.procs").read_text(encoding="ascii").split() if (pid := int(word)) > 1]
    return []
