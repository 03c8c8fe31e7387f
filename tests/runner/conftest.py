"""What the runner's tests share: a service in memory, a fake frame server, and a worker that runs them for real."""

from __future__ import annotations

import itertools
import os
import queue
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.environment import EnvironmentVariable
from conductor_core.errors import Conflict
from conductor_core.manifest import Entry, Manifest, make_manifest
from conductor_core.paths import Flavour
from conductor_core.submission import Limits, Output, Parameter, Scripts, Step
from conductor_service.runner.assignment import Assignment, AttemptRef, JobRef, Package, TaskRef
from conductor_service.runner.errors import Retired, StaleAttempt
from conductor_service.runner.exact_bytes import ExactBytes
from conductor_service.runner.group_versions import choose_groups
from conductor_service.runner.groups import Groups
from conductor_service.runner.http_service import HttpRunnerService
from conductor_service.runner.isolation import Isolation, choose_isolation
from conductor_service.runner.limits import ResourceLimits
from conductor_service.runner.machine import Machine
from conductor_service.runner.service import Beat, HostFacts, Orders, OutputRecord, RunnerService, Verdict, Welcome
from conductor_service.runner.work_folder import WorkFolder
from conductor_service.runner.worker import Settings, Worker

NO_LIMITS = Limits()
MTIME_NS = 1_600_000_000_123_456_789


@dataclass
class Told:
    """What the service was told of one attempt."""

    beats: list[Beat] = field(default_factory=list)
    log: bytes = b""
    outputs: dict[str, OutputRecord] = field(default_factory=dict)
    previews: dict[str, bytes] = field(default_factory=dict)
    #: each publish call: its paths, and the frames that it completes
    published: list[tuple[tuple[str, ...], tuple[int, ...]]] = field(default_factory=list)
    verdict: Verdict | None = None


class MemoryService:
    """The service's side of the runner's routes, in memory: fences, objects, logs at offsets."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.told: dict[str, Told] = {}
        self.fences: dict[str, int] = {}
        self.orders: dict[str, Orders] = {}
        self.fetched: list[str] = []
        self.sessions: list[tuple[str, ...]] = []
        self.said_goodbye = False
        self.finished = threading.Condition()
        self.silence = 0.0
        self._waiting: queue.Queue[Assignment | None] = queue.Queue()
        self._manifest_of: dict[str, str] = {}

    def add(self, assignment: Assignment, manifest: Manifest) -> None:
        """Queue a task."""
        self.manifests[manifest.digest()] = manifest.to_bytes()
        self._manifest_of[assignment.attempt.id] = manifest.digest()
        self.told[assignment.attempt.id] = Told()
        self.fences[assignment.attempt.id] = assignment.attempt.fence
        self._waiting.put(assignment)

    def grow(self, attempt: str, manifest: Manifest) -> None:
        """Give an attempt's job another manifest than it was given with."""
        self.manifests[manifest.digest()] = manifest.to_bytes()
        self._manifest_of[attempt] = manifest.digest()

    def retire(self) -> None:
        """Answer 410 once all that is queued is taken."""
        self._waiting.put(None)

    def verdict(self, attempt: str, seconds: float = 60.0) -> Verdict:
        """Wait for an attempt's end."""
        with self.finished:
            assert self.finished.wait_for(lambda: self.told[attempt].verdict is not None, seconds), "the attempt did not end"
        verdict = self.told[attempt].verdict
        assert verdict is not None
        return verdict

    def _check(self, attempt: AttemptRef) -> Told:
        if self.fences.get(attempt.id) != attempt.fence:
            raise StaleAttempt(attempt.id)
        return self.told[attempt.id]

    def hello(self, facts: HostFacts) -> Welcome:
        assert facts.cores
        return Welcome("instance-1", 60.0, 5.0)

    def next(self, *, wait_seconds: float, sessions: tuple[str, ...], held: tuple[str, ...]) -> Assignment | None:
        self.sessions.append(sessions)
        try:
            assignment = self._waiting.get(timeout=wait_seconds)
        except queue.Empty:
            return None
        if assignment is None:
            raise Retired
        return assignment

    def beat(self, attempt: AttemptRef, beat: Beat) -> Orders:
        self._check(attempt).beats.append(beat)
        return self.orders.get(attempt.id, Orders("go-on"))

    def append_log(self, attempt: AttemptRef, offset: int, data: bytes) -> int:
        told = self._check(attempt)
        if offset == len(told.log):
            told.log += data
        return len(told.log)

    def manifest(self, attempt: AttemptRef, digest: str) -> bytes:
        self._check(attempt)
        if self._manifest_of[attempt.id] != digest:
            raise Conflict("The job has another manifest by now.", code="not-allowed-now")
        return self.manifests[self._manifest_of[attempt.id]]

    def inputs(self, attempt: AttemptRef, key: str) -> bytes:
        self._check(attempt)
        if key not in self.manifests:
            raise Conflict("A step that comes first is being made again.")
        return self.manifests[key]

    def fetch_object(self, attempt: AttemptRef, digest: Digest) -> Iterator[bytes]:
        self._check(attempt)
        self.fetched.append(digest)
        yield self.objects[digest]

    def store_object(self, attempt: AttemptRef, digest: Digest, file: Path, size: int) -> None:
        self._check(attempt)
        with file.open("rb") as stream:
            data = ExactBytes(stream, size).read()
        assert digest_of(data) == digest
        self.objects[digest] = data

    def publish(
        self, attempt: AttemptRef, outputs: tuple[OutputRecord, ...], completes: tuple[int, ...] = ()
    ) -> Mapping[str, str]:
        told = self._check(attempt)
        told.published.append((tuple(o.path for o in outputs), completes))
        assert all(o.digest in self.objects for o in outputs)
        told.outputs.update({o.path: o for o in outputs})
        return {o.path: f"output:{o.path}" for o in outputs}

    def store_preview(self, attempt: AttemptRef, output: str, png: bytes) -> None:
        self.told[attempt.id].previews[output.removeprefix("output:")] = png

    def finish(self, attempt: AttemptRef, verdict: Verdict) -> None:
        self._check(attempt)
        with self.finished:
            self.told[attempt.id].verdict = verdict
            self.finished.notify_all()

    def goodbye(self) -> None:
        self.said_goodbye = True

    def silence_seconds(self) -> float:
        return self.silence


