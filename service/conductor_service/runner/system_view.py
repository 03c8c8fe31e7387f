"""Which folders of this machine's system every task sees, read-only, and the few files of `/etc` made for it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from conductor_service.runner.binds import Mount
from conductor_service.runner.places import OWN_FOLDER

HOME = f"{OWN_FOLDER}/home"
#: TMPDIR of tasks: not /tmp, which may be an output folder (it is Blender's own default) whose files are all published
SCRATCH = f"{OWN_FOLDER}/scratch"

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
#: what programs need to find libraries, fonts, certificates and the time of day; nothing that names users or machines
_ETC = (
    "alternatives",
    "ca-certificates",
    "fonts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "OpenCL",
    "pki/tls/certs",
    "ssl/certs",
    "timezone",
    "vulkan",
)
#: processors and memory nodes, which renderers ask for; the font cache
_MORE = ("/sys/devices/system/cpu", "/sys/devices/system/node", "/var/cache/fontconfig")

#: of /proc: what tells of the machine and of others' keys, and no renderer reads
_NOT_SHOWN = (
    "acpi",
    "asound",
    "config.gz",
    "kallsyms",
    "kcore",
    "keys",
    "key-users",
    "kmsg",
    "kpagecgroup",
    "kpagecount",
    "kpageflags",
    "latency_stats",
    "pagetypeinfo",
    "sched_debug",
    "scsi",
    "slabinfo",
    "timer_list",
    "timer_stats",
    "vmallocinfo",
    "vmcore",
)

_OWN_ETC = {
    "passwd": f"artist:x:1000:1000:artist:{HOME}:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "group": "artist:x:1000:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost conductor\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}


#: of the machine, for those who share its network: how names of servers are found
_NAMES = ("hosts", "resolv.conf")


def write_etc(folder: Path, *, network: bool = False) -> None:
    """Write the files of `/etc` that tasks see instead of this machine's; with `network` servers are found by their names."""
    folder.mkdir(exist_ok=True)
    for name, text in _OWN_ETC.items():
        (folder / name).write_text(text, encoding="ascii")
    if not network:
        return
    (folder / "nsswitch.conf").write_text(_OWN_ETC["nsswitch.conf"].replace("hosts: files", "hosts: files dns"), encoding="ascii")
    for name in _NAMES:
        with contextlib.suppress(OSError):
            (folder / name).write_bytes(Path("/etc", name).read_bytes())


def proc_arguments() -> list[str]:
    """Return bubblewrap's arguments for a /proc of the task's own processes, without what is the machine's.

    The kernel lets whoever has its root's number write the machine's settings, capabilities or not, and a runner that is root
    gives a task that number: `sys/kernel/core_pattern` alone would be a way out. So all but the processes is read-only.
    """
    result = ["--proc", "/proc"]
    for name in sorted(os.listdir("/proc")):
        path = f"/proc/{name}"
        if name.isdigit() or os.path.islink(path):
            continue
        if os.path.isdir(path):
            result += ["--tmpfs", path, "--remount-ro", path] if name in _NOT_SHOWN else ["--ro-bind", path, path]
        elif name in _NOT_SHOWN:
            result += ["--ro-bind", "/dev/null", path]
        elif os.stat(path).st_mode & 0o222:
            result += ["--ro-bind", path, path]
    return result


def system_mounts(etc: Path) -> tuple[Mount, ...]:
    """Return the mounts of the system; `etc` is the folder that `write_etc` filled."""
    result = []
    for path in _SYSTEM:
        if os.path.islink(path):
            result.append(Mount("link", path, os.readlink(path)))
        elif os.path.isdir(path):
            result.append(Mount("read-only", path, path))
    wanted = [*(f"/etc/{name}" for name in _ETC), *_MORE]
    result += [Mount("read-only", path, os.path.realpath(path)) for path in wanted if os.path.exists(path)]
    own = (*_OWN_ETC, *(name for name in _NAMES if name not in _OWN_ETC and (etc / name).exists()))
    result += [Mount("read-only", f"/etc/{name}", str(etc / name)) for name in own]
    return tuple(result)
