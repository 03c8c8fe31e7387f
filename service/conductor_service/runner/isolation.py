"""Put a task into its own world: bubblewrap shows it only what is its own, at the artist's own paths.

Two ways, chosen by `choose_isolation`: `Sandbox`, and `Rewrite` for machines where bubblewrap does not work, which gives
no isolation and has the software rewrite paths into the stage. docs/security.md says what each promises.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from conductor_service.runner.binds import Mount, Node, View, plan_binds
from conductor_service.runner.errors import SandboxUnavailable
from conductor_service.runner.groups import NO_GROUP, Group
from conductor_service.runner.limits import ResourceLimits, limiting_argv
from conductor_service.runner.system_calls import call_filter
from conductor_service.runner.system_view import HOME, SCRATCH, proc_arguments, system_mounts

IsolationChoice = Literal["sandbox", "rewrite", "auto"]

#: tried first to last: nested user namespaces are off where the kernel lets bubblewrap say so
_HARDENING = (("--unshare-user", "--disable-userns"), ("--unshare-user",))
#: set by fleets
MARK = "CONDUCTOR_INSTANCE"
#: no user in the sandbox is root, whoever the runner is
_SANDBOX_UID = "1000"


@dataclass(frozen=True, slots=True)
class Launch:
    """A command ready to be started."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str = "/"
    #: words of argv that stand for a file descriptor, and what is to be read from it
    files: Mapping[str, bytes] = field(default_factory=dict)
    #: that `argv` enters
    group: Group = NO_GROUP


@dataclass(frozen=True, slots=True)
class World:
    """What one session of a job may see and use."""

    #: of the session; holds `tmp`, `scratch`, `home`, `etc`
    folder: Path
    stage: Path
    inputs: Mapping[str, Node]
    #: sandbox path → folder on this machine
    outputs: Mapping[str, str]
    #: software, hosts' scripts: read-only, target → source
    software: Mapping[str, str]
    seen_root: str
    limits: ResourceLimits
    group: Group = NO_GROUP
    #: it shares the machine's network
    network: bool = False


class Isolation(Protocol):
    """How tasks are kept apart."""

    @property
    def name(self) -> str:
        """Return `sandbox` or `rewrite`, for log and attempt."""

    @property
    def shows_own_paths(self) -> bool:
        """Tell whether the software finds files at the artist's own paths."""

    def launch(self, world: World, argv: Sequence[str], environment: Mapping[str, str], folder: str = "/") -> Launch:
        """Return how `argv` is started in `world`."""


class Sandbox:
    """Isolation by bubblewrap: own user, process, network, mount, IPC, UTS and cgroup namespaces, filtered system calls."""

    shows_own_paths = True

    def __init__(self, program: str, hardening: tuple[str, ...], calls: bytes = b"") -> None:
        """Take what was found to work: bubblewrap's options, and a filter of system calls (none: b"")."""
        self._program = program
        self._hardening = hardening
        self._calls = calls
        self.name = "sandbox" if calls else "sandbox, without a filter of system calls"

    def launch(self, world: World, argv: Sequence[str], environment: Mapping[str, str], folder: str = "/") -> Launch:
        mounts = plan_binds(_view(world), list_folder)
        arguments = [
            *self._namespaces(network=world.network),
            *mount_arguments(mounts),
            "--remount-ro",
            "/",
            "--chdir",
            folder,
            "--clearenv",
        ]
        for name, value in {**environment, **_mark()}.items():
            arguments += ["--setenv", name, value]
        files = {"{args}": b"".join(os.fsencode(a) + b"\0" for a in arguments)}
        filtered = []
        if self._calls:
            files["{calls}"] = self._calls
            filtered = ["--seccomp", "{calls}"]
        words = [self._program, "--args", "{args}", *filtered, "--", *limiting_argv(world.limits), *argv]
        return Launch(world.group.entering(words), _mark(), "/", files, world.group)

    def _namespaces(self, *, network: bool) -> list[str]:
        shared = ["--share-net"] if network else []
        words = ["--unshare-all", *shared, *self._hardening, "--uid", _SANDBOX_UID, "--gid", _SANDBOX_UID, "--cap-drop", "ALL"]
        return [*words, "--hostname", "conductor", "--die-with-parent", "--new-session", *proc_arguments(), "--dev", "/dev"]