def _protocol_is_kept(service: HttpRunnerService) -> tuple[RunnerService, RunnerService]:
    """Fail the type check when either implementation leaves the protocol."""
    return service, MemoryService()


#: what a frame does is said in the scene file
FAKE_FRAME_SERVER = Path(__file__).with_name("fake_frame_server.py").read_text()


@dataclass(frozen=True)
class Job:
    """What a test asks the runner to do; the defaults render frame 1 of a scene that writes a PNG."""

    scene: str = "png(path)"
    frames: tuple[int, ...] = (1,)
    outputs: tuple[Output, ...] = (Output("/job/render/shot_####.png"),)
    limits: Limits = NO_LIMITS
    command: tuple[str, ...] = ()
    #: client path → bytes, beside the scene
    files: Mapping[str, bytes] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    #: what steps before made: client path → bytes
    made: Mapping[str, bytes] = field(default_factory=dict)
    environment: tuple[EnvironmentVariable, ...] = ()
    session: str = "session-1"
    scene_path: str = "/job/scenes/shot.blend"
    #: the scene, where it is no text for the fake frame server
    scene_bytes: bytes = b""
    flavour: Flavour = Flavour.POSIX
    last_try: bool = False
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    scripts: Scripts = field(default_factory=Scripts)
    plug_ins: tuple[Package, ...] = ()


