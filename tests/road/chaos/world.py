"""One service, one agent, their runners: real processes in a folder of their own, to be killed and started again."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from conductor_core.agent_client import AgentClient, connect
from conductor_core.api.client import ServiceClient
from conductor_core.errors import AgentError
from conductor_core.paths import Flavour
from conductor_core.submission import Output, Retries, Software, Step, Submission, new_submission_id
from conductor_core.user_folders import UserFolders, user_folders
from conductor_service.embedded import EmbeddedService, start_service, stop_service
from faults.faulty_line import Proxy
from road.chaos.renderers import Renderer
from road.chaos.watchers import Homecomings, Instances, Renders, running

HERE = Path(__file__).resolve().parent
#: seconds; generous, since the machine may be loaded
PATIENCE = 180.0
IDLE_SECONDS = 1
#: kills are meant to hit one task often: its tries must not run out
TRIES = Retries(failure=50, preemption=50)


@dataclass(frozen=True, slots=True)
class Submitted:
    """A job of the harness."""

    #: of the submission at the agent
    submission: str
    seed: str
    frames: range
    folder: Path
    extension: str

    def home(self, frame: int) -> Path:
        """Return where a frame belongs."""
        return self.folder / "render" / f"frame_{frame:04d}.{self.extension}"


class NotInTime(AssertionError):
    """Something that must come by itself did not come."""


class World:
    """The processes, and the eyes on them."""

    def __init__(self, folder: Path, renderer: Renderer, line: Proxy | None = None) -> None:
        """`line`: what agent and commands reach the service by; None: nothing in between."""
        self.folder = folder
        self.line = line
        self.renderer = renderer
        self.data, self.show, self.scratch = folder / "service", folder / "show", folder / "scratch"
        for made in (self.show, self.scratch, folder / "told", folder / "hosts" / "blender"):
            made.mkdir(parents=True)
        (folder / "hosts" / "blender" / "render.py").write_text((HERE / "teller.py").read_text())
        self.renders = Renders(folder / "told" / "pipe")
        self.homecomings = Homecomings()
        self.instances = Instances(self.data / "instances")
        self.environment = {
            "CONDUCTOR_HOME": str(folder / "client"),
            "CONDUCTOR_HOSTS": str(folder / "hosts"),
            "TMPDIR": str(self.scratch),
        }
        self.service = self._service()
        self.conductor("login", line.url if line else self.service.url, "--token-file", str(self.service.token_file))
        self.start_agent()

    @property
    def folders(self) -> UserFolders:
        """The agent's folders."""
        return user_folders(self.environment)

    @property
    def ledger(self) -> Path:
        """The fleet's folder."""
        return self.data / "instances"

    def conductor(self, *words: str) -> str:
        """Type a command as the artist."""
        command = [sys.executable, "-m", "conductor_core.cli", *words]
        environment = {**os.environ, **self.environment}
        ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=PATIENCE, check=False)
        assert ran.returncode == 0, (words, ran.returncode, ran.stdout, ran.stderr)
        return ran.stdout

    def start_service(self) -> None:
        """Start the service again, as a supervisor does."""
        self.service = self._service()

    def start_agent(self) -> None:
        """Start the agent as the next command or panel does."""
        self.conductor("agent", "--start")

    def agent(self) -> AgentClient:
        """Return the agent's client."""
        return connect(start=False, folders=self.folders)

    def agent_process(self) -> psutil.Process | None:
        """Return the agent's process."""
        with contextlib.suppress(OSError, ValueError, psutil.NoSuchProcess):
            process = psutil.Process(json.loads((self.folders.state / "agent.json").read_bytes())["pid"])
            return process if "agent" in process.cmdline() and running(process) else None
        return None

    def client(self) -> ServiceClient:
        """Return a client of the service of now."""
        return ServiceClient(self.service.url, self.service.token)

    def submit(self, seed: str, frames: range, *, chunk: int) -> Submitted:
        """Hand a job with a scene and two other files to the agent."""
        folder = self.show / seed.replace(" ", "-")
        (folder / "render").mkdir(parents=True)
        self.homecomings.watch(folder / "render")
        scene = folder / "shot.blend"
        self.renderer.write_scene(scene, seed)
        files = [scene]
        for number in range(2):
            files.append(folder / f"texture_{number}.bin")
            files[-1].write_bytes(f"{seed} {number} ".encode() * 60_000)
        output = Output(str(folder / "render" / f"frame_####.{self.renderer.extension}"))
        spec = f"{frames.start}-{frames.stop - 1}"
        submission = Submission(
            id=new_submission_id(),
            project="default",
            title=seed,
            scene=str(scene),
            flavour=Flavour.POSIX,
            software=Software(self.renderer.name, "1.0"),
            steps=(Step("beauty", spec, chunk_size=chunk, outputs=(output,)),),
            instance_type="local",
            retries=TRIES,
        )
        wait_for("the agent takes a submission", lambda: self._hand_over(submission, files))
        return Submitted(submission.id, seed, frames, folder, self.renderer.extension)

    def _hand_over(self, submission: Submission, files: list[Path]) -> bool:
        """Submit; False where the agent is away, or dies of it: the same id again is the same submission."""
        try:
            return bool(self.agent().submit(submission, [str(f) for f in files]))
        except AgentError:
            return False

    def journal(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Ask the agent's journal."""
        return _ask(self.folders.state / "journal.sqlite", query, values)

    def database(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Ask the service's database."""
        return _ask(self.data / "conductor.sqlite", query, values)

    def close(self) -> None:
        """End everything."""
        with contextlib.suppress(AgentError):
            self.agent().quit(now=True)
        stop_service(self.service)
        if self.line is not None:
            self.line.refuse()
        for eyes in (self.renders, self.homecomings, self.instances):
            eyes.close()

    def _service(self) -> EmbeddedService:
        kind = {"name": "local", "description": "here", "cores": 1, "memory_gb": 0, "price_per_hour": "0.60"}
        settings: Mapping[str, Any] = {
            "lease_seconds": 4,
            "heartbeat_seconds": 1,
            "idle_seconds": IDLE_SECONDS,
            "find_software": False,
            "fleet": {"max_instances": 2},
            "instance_types": [kind],
            "software": [self.renderer.package(self.folder / "told" / "pipe")],
        }
        service = start_service(self.data, settings, start_seconds=PATIENCE, environment=self.environment)
        if self.line is not None:
            self.line.upstream = urlsplit(service.url).port or 0
        return service


def _ask(path: Path, query: str, values: tuple[object, ...]) -> list[sqlite3.Row]:
    if not path.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
        database.row_factory = sqlite3.Row
        return database.execute(query, values).fetchall()


@contextlib.contextmanager
def open_world(folder: Path, renderer: Renderer, line: Proxy | None = None) -> Iterator[World]:
    """Give a world for as long as the block lasts."""
    world = World(folder, renderer, line)
    try:
        yield world
    finally:
        world.close()


def wait_for(what: str, done: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something is so.

    Raises:
        NotInTime: it never was.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise NotInTime(f"within {seconds:.0f} s it did not come to this: {what}")
        time.sleep(0.1)
