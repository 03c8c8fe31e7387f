"""Every field of the panel, from the form in a window to what a real agent, service, runner and mail server make of it.

One scene of the host in memory is submitted by the panel itself, in all fields at once; the table says for each field what is seen
of it afterwards on the job, on the instance (its log), in the mailbox, or in the artist's folders.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from conductor_core.agent_answers import SceneJob
from conductor_core.agent_client import AgentClient, connect
from conductor_core.api.answers import Job
from conductor_core.api.client import ServiceClient
from conductor_core.environment import EnvironmentVariable
from conductor_core.host import SceneStep
from conductor_core.submission import Exclusion, Notifications, Output, Scripts, Software, Submission
from conductor_core.user_folders import user_folders
from conductor_plugins.form.model import Form, StepForm
from conductor_plugins.host import HostScene
from conductor_plugins.lazy_agent import LazyAgent
from conductor_plugins.memory_host import MemoryHost, MemoryNode
from conductor_plugins.panel.opening import open_panel
from conductor_plugins.panel.window import Window
from conductor_service.embedded import EmbeddedService, start_service, stop_service
from qtpy.QtWidgets import QApplication

FAKE = Path(__file__).resolve().parents[1] / "runner" / "fake_frame_server.py"
PATIENCE = 240.0
#: what the scene does of each frame: says what it finds on the instance, and draws
SCENE = """
import os
print("unsaved change", flush=True)
print("SHOW is", os.environ.get("SHOW"), "and the views are", os.environ.get("OCIO_ACTIVE_VIEWS"), flush=True)
for name in ({added!r}, {excluded!r}, {texture!r}):
    place = mapped(name)
    print(os.path.basename(name), "is there" if os.path.exists(place) else "is not there", flush=True)
