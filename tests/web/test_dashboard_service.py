"""The dashboard on the real service: its database, its events, its state machine; only the renderer is played."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from conductor_core.digest import digest_of
from conductor_core.documents import canonical_bytes, to_json
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.submission import Output, Retries, Software, Step, Submission, new_submission_id
from conductor_service.accounts import ensure_owner, token_file
from conductor_service.farm import open_farm
from conductor_service.fleets import LaunchOrder, ProviderInstance
from conductor_service.serving import Serving, listen, run
from conductor_service.settings import FleetSettings, Settings
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator

Json = dict[str, Any]
PICTURE = bytes.fromhex(  # one grey pixel
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000"
    "000a49444154789c636800000082008177cd72b60000000049454e44ae426082"
)


@dataclass
class KeptOrders:
    """A fleet whose machines are played by the test."""

    orders: dict[str, LaunchOrder] = field(default_factory=dict)

    def launch(self, order: LaunchOrder) -> None:
        self.orders[order.instance_id] = order

    def instances(self) -> Sequence[ProviderInstance]:
        return [ProviderInstance(o.instance_id, o.instance_type) for o in list(self.orders.values())]

    def terminate(self, instance_id: str) -> None:
        self.orders.pop(instance_id, None)


@dataclass
class Service:
    """A running service, its owner's token, and the machines it asked for."""

    url: str
    token: str
    fleet: KeptOrders

    def ask(self, method: str, path: str, token: str = "", **request: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        answer = requests.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=30, **request)
        assert answer.status_code < 300, answer.text
        return answer

    def submit(self, title: str, frames: str, *, scouts: str = "", metadata: Mapping[str, str] | None = None) -> Json:
        """Submit a job of one command step with one texture, ready to run."""
        outputs = (Output("/job/out/f.####.png"),)
        step = Step("beauty", frames, kind="command", outputs=outputs, command=("true",), scouts=scouts)
        submission = Submission(
            id=new_submission_id(), project="default", title=title, scene="", flavour=Flavour.POSIX,
            software=Software("command", "1.0"), steps=(step,), instance_type="small", max_instances=1,
            retries=Retries(failure=0), metadata=metadata or {},
        )  # fmt: skip
        job: Json = self.ask("POST", "/projects/default/jobs", json=to_json(submission)).json()
        texture = b"a texture"
        self.ask("PUT", f"/projects/default/objects/{digest_of(texture)}", data=texture)
        entry = Entry("/job/texture.png", digest=digest_of(texture), size=len(texture), mode=0o644, mtime_ns=1)
        self.ask("PUT", f"/jobs/{job['id']}/manifest", data=canonical_bytes(make_manifest(Flavour.POSIX, [entry])))
        return job

    def machine(self) -> Machine:
        """Wait for a machine that the scheduler launched, and greet the service from it."""
        deadline = time.monotonic() + 20
        while not self.fleet.orders and time.monotonic() < deadline:
            time.sleep(0.05)
        machine = Machine(self, next(iter(self.fleet.orders.values())).token)
        machine.ask("POST", "/hello", json={"host": "box", "cores": 2, "memory_bytes": 1, "version": "0"})
        return machine