class Farm:
    """A worker in a thread-less main loop, its service in memory."""

    def __init__(self, folder: Path, isolation: Isolation) -> None:
        self.folder = folder
        self.isolation = isolation
        self.service = MemoryService()
        self.hosts = folder / "hosts"
        self.resources = ResourceLimits(free_disk=1 << 20)
        self.settings = Settings(dead_after_seconds=30.0, drain_seconds=30.0)
        self.work = WorkFolder(folder / "work")
        #: how groups are found, once the work folder is there
        self.groups: Callable[[], Groups] = lambda: choose_groups(self.work.root)
        self._numbers = itertools.count(1)
        (self.hosts / "blender").mkdir(parents=True)
        (self.hosts / "blender" / "render.py").write_text(FAKE_FRAME_SERVER)

    @property
    def way(self) -> str:
        """How this machine keeps limits, as log and attempt say it."""
        self.work.root.mkdir(exist_ok=True)
        return f"limits: {choose_groups(self.work.root).name}"

    def add(self, job: Job) -> str:
        """Queue a job of one task; return its attempt id."""
        number = next(self._numbers)
        entries = [self._entry(job.scene_path, job.scene_bytes or job.scene.encode())] if not job.command else []
        entries += [self._entry(path, data) for path, data in job.files.items()]
        entries += [Entry(path, "symlink", target=says, mtime_ns=MTIME_NS) for path, says in job.links.items()]
        manifest = make_manifest(job.flavour, entries)
        inputs = make_manifest(job.flavour, [self._entry(path, data) for path, data in job.made.items()])
        self.service.manifests[inputs.digest()] = inputs.to_bytes()
        kind: Literal["command", "frames"] = "command" if job.command else "frames"
        step = Step("beauty", "1", kind=kind, outputs=job.outputs, command=job.command, parameters=job.parameters)
        assignment = Assignment(
            attempt=AttemptRef(f"attempt-{number}", 7, 1, job.last_try),
            job=JobRef("job-1", 1, "a job", "show"),
            task=TaskRef(f"task-{number}", 0, job.frames),
            step=step,
            scene="" if job.command else job.scene_path,
            flavour=job.flavour,
            software=self.package(job),
            manifest=manifest.digest(),
            environment=job.environment,
            limits=job.limits,
            session=job.session,
            inputs=inputs.digest() if job.made else "",
            plug_ins=job.plug_ins,
            scripts=job.scripts,
        )
        self.service.add(assignment, manifest)
        return assignment.attempt.id

    def package(self, job: Job) -> Package:
        if job.command:
            return Package("shell", "1", launch="command")
        return Package("fake", "1", launch="bpy-module", executable=sys.executable)

    def run(self) -> str:
        """Work off what is queued, then retire; return how the worker ended."""
        self.service.retire()
        self.work.open()
        try:
            return self.worker().run()
        finally:
            self.work.close()

    def worker(self) -> Worker:
        """Return a worker for this farm's service."""
        machine = Machine(self.isolation, self.hosts, self.resources, self.work.room, time.monotonic, self.groups())
        return Worker(self.service, self.work, machine, self.settings)

    def told(self, job: Job) -> Told:
        """Run one job; return what the service was told of it."""
        attempt = self.add(job)
        self.run()
        return self.service.told[attempt]

    def _entry(self, path: str, data: bytes) -> Entry:
        digest = digest_of(data)
        self.service.objects[digest] = data
        return Entry(path, digest=digest, size=len(data), mode=0o640, mtime_ns=MTIME_NS)


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Isolation:
    """Give the sandbox; the test is skipped (in CI: fails) where bubblewrap does not work."""
    if not shutil.which("bwrap"):
        if os.environ.get("CI") == "true":
            pytest.fail("bubblewrap is not installed")
        pytest.skip("bubblewrap is not installed")
    return choose_isolation("sandbox")


@pytest.fixture
def farm(tmp_path: Path, sandbox: Isolation) -> Farm:
    """Give a farm that isolates by sandbox."""
    return Farm(tmp_path, sandbox)


@pytest.fixture
def open_farm(tmp_path: Path) -> Farm:
    """Give a farm without a sandbox, which rewrites paths."""
    return Farm(tmp_path, choose_isolation("rewrite"))


@pytest.fixture
def job() -> Callable[..., Job]:
    """Give the making of jobs."""

    def make(scene: str = "png(path)", **changes: object) -> Job:
        return replace(Job(), scene=textwrap.dedent(scene), **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture
def small_disk(farm: Farm, require: Callable[[object, str], None]) -> Iterator[Path]:
    """Give a real file system of 96 MB and 3,000 files under the work folder."""
    require(os.geteuid() == 0, "only root can mount a small disk")
    farm.work.root.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96m,nr_inodes=3000", "tmpfs", str(farm.work.root)], check=True, timeout=30
    )
    farm.resources = replace(farm.resources, free_disk=16 << 20, free_files=300)
    yield farm.work.root
    subprocess.run(["umount", str(farm.work.root)], check=True, timeout=30)
