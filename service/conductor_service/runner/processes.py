"""Start a process tree, measure it, and end it so that nothing is left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import psutil

from conductor_service.runner.isolation import Launch

#: what a tree has after SIGTERM before SIGKILL comes
GRACE_SECONDS = 2.0
_GONE_SECONDS = 10.0
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process tree uses now."""

    #: bytes of resident memory, all processes together
    memory: int
    processes: int


class ProcessTree:
    """A started command and everything it started.

    It must be started by a thread that lives as long as the runner: the life-line (PR_SET_PDEATHSIG) is tied to the
    thread, not to the process.
    """

    def __init__(self, launch: Launch, *, stdin: bool = True) -> None:
        with _files_of(launch) as (argv, descriptors):
            self._popen = subprocess.Popen(
                argv,
                env=dict(launch.environment),
                cwd=launch.folder,
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=descriptors,
                start_new_session=True,
                bufsize=0,
            )
        self.group = launch.group
        self.peak_memory = 0
        # a guard measures and kills beside the thread that waits for the tree's words
        self._measuring, self._killing = threading.Lock(), threading.Lock()
        self._killed = False

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def stdin(self) -> IO[bytes]:
        assert self._popen.stdin is not None
        return self._popen.stdin

    @property
    def stdout(self) -> IO[bytes]:
        assert self._popen.stdout is not None
        return self._popen.stdout

    @property
    def stderr(self) -> IO[bytes]:
        assert self._popen.stderr is not None
        return self._popen.stderr

    def running(self) -> bool:
        """Tell whether the command itself has not ended."""
        return self._popen.poll() is None

    def wait(self, seconds: float | None = None) -> int:
        """Return the exit code; negative: the signal that ended it, also where bubblewrap or the life-line pass it on."""
        code = self._popen.wait(seconds)
        return 128 - code if 128 < code <= 128 + signal.SIGRTMAX else code

    def measure(self) -> Usage:
        """Return what the tree uses now, and remember the peak."""
        with self._measuring:
            pids = _tree_of(self.pid)
            memory = 0
            for pid in pids:
                now, highest = _resident(pid)
                memory += now
                self.peak_memory = max(self.peak_memory, highest)
            self.peak_memory = max(self.peak_memory, memory)
            return Usage(memory, len(pids))

    def note_peak(self, peak: int) -> None:
        """Remember a peak that somebody else measured."""
        with self._measuring:
            self.peak_memory = max(self.peak_memory, peak)

    def reset_peak(self) -> None:
        """Start the peak anew for the next task of the same process (proc(5): clear_refs 5 resets the high-water mark)."""
        with self._measuring:
            self.peak_memory = 0
            self.group.begin()
            for pid in _tree_of(self.pid):
                with contextlib.suppress(OSError), open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as stream:
                    stream.write("5")

    def kill(self) -> None:
        """End the whole tree: SIGTERM to its group, a short grace, then SIGKILL to every process of it; wait until all are gone."""
        with self._killing:
            if not self._killed:
                self._kill()
                self._killed = True

    def _kill(self) -> None:
        members = _processes(_tree_of(self.pid))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(GRACE_SECONDS)
        members += _processes(_tree_of(self.pid))
        for member in members:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        # who lost its parent is in no tree any more, but still in the group
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()
        _wait_until_gone(members)

    def close(self) -> None:
        """Close the pipes, once nobody reads them any more."""
        for stream in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


@contextlib.contextmanager
def _files_of(launch: Launch) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """Give argv with the number of a descriptor for each of the launch's files: they are no secret, but long."""
    numbers: dict[str, str] = {}
    try:
        for word, content in launch.files.items():
            descriptor = os.memfd_create("launch", 0)
            numbers[word] = str(descriptor)
            os.write(descriptor, content)
            os.lseek(descriptor, 0, os.SEEK_SET)
        yield [numbers.get(word, word) for word in launch.argv], tuple(map(int, numbers.values()))
    finally:
        for number in numbers.values():
            os.close(int(number))


def _wait_until_gone(members: list[psutil.Process]) -> None:
    """Wait for processes that are not our children: those of a killed process namespace go a moment after it."""
    deadline = time.monotonic() + _GONE_SECONDS
    while time.monotonic() < deadline and any(_alive(m) for m in members):
        time.sleep(_POLL_SECONDS)


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _processes(pids: list[int]) -> list[psutil.Process]:
    result = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            result.append(psutil.Process(pid))
    return result


def _tree_of(root: int) -> list[int]:
    """Return a process and all its descendants.

    By `/proc/…/children` (a file per thread), a tenth of the cost of reading every process of the machine; kernels without
    CONFIG_PROC_CHILDREN are asked through psutil.
    """
    result, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        result.append(pid)
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as stream:
                    waiting.extend(int(word) for word in stream.read().split())
        except FileNotFoundError:
            if pid == root and os.path.isdir(f"/proc/{pid}/task"):
                return _tree_by_psutil(root)
        except (ProcessLookupError, PermissionError):
            continue
    return result


def _tree_by_psutil(root: int) -> list[int]:
    try:
        return [root, *(child.pid for child in psutil.Process(root).children(recursive=True))]
    except psutil.NoSuchProcess:
        return [root]


def _resident(pid: int) -> tuple[int, int]:
    """Return the resident memory of a process in bytes: now, and its high-water mark."""
    now = highest = 0
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as stream:
            for line in stream:
                if line.startswith("VmHWM:"):
                    highest = int(line.split()[1]) * 1024
                elif line.startswith("VmRSS:"):
                    now = int(line.split()[1]) * 1024
                    break
    except (FileNotFoundError, ProcessLookupError):
        pass
    return now, highest
