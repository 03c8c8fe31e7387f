"""A service in memory of one test: real database, real store, a clock that the test moves, and a fleet of nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from conductor_core.digest import digest_of
from conductor_core.documents import canonical_bytes, to_json
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.submission import Output, Software, Step, Submission, new_submission_id
from conductor_service.accounts import ensure_owner, token_file
from conductor_service.api import make_app
from conductor_service.farm import Farm, open_farm
from conductor_service.fleets import LaunchFailed, LaunchOrder, ProviderInstance
from conductor_service.models import Account, Membership, Project, User, new_id
from conductor_service.scheduler import Scheduler
from conductor_service.settings import FleetSettings, Settings
from conductor_service.store import FolderStore, MemoryStore, PrunableStore
from conductor_service.store.s3 import S3Store
from conductor_service.store.s3_line import S3Line
from conductor_service.store_settings import StoreSettings
from conductor_service.tokens import issue
from service.s3_server import Cluster, S3Server
from service.s3_server import is_installed as s3_server_installed

START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


class TestClock:
    """A clock that stands still until a test moves it."""

    __test__ = False

    def __init__(self) -> None:
        self.now = START
        #: seconds that have really passed
        self.elapsed = 0.0

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        self.elapsed += seconds

    def set(self, seconds: float) -> None:
        """Set the clock forward, or back; no time passes."""
        self.now += timedelta(seconds=seconds)


class FarStore(MemoryStore):
    """A store in memory that takes itself for one over a network: whoever asks it while he holds the database's pen fails."""

    #: tells whether the thread that asks is in a writing transaction
    writes_here: Callable[[], bool] | None = None

    def __getattribute__(self, name: str) -> Any:
        if name in _ASKED:
            writes_here = object.__getattribute__(self, "writes_here")
            assert writes_here is None or not writes_here(), f"{name} of the store is called inside a write transaction"
        return object.__getattribute__(self, name)


_ASKED = frozenset({"size", "read", "check_room", "write", "write_whole", "delete", "set_aside", "written", "digests"})


class Browser:
    """An HTTP client that speaks to the application in this process, with a cookie jar; no socket, no server."""

    def __init__(self, app: Any) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")
        self.cookies = self._client.cookies
        self._loop = asyncio.Runner()

    def request(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._loop.run(self._client.request(method, path, **request))

    def close(self) -> None:
        """End the loop and its threads."""
        self._loop.close()


class FakeFleet:
    """A provider whose machines are entries of a dictionary; passes the conformance suite of fleets."""

    def __init__(self) -> None:
        self.orders: dict[str, LaunchOrder] = {}
        self.terminated: list[str] = []
        self.broken = False

    def launch(self, order: LaunchOrder) -> None:
        if self.broken:
            raise LaunchFailed(order.instance_id, "the provider is out of machines")
        self.orders.setdefault(order.instance_id, order)

    def instances(self) -> Sequence[ProviderInstance]:
        return [ProviderInstance(o.instance_id, o.instance_type) for o in self.orders.values()]

    def terminate(self, instance_id: str) -> None:
        self.terminated.append(instance_id)
        self.orders.pop(instance_id, None)

    def vanish(self, instance_id: str) -> None:
        """Take a machine away, as a preemption or a power cut does."""
        del self.orders[instance_id]


def commands(frames: str = "1-3", *, chunk: int = 1, **changes: Any) -> Submission:
    """Return a submission of one command step that writes one picture per frame."""
    outputs = (Output("/job/out/f.####.png"),)
    step = Step("main", frames, chunk_size=chunk, kind="command", outputs=outputs, command=("true", "{frames}"))
    submission = Submission(
        id=new_submission_id(),
        project="default",
        title="a job",
        scene="",
        flavour=Flavour.POSIX,
        software=Software("command", "1.0"),
        steps=(step,),
        instance_type="small",
    )
    return replace(submission, **changes)


@dataclass
class Runner:
    """What a runner does, call by call."""

    http: Browser
    id: str
    token: str

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **request.pop("headers", {})}
        return self.http.request(method, f"/api/v1/runner{path}", headers=headers, **request)

    def hello(self) -> httpx.Response:
        return self.ask("POST", "/hello", json={"host": "box", "cores": 2, "memory_bytes": 1, "version": "0"})

    def next(self, **ask: Any) -> httpx.Response:
        return self.ask("POST", "/next", json={"wait_seconds": 0, **ask})

    def take(self, **ask: Any) -> dict[str, Any]:
        """Return the next assignment, which must be there."""
        answer = self.next(**ask)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def beat(self, assignment: dict[str, Any], **said: Any) -> httpx.Response:
        attempt = assignment["attempt"]
        return self.ask("POST", f"/attempts/{attempt['id']}/beat", json={"fence": attempt["fence"], "progress": 0.5, **said})

    def finish(self, assignment: dict[str, Any], state: str = "success", **said: Any) -> httpx.Response:
        attempt = assignment["attempt"]
        return self.ask("POST", f"/attempts/{attempt['id']}/finish", json={"fence": attempt["fence"], "state": state, **said})

    def store(self, assignment: dict[str, Any], data: bytes) -> httpx.Response:
        attempt = assignment["attempt"]
        path = f"/attempts/{attempt['id']}/objects/{digest_of(data)}"
        return self.ask("PUT", path, params={"fence": attempt["fence"]}, content=data)

    def publish(self, assignment: dict[str, Any], *records: dict[str, Any], **said: Any) -> httpx.Response:
        """Publish files; `completes` is what they are of, where nothing else is said."""
        attempt = assignment["attempt"]
        frames = sorted({r["frame"] for r in records if r.get("frame") is not None})
        body = {"fence": attempt["fence"], "outputs": list(records), "completes": frames, **said}
        return self.ask("POST", f"/attempts/{attempt['id']}/outputs", json=body)

    def render(self, assignment: dict[str, Any]) -> None:
        """Do a whole task: one output per frame, then success."""
        for frame in assignment["task"]["frames"]:
            data = f"picture of frame {frame}".encode()
            assert self.store(assignment, data).status_code in (200, 201)
            answer = self.publish(assignment, record(assignment, frame, data))
            assert answer.status_code == 200, answer.text
        assert self.finish(assignment).status_code == 200


