"""An agent as its user has it: the process `conductor agent` in a home of its own, logged in to a service."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import psutil
from conductor_core.agent_client import AgentClient, connect
from conductor_core.api.profile import Login, Profile, write_profile
from conductor_core.api.transport import Address
from conductor_core.errors import AgentError
from conductor_core.paths import local_flavour
from conductor_core.submission import Output, Software, Step, Submission, new_submission_id
from conductor_core.user_folders import UserFolders, user_folders
from conductor_service.embedded import EmbeddedService

T = TypeVar("T")

#: of a service whose jobs are never rendered: their uploads are what counts, and a runner would take the processor
SERVICE = {
    "find_software": False,
    "instance_types": [{"name": "local", "description": "here", "cores": 1, "memory_gb": 1, "price_per_hour": "0.60"}],
}
#: for `RealAgent`: a program whose agent takes the machine for idle
IDLE_AGENT = (str(Path(__file__).with_name("idle_agent.py")),)
#: seconds between two looks at a process or at what it tells
LOOK = 0.02
#: seconds for whatever an agent does here
PATIENCE = 900.0


class RealAgent:
    """One user's agent; it is killed when the block ends, with whatever it has started."""

    def __init__(
        self, home: Path, service: EmbeddedService, *, address: str = "", program: Sequence[str] = ("-m", "conductor_core.cli")
    ) -> None:
        """`address` says where the service is reached, if not at its own; `program` is what Python runs as `conductor`."""
        self._program = program
        self._environment = {**os.environ, "CONDUCTOR_HOME": str(home)}
        self.folders: UserFolders = user_folders({"CONDUCTOR_HOME": str(home)})
        self._process: subprocess.Popen[bytes] | None = None
        self._peaks = _Peaks()
        self.folders.config.mkdir(parents=True)
        write_profile(self.folders.config, Profile((Login(Address(address or service.url), service.token),)))

    def __enter__(self) -> RealAgent:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()
        self._peaks.stop()

    def start(self) -> None:
        """Start it and return when it answers."""
        command = [sys.executable, *self._program, "agent"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self._environment, start_new_session=True
        )
        self._peaks.watch(self._process.pid)
        wait_until(self._client)

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        if self._process is not None:
            for process in family(self._process.pid):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            self._process.wait()
            self._process = None

    def submit(self, files: Sequence[str], *, scene: str = "") -> str:
        """Hand over a submission of these files, as a panel does when its scan is done, and return its id."""
        step = Step("main", "1", kind="command", outputs=(Output("/job/out/f.#.png"),), command=("true",))
        software = Software("command", "1.0")
        submission = Submission(new_submission_id(), "default", "files", scene, local_flavour(), software, (step,), "local")
        return self.client.submit(submission, files, download=False)

    def submitted(self, identity: str) -> dict[str, Any]:
        """Wait until a submission is a job, and return what the agent tells of it."""

        def ended() -> dict[str, Any] | None:
            told = self.client.submission(identity)
            if told["state"] == "failed":
                raise AssertionError(f"the submission failed: {told['error']}")
            return told if told["state"] == "submitted" else None

        return wait_until(ended)

    @property
    def client(self) -> AgentClient:
        """Its local channel."""
        return connect(start=False, folders=self.folders)

    def _client(self) -> AgentClient | None:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"the agent ended with exit code {self._process.returncode}")
        try:
            return self.client
        except AgentError:
            return None

    def peaks(self) -> list[tuple[str, int]]:
        """Return what each of its processes runs, and the most bytes of memory that it had at once; the agent comes first."""
        return self._peaks.seen()


class _Peaks:
    """Look at a process and all that it starts, again and again: one that has ended cannot be asked any more."""

    def __init__(self) -> None:
        self._most: dict[psutil.Process, tuple[str, int]] = {}
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, pid: int) -> None:
        self.stop()
        self._done.clear()
        self._thread = threading.Thread(target=self._look, args=(pid,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def seen(self) -> list[tuple[str, int]]:
        return list(self._most.values())

    def _look(self, pid: int) -> None:
        while not self._done.wait(LOOK):
            for process in family(pid):
                with contextlib.suppress(psutil.Error, OSError):
                    most = max(_peak(process), self._most.get(process, ("", 0))[1])
                    self._most[process] = (" ".join(process.cmdline()[2:4]), most)


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all that it has started."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _peak(process: psutil.Process) -> int:
    """Return the most bytes of memory that a process ever had: Linux says so, elsewhere it is what a look happens to see."""
    if not sys.platform.startswith("linux"):
        return int(process.memory_info().rss)
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    # one that has just ended has none
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM")), 0)


def wait_until(look: Callable[[], T | None], *, seconds: float = PATIENCE) -> T:
    """Return what `look` returns as soon as that is something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing came of it within {seconds:.0f} s")
        time.sleep(LOOK)
    return found
