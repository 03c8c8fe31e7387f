"""Control groups: limits of a session that the kernel keeps at every instant, whatever a task forks or allocates.

One small interface, whichever version of cgroups the machine has (`group_versions`), and `NoGroups` where it has none that
this runner may use: then resource limits and the runner's own look once a second must do (docs/security.md).

Which groups a runner may have made stands in a record (`group_sweep`).
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from conductor_service.runner.group_sweep import remove_group

if TYPE_CHECKING:
    from conductor_service.runner.limits import ResourceLimits

_log = logging.getLogger(__name__)

#: how an error of the shell below begins
ENTER = "conductor-enter"
#: puts itself into each group, then becomes the command: nothing of it ever runs outside
_SCRIPT = 'n=$1; shift; while [ "$n" -gt 0 ]; do echo 0 > "$1" || exit 125; shift; n=$((n-1)); done; exec "$@"'


@dataclass(frozen=True, slots=True)
class Toll:
    """What the kernel had to do to keep a group's limits."""

    #: processes that it killed because the group was out of memory
    killed: int = 0
    #: forks that it refused
    refused: int = 0
    #: bytes; the most that the group had at once, cache of files included; 0: the kernel does not tell
    peak: int = 0
    #: the most that the group had at once, threads included; 0: the kernel does not tell
    processes: int = 0


class Group(Protocol):
    """The group of one session."""

    @property
    def name(self) -> str:
        """Return how its limits are kept, for log and attempt: `cgroup v1`, `cgroup v2`, or `no cgroup (why)`."""

    def entering(self, argv: Sequence[str]) -> tuple[str, ...]:
        """Return the command that runs `argv` in the group."""

    def begin(self) -> None:
        """Count anew, for the next task."""

    def toll(self) -> Toll | None:
        """Return what was counted since `begin`; None where nothing is, and the caller must measure by itself."""

    def remove(self) -> None:
        """Kill what is left in the group, and remove it."""


class Groups(Protocol):
    """Where groups come from."""

    @property
    def name(self) -> str:
        """Return how limits are kept, for the runner's log, as `Group.name` does."""

    def make(self, limits: ResourceLimits, /) -> Group:
        """Return a new group with these limits."""


@dataclass(frozen=True, slots=True)
class NoGroup:
    """The group of a session that has none."""

    reason: str = "not asked for"

    @property
    def name(self) -> str:
        return f"no cgroup ({self.reason})"

    def entering(self, argv: Sequence[str]) -> tuple[str, ...]:
        return tuple(argv)

    def begin(self) -> None:
        return

    def toll(self) -> Toll | None:
        return None

    def remove(self) -> None:
        return


NO_GROUP = NoGroup()


@dataclass(frozen=True, slots=True)
class NoGroups:
    """No group can be made here."""

    reason: str = "not asked for"

    @property
    def name(self) -> str:
        return NoGroup(self.reason).name

    def make(self, _limits: ResourceLimits, /) -> Group:
        return NoGroup(self.reason)


@dataclass(frozen=True, slots=True)
class Control:
    """A file of a group that is written when it is made."""

    controller: str
    file: str
    #: what to write; None: nothing
    text: Callable[[ResourceLimits], str | None]
    #: whether the limit stands without it (older kernels, machines without swap)
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """How one version of cgroups says things; every count is in a file as `key number`, each peak is alone in its own."""

    name: str
    controls: tuple[Control, ...]
    #: controller, file, key
    killed: tuple[str, str, str]
    refused: tuple[str, str, str]
    peak: tuple[str, str]


class KernelGroup:
    """A group as the kernel shows it: a folder per controller (in version 2 the same for all)."""

    def __init__(self, version: Version, folders: Mapping[str, Path]) -> None:
        self._version = version
        self._folders = folders
        self._before = Toll()
        self._peak: int | None = None

    @property
    def name(self) -> str:
        return self._version.name

    def create(self, limits: ResourceLimits) -> None:
        """Make the folders and write the limits.

        Raises:
            OSError: the kernel refuses; nothing is left then.
        """
        try:
            for folder in self._unique():
                folder.mkdir()
            for control in self._version.controls:
                self._write(control, limits)
        except OSError:
            self.remove()
            raise

    def entering(self, argv: Sequence[str]) -> tuple[str, ...]:
        files = [str(folder / "cgroup.procs") for folder in self._unique()]
        return ("/bin/sh", "-c", _SCRIPT, ENTER, str(len(files)), *files, *argv)

    def begin(self) -> None:
        """Count anew. Where the kernel resets a peak (version 2, from 6.12), it does so for whoever reads by the same descriptor."""
        controller, file = self._version.peak
        with contextlib.suppress(OSError):
            if self._peak is None:
                self._peak = os.open(self._folders[controller] / file, os.O_RDWR | os.O_CLOEXEC)
            os.pwrite(self._peak, b"0", 0)
        self._before = self._counted()

    def toll(self) -> Toll | None:
        now = self._counted()
        return Toll(now.killed - self._before.killed, now.refused - self._before.refused, now.peak, now.processes)

    def remove(self) -> None:
        if self._peak is not None:
            os.close(self._peak)
            self._peak = None
        for folder in self._unique():
            remove_group(folder)

    def _unique(self) -> list[Path]:
        return list(dict.fromkeys(self._folders.values()))

    def _write(self, control: Control, limits: ResourceLimits) -> None:
        text = control.text(limits)
        file = self._folders[control.controller] / control.file
        if text is None or (control.optional and not file.exists()):
            return
        file.write_text(text, encoding="ascii")

    def _counted(self) -> Toll:
        peak = processes = 0
        with contextlib.suppress(OSError, ValueError):
            controller, file = self._version.peak
            peak = int(os.pread(self._peak, 32, 0) if self._peak is not None else (self._folders[controller] / file).read_bytes())
        with contextlib.suppress(OSError, ValueError):
            processes = int((self._folders["pids"] / "pids.peak").read_bytes())
        return Toll(self._number(*self._version.killed), self._number(*self._version.refused), peak, processes)

    def _number(self, controller: str, file: str, key: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            for line in (self._folders[controller] / file).read_text(encoding="ascii").splitlines():
                name, _, number = line.partition(" ")
                if name == key:
                    return int(number)
        return 0


class KernelGroups:
    """Make groups below folders that this process may write, each under a name of its own."""

    def __init__(self, version: Version, parents: Mapping[str, Path], record: Path) -> None:
        """Write the record first: whatever instant the runner is killed at, its groups are found."""
        self._version = version
        self._parents = parents
        self._prefix = f"conductor-{uuid.uuid4().hex[:8]}-"
        self._numbers = itertools.count(1)
        folders = sorted({str(parent) for parent in parents.values()})
        with open(record, "a", encoding="utf-8") as lines:
            lines.write(json.dumps({"prefix": self._prefix, "parents": folders}) + "\n")

    @property
    def name(self) -> str:
        return self._version.name

    def make(self, limits: ResourceLimits, /) -> Group:
        try:
            return self.require(limits)
        except OSError as exc:
            _log.warning("no control group can be made any more, resource limits must do: %s", exc)
            return NoGroup(f"none can be made any more: {exc}")

    def require(self, limits: ResourceLimits) -> KernelGroup:
        """Return a new group.

        Raises:
            OSError: the kernel refuses.
        """
        name = f"{self._prefix}{next(self._numbers)}"
        group = KernelGroup(self._version, {c: parent / name for c, parent in self._parents.items()})
        group.create(limits)
        return group