png(path)
"""


class Mailbox:
    """Keeps what a real mail server is given."""

    def __init__(self) -> None:
        self.letters: list[Any] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
        self.letters.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"


@dataclass
class Farm:
    """A service, an agent and a mailbox, all real."""

    folder: Path
    service: EmbeddedService
    environment: dict[str, str]
    mailbox: Mailbox

    def agent(self) -> AgentClient:
        return connect(start=False, folders=user_folders(self.environment))

    def client(self) -> ServiceClient:
        return ServiceClient(self.service.url, self.service.token)

    def conductor(self, *words: str) -> None:
        command = [sys.executable, "-m", "conductor_core.cli", *words]
        ran = subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=120, check=False
        )
        assert ran.returncode == 0, (words, ran.stdout, ran.stderr)


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    folder = tmp_path_factory.mktemp("fields")
    mailbox = Mailbox()
    post = Controller(mailbox, hostname="127.0.0.1", port=_free_port())
    post.start()
    hosts = folder / "hosts" / "blender"
    hosts.mkdir(parents=True)
    (hosts / "render.py").write_text(FAKE.read_text())
    environment = {"CONDUCTOR_HOME": str(folder / "client"), "CONDUCTOR_HOSTS": str(folder / "hosts")}
    kinds = [
        {"name": "small", "cores": 1, "memory_gb": 0, "price_per_hour": "0.60"},
        {"name": "large", "cores": 1, "memory_gb": 0, "price_per_hour": "1.20", "preemptible_price_per_hour": "0.30"},
    ]
    roots = [str(FAKE.parent), str(hosts)]
    settings = {
        "idle_seconds": 2,
        "heartbeat_seconds": 1,
        "find_software": False,
        "instance_types": kinds,
        "software": [
            {"name": "fake", "version": "1.0", "launch": "bpy-module", "executable": sys.executable, "roots": roots},
            {
                "name": "fur",
                "version": "2.1",
                "plug_in_of": "fake",
                "roots": roots,
                "environment": [{"name": "FUR", "value": "combed"}],
            },
        ],
        "email": {
            "host": "127.0.0.1",
            "port": post.port,
            "security": "none",
            "sender": "c@farm.test",
        },
    }
    service = start_service(folder / "service", settings, start_seconds=120, environment=environment)
    found = Farm(folder, service, environment, mailbox)
    found.conductor("login", service.url, "--token-file", str(service.token_file))
    found.conductor("agent", "--start")
    yield found
    found.agent().quit(now=True)
    stop_service(service)
    post.stop()


@dataclass
class Show:
    """A scene with its files."""

    folder: Path
    host: MemoryHost = field(init=False)

    def __post_init__(self) -> None:
        for name in ("wood.png", "old.png", "notes.txt", "tool.py"):
            self.folder.mkdir(exist_ok=True)
            (self.folder / name).write_text(f"# {name}\n")
        (self.folder / "plug").mkdir()
        (self.folder / "plug" / "own.py").write_text("# a plug-in\n")
        scene = self.folder / "shot.scene"
        scene.write_text("raise SystemExit('the file of the artist, saved after Submit, is not what renders')")
        code = SCENE.format(added=self.here("notes.txt"), excluded=self.here("old.png"), texture=self.here("wood.png"))
        self.host = MemoryHost(
            HostScene(str(scene), modified=True, software=Software("fake", "1.0"), frames="1-4"),
            scene_steps=(
                SceneStep("beauty", (Output(self.here("render/beauty_####.png")),)),
                SceneStep("fog", (Output(self.here("render/fog_####.png")),)),
                SceneStep("never", (Output(self.here("render/never_####.png")),)),
            ),
            nodes=(MemoryNode("wood", self.here("wood.png")), MemoryNode("old", self.here("old.png"))),
            content=code,
            variables={"OCIO_ACTIVE_VIEWS": "film", "UNRELATED": "stays at home"},
        )

    def here(self, name: str) -> str:
        return str(self.folder / name)


def the_form(show: Show) -> Form:
    """Return a form in which every field is another than at first."""
    before = ("/bin/sh", "-c", "echo before {frames}")
    after = ("/bin/sh", "-c", "echo after {frames}")
    return Form(
        title="Dragons at dawn",
        project="default",
        steps=(
            StepForm("fog", frames="3", outputs=(show.here("other/fog_####.png"),)),
            StepForm("never", enabled=False),
        ),
        frames="1-4",
        chunk_size=2,
        scouts="1",
        instance_type="large",
        preemptible=True,
        retries_failure=2,
        retries_preemption=3,
        max_instances=1,
        priority=70,
        task_minutes=30,
        software="fake@1",
        plug_ins=("fur@2",),
        added=(show.here("notes.txt"),),
        excluded=(Exclusion(show.here("old.png"), "not in this shot"),),
        environment=(EnvironmentVariable("SHOW", "dragons"),),
        scripts=Scripts((show.here("plug"),), (), before, after),
        metadata=(("shot", "010"), ("department", "light")),
        notifications=Notifications(("mika@studio.test",), ("scouts", "success")),
    )


@dataclass
class Seen:
    """All that became of the job."""

    show: Show
    form: Form
    #: as it stood while the scouts were done and the others were held
    scouted: Job
    card: SceneJob
    job: Job
    log: str
    letters: list[Any]
    found_by_metadata: list[int]

    @property
    def submission(self) -> Submission:
        assert self.job.submission is not None
        return self.job.submission


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def logs_of(client: ServiceClient, job: str) -> str:
    """Return the logs of all attempts of a job."""
    attempts = [a for task in client.tasks(job) for a in client.task(task.id).attempts or ()]
    return b"".join(client.log(attempt.id)[0] for attempt in attempts).decode()


def turn(done: Callable[[], Any], what: str) -> Any:
    """Let the event loop turn until something is there, and return it."""
    end = time.monotonic() + PATIENCE
    while not (found := done()):
        QApplication.processEvents()
        time.sleep(0.005)
        assert time.monotonic() < end, what
    return found


def submit(window: Window, form: Form) -> SceneJob:
    """Fill the form and click Submit, warnings accepted; return the job as the panel shows it once it is made."""
    desk = window.desk
    desk.edit(lambda _: form)
    turn(lambda: desk.offer and desk.scan.state == "done" and desk.check and desk.check.done, "scan and check end")
    known = {job.id for job in desk.jobs}
    refused = [p.what for p in desk.problems if p.severity == "error"]
    assert not refused, refused
    window.submit()
    end = time.monotonic() + PATIENCE
    while desk.busy or not ({job.id for job in desk.jobs} - known):
        QApplication.processEvents()
        if window.drawer.isVisible():
            assert not window.drawer.anyway.isHidden(), [p.what for p in desk.problems]
            window.drawer.anyway.click()
        assert time.monotonic() < end, (desk.busy, desk.problems)
    new = next(job.id for job in desk.jobs if job.id not in known)
    made: SceneJob = turn(lambda: next((j for j in desk.jobs if j.id == new and j.number), None), "the service has the job")
    return made


@pytest.fixture(scope="module")
def application() -> Any:
    return QApplication.instance() or QApplication([])


@pytest.fixture(scope="module")
def seen(farm: Farm, application: Any) -> Seen:
    """Submit by the panel, release the scouts by its button, and look at everything once the job has ended."""
    show = Show(farm.folder / "show")
    form = the_form(show)
    window = open_panel(show.host, agent=LazyAgent(farm.agent))
    try:
        card = submit(window, form)
        Path(show.host.current.path).write_text("raise SystemExit('saved while it was uploaded')")
        view: Any = window.section("Jobs")
        turn(lambda: card.id in view.cards, "its card is made")
        turn(lambda: "release" in view.cards[card.id].job.verbs, "the scouts are done, the others wait")
        with farm.client() as client:
            scouted = turn(lambda: (j := client.job(card.job)) and j.scouts.done == j.scouts.total and j, "scouts have ended")
            view.cards[card.id].verbs["release"].click()
            turn(lambda: view.cards[card.id].job.state == "success", "the job succeeds")
            turn(lambda: view.cards[card.id].job.files_home == 5, "its frames are at home")
            job = client.job(card.job)
            log = logs_of(client, card.job)
            found = client.jobs(metadata=("shot=010", "department=light"))
            other = client.jobs(metadata=("shot=020",))
        turn(lambda: len(farm.mailbox.letters) >= 2, "the letters are there")
        letters = list(farm.mailbox.letters)
        numbers = [j.number for j in found] + [-1 for _ in other]
        return Seen(show, form, scouted, view.cards[card.id].job, job, log, letters, numbers)
    finally:
        window.close()


def home(seen: Seen, name: str) -> list[str]:
    folder = Path(seen.show.here(name))
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


#: field → what must be so of the job
FIELDS: dict[str, Callable[[Seen], bool]] = {
    "title": lambda s: s.job.title == "Dragons at dawn" == s.card.title,
    "project": lambda s: s.job.project == "default",
    "steps": lambda s: [step.name for step in s.job.steps] == ["beauty", "fog"] and home(s, "render") != [],
    "steps.frames": lambda s: {step.name: step.frames for step in s.job.steps} == {"beauty": "1-4", "fog": "3"},
    "steps.outputs": lambda s: home(s, "other") == ["fog_0003.png"],
    "frames": lambda s: home(s, "render") == [f"beauty_{n:04d}.png" for n in (1, 2, 3, 4)],
    "chunk_size": lambda s: sum(s.job.tasks.values()) == 3,
    "scouts": lambda s: (
        (s.scouted.scouts.total, s.scouted.scouts.held) == (1, 1)
        and (s.scouted.frames["holding"], s.job.frames["success"]) == (2, 5)
    ),
    "instance_type": lambda s: s.job.instance_type == "large",
    "preemptible": lambda s: s.job.preemptible,
    "retries_failure": lambda s: s.submission.retries.failure == 2,
    "retries_preemption": lambda s: s.submission.retries.preemption == 3,
    "max_instances": lambda s: s.submission.max_instances == 1,
    "priority": lambda s: s.job.priority == 70,
    "task_minutes": lambda s: s.submission.limits.task_seconds == 1800,
    "software": lambda s: s.submission.software == Software("fake", "1"),
    "plug_ins": lambda s: s.submission.plug_ins == (Software("fur", "2"),),
    "added": lambda s: "notes.txt is there" in s.log,
    "excluded": lambda s: "old.png is not there" in s.log and "wood.png is there" in s.log,
    "download": lambda s: s.card.files_home == s.card.files_total == 5,
    "environment": lambda s: "SHOW is dragons" in s.log,
    "what is replicated": lambda s: "and the views are film" in s.log,
    "scripts.before_task": lambda s: "before 1-2" in s.log,
    "scripts.after_task": lambda s: "after 1-2" in s.log,
    "scripts.plug_in_folders": lambda s: s.submission.scripts.plug_in_folders == (s.show.here("plug"),),
    "metadata": lambda s: s.found_by_metadata == [s.job.number],
    "notifications": lambda s: (
        [to for to, _ in s.letters] == [["mika@studio.test"]] * 2
        and all("Dragons at dawn" in str(letter["Subject"]) for _, letter in s.letters)
    ),
    "the snapshot": lambda s: "unsaved change" in s.log and "SystemExit" not in s.log,
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_does_what_it_says(seen: Seen, name: str) -> None:
    """Seen on the job of the real service, on its instance, in the mailbox or at home."""
    assert FIELDS[name](seen), (
        json.dumps(dict(seen.job.frames)),
        seen.log[-3000:],
        [str(letter["Subject"]) for _, letter in seen.letters],
    )


def test_every_field_is_in_the_table() -> None:
    """A new field of the form needs a line here; a scene without missing files has nothing that `allow_missing` could allow."""
    named = {name.partition(".")[0] for name in FIELDS}
    elsewhere = {"allow_missing", "not_replicated"}
    assert set(Form.__dataclass_fields__) - elsewhere <= named


def test_the_artists_scene_is_as_it_was(seen: Seen) -> None:
    """Submitted with unsaved changes: it still has them, under its own name, and remembers what was chosen."""
    current = seen.show.host.current
    assert current.modified
    assert current.path == seen.show.here("shot.scene")
    assert "Dragons at dawn" in current.settings


def test_the_rest_of_the_form(farm: Farm, application: Any) -> None:
    """Without download nothing comes home; what is missing is rendered without where that is allowed; a variable stays at home."""
    show = Show(farm.folder / "second")
    show.host.nodes = (*show.host.nodes, MemoryNode("gone", show.here("gone.png")))
    window = open_panel(show.host, agent=LazyAgent(farm.agent))
    try:
        form = Form(
            project="default",
            instance_type="small",
            frames="1",
            download=False,
            allow_missing=True,
            not_replicated=("OCIO_ACTIVE_VIEWS",),
        )
        form = Form(
            **{
                **{f: getattr(form, f) for f in Form.__dataclass_fields__},
                "steps": (StepForm("fog", False), StepForm("never", False)),
            }
        )
        card = submit(window, form)
        with farm.client() as client:
            job = turn(lambda: (j := client.job(card.job)).ended() and j, "the job ends")
            log = logs_of(client, card.job)
    finally:
        window.close()
    assert job.state == "success", log
    assert job.submission is not None
    assert job.submission.allowed_missing == (show.here("gone.png"),)
    assert "SHOW is None and the views are None" in log
    time.sleep(1)
    assert not Path(show.here("render")).exists()