def record(assignment: dict[str, Any], frame: int | None, data: bytes, **changes: Any) -> dict[str, Any]:
    """Return an output record as a runner sends it."""
    path = f"/job/out/f.{frame:04d}.png" if frame is not None else "/job/out/f.png"
    facts = {"path": path, "digest": digest_of(data), "size": len(data), "mode": 0o644, "mtime_ns": 1}
    return {**facts, "frame": frame, "step": assignment["step"]["name"], "width": 4, "height": 4, "layers": [], **changes}


@dataclass
class Studio:
    """A running service with one person signed in."""

    farm: Farm
    fleet: FakeFleet
    clock: TestClock
    http: Browser
    scheduler: Scheduler
    token: str
    store: PrunableStore

    #: submissions and output records to vary
    commands = staticmethod(commands)
    record = staticmethod(record)

    def ask(self, method: str, path: str, *, token: str | None = None, **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.token}", **request.pop("headers", {})}
        return self.http.request(method, f"/api/v1{path}", headers=headers, **request)

    def get(self, path: str, **request: Any) -> Any:
        answer = self.ask("GET", path, **request)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def upload(self, data: bytes, project: str = "default") -> str:
        digest = digest_of(data)
        answer = self.ask("PUT", f"/projects/{project}/objects/{digest}", content=data)
        assert answer.status_code in (200, 201), answer.text
        return digest

    def submit(self, submission: Submission | None = None) -> dict[str, Any]:
        """Make a job; its manifest is still to come."""
        answer = self.ask("POST", "/projects/default/jobs", json=to_json(submission or commands()))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def commit(self, job: dict[str, Any]) -> dict[str, Any]:
        """Commit a manifest of one small file."""
        data = b"a texture"
        entry = Entry("/job/texture.png", digest=self.upload(data), size=len(data), mode=0o644, mtime_ns=1)
        body = canonical_bytes(make_manifest(Flavour.POSIX, [entry]))
        answer = self.ask("PUT", f"/jobs/{job['id']}/manifest", content=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def job(self, submission: Submission | None = None) -> dict[str, Any]:
        """Make a job that is ready to run."""
        return self.commit(self.submit(submission))

    def state(self, job: dict[str, Any]) -> str:
        return str(self.get(f"/jobs/{job['id']}")["state"])

    def tasks(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        return list(self.get(f"/jobs/{job['id']}/tasks")["tasks"])

    def states(self, job: dict[str, Any]) -> list[str]:
        return [t["state"] for t in self.tasks(job)]

    def verb(self, job: dict[str, Any], verb: str, **wish: Any) -> httpx.Response:
        return self.ask("POST", f"/jobs/{job['id']}/{verb}", json=wish)

    def runners(self) -> list[Runner]:
        """Let the scheduler launch what it wants, and return the runners of all instances, up and greeting."""
        self.scheduler.tick()
        runners = [Runner(self.http, o.instance_id, o.token) for o in self.fleet.orders.values()]
        for runner in runners:
            assert runner.hello().status_code == 200
        return runners

    def runner(self) -> Runner:
        return self.runners()[0]

    def second_token(self) -> str:
        """Make another account, and return its owner's token."""
        with self.farm.database.write() as unit:
            account = Account(id=new_id(), name="rival", instance_limit=10, created=unit.now)
            user = User(id=new_id(), name="rival", created=unit.now)
            unit.session.add_all([account, user])
            unit.session.flush()
            unit.session.add(Membership(account_id=account.id, user_id=user.id, role="owner"))
            unit.session.add(Project(account_id=account.id, name="default", created=unit.now))
            return issue(unit, "user", account_id=account.id, user_id=user.id)


def make_settings(folder: Path, **changes: Any) -> Settings:
    """Return settings for a service in `folder`."""
    return replace(Settings(data=str(folder / "data"), fleet=FleetSettings(max_instances=4), find_software=False), **changes)


class StudioMaker:
    """Start a service in one folder; called again it starts the same one anew, as after a crash."""

    def __init__(self, folder: Path, *, on_disk: bool = False) -> None:
        self._folder = folder
        self._running: list[Studio] = []
        self.clock, self.fleet = TestClock(), FakeFleet()
        #: None: as the settings say
        self.store: PrunableStore | None = FolderStore(folder / "data" / "store") if on_disk else FarStore(self.clock)

    def __call__(self, **changes: Any) -> Studio:
        self.close()
        settings, clock = make_settings(self._folder, **changes), self.clock
        farm = open_farm(settings, store=self.store, clock=clock, monotonic=lambda: clock.elapsed)
        if isinstance(self.store, FarStore):
            self.store.writes_here = farm.database.writes_here
        data = settings.data_folder
        ensure_owner(farm.database, data, instance_limit=settings.account_instance_limit, owner_name="Ada")
        scheduler = Scheduler(farm, self.fleet, service_url="http://127.0.0.1:1")
        token = token_file(data).read_text().strip()
        studio = Studio(farm, self.fleet, clock, Browser(make_app(farm)), scheduler, token, farm.shelf)
        self._running.append(studio)
        return studio

    def close(self) -> None:
        """Stop the service as a crash does."""
        while self._running:
            studio = self._running.pop()
            studio.http.close()
            studio.farm.close()


@pytest.fixture
def make_studio(tmp_path: Path) -> Iterator[StudioMaker]:
    """Give what starts a service, and starts it again."""
    maker = StudioMaker(tmp_path)
    yield maker
    maker.close()


@pytest.fixture(scope="session")
def studios_on_disk(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], StudioMaker]:
    """Give services without end whose objects are files."""
    return lambda: StudioMaker(tmp_path_factory.mktemp("service"), on_disk=True)


@pytest.fixture(scope="session")
def fresh_studios(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], StudioMaker]:
    """Give services without end, each in a folder of its own, for tests that share one or need many."""
    return lambda: StudioMaker(tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory, require: Callable[[object, str], None]) -> Iterator[S3Server]:
    """Give a real S3 server with a bucket; the test is skipped (in CI: fails) where its programs are not installed."""
    require(s3_server_installed(), "no S3 server is installed (apt-get install radosgw ceph-mon ceph-osd ceph-common)")
    cluster = Cluster(tmp_path_factory.mktemp("ceph"))
    try:
        server = cluster.start()
        S3Line(server.settings()).done("PUT", "")
        yield server
    finally:
        cluster.stop()


@pytest.fixture
def s3_settings(s3_server: S3Server) -> StoreSettings:
    """Give the settings of an empty store on it."""
    return s3_server.settings(prefix=new_id())


@pytest.fixture
def s3_store(s3_settings: StoreSettings) -> S3Store:
    """Give an empty store on it."""
    return S3Store(S3Line(s3_settings), s3_settings.folder)


@pytest.fixture
def studio(make_studio: StudioMaker) -> Studio:
    """Give a running service."""
    return make_studio()
