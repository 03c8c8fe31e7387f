"""The system calls that a task may not make, as the filter that bubblewrap gives to the kernel (seccomp, classic BPF).

The namespaces refuse most of these anyway. The filter keeps a task away from parts of the kernel that are not divided by
namespaces (key rings, kernel log) or have had holes and that no renderer needs (io_uring, bpf, userfaultfd, mounts).
What is filtered answers EPERM; `clone3`, whose flags a filter cannot see, answers ENOSYS, after which C libraries use `clone`.

Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Mapping
from dataclasses import dataclass

#: the same on every architecture since Linux 5.1
_NEWER = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
    "quotactl_fd": 443,
}
#: on x86_64, on aarch64
_OLDER = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "init_module": (175, 105),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "open_by_handle_at": (304, 265),
    "perf_event_open": (298, 241),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
_CLONE3 = 435
#: sched.h: new mount, cgroup, UTS, IPC, user, process or network namespace
_NEW_NAMESPACES = 0x7E020000
#: asm-generic/ioctls.h: typing into a terminal, and what a virtual console does
_TERMINAL = (0x5412, 0x541C)

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
#: of struct seccomp_data: number, architecture, low halves of the first two arguments (little endian)
_NUMBER, _MACHINE, _FIRST, _SECOND = 0, 4, 16, 24


@dataclass(frozen=True, slots=True)
class Machine:
    """How one architecture numbers its system calls."""

    #: linux/audit.h
    audit: int
    refused: Mapping[str, int]
    clone: int
    ioctl: int
    #: numbers from here on are another set of calls (x32); 0: there is none
    other_from: int = 0


MACHINES: Mapping[str, Machine] = {
    "x86_64": Machine(0xC000003E, {**{name: numbers[0] for name, numbers in _OLDER.items()}, **_NEWER}, 56, 16, 0x40000000),
    "aarch64": Machine(0xC00000B7, {**{name: numbers[1] for name, numbers in _OLDER.items()}, **_NEWER}, 220, 29),
}


def call_filter(name: str = "") -> bytes:
    """Return the filter for a machine (this one); nothing where its numbers are not known."""
    machine = MACHINES.get(name or platform.machine())
    return b"" if machine is None else _assembled(machine)


def _assembled(machine: Machine) -> bytes:
    """Return the program: each test says how many instructions to pass over when it holds, and when not."""
    refuse, missing = _ERROR | errno.EPERM, _ERROR | errno.ENOSYS
    program = [(_LOAD, 0, 0, _MACHINE), (_EQUAL, 1, 0, machine.audit), (_RETURN, 0, 0, refuse), (_LOAD, 0, 0, _NUMBER)]
    if machine.other_from:
        program += [(_AT_LEAST, 0, 1, machine.other_from), (_RETURN, 0, 0, refuse)]
    for number in sorted(machine.refused.values()):
        program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, refuse)]
    program += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, missing)]
    program += [(_EQUAL, 0, 4, machine.clone), (_LOAD, 0, 0, _FIRST), (_ANY_BIT, 0, 1, _NEW_NAMESPACES), (_RETURN, 0, 0, refuse)]
    program += [(_RETURN, 0, 0, _ALLOW)]
    program += [(_EQUAL, 0, 5, machine.ioctl), (_LOAD, 0, 0, _SECOND)]
    for request in _TERMINAL:
        program += [(_EQUAL, 0, 1, request), (_RETURN, 0, 0, refuse)]
    program += [(_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)
