"""What a task may use of the machine."""

from __future__ import annotations

import resource
import shutil
from dataclasses import dataclass

#: more than any renderer on 256 cores needs; a fork bomb ends here, or at the runner's own count (`processes`)
PROCESS_LIMIT = 4096
_OPEN_FILES = 65536


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """Limits of one session."""

    #: bytes of memory; 0: no limit
    memory: int = 0
    processes: int = PROCESS_LIMIT
    #: bytes that must stay free on the work folder's disk, and files that there must stay room for
    free_disk: int = 1 << 30
    free_files: int = 5_000


@dataclass(frozen=True, slots=True)
class Room:
    """What is free on a disk."""

    bytes: int
    #: further files; a file system that makes inodes as it needs them has no such number
    files: int


def limiting_argv(limits: ResourceLimits) -> tuple[str, ...]:
    """Return the words that, put before a command, set its resource limits (util-linux `prlimit`); none without it.

    Memory is limited per process as RLIMIT_DATA (private writable memory) and not as address space, of which renderers
    reserve far more than they use; what the whole tree uses is for the control group (`groups`), and is measured where there
    is none. The process count is per user namespace, and the kernel exempts root.
    """
    if shutil.which("prlimit", path="/usr/bin:/bin") is None:
        return ()
    words = ["prlimit", "--core=0"]
    for option, kind, wanted in (
        ("nofile", resource.RLIMIT_NOFILE, _OPEN_FILES),
        ("nproc", resource.RLIMIT_NPROC, limits.processes),
    ):
        highest = resource.getrlimit(kind)[1]
        words.append(f"--{option}={wanted if highest == resource.RLIM_INFINITY else min(wanted, highest)}")
    if limits.memory:
        words.append(f"--data={limits.memory}")
    return (*words, "--")
