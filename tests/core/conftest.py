"""A small service in memory, with faults on order, for what talks to one."""

from __future__ import annotations

import functools
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from conductor_core.digest import digest_of
from conductor_core.transfer.bundle import write_bundle
from conductor_core.transfer.hash_cache import HashCache
from core.simulated_time import an_hour_later

TOKEN = "cdr_secret-of-the-tests"
STATES = ("pending", "ready", "running", "holding", "success", "failed", "preempted", "killed", "skipped")


@dataclass
class FakeService:
    """What the service knows, and what shall go wrong next."""

    url: str = ""
    token: str = TOKEN
    objects: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    events: list[tuple[int, str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    #: called before each request; returns (status, headers, body) to answer instead, or "drop", or None
    fault: Callable[[str, str], Any] = lambda _method, _path: None
    #: bytes after which an object's body is cut off, once per entry
    cuts: list[int] = field(default_factory=list)
    #: share → number of an output → who brings it home, or `home`
    claims: dict[str, dict[int, str]] = field(default_factory=dict)
    #: the sizes of what was asked for together, for each time
    bundles: list[list[int | None]] = field(default_factory=list)
    log: bytes = b"the log\n"
    changed: threading.Condition = field(default_factory=threading.Condition)
    closing: bool = False

    def job_answer(self, job: dict[str, Any]) -> dict[str, Any]:
        """Return a job's shape, with a field from the future."""
        frames = dict.fromkeys(STATES, 0)
        frames["success" if job["state"] == "success" else "ready"] = 2
        return {
            "id": job["id"], "number": job["number"], "title": job["submission"]["title"],
            "project": job["submission"]["project"], "state": job["state"], "uploading": job["state"] == "uploading",
            "created": "2026-01-01T00:00:00Z", "finished": None, "submitted_by": "ann", "priority": 50,
            "instance_type": "small", "preemptible": False, "metadata": {"shot": "10"}, "frames": frames, "tasks": frames,
            "cost": "0.1000", "billed_minutes": 10, "submission": job["submission"],
            "steps": [{"id": "s1", "name": "main", "frames": "1-2", "state": job["state"]}], "last_output": None,
            "field_of_the_future": 1,
        }  # fmt: skip

    def tell(self, kind: str, data: Any) -> None:
        """Send an event to everybody who listens."""
        with self.changed:
            self.events.append((len(self.events) + 1, kind, data))
            self.changed.notify_all()

    def publish(
        self,
        job: str,
        path: str,
        data: bytes,
        *,
        mtime_ns: int = 1_700_000_000_000_000_000,
        mode: int = 0o640,
        film: bool = False,
        step: str = "main",
    ) -> None:
        """Publish an output of a job: a frame, or a film of all frames."""
        digest = digest_of(data)
        self.objects[digest] = data
        seq = sum(len(o) for o in self.outputs.values()) + 1
        output = {
            "seq": seq, "id": f"o{seq}", "job": job, "task": "t1", "attempt": "a1", "step": step, "frame": None if film else seq, "path": path,
            "digest": digest, "size": len(data), "mode": mode, "mtime_ns": mtime_ns, "width": 4, "height": 4, "layers": [],
            "created": "2026-01-01T00:00:00Z", "preview": False,
        }  # fmt: skip
        self.outputs.setdefault(job, []).append(output)
        self.tell("output", output)

    def set_state(self, job: str, state: str) -> None:
        """Change a job's state and tell of it."""
        self.jobs[job]["state"] = state
        self.tell("job", self.job_answer(self.jobs[job]))

    def find(self, ref: str) -> dict[str, Any] | None:
        """Return a job by id or number."""
        return next((j for j in self.jobs.values() if ref in (j["id"], str(j["number"]))), None)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeService

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def handle_one_request(self) -> None:
        """Take a broken connection for the end of it."""
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def _serve(self) -> None:
        url = urlsplit(self.path)
        fake = self.fake
        fake.requests.append((self.command, self.path))
        fake.headers.append(dict(self.headers.items()))
        fault = fake.fault(self.command, url.path)
        if fault == "drop":
            self.close_connection = True
            return
        body = b""
        if self.headers.get("Content-Length"):
            body = self.rfile.read(int(self.headers["Content-Length"]))
        if fault is not None:
            status, headers, data = fault
            self._send(status, data, headers)
        elif self.headers.get("Authorization") != f"Bearer {fake.token}":
            self._error(401, "unauthorized", "The token is not known.")
        else:
            self._route(url.path, dict(parse_qsl(url.query)), body)

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _send(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _json(self, data: Any, status: int = 200) -> None:
        self._send(status, json.dumps(data).encode(), {"Content-Type": "application/json"})

    def _error(self, status: int, code: str, message: str, **more: Any) -> None:
        self._json({"error": {"code": code, "message": message, "next": "", **more}}, status)

    def _route(self, path: str, query: dict[str, str], body: bytes) -> None:
        fake = self.fake
        for pattern, handler in _ROUTES:
            found = re.fullmatch(pattern, f"{self.command} {path}")
            if found:
                handler(self, fake, query, body, *found.groups())
                return
        self._error(404, "not-found", f"No {path} here.")

    def me(self, fake: FakeService, query: dict[str, str], body: bytes) -> None:
        account = {"id": "a", "name": "Studio", "instance_limit": 100}
        user = {"id": "u", "name": "ann", "email": ""}
        self._json({"account": account, "user": user, "role": "owner", "projects": [{"id": "p", "name": "show"}]})

    def catalogue(self, fake: FakeService, query: dict[str, str], body: bytes) -> None:
        kinds = [{"name": "small", "description": "2 cores", "cores": 2, "memory_gb": 8, "gpu": None, "price_per_hour": "0.10"}]
        self._json({"instance_types": kinds, "software": [{"name": "command", "version": "1.0", "description": ""}]})

    def missing(self, fake: FakeService, query: dict[str, str], body: bytes, project: str) -> None:
        self._json({"missing": [d for d in json.loads(body)["digests"] if d not in fake.objects]})

    def put_object(self, fake: FakeService, query: dict[str, str], body: bytes, project: str, digest: str) -> None:
        if digest_of(body) != digest:
            self._error(422, "wrong-content", "The bytes do not hash to their name.")
            return
        known = digest in fake.objects
        fake.objects[digest] = body
        self._json({}, 200 if known else 201)

    def get_object(self, fake: FakeService, query: dict[str, str], body: bytes, project: str, digest: str) -> None:
        data = fake.objects.get(digest)
        if data is None:
            self._error(404, "not-found", "This project has no such object.")
            return
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        data = data[start:]
        if fake.cuts:
            data = data[: fake.cuts.pop(0)]
            self.close_connection = True
        self.wfile.write(data)

    def bundle(self, fake: FakeService, query: dict[str, str], body: bytes, project: str) -> None:
        found = [fake.objects.get(digest) for digest in json.loads(body)["digests"]]
        fake.bundles.append([None if data is None else len(data) for data in found])
        data = b"".join(write_bundle(found))
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if fake.cuts:
            data = data[: fake.cuts.pop(0)]
            self.close_connection = True
        self.wfile.write(data)

    def create_job(self, fake: FakeService, query: dict[str, str], body: bytes, project: str) -> None:
        submission = json.loads(body)
        if submission["instance_type"] == "unknown":
            self._error(400, "invalid", "instance_type 'unknown' is not in the catalogue.")
            return
        old = next((j for j in fake.jobs.values() if j["submission"]["id"] == submission["id"]), None)
        if old is None:
            number = len(fake.jobs) + 1
            job = {"id": f"job-{number}", "number": number, "state": "uploading", "submission": submission}
            fake.jobs[f"job-{number}"] = job
        self._json(fake.job_answer(old or job), 200 if old else 201)

    def put_manifest(self, fake: FakeService, query: dict[str, str], body: bytes, job: str) -> None:
        manifest = json.loads(body)
        lacking = sorted({e["digest"] for e in manifest["entries"] if e["kind"] == "file"} - set(fake.objects))
        if lacking:
            self._error(409, "objects-missing", "The store lacks objects.", missing=lacking)
            return
        fake.manifests[job] = manifest
        fake.jobs[job]["state"] = "pending"
        self._json(fake.job_answer(fake.jobs[job]))

    def list_jobs(self, fake: FakeService, query: dict[str, str], body: bytes) -> None:
        jobs = [fake.job_answer(j) for j in reversed(fake.jobs.values()) if query.get("state") in (None, j["state"])]
        for job in jobs:
            del job["submission"], job["steps"]
        self._json({"jobs": jobs[: int(query["limit"])]})

    def one_job(self, fake: FakeService, query: dict[str, str], body: bytes, ref: str) -> None:
        job = fake.find(ref)
        if job is None:
            self._error(404, "not-found", f"There is no job {ref}.")
        else:
            self._json(fake.job_answer(job))

    def _task(self, job: str, number: int) -> dict[str, Any]:
        return {
            "id": f"{job}-t{number}", "job": job, "step": "main", "index": number, "frames": [number], "frames_done": [],
            "state": "failed" if number == 2 else "success", "version": 3, "holds": [], "progress": 1.0, "attempts_made": 1,
            "cause": "crashed" if number == 2 else None, "message": "",
        }  # fmt: skip

    def tasks(self, fake: FakeService, query: dict[str, str], body: bytes, ref: str) -> None:
        job = fake.find(ref)
        assert job is not None
        self._json({"tasks": [self._task(job["id"], 1), self._task(job["id"], 2)]})

    def task(self, fake: FakeService, query: dict[str, str], body: bytes, job: str, number: str) -> None:
        attempt = {
            "id": f"a{number}", "number": 1, "task": f"{job}-t{number}", "instance": "i1", "state": "failed",
            "started": "2026-01-01T00:00:00Z", "ended": "2026-01-01T00:01:00Z", "cause": "crashed", "exit_code": 11,
            "message": "segmentation fault", "peak_memory": 1000, "log_size": len(fake.log),
        }  # fmt: skip
        self._json({**self._task(job, int(number)), "attempts": [attempt]})

    def attempt_log(self, fake: FakeService, query: dict[str, str], body: bytes, attempt: str) -> None:
        start = int(query["offset"])
        part = fake.log[start : start + int(query["limit"])]
        self._send(200, part, {"Content-Type": "text/plain", "X-Log-Size": str(len(fake.log))})

    def list_outputs(self, fake: FakeService, query: dict[str, str], body: bytes, job: str) -> None:
        found = [o for o in fake.outputs.get(job, ()) if o["seq"] > int(query["after"])]
        self._json({"outputs": found[: int(query["limit"])]})

    def published(self, fake: FakeService, query: dict[str, str], body: bytes) -> None:
        after, limit = int(query["after"]), int(query["limit"])
        found = []
        for job, outputs in fake.outputs.items():
            about = {"number": fake.jobs[job]["number"], "project": fake.jobs[job]["submission"]["project"]}
            found += [{**o, **about} for o in outputs if o["seq"] > after and query.get("project") in (None, about["project"])]
        found.sort(key=lambda o: int(o["seq"]))
        seq = found[limit - 1]["seq"] if len(found) >= limit else sum(len(o) for o in fake.outputs.values())
        self._json({"outputs": found[:limit], "seq": seq, "more": len(found) > limit})

    def claim(self, fake: FakeService, query: dict[str, str], body: bytes) -> None:
        wish = json.loads(body)
        with fake.changed:
            held = fake.claims.setdefault(wish["share"], {})
            held.update(dict.fromkeys(wish["home"], "home"))
            for seq in wish["released"]:
                held.pop(seq, None)
            home = [seq for seq in wish["outputs"] if held.get(seq) == "home"]
            granted = [seq for seq in wish["outputs"] if held.get(seq, wish["holder"]) == wish["holder"]][: wish["most"]]
            held.update(dict.fromkeys(granted, wish["holder"]))
        self._json({"granted": granted, "home": home, "seconds": 120.0})

    def move(self, fake: FakeService, query: dict[str, str], body: bytes, ref: str, verb: str) -> None:
        job = fake.find(ref)
        assert job is not None
        if job["state"] == "killed":
            self._error(409, "not-allowed-now", "The job is killed.", allowed=["retry"])
            return
        job["state"] = {"hold": "holding", "kill": "killed"}.get(verb, "pending")
        job["moves"] = [*job.get("moves", ()), (verb, json.loads(body))]
        self._json({"changed": 1, "job": fake.job_answer(job)})

    def instances(self, fake: FakeService, query: dict[str, str], body: bytes) -> None:
        one = {
            "id": "i1", "type": "small", "preemptible": False, "state": "ready", "launched": "2026-01-01T00:00:00Z",
            "ready": None, "ended": None, "minutes": "3.25", "billed_minutes": 10, "amount": "0.0834", "current": ["a1"],
        }  # fmt: skip
        self._json({"instances": [one] if query["all"] == "false" else [one, {**one, "id": "i0", "state": "ended"}]})

    def cost(self, fake: FakeService, query: dict[str, str], body: bytes) -> None:
        jobs = [{"job": "job-1", "number": 1, "title": "shot", "billed_minutes": 10, "amount": "0.0834"}]
        one = {"id": "i1", "type": "small", "minutes": "3.25", "billed_minutes": 10, "amount": "0.0834"}
        self._json({"currency": "EUR", "total": "0.0834", "billed_minutes": 10, "jobs": jobs, "instances": [one]})

    def preview(self, fake: FakeService, query: dict[str, str], body: bytes, output: str) -> None:
        self._send(200, b"\x89PNG", {"Content-Type": "image/png"})

    def stream(self, fake: FakeService, query: dict[str, str], body: bytes) -> None:
        last = int(self.headers.get("Last-Event-ID") or query.get("after") or 0)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._chunk(b": hello\n\n")
        while not fake.closing:
            with fake.changed:
                new = [e for e in fake.events if e[0] > last] or (fake.changed.wait(0.1) and [])
            for number, kind, data in new or ():
                if kind == "break":
                    fake.events.remove((number, kind, data))
                    self.close_connection = True
                    return
                self._chunk(f"id: {number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n".encode())
                last = number
            if not new:
                self._chunk(b":\n\n")
        self.close_connection = True

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


_JOB = r"/api/v1/jobs/([^/]+)"
_ROUTES: tuple[tuple[str, Callable[..., None]], ...] = (
    (r"GET /api/v1/me", _Handler.me),
    (r"GET /api/v1/catalogue", _Handler.catalogue),
    (r"POST /api/v1/projects/([^/]+)/objects/missing", _Handler.missing),
    (r"PUT /api/v1/projects/([^/]+)/objects/([^/]+)", _Handler.put_object),
    (r"GET /api/v1/projects/([^/]+)/objects/([^/]+)", _Handler.get_object),
    (r"POST /api/v1/projects/([^/]+)/objects/bundle", _Handler.bundle),
    (r"POST /api/v1/projects/([^/]+)/jobs", _Handler.create_job),
    (rf"PUT {_JOB}/manifest", _Handler.put_manifest),
    (r"GET /api/v1/jobs", _Handler.list_jobs),
    (rf"GET {_JOB}", _Handler.one_job),
    (rf"GET {_JOB}/tasks", _Handler.tasks),
    (rf"GET {_JOB}/outputs", _Handler.list_outputs),
    (rf"POST {_JOB}/(hold|resume|release|kill|retry)", _Handler.move),
    (r"GET /api/v1/tasks/(.+)-t(\d+)", _Handler.task),
    (r"GET /api/v1/attempts/([^/]+)/log", _Handler.attempt_log),
    (r"GET /api/v1/outputs", _Handler.published),
    (r"POST /api/v1/outputs/claims", _Handler.claim),
    (r"GET /api/v1/outputs/([^/]+)/preview", _Handler.preview),
    (r"GET /api/v1/instances", _Handler.instances),
    (r"GET /api/v1/cost", _Handler.cost),
    (r"GET /api/v1/events", _Handler.stream),
)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error here."""


@pytest.fixture
def fake_service() -> Iterator[FakeService]:
    """Give a service in memory on a port of its own."""
    fake = FakeService()
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = _Server(("127.0.0.1", 0), handler)
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield fake
    fake.closing = True
    server.shutdown()
    server.server_close()


def _eventually(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Give a function that waits until a condition holds and returns what it gave."""
    return _eventually


@pytest.fixture
def an_hour_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no file of a test be so young that the agent's hash cache doubts it."""
    monkeypatch.setattr("conductor_core.agent.run.HashCache", functools.partial(HashCache, clock_ns=an_hour_later))
