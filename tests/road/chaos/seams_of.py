"""Seams: the places between two things that must not part, where random instants seldom hit; and a supervisor."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conductor_core.errors import AgentError
from road.chaos.kills import Done, Victim
from road.chaos.world import World, wait_for

#: a word of the command line, by which the process is known
_WORDS: dict[Victim, str] = {"service": "serve", "runner": "conductor_service.runner", "agent": "agent"}


@dataclass(frozen=True, slots=True)
class Seam:
    """A place to die at."""

    victim: Victim
    #: what has happened, and what has not
    what: str
    module: str
    function: str
    when: str = "after"


_S, _R, _A = "conductor_service", "conductor_service.runner.http_service", "conductor_core"
SERVICE = (
    Seam("service", "object stored, no row", f"{_S}.store.folder", "FolderStore.write"),
    Seam("service", "object granted, not answered", f"{_S}.api.objects", "take_in"),
    Seam("service", "manifest in the transaction, not committed", f"{_S}.jobs", "commit_manifest"),
    Seam("service", "instance noted, not launched", f"{_S}.fleets.local", "LocalProcessFleet._note"),
    Seam("service", "instance launched, pid not noted", f"{_S}.fleets.local", "LocalProcessFleet._start"),
    Seam("service", "hello heard, not answered", f"{_S}.api.runner", "_hello"),
    Seam("service", "task handed out, not committed", f"{_S}.api.runner", "hand_out", "given"),
    Seam("service", "task handed out, not answered", f"{_S}.api.runner", "_offer", "given"),
    Seam("service", "output in the transaction, not committed", f"{_S}.outputs", "_add_version"),
    Seam("service", "report committed, not answered", f"{_S}.api.runner_files", "report"),
    Seam("service", "attempt ended, not committed", f"{_S}.leases", "end"),
    Seam("service", "goodbye heard, not committed", f"{_S}.api.runner", "end_instance"),
)
RUNNER = (
    Seam("runner", "said hello", _R, "HttpRunnerService.hello"),
    Seam("runner", "was given a task", _R, "HttpRunnerService.next", "given"),
    Seam("runner", "output stored, not published", _R, "HttpRunnerService.store_object"),
    Seam("runner", "output about to be published", _R, "HttpRunnerService.publish", "before"),
    Seam("runner", "output published", _R, "HttpRunnerService.publish"),
    Seam("runner", "preview sent", _R, "HttpRunnerService.store_preview"),
    Seam("runner", "attempt about to end", _R, "HttpRunnerService.finish", "before"),
    Seam("runner", "attempt ended", _R, "HttpRunnerService.finish"),
    Seam("runner", "about to say goodbye", _R, "HttpRunnerService.goodbye", "before"),
    Seam("runner", "said goodbye", _R, "HttpRunnerService.goodbye"),
)
AGENT = (
    Seam("agent", "hashed, in the journal", f"{_A}.agent.journal", "Journal.set_manifest"),
    Seam("agent", "job made, not in the journal", f"{_A}.api.client", "ServiceClient.create_job"),
    Seam("agent", "object sent", f"{_A}.api.client", "ServiceClient.put_object"),
    Seam("agent", "manifest committed, not in the journal", f"{_A}.api.client", "ServiceClient.put_manifest"),
    Seam("agent", "outputs in the journal", f"{_A}.agent.journal", "Journal.add_outputs"),
    Seam("agent", "part whole, not in its place", f"{_A}.transfer.download", "place_part", "before"),
    Seam("agent", "in its place, not in the journal", f"{_A}.agent.journal", "Journal.set_home", "before"),
)


@dataclass(slots=True)
class Armed:
    """Seams that wait for their process."""

    seams: list[Seam]
    folder: Path

    def note(self, seam: Seam) -> Path:
        """Return the file that says that somebody died there."""
        return self.folder / f"{seam.victim}-{self.seams.index(seam)}"

    def variables(self) -> dict[str, str]:
        """Return the environment that arms them."""
        lines = [f"{_WORDS[s.victim]} {s.module} {s.function} {s.when} {self.note(s)}" for s in self.seams]
        here = str(Path(__file__).resolve().parent / "seams")
        path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH", ""))))
        return {"CHAOS_SEAMS": "\n".join(lines), "PYTHONPATH": path}

    def done(self) -> list[Done]:
        """Return the deaths so far."""
        found = []
        for seam in self.seams:
            with contextlib.suppress(OSError, ValueError):
                said = json.loads(self.note(seam).read_bytes())
                instance = said["instance"] if seam.victim == "runner" else ""
                found.append(Done(seam.victim, seam.what, said["at"], instance))
        return found


@contextlib.contextmanager
def armed(world: World, folder: Path, seams: list[Seam]) -> Iterator[Armed]:
    """Start agent and service again with these seams, and then again and again whenever they die."""
    folder.mkdir()
    found = Armed(seams, folder)
    before = dict(world.environment)
    world.environment.update(found.variables())
    _replace(world)
    stopped = threading.Event()
    supervisor = threading.Thread(target=_supervise, args=(world, stopped), name="supervisor")
    supervisor.start()
    try:
        yield found
    finally:
        stopped.set()
        supervisor.join()
        world.environment.clear()
        world.environment.update(before)


def _replace(world: World) -> None:
    with contextlib.suppress(AgentError):
        world.agent().quit(now=True)
    wait_for("the agent ends", lambda: world.agent_process() is None)
    world.service.process.kill()
    world.service.process.wait()
    world.start_service()
    _start_agent(world)


def _start_agent(world: World) -> None:
    """Start the agent with all of our environment, unlike a command does: it has to find the seams."""
    command = [sys.executable, "-m", "conductor_core.cli", "agent"]
    environment = {**os.environ, **world.environment}
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    threading.Thread(target=process.wait, daemon=True).start()
    wait_for("the agent is up", lambda: world.agent_process() is not None or process.poll() is not None)


def _supervise(world: World, stopped: threading.Event) -> None:
    while not stopped.is_set():
        if world.service.process.poll() is not None:
            world.start_service()
        if world.agent_process() is None:
            _start_agent(world)
        time.sleep(0.1)
