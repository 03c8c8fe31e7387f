"""What the harness sees by itself, without asking the product: renders, files that come home, processes of instances."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

MARK = "CONDUCTOR_INSTANCE"


@dataclass(frozen=True, slots=True)
class Told:
    """A frame server was asked for a frame."""

    at: float
    job: int
    frame: int
    instance: str


class Renders:
    """Read the named pipe of the tellers."""

    def __init__(self, pipe: Path) -> None:
        os.mkfifo(pipe)
        pipe.chmod(0o666)
        # open for writing too: without a writer a reader would come to an end
        self._handle = os.open(pipe, os.O_RDWR)
        self.told: list[Told] = []
        threading.Thread(target=self._read, daemon=True, name="renders").start()

    def _read(self) -> None:
        rest = b""
        while data := os.read(self._handle, 1 << 16):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                if line == b"end":
                    os.close(self._handle)
                    return
                said = json.loads(line)
                self.told.append(Told(said["at"], int(said["CONDUCTOR_JOB"]), said["frame"], said[MARK]))

    def close(self) -> None:
        """End the reader."""
        os.write(self._handle, b"end\n")


class Homecomings(FileSystemEventHandler):
    """Count how often each path of some folders was put into its place, and note what was done to it otherwise."""

    def __init__(self) -> None:
        self.placed: Counter[str] = Counter()
        self.touched: Counter[str] = Counter()
        self._observer = Observer()
        self._observer.start()

    def watch(self, folder: Path) -> None:
        """Watch one more folder, from now on."""
        self._observer.schedule(self, str(folder), recursive=False)

    def on_moved(self, event: FileSystemEvent) -> None:
        """Count a rename into place."""
        self.placed[str(event.dest_path)] += 1

    def on_created(self, event: FileSystemEvent) -> None:
        """Note a file that was made in its place: half of it could have been seen."""
        self.touched[str(event.src_path)] += not event.is_directory

    def on_modified(self, event: FileSystemEvent) -> None:
        """Note a write to a file in its place."""
        self.touched[str(event.src_path)] += not event.is_directory

    def close(self) -> None:
        """End the watching."""
        self._observer.stop()
        self._observer.join()


@dataclass(slots=True)
class Life:
    """When a runner's process was seen."""

    instance: str
    pid: int
    born: float
    seen: float
    #: when the harness killed it
    killed: float | None = None


class Instances:
    """Look at the runners' processes again and again: the independent ledger that bills are compared with."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = str(ledger)
        self._stopped = threading.Event()
        self.lives: dict[int, Life] = {}
        self._thread = threading.Thread(target=self._look, daemon=True, name="instances")
        self._thread.start()

    def runners(self) -> list[psutil.Process]:
        """Return the runners that run now."""
        found = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                words = process.cmdline()
                if "conductor_service.runner" in words and any(w.startswith(self._ledger) for w in words) and running(process):
                    found[process.pid] = process
        # between fork and exec a runner's child has the runner's own command line
        return [process for process in found.values() if _parent(process) not in found]

    def note_kill(self, pid: int) -> None:
        """Remember that a runner was killed now."""
        if pid in self.lives:
            self.lives[pid].killed = time.time()

    def note_death(self, instance: str, at: float) -> None:
        """Remember that an instance's runner died by itself."""
        for life in self.lives.values():
            if life.instance == instance:
                life.killed = at

    def _look(self) -> None:
        while not self._stopped.wait(0.1):
            now = time.time()
            for process in self.runners():
                with contextlib.suppress(psutil.Error, ValueError):
                    words = process.cmdline()
                    instance = words[words.index("--instance") + 1]
                    life = self.lives.setdefault(process.pid, Life(instance, process.pid, process.create_time(), now))
                    life.seen = now

    def close(self) -> None:
        """End the watching."""
        self._stopped.set()
        self._thread.join()


def _parent(process: psutil.Process) -> int:
    try:
        return int(process.ppid())
    except psutil.NoSuchProcess:
        return 0


def running(process: psutil.Process) -> bool:
    """Tell whether a process still runs: in a container nobody may collect what has ended."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def instance_of(process: psutil.Process) -> str:
    """Return the instance that a process belongs to; empty: none."""
    try:
        return str(process.environ().get(MARK, ""))
    except (psutil.Error, OSError):
        return ""