class Rewrite:
    """No isolation: the software runs as it is, with paths rewritten into the stage; a supervisor keeps its tree together."""

    name = "rewrite"
    shows_own_paths = False

    def launch(self, world: World, argv: Sequence[str], environment: Mapping[str, str], folder: str = "/") -> Launch:
        supervisor = Path(__file__).with_name("lifeline.py")
        variables = {**environment, **_mark(), "HOME": str(world.folder / "home"), "TMPDIR": str(world.folder / "scratch")}
        words = [sys.executable, "-I", "-S", str(supervisor), str(os.getpid()), *limiting_argv(world.limits), *argv]
        where = folder if folder != "/" else str(world.folder / "tmp")
        return Launch(world.group.entering(words), variables, where, group=world.group)


def choose_isolation(choice: IsolationChoice, program: str = "bwrap") -> Isolation:
    """Return the isolation asked for; `auto` falls back to rewriting where bubblewrap does not work.

    Raises:
        SandboxUnavailable: `sandbox` was asked for and does not work here.
    """
    if choice == "rewrite":
        return Rewrite()
    reason = ""
    for calls in dict.fromkeys((call_filter(), b"")):
        for hardening in _HARDENING:
            reason = _refusal(program, hardening, calls)
            if not reason:
                return Sandbox(program, hardening, calls)
    if choice == "auto":
        return Rewrite()
    raise SandboxUnavailable(reason)


def mount_arguments(mounts: Sequence[Mount]) -> list[str]:
    """Return bubblewrap's arguments for mounts."""
    result: list[str] = []
    for mount in mounts:
        if mount.kind == "folder":
            result += ["--dir", mount.target]
        elif mount.kind == "link":
            result += ["--symlink", mount.source, mount.target]
        else:
            result += ["--ro-bind" if mount.kind == "read-only" else "--bind", mount.source, mount.target]
    return result


def list_folder(folder: str) -> tuple[Node, ...]:
    """Return the names in a folder of this machine that can be bound; none where there is no such folder."""
    result = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    result.append(Node(entry.name, "link", os.readlink(entry.path)))
                elif entry.is_dir() or entry.is_file():
                    result.append(Node(entry.name, "folder" if entry.is_dir() else "file"))
    except OSError:
        return ()
    return tuple(sorted(result, key=lambda node: node.name))


def _mark() -> dict[str, str]:
    """Return the variable by which a fleet knows every process of an instance."""
    return {MARK: os.environ[MARK]} if MARK in os.environ else {}


def _view(world: World) -> View:
    software = tuple(Mount("read-only", target, source) for target, source in world.software.items())
    own = (
        Mount("writable", "/tmp", str(world.folder / "tmp")),  # noqa: S108 - the sandbox's own
        Mount("writable", HOME, str(world.folder / "home")),
        Mount("writable", SCRATCH, str(world.folder / "scratch")),
    )
    base = (*system_mounts(world.folder / "etc"), *software, *own)
    listed = {path: node for path, node in world.inputs.items() if path.split("/")[1] not in ("proc", "sys")}
    return View(base, ("/tmp", "/dev"), listed, world.outputs, str(world.stage), world.seen_root)  # noqa: S108


def _refusal(program: str, hardening: tuple[str, ...], calls: bytes) -> str:
    """Return why bubblewrap does not work, by trying it; "" when it does."""
    filtered, handed = [], os.memfd_create("calls", 0)
    if calls:
        os.write(handed, calls)
        os.lseek(handed, 0, os.SEEK_SET)
        filtered = ["--seccomp", str(handed)]
    words = [
        program,
        "--unshare-all",
        *hardening,
        *filtered,
        "--die-with-parent",
        "--ro-bind",
        "/",
        "/",
        *proc_arguments(),
        "--",
        "true",
    ]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False, pass_fds=(handed,))
    except (OSError, subprocess.TimeoutExpired) as exc:
        return str(exc)
    finally:
        os.close(handed)
    return "" if done.returncode == 0 else done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
