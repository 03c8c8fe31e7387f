"""Instances as processes of this machine: each a runner in a process group of its own, which outlives the service.

A ledger folder has one folder per instance: `instance.json` (pid and start time, so that a reused pid is not mistaken
for ours), the runner's token, and its work folder. It is written before the process starts, so that whatever instant the
service dies at, the next one finds the process again: by pid, or by the instance id in its command line.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from conductor_core.user_folders import private_folder, write_private

from conductor_service.fleets.interface import LaunchFailed, LaunchOrder, ProviderInstance
from conductor_service.runner.group_sweep import RECORD, sweep_groups
from conductor_service.trees import remove_tree

_log = logging.getLogger(__name__)

#: environment variable that every process of an instance inherits
MARK = "CONDUCTOR_INSTANCE"
RUNNER = (sys.executable, "-m", "conductor_service.runner")
#: a start time is the same if it differs by less; psutil derives it from the boot time, which clock corrections move
_SAME_START_SECONDS = 2.0
#: logs of instances that are gone, for whoever asks what happened; older ones are removed
LOGS_KEPT = 200
#: for the groups of an instance whose processes are gone: the scheduler waits meanwhile, and comes again
_GROUPS_SECONDS = 2.0
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class LocalProcessFleet:
    """Launch runners as local processes.

    Args:
        folder: the ledger; one service's own.
        command: what starts a runner, before its options.
        extra: further options for every runner, such as the certificate to trust.
        memory_gb: what an instance type has; its runner lets a task use no more. A type that is not named has all there is.
        patience: seconds that a runner gets to end by itself before its process tree is killed: it publishes what is
            rendered for up to 60 s (`worker.Settings.drain_seconds`), then says goodbye.
    """

    def __init__(
        self,
        folder: Path,
        *,
        command: Sequence[str] = RUNNER,
        extra: Sequence[str] = (),
        memory_gb: Mapping[str, float] | None = None,
        patience: float = 70.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder = private_folder(folder)
        self._command = tuple(command)
        self._extra = tuple(extra)
        self._memory_gb = dict(memory_gb or {})
        self._patience = patience
        self._sleep = sleep
        # Kept so that ended children are reaped; after a restart of the service the system does that.
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        #: `terminate` is called from threads beside the one that looks
        self._terminating: set[str] = set()

    def launch(self, order: LaunchOrder) -> None:
        """Start a runner; nothing happens if the instance is there.

        Raises:
            LaunchFailed: the process could not be started.
        """
        home = self._home(order.instance_id)
        if self._process(order.instance_id) is not None:
            return
        try:
            private_folder(home / "work")
            write_private(home / "token", f"{order.token}\n".encode())
            self._note(order, None)
            child = self._start(order, home)
            self._children[order.instance_id] = child
            self._note(order, psutil.Process(child.pid))
            self._prune_logs()
        except (OSError, psutil.Error) as exc:
            raise LaunchFailed(order.instance_id, str(exc)) from exc

    def instances(self) -> Sequence[ProviderInstance]:
        """Return the instances whose runner process exists; what is left of others is swept."""
        for instance_id in [i for i, child in list(self._children.items()) if child.poll() is not None]:
            self._children.pop(instance_id, None)
        found = []
        for instance_id, entry in list(self._ledger()):
            if self._process(instance_id) is None:
                if instance_id not in self._terminating:
                    self._sweep(instance_id)
            else:
                found.append(ProviderInstance(instance_id, str(entry.get("type", ""))))
        return found

    def terminate(self, instance_id: str) -> None:
        """End a runner and everything that it started, and remove its folder."""
        self._terminating.add(instance_id)
        try:
            self._terminate(instance_id)
        finally:
            self._terminating.discard(instance_id)

    def _terminate(self, instance_id: str) -> None:
        home = self._home(instance_id)
        runner = self._process(instance_id)
        if runner is not None:
            _signal(runner, psutil.Process.terminate)
            self._wait_until(lambda: self._cannot_answer(instance_id))
        for _ in range(50):
            left = list(_marked(instance_id))
            if not left:
                break
            for process in left:
                _signal(process, psutil.Process.kill)
            self._sleep(0.02)
        child = self._children.pop(instance_id, None)
        if child is not None:
            child.wait()
        if home.exists():
            if not sweep_groups(home / "work" / RECORD, _GROUPS_SECONDS):
                return  # `instances` comes here again: the record must be there then
            remove_tree(home)

    def _sweep(self, instance_id: str) -> None:
        """Remove what is left of an instance; trouble with one must not hide the others from the scheduler."""
        try:
            self.terminate(instance_id)
        except (OSError, psutil.Error) as exc:
            _log.warning("instance %s: what is left of it cannot be removed yet: %s", instance_id, exc)

    def log_file(self, instance_id: str) -> Path:
        """Return where a runner's own output goes; it stays when the instance is gone."""
        return self._folder / f"{instance_id}.log"

    def _prune_logs(self) -> None:
        """Remove the oldest logs of instances that are gone."""
        logs = [p for p in self._folder.glob("*.log") if _ID.fullmatch(p.stem) and not self._home(p.stem).exists()]
        for old in sorted(logs, key=lambda p: p.stat().st_mtime)[:-LOGS_KEPT]:
            with contextlib.suppress(OSError):
                old.unlink()

    def _start(self, order: LaunchOrder, home: Path) -> subprocess.Popen[bytes]:
        options = {
            "--service": order.service_url,
            "--token-file": str(home / "token"),
            "--instance": order.instance_id,
            "--work-folder": str(home / "work"),
        }
        if memory := self._memory_gb.get(order.instance_type, 0.0):
            options["--memory-gb"] = f"{memory:g}"
        words = [*self._command, *(word for option in options.items() for word in option), *self._extra]
        detached: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            detached = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS}
        with self.log_file(order.instance_id).open("ab") as log:
            environment = {**os.environ, MARK: order.instance_id}
            return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, **detached)

    def _note(self, order: LaunchOrder, process: psutil.Process | None) -> None:
        entry = {
            "id": order.instance_id,
            "type": order.instance_type,
            "preemptible": order.preemptible,
            "pid": process.pid if process else None,
            "started": process.create_time() if process else None,
        }
        write_private(self._home(order.instance_id) / "instance.json", json.dumps(entry).encode())

    def _home(self, instance_id: str) -> Path:
        if not _ID.fullmatch(instance_id):
            raise ValueError(f"{instance_id!r} is not an instance id")
        return self._folder / instance_id

    def _ledger(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for home in sorted(p for p in self._folder.iterdir() if _ID.fullmatch(p.name) and p.is_dir()):
            yield home.name, self._entry(home.name)

    def _entry(self, instance_id: str) -> Mapping[str, Any]:
        """Return what the ledger says; nothing where the service died before it wrote."""
        try:
            entry = json.loads((self._home(instance_id) / "instance.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return entry if isinstance(entry, dict) else {}

    def _process(self, instance_id: str) -> psutil.Process | None:
        """Return the instance's runner if it runs."""
        entry = self._entry(instance_id)
        if not entry:
            return None
        if entry.get("pid") is None:
            return next((p for p in _marked(instance_id) if instance_id in _command_line(p)), None)
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(entry["pid"])
            same = abs(process.create_time() - float(entry["started"])) < _SAME_START_SECONDS
            if same and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None

    def _cannot_answer(self, instance_id: str) -> bool:
        """Tell whether there is nothing to wait for: the runner has ended, or is stopped (SIGSTOP) and hears no signal."""
        process = self._process(instance_id)
        try:
            return process is None or process.status() == psutil.STATUS_STOPPED
        except psutil.NoSuchProcess:
            return True

    def _wait_until(self, done: Callable[[], bool]) -> None:
        waited = 0.0
        while waited < self._patience and not done():
            self._sleep(0.05)
            waited += 0.05


def _marked(instance_id: str) -> Iterator[psutil.Process]:
    """Give every process that inherited an instance's mark, whoever its parent is now."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == instance_id and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _signal(process: psutil.Process, send: Callable[[psutil.Process], None]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        send(process)
