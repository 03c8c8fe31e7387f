"""The two versions of cgroups, and which of them this runner may use: found out by trying, once, at its start."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conductor_service.runner.group_sweep import RECORD
from conductor_service.runner.groups import Control, Groups, KernelGroups, NoGroups, Version
from conductor_service.runner.limits import ResourceLimits

_NEEDED = ("memory", "pids")
_PROBE = ResourceLimits(memory=64 << 20, processes=16)
#: octal escapes of /proc/self/mountinfo
_ESCAPE = re.compile(r"\\([0-7]{3})")


def _memory(limits: ResourceLimits) -> str | None:
    return str(limits.memory) if limits.memory else None


def _processes(limits: ResourceLimits) -> str:
    return str(limits.processes)


#: https://docs.kernel.org/admin-guide/cgroup-v1/memory.html; the second limit is memory and swap together
V1 = Version(
    "cgroup v1",
    (
        Control("memory", "memory.limit_in_bytes", _memory),
        Control("memory", "memory.memsw.limit_in_bytes", _memory, optional=True),
        Control("pids", "pids.max", _processes),
    ),
    killed=("memory", "memory.oom_control", "oom_kill"),
    refused=("pids", "pids.events", "max"),
    peak=("memory", "memory.max_usage_in_bytes"),
)

#: https://docs.kernel.org/admin-guide/cgroup-v2.html; with `oom.group` the kernel ends all of a session and not one process
V2 = Version(
    "cgroup v2",
    (
        Control("memory", "memory.max", _memory),
        Control("memory", "memory.swap.max", lambda limits: "0" if limits.memory else None, optional=True),
        Control("memory", "memory.oom.group", lambda _: "1", optional=True),
        Control("pids", "pids.max", _processes),
    ),
    killed=("memory", "memory.events", "oom_kill"),
    refused=("pids", "pids.events", "max"),
    peak=("memory", "memory.peak"),
)


class CannotGroup(Exception):
    """Raised with the reason why a version of cgroups is of no use here."""


@dataclass(frozen=True, slots=True)
class Mounted:
    """One cgroup file system, as /proc/self/mountinfo tells of it."""

    kind: str
    #: the part of the hierarchy that is shown, and where
    root: str
    place: str
    #: controllers, of version 1
    options: frozenset[str]


def choose_groups(work: Path, proc: Path = Path("/proc/self")) -> Groups:
    """Return the groups that a runner with this work folder may make; the newer version first."""
    reasons = []
    for version in (V2, V1):
        try:
            return _tried(KernelGroups(version, find_parents(version, proc), work / RECORD))
        except (CannotGroup, OSError) as exc:
            reasons.append(f"{version.name.removeprefix('cgroup ')}: {exc}")
    return NoGroups("; ".join(reasons))


def find_parents(version: Version, proc: Path) -> Mapping[str, Path]:
    """Return the folder of each controller below which groups can be made.

    Raises:
        CannotGroup: there is none.
    """
    mounts = read_mounts((proc / "mountinfo").read_text(encoding="utf-8", errors="surrogateescape"))
    own = read_membership((proc / "cgroup").read_text(encoding="utf-8", errors="surrogateescape"))
    if version is V1:
        return {controller: own_folder(mounts, own, "cgroup", controller) for controller in _NEEDED}
    parent = _delegated(own_folder(mounts, own, "cgroup2", ""))
    return dict.fromkeys(_NEEDED, parent)


def read_mounts(text: str) -> list[Mounted]:
    """Return the cgroup mounts of a mountinfo (proc(5): … root, mount point, …, `-`, type, source, super options)."""
    result = []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        fields, kinds = left.split(" "), right.split(" ")
        if len(fields) > 4 and len(kinds) > 2 and kinds[0] in ("cgroup", "cgroup2"):
            root, place = (_ESCAPE.sub(lambda m: chr(int(m[1], 8)), field) for field in fields[3:5])
            result.append(Mounted(kinds[0], root, place, frozenset(kinds[2].split(","))))
    return result


def read_membership(text: str) -> dict[str, str]:
    """Return the path of this process's own group by controller; of version 2 under the empty name (cgroups(7))."""
    result = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        result.update(dict.fromkeys(controllers.split(","), path))
    return result


def own_folder(mounts: list[Mounted], own: Mapping[str, str], kind: str, controller: str) -> Path:
    """Return the folder of this process's own group.

    Raises:
        CannotGroup: its file system is not mounted, or does not show it.
    """
    found = [m for m in mounts if m.kind == kind and (not controller or controller in m.options)]
    if not found or controller not in own:
        raise CannotGroup(f"{controller or 'the unified hierarchy'} is not mounted")
    for mount in found:
        root = mount.root.rstrip("/")
        if own[controller] == root or own[controller].startswith(root + "/"):
            return Path(mount.place, own[controller][len(root) :].lstrip("/"))
    raise CannotGroup(f"{found[0].place} does not show {own[controller]}")


def _delegated(own: Path) -> Path:
    """Return the group of version 2 below which others can be made: its own, or the one above that was delegated.

    A group with processes in it can't hand controllers to groups below it. A service manager that delegates puts the
    service into a group of its own below the one it gives away (systemd: `Delegate=yes`, `DelegateSubgroup=`); a runner that
    is alone in its group can step aside itself.
    """
    lacking = set(_NEEDED) - set(_words(own / "cgroup.controllers"))
    if lacking:
        raise CannotGroup(f"{own} has no controller for {', '.join(sorted(lacking))}")
    for parent in (own, *([own.parent] if _is_given_away(own.parent) else [])):
        with contextlib.suppress(OSError):
            _enable(parent)
            return parent
    if _words(own / "cgroup.procs") != [str(os.getpid())]:
        raise CannotGroup(f"{own} is not delegated, or has other processes in it")
    aside = own / "conductor-runner"
    aside.mkdir(exist_ok=True)
    try:
        (aside / "cgroup.procs").write_text("0", encoding="ascii")
        _enable(own)
    except OSError:
        _step_back(own, aside)
        raise
    return own


def _step_back(own: Path, aside: Path) -> None:
    """Leave a group as it was found, where it cannot be divided after all."""
    with contextlib.suppress(OSError):
        (own / "cgroup.procs").write_text("0", encoding="ascii")
        aside.rmdir()


def _enable(parent: Path) -> None:
    if not set(_NEEDED) <= set(_words(parent / "cgroup.subtree_control")):
        (parent / "cgroup.subtree_control").write_text(" ".join(f"+{c}" for c in _NEEDED), encoding="ascii")


def _is_given_away(folder: Path) -> bool:
    """Tell whether a service manager gave a group away, by systemd's mark.

    That it can be written says nothing: a user's slices are all his, and runners don't step out of their own unit.
    """
    if not (folder / "cgroup.controllers").exists() or not os.access(folder, os.W_OK):
        return False
    for name in ("user.delegate", "trusted.delegate"):
        with contextlib.suppress(OSError):
            if os.getxattr(folder, name) == b"1":
                return True
    return False


def _words(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii").split()
    except OSError:
        return []


def _tried(groups: KernelGroups) -> KernelGroups:
    """Return groups after something was run in one: a file system that is mounted read-only shows itself only now."""
    group = groups.require(_PROBE)
    try:
        done = subprocess.run(group.entering(("true",)), stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
    except subprocess.TimeoutExpired as exc:
        raise CannotGroup("nothing can be run in a group") from exc
    finally:
        group.remove()
    if done.returncode:
        raise CannotGroup(done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}")
    return groups