@dataclass
class Machine:
    """What a runner says, call by call."""

    service: Service
    token: str
    attempt: Json = field(default_factory=dict)

    def ask(self, method: str, path: str, **request: Any) -> requests.Response:
        return self.service.ask(method, f"/runner{path}", self.token, **request)

    def say(self, method: str, path: str, **request: Any) -> requests.Response:
        """Speak under the fence of the attempt at hand."""
        fence = {"fence": self.attempt["fence"]}
        if "json" in request:
            request["json"] |= fence
        else:
            request["params"] = {**request.get("params", {}), **fence}
        return self.ask(method, f"/attempts/{self.attempt['id']}{path}", **request)

    def take(self) -> int:
        """Take the next task; return its frame."""
        assignment = self.ask("POST", "/next", json={"wait_seconds": 10, "sessions": []}).json()
        self.attempt = assignment["attempt"]
        return int(assignment["task"]["frames"][0])

    def publish(self, frame: int) -> None:
        """Publish a picture with its preview."""
        data = f"picture {frame}".encode()
        self.say("PUT", f"/objects/{digest_of(data)}", data=data)
        record = {
            "path": f"/job/out/f.{frame:04}.png", "digest": digest_of(data), "size": len(data), "mode": 0o644, "mtime_ns": 1,
            "frame": frame, "step": "beauty", "width": 1, "height": 1, "layers": [],
        }  # fmt: skip
        output = self.say("POST", "/outputs", json={"outputs": [record]}).json()["outputs"][0]
        self.say("PUT", f"/outputs/{output['id']}/preview", data=PICTURE)

    def finish(self, state: str, frame: int, **more: Any) -> None:
        done = [frame] if state == "success" else []
        facts = {"cause": None, "exit_code": 0, "message": "", "peak_memory": 1000, "frames_done": done}
        self.say("POST", "/finish", json={"state": state, **facts, **more})


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Run the whole service on loopback, with its scheduler, on a new data folder."""
    farm = open_farm(Settings(data=str(tmp_path / "data"), fleet=FleetSettings(max_instances=1)))
    ensure_owner(farm.database, farm.settings.data_folder, instance_limit=4, owner_name="Ada")
    bound = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    fleet = KeptOrders()
    ready = threading.Event()
    serving = Serving(farm, fleet, bound, url)
    thread = threading.Thread(target=lambda: run(serving, ready=ready.set, signals=False))
    thread.start()
    assert ready.wait(20)
    yield Service(url, token_file(farm.settings.data_folder).read_text().strip(), fleet)
    farm.signals.close()
    thread.join(20)
    farm.close()


@pytest.fixture
def signed_in(service: Service, page: Page) -> Callable[..., Page]:
    """Sign in as a person does, then open a page."""

    def open_at(route: str = "#/jobs") -> Page:
        page.goto(service.url)
        page.get_by_label("Your token").fill(service.token)
        page.keyboard.press("Enter")
        expect(page.locator("#line")).to_have_text("live")
        if route != "#/jobs":
            page.evaluate("(hash) => { location.hash = hash; }", route)
            expect(page.locator("#title")).not_to_be_empty()
        return page

    return open_at


def cell(page: Page, frame: int) -> Locator:
    return page.locator(f'.cell[data-frame="{frame}"]')


def test_wrong_token(service: Service, page: Page) -> None:
    """The real service's refusal of a wrong token is shown."""
    page.goto(service.url)
    page.get_by_label("Your token").fill("cdr_wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("wrong, expired or revoked")


def test_a_job_from_first_frame_to_last(service: Service, signed_in: Callable[..., Page]) -> None:
    """Submitted, rendered, failed, retried and done: the page follows each step by itself."""
    page = signed_in()
    expect(page.locator("#foot")).to_contain_text("No jobs yet")
    service.submit('<b onmouseover="x">Lighthouse</b>', "1-3")
    row = page.locator(".job-row")
    expect(row.locator(".title")).to_have_text('<b onmouseover="x">Lighthouse</b>')
    row.locator(".title").click()
    expect(page.locator(".facts")).to_contain_text("#1 · default · by Ada · command 1.0 · small")

    machine = service.machine()
    first = machine.take()
    machine.say("POST", "/beat", json={"progress": 0.5, "frame": first, "status": "Sample 4/8", "peak_memory": 1})
    expect(cell(page, first)).to_have_attribute("data-state", "running")
    expect(cell(page, first)).to_have_css("--fraction", "0.500")
    cell(page, first).click()
    machine.say("PUT", "/log", params={"offset": 0}, data=b"Saved: f.0001.png\n")
    expect(page.locator("#log")).to_have_text("Saved: f.0001.png\n")
    machine.publish(first)
    machine.finish("success", first)
    expect(cell(page, first)).to_have_attribute("data-state", "success")
    expect(page.locator("#picture")).to_be_visible()
    page.keyboard.press("Escape")

    second = machine.take()
    machine.finish("failed", second, cause="crashed", exit_code=139, message="The renderer crashed on purpose.")
    expect(page.locator("#failures")).to_contain_text("The renderer crashed on purpose.")
    page.get_by_role("button", name="Retry these").click()
    expect(cell(page, second)).to_have_attribute("data-state", "ready")
    for _ in range(2):
        frame = machine.take()
        machine.publish(frame)
        machine.finish("success", frame)
    expect(page.locator(".job-head .chip")).to_contain_text("success")
    expect(page.locator(".figures")).to_contain_text("3 of 3 frames")
    page.get_by_role("link", name="Jobs", exact=True).click()
    expect(page.locator(".job-row .thumb img")).to_be_visible()


@pytest.mark.parametrize(("button", "state"), [("Hold", "holding"), ("Kill", "killed")])
def test_buttons_reach_the_service(service: Service, signed_in: Callable[..., Page], button: str, state: str) -> None:
    """Hold and kill pressed in the page are what the service says of the job afterwards."""
    job = service.submit("Shot", "1-2")
    page = signed_in()
    page.locator(".job-row").get_by_role("button", name=button).click()
    if button == "Kill":
        page.get_by_role("dialog").get_by_role("button", name="Kill").click()
    expect(page.locator(".job-row .chip")).to_contain_text(state)
    assert service.ask("GET", f"/jobs/{job['id']}").json()["state"] == state


def test_scouts_and_metadata_on_the_real_service(service: Service, signed_in: Callable[..., Page]) -> None:
    """Found by its metadata, its scout looked at, the rest released: the page says what the service says at each step."""
    job = service.submit("Fog", "1-4", scouts="2", metadata={"shot": "010"})
    service.submit("Other", "1", metadata={"shot": "0100"})
    page = signed_in()
    page.get_by_label("Filter by text").fill("shot=010")
    page.keyboard.press("Enter")
    row = page.locator(".job-row")
    expect(row.locator(".title")).to_have_text(["Fog"])
    expect(row).to_contain_text("scouts 0 / 1, 3 held")
    machine = service.machine()
    assert machine.take() == 2
    machine.publish(2)
    machine.finish("success", 2)
    row.locator(".title").click()
    said = page.locator(".job-head .scouts")
    expect(said).to_have_text("Scout frames: 1 of 1 task ended. Look at them, then release the rest: 3 more tasks wait.")
    page.keyboard.press("l")
    expect(said).to_be_hidden()
    expect(cell(page, 1)).to_have_attribute("data-state", "ready")
    assert service.ask("GET", f"/jobs/{job['id']}").json()["scouts"] == {"total": 1, "done": 1, "held": 0}


def test_instances_tell_what_they_render(service: Service, signed_in: Callable[..., Page]) -> None:
    """The instances page names the frame at work and leads to it."""
    service.submit("Shot", "5")
    page = signed_in()
    page.get_by_role("link", name="Instances").click()
    machine = service.machine()
    expect(page.locator("#instances tr")).to_contain_text("small")
    assert machine.take() == 5
    page.get_by_role("link", name="#1 Shot, frame 5").click()
    expect(page.locator("#frame-panel h2")).to_have_text("Frame 5")
    expect(page.locator("#attempts li")).to_have_count(1)


def test_signed_out_is_out(service: Service, signed_in: Callable[..., Page]) -> None:
    """Signing out ends the session for real: the cookie it had is worth nothing afterwards."""
    page = signed_in()
    kept = page.context.cookies()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("alert")).to_have_text("You are signed out.")
    page.context.add_cookies(kept)  # type: ignore[arg-type]  # playwright's two cookie types are the same shape
    page.reload()
    expect(page.get_by_label("Your token")).to_be_visible()
