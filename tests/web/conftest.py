"""What the dashboard's tests share: a farm that speaks docs/api.md over real HTTP, and a real browser."""

from __future__ import annotations

import asyncio
import json
import re
import struct
import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from conductor_service.web import mount_dashboard
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from playwright.sync_api import Browser, Page, expect, sync_playwright

Json = dict[str, Any]
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TOKEN = "cdr_right"
STATES = ("pending", "ready", "running", "holding", "success", "failed", "preempted", "killed", "skipped")
MOVES = {"hold": ({"ready", "pending", "running"}, "holding"), "resume": ({"holding"}, "ready")}
MOVES |= {"kill": ({"ready", "pending", "running", "holding"}, "killed"), "retry": ({"failed", "killed"}, "ready")}
MOVES |= {"release": ({"holding"}, "ready")}
SCOUT_HOLD: Json = {"name": "scout", "actor": "scheduler", "reason": "the scout frames come first"}
USER_HOLD: Json = {"name": "user", "actor": "Ada", "reason": ""}


def png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """Return a picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(colour) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@dataclass
class FakeFarm:
    """Jobs, tasks and outputs in the shapes of docs/api.md, and a record of what the dashboard asked for."""

    jobs: dict[str, Json] = field(default_factory=dict)
    tasks: dict[str, Json] = field(default_factory=dict)
    attempts: dict[str, list[Json]] = field(default_factory=dict)
    logs: dict[str, bytes] = field(default_factory=dict)
    outputs: list[Json] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)
    instances: dict[str, Json] = field(default_factory=dict)
    events: list[tuple[int, str, str, str]] = field(default_factory=list)
    calls: list[tuple[str, Json]] = field(default_factory=list)
    #: streams are ended when this number changes
    generation: int = 0
    #: answer 503 to everything
    down: bool = False
    #: answer 503 to this many requests for the job list
    stumbles: int = 0
    #: `(last event seen, job)` of each stream that was opened
    streams: list[tuple[str, str]] = field(default_factory=list)

    def add_job(self, title: str = "Shot", frames: int = 12, state: str = "ready", **more: Any) -> Json:
        """Add a job with one task per frame, all in one state."""
        number = len(self.jobs) + 1
        job_id = f"job{number}"
        self.jobs[job_id] = {
            "id": job_id, "number": number, "title": title, "project": "film", "state": "running", "uploading": False,
            "created": ago(60), "finished": None, "submitted_by": "Ada", "priority": 50, "instance_type": "standard-8",
            "preemptible": False, "metadata": {}, "cost": "1.2500", "billed_minutes": 25, "last_output": None,
            "submission": {"software": {"name": "blender", "version": "4.5.15"}, "scene": "/job/shot.blend", "steps": []},
            "steps": [{"id": f"{job_id}-s", "name": "beauty", "frames": f"1-{frames}", "state": "running"}], **more,
        }  # fmt: skip
        for frame in range(1, frames + 1):
            self.add_task(job_id, frame, state)
        return self.recount(job_id)

    def add_task(self, job: str, frame: int, state: str) -> None:
        task = f"{job}-{frame}"
        self.tasks[task] = {
            "id": task, "job": job, "step": "beauty", "index": frame - 1, "frames": [frame], "state": state, "version": 1,
            "frames_done": [frame] if state == "success" else [], "scout": False,
            "holds": [USER_HOLD] if state == "holding" else [], "progress": float(state == "success"),
            "attempts_made": 0, "cause": None, "message": "",
        }  # fmt: skip

    def recount(self, job: str) -> Json:
        """Bring the counts of a job up to date."""
        mine = [t for t in self.tasks.values() if t["job"] == job]
        counts = {s: sum(len(t["frames"]) for t in mine if t["state"] == s) for s in STATES}
        scouts = [t for t in mine if t["scout"]]
        done = sum(t["state"] in ("success", "failed", "killed") for t in scouts)
        held = sum(SCOUT_HOLD in t["holds"] for t in mine)
        verbs = [verb for verb in MOVES if any(fits(t, verb) for t in mine)]
        shown = {"total": len(scouts), "done": done, "held": held}
        self.jobs[job] |= {"frames": counts, "tasks": counts, "verbs": verbs, "scouts": shown}
        return self.jobs[job]

    def send_scouts(self, job: str, *frames: int) -> None:
        """Have some frames of a job be scouts, and hold the others."""
        for task in self.tasks.values():
            if task["job"] == job:
                scout = task["frames"][0] in frames
                task |= {"scout": True} if scout else {"state": "holding", "holds": [SCOUT_HOLD]}
        self.recount(job)

    def change(self, task: str, **values: Any) -> None:
        """Change a task and tell of it."""
        found = self.tasks[task]
        found |= {**values, "version": found["version"] + 1}
        self.tell("task", found, found["job"])
        self.tell("job", summary(self.recount(found["job"])), found["job"])

    def add_attempt(self, task: str, *, state: str, log: bytes = b"", **more: Any) -> str:
        """Add an attempt with its log."""
        known = self.attempts.setdefault(task, [])
        attempt = f"{task}-a{len(known) + 1}"
        known.append({
            "id": attempt, "number": len(known) + 1, "task": task, "instance": "i-1", "state": state, "started": ago(30),
            "ended": None if state == "running" else ago(10), "cause": None, "exit_code": None, "message": "",
            "peak_memory": 2_100_000_000, "log_size": len(log), **more,
        })  # fmt: skip
        self.logs[attempt] = log
        return attempt

    def render(self, job: str, frame: int, colour: tuple[int, int, int] = (180, 90, 30), picture: bytes = b"") -> Json:
        """Publish an output with a preview and tell of it."""
        seq = len(self.outputs) + 1
        output = {
            "seq": seq, "id": f"out{seq}", "job": job, "task": f"{job}-{frame}", "attempt": "a", "step": "beauty",
            "frame": frame, "path": f"/job/render/shot_{frame:04}.exr", "digest": "sha256:" + "0" * 64, "size": 9,
            "mode": 0o644, "mtime_ns": 0, "width": 960, "height": 540, "layers": ["Combined"], "created": ago(0),
            "preview": True,
        }  # fmt: skip
        self.outputs.append(output)
        self.pictures[str(output["id"])] = picture or png(96, 54, colour)
        self.jobs[job]["last_output"] = output["id"]
        self.tell("output", output, job)
        return output

    def tell(self, kind: str, data: Json, job: str = "") -> None:
        """Send an event to all who listen."""
        self.events.append((len(self.events) + 1, kind, job, json.dumps(data)))

    def move(self, job: str, action: str, asked: Json) -> Response:
        """Do what hold, resume, kill and retry do, or refuse."""
        _, target = MOVES[action]
        chosen = asked.get("tasks") or [t["id"] for t in self.tasks.values() if t["job"] == job]
        moving = [t for t in chosen if fits(self.tasks[t], action)]
        if not moving:
            return refusal(409, "not-allowed-now", f"Nothing here can {action} now.", "Wait.", allowed=["kill"])
        for task in moving:
            self.change(task, state=target, holds=[USER_HOLD] if action == "hold" else [])
        states = {self.tasks[t]["state"] for t in self.tasks if self.tasks[t]["job"] == job}
        if len(states) == 1:
            self.jobs[job]["state"] = {"ready": "running"}.get(target, target)
        self.tell("job", summary(self.jobs[job]), job)
        return JSONResponse({"changed": len(moving), "job": self.jobs[job]})


def fits(task: Json, action: str) -> bool:
    """Tell whether an action would change a task; a hold is taken back by the one that belongs to it."""
    own = {"resume": USER_HOLD, "release": SCOUT_HOLD}.get(action)
    return task["state"] in MOVES[action][0] and (own is None or own in task["holds"])


def ago(minutes: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60 * minutes))


def summary(job: Json) -> Json:
    return {k: v for k, v in job.items() if k not in ("steps", "submission")}


def refusal(status: int, code: str, message: str, next_step: str = "", **more: Any) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message, "next": next_step, **more}}, status)


async def stream(farm: FakeFarm, after: int, job: str) -> AsyncIterator[str]:
    generation = farm.generation
    yield ": hello\n\n"
    while generation == farm.generation:
        for seq, kind, about, data in farm.events[after:]:
            if not job or about == job:
                yield f"id: {seq}\nevent: {kind}\ndata: {data}\n\n"
            after = seq
        await asyncio.sleep(0.01)


def make_app(farm: FakeFarm) -> FastAPI:
    """Return the farm as a web application with the real dashboard on it."""
    app = FastAPI()
    add_guard(app, farm)
    add_job_routes(app, farm)
    add_other_routes(app, farm)
    mount_dashboard(app)
    return app


def add_guard(app: FastAPI, farm: FakeFarm) -> None:
    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Any]) -> Response:
        path = request.url.path
        if path.startswith("/api/") and farm.down:
            return refusal(503, "unavailable", "The service is starting.")
        if path.startswith("/api/") and path != "/api/v1/session" and request.cookies.get("conductor_session") != TOKEN:
            return refusal(401, "unauthorized", "Sign in first.")
        if request.method not in ("GET", "HEAD") and path != "/api/v1/session" and request.headers.get("X-Conductor") != "1":
            return refusal(403, "forbidden", "X-Conductor is missing.")
        answer: Response = await call_next(request)
        return answer

    @app.post("/api/v1/session")
    def sign_in(body: Json) -> Response:
        if body["token"] != TOKEN:
            return refusal(401, "unauthorized", "That token is not known.")
        answer = Response(status_code=204)
        answer.set_cookie("conductor_session", TOKEN, httponly=True, samesite="strict")
        return answer

    @app.delete("/api/v1/session")
    def sign_out() -> Response:
        answer = Response(status_code=204)
        answer.delete_cookie("conductor_session")
        return answer


def add_job_routes(app: FastAPI, farm: FakeFarm) -> None:
    def find(name: str) -> Json | None:
        return farm.jobs.get(name) or next((j for j in farm.jobs.values() if str(j["number"]) == name), None)

    @app.get("/api/v1/jobs")
    def jobs(request: Request, limit: int = 50, before: int = 10**9, state: str = "") -> Any:
        if farm.stumbles:
            farm.stumbles -= 1
            return refusal(503, "unavailable", "Too busy just now.", "It is tried again.")
        farm.calls.append(("jobs", {"before": before, "state": state}))
        pairs = set(request.query_params.getlist("metadata"))
        found = [j for j in farm.jobs.values() if j["number"] < before and state in ("", j["state"])]
        found = [j for j in found if pairs <= {f"{key}={value}" for key, value in j["metadata"].items()}]
        return {"jobs": [summary(j) for j in sorted(found, key=lambda j: -j["number"])[:limit]]}

    @app.get("/api/v1/jobs/{name}")
    def job(name: str) -> Response:
        found = find(name)
        return JSONResponse(found) if found else refusal(404, "not-found", "There is no such job.")

    @app.get("/api/v1/jobs/{name}/tasks")
    def tasks(name: str) -> Json:
        return {"tasks": [t for t in farm.tasks.values() if t["job"] == name]}

    @app.get("/api/v1/jobs/{name}/outputs")
    def outputs(name: str, after: int = 0, limit: int = 1000) -> Json:
        return {"outputs": [o for o in farm.outputs if o["job"] == name and o["seq"] > after][:limit]}

    @app.post("/api/v1/jobs/{name}/{action}")
    def move(name: str, action: str, body: Json) -> Response:
        farm.calls.append((action, {"job": name, **body}))
        return farm.move(name, action, body)


def add_other_routes(app: FastAPI, farm: FakeFarm) -> None:
    @app.get("/api/v1/me")
    def me() -> Json:
        account = {"id": "acc", "name": "Studio", "instance_limit": 100}
        return {"account": account, "user": {"id": "u", "name": "Ada", "email": ""}, "role": "owner", "projects": []}

    @app.get("/api/v1/catalogue")
    def catalogue() -> Json:
        return {"currency": "EUR", "instance_types": [], "software": []}

    @app.get("/api/v1/tasks/{task}")
    def task(task: str) -> Json:
        return {**farm.tasks[task], "attempts": farm.attempts.get(task, [])}

    @app.get("/api/v1/attempts/{attempt}/log")
    def log(attempt: str, offset: int = 0, limit: int = 65536) -> Response:
        text = farm.logs[attempt]
        return Response(text[offset : offset + limit], media_type="text/plain", headers={"X-Log-Size": str(len(text))})

    @app.get("/api/v1/outputs/{output}/preview")
    def preview(output: str) -> Response:
        return Response(farm.pictures[output], media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})

    @app.get("/api/v1/instances")
    def instances(all: bool = False) -> Json:
        return {"instances": [i for i in farm.instances.values() if all or i["state"] != "ended"]}

    @app.get("/api/v1/cost")
    def cost(job: str = "") -> Json:
        used = [{k: i[k] for k in ("id", "type", "minutes", "billed_minutes", "amount")} for i in farm.instances.values()]
        return {"currency": "EUR", "total": "1.25", "billed_minutes": 25, "jobs": [], "instances": used if job else []}

    @app.get("/api/v1/events")
    def events(request: Request, job: str = "", after: str = "") -> Response:
        last = request.headers.get("Last-Event-ID") or after
        farm.streams.append((last, job))
        body = stream(farm, int(last) if last else len(farm.events), job)
        return StreamingResponse(body, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@dataclass(frozen=True)
class Served:
    """A farm and where it answers."""

    farm: FakeFarm
    url: str


@pytest.fixture
def served() -> Iterator[Served]:
    """Serve a farm on loopback, on a port that the system chooses."""
    farm = FakeFarm()
    config = uvicorn.Config(make_app(farm), port=0, log_level="warning", ws="none", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Served(farm, f"http://127.0.0.1:{port}")
    farm.generation += 1
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def farm(served: Served) -> FakeFarm:
    """Give the farm that is served."""
    return served.farm


@pytest.fixture(scope="module")
def browser(require: Callable[[object, str], None]) -> Iterator[Browser]:
    """Start chromium, once for the tests of a module; each test has its own cookies.

    Not for the whole session: while it runs, playwright's loop keeps other tests of this process from asyncio.run.
    """
    require(CHROMIUM.exists(), "chromium is not installed (python3 install.py test installs it)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=ARGUMENTS)
        yield started
        started.close()


#: the browser itself reports each answer 401 and 409 as an error of the page; these answers are what the tests ask for
EXPECTED = re.compile(r"status of (401|409|503)|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_REFUSED|ERR_INTERNET_DISCONNECTED")


@pytest.fixture
def console() -> list[str]:
    """Give the errors on the browser's console; a test that provokes some clears it."""
    return []


@pytest.fixture
def page(browser: Browser, console: list[str]) -> Iterator[Page]:
    """Give an empty browser page; an error on its console fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark", locale="en-GB")
    opened = context.new_page()
    opened.on("pageerror", lambda error: console.append(str(error)))
    opened.on("console", lambda message: console.append(message.text) if message.type in ("error", "warning") else None)
    expect.set_options(timeout=8000)
    yield opened
    context.close()
    assert [e for e in console if not EXPECTED.search(e)] == []


@pytest.fixture
def dashboard(served: Served, page: Page) -> Callable[..., Page]:
    """Sign in and open a page of the dashboard; it is live when this returns."""

    def open_at(route: str = "#/jobs") -> Page:
        page.context.add_cookies([{"name": "conductor_session", "value": TOKEN, "url": served.url}])
        page.goto(f"{served.url}/{route}")
        expect(page.locator("#line")).to_have_text("live")
        return page

    return open_at
