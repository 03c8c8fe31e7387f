"""The whole way on one machine: real service, real fleet, real runner; a fake frame server or real Blender inside."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import requests
import yaml
from conductor_core.digest import digest_of
from conductor_core.documents import canonical_bytes, to_json
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.submission import Output, Retries, Software, Step, Submission, new_submission_id
from conductor_service.accounts import token_file

if TYPE_CHECKING:
    from runner.conftest import Farm

PNG = "/job/render/shot_####.png"


class Service:
    """A `conductor serve` of a test, and a person who uses it."""

    def __init__(self, folder: Path, hosts: Path, **more: Any) -> None:
        self.data = folder / "data"
        settings = {
            "data": str(self.data),
            "port": 0,
            "idle_seconds": 1,
            "fleet": {"max_instances": 2},
            "software": [{"name": "fake", "version": "1.0", "launch": "bpy-module", "executable": sys.executable}],
            **more,
        }
        (folder / "settings.yaml").write_text(yaml.safe_dump(settings))
        call = "from conductor_service.serve import serve_command; serve_command()"
        command = [sys.executable, "-c", call, "--settings", str(folder / "settings.yaml"), "--stop-instances"]
        self.log = folder / "service.log"
        self._command, self._environment = command, {**os.environ, "CONDUCTOR_HOSTS": str(hosts)}
        self.process = self._start()
        self.url = ""
        self.http = requests.Session()

    def _start(self) -> subprocess.Popen[str]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=self._environment, text=True
            )

    def kill_and_restart(self) -> None:
        """kill -9, and start it anew: its instances go on meanwhile."""
        self.process.kill()
        self.process.communicate()
        self.process = self._start()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait for the service's first word, and sign in."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        self.url = re.sub(r".*(http\S+).*\n", r"\1", line)
        self.http.headers["Authorization"] = f"Bearer {token_file(self.data).read_text().strip()}"

    def ask(self, method: str, path: str, **request: Any) -> Any:
        answer = self.http.request(method, f"{self.url}/api/v1{path}", timeout=30, **request)
        assert answer.ok, answer.text
        return answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.content

    def submit(self, scene: str, frames: str, job: Mapping[str, Any] | None = None, **changes: Any) -> int:
        """Submit a scene for the fake frame server, changing its job or its step; return the job's number."""
        data = scene.encode()
        step = Step("beauty", frames, outputs=(Output(PNG),), **changes)
        submission = Submission(
            id=new_submission_id(),
            project="default",
            title="test",
            scene="/job/shot.blend",
            flavour=Flavour.POSIX,
            software=Software("fake", "1.0"),
            steps=(step,),
            instance_type="small",
            retries=Retries(failure=0),
        )
        submission = replace(submission, **(job or {}))
        manifest = make_manifest(Flavour.POSIX, [Entry("/job/shot.blend", digest=digest_of(data), size=len(data), mode=0o644)])
        made = self.ask("POST", "/projects/default/jobs", json=to_json(submission))
        self.ask("PUT", f"/projects/default/objects/{digest_of(data)}", data=data)
        self.ask("PUT", f"/jobs/{made['number']}/manifest", data=canonical_bytes(manifest))
        return int(made["number"])

    def wait(self, number: int, seconds: float = 60.0) -> dict[str, Any]:
        """Wait for a job's end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            job: dict[str, Any] = self.ask("GET", f"/jobs/{number}")
            if job["state"] in ("success", "failed", "killed"):
                return job
            time.sleep(0.1)
        logs = [p.read_text() for p in (self.data / "instances").glob("*.log")]
        raise AssertionError(f"the job does not end: {job}\n{self.log.read_text()}\n{logs}")

    def close(self) -> None:
        """End the service and its instances: a runner may publish for 60 s, and is killed after 70."""
        self.http.close()
        self.process.terminate()
        try:
            self.process.communicate(timeout=100)
        except subprocess.TimeoutExpired:
            logs = [p.read_text() for p in (self.log, *(self.data / "instances").glob("*.log"))]
            raise AssertionError("the service does not end:\n" + "\n".join(logs)) from None


@pytest.fixture
def service(farm: Farm, tmp_path: Path) -> Iterator[Service]:
    """Give a running service whose instances are local processes."""
    found = Service(tmp_path, farm.hosts)
    try:
        found.wait_until_ready()
        yield found
    finally:
        found.close()
    assert not [p for p in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(p.info["cmdline"] or ())]


def test_a_job_is_rendered_by_real_instances(service: Service) -> None:
    """Six frames on two instances: published with previews, logs and peaks; the instances end themselves."""
    number = service.submit("import time; time.sleep(0.2); png(path)", "1-6", chunk_size=2)
    job = service.wait(number)
    assert job["state"] == "success"
    outputs = service.ask("GET", f"/jobs/{number}/outputs")["outputs"]
    assert sorted(o["path"] for o in outputs) == [f"/job/render/shot_{n:04d}.png" for n in range(1, 7)]
    assert all((o["width"], o["height"]) == (8, 4) for o in outputs)
    tasks = service.ask("GET", f"/jobs/{number}/tasks")["tasks"]
    attempts = [a for t in tasks for a in service.ask("GET", f"/tasks/{t['id']}")["attempts"]]
    assert [a["state"] for a in attempts] == ["success"] * 3
    assert all(a["peak_memory"] > 1 << 20 and "isolation: sandbox" in a["message"] for a in attempts)
    log = service.ask("GET", f"/attempts/{attempts[0]['id']}/log")
    assert b"rendering 1" in log
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and service.ask("GET", "/instances")["instances"]:
        time.sleep(0.2)
    assert service.ask("GET", "/instances")["instances"] == []
    assert all(service.ask("GET", f"/outputs/{o['id']}/preview").startswith(b"\x89PNG") for o in outputs)


def test_a_failure_reaches_the_task_with_its_cause(service: Service) -> None:
    """One frame of three crashes: its task fails with the cause, the rest of the job is done."""
    number = service.submit("import os\nif frame == 2: os.abort()\npng(path)", "1-3")
    assert service.wait(number)["state"] == "failed"
    tasks = service.ask("GET", f"/jobs/{number}/tasks")["tasks"]
    assert [t["state"] for t in tasks] == ["success", "failed", "success"]
    assert tasks[1]["cause"] == "crashed"
    assert "SIGABRT" in tasks[1]["message"]


def test_a_kill_ends_what_runs(service: Service) -> None:
    """Killing a job ends its renderer within seconds."""
    number = service.submit("import time; time.sleep(600)", "1")
    deadline = time.monotonic() + 30
    while service.ask("GET", f"/jobs/{number}")["state"] != "running" and time.monotonic() < deadline:
        time.sleep(0.1)
    service.ask("POST", f"/jobs/{number}/kill", json={"reason": "test"})
    assert service.wait(number)["state"] == "killed"
    while time.monotonic() < deadline and [i for i in service.ask("GET", "/instances")["instances"] if i["current"]]:
        time.sleep(0.1)
    assert not [i for i in service.ask("GET", "/instances")["instances"] if i["current"]]


def test_a_runner_killed_in_the_middle_costs_one_more_try(service: Service) -> None:
    """kill -9 of an instance's runner: its renderer dies with it, the frame is rendered elsewhere, and published once."""
    number = service.submit("import time; time.sleep(2.5); png(path)", "1-2")
    runner, renderers = _wait_for_renderer(service)
    runner.kill()
    deadline = time.monotonic() + 30
    while any(_alive(p) for p in renderers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [p for p in renderers if _alive(p)] == []
    job = service.wait(number)
    assert job["state"] == "success"
    outputs = service.ask("GET", f"/jobs/{number}/outputs")["outputs"]
    assert sorted(o["path"] for o in outputs) == ["/job/render/shot_0001.png", "/job/render/shot_0002.png"]


def _alive(process: psutil.Process) -> bool:
    """Tell whether a process still runs: in a container nobody may collect what has ended."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _wait_for_renderer(service: Service) -> tuple[psutil.Process, list[psutil.Process]]:
    """Return a runner of the service that has its renderer going, and that: seen at one instant, since it may end at the next."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for process in psutil.Process(service.process.pid).children():
            # A process may end between being listed and being asked.
            with contextlib.suppress(psutil.NoSuchProcess):
                family = process.children(recursive=True)
                if "conductor_service.runner" in " ".join(process.cmdline()) and len(family) >= 3:
                    return process, family
        time.sleep(0.05)
    raise AssertionError("no renderer came up")


#: each run writes something else: what is read later tells which run it was
EXPORT = "import os, time; time.sleep(0.3); open(path, 'wb').write(os.urandom(8).hex().encode() + b' of frame %d' % frame)"
ASS, SHOT = "/job/ass/x.####.ass", "/job/render/shot.####.txt"


def _export_and_render(service: Service, frames: str) -> int:
    """Submit a job of two steps: one exports a file per frame, the other makes a picture of each."""
    export = Step("export", frames, outputs=(Output(ASS, kind="other"),))
    command = (
        "/bin/sh",
        "-c",
        'sleep 0.3; sed "s/^/rendered /" "$0" > "$1"',
        "/job/ass/x.{frame:04}.ass",
        "/job/render/shot.{frame:04}.txt",
    )
    render = Step("render", frames, kind="command", command=command, outputs=(Output(SHOT, kind="other"),), after=("export",))
    return service.submit(EXPORT, "1", job={"steps": (export, render), "retries": Retries(failure=0, preemption=9)})


def _contents(service: Service, number: int) -> dict[str, str]:
    outputs = service.ask("GET", f"/jobs/{number}/outputs")["outputs"]
    assert len({o["path"] for o in outputs}) == len(outputs), "a frame was accepted twice"
    return {o["path"]: service.ask("GET", f"/projects/default/objects/{o['digest']}").decode() for o in outputs}


def _rendered_what_was_exported(service: Service, number: int, frames: int) -> None:
    """See that each picture was made of the very file that was accepted of its frame."""
    found = _contents(service, number)
    assert len(found) == 2 * frames
    for frame in range(1, frames + 1):
        exported = found[f"/job/ass/x.{frame:04}.ass"]
        assert exported.endswith(f" of frame {frame}")
        assert found[f"/job/render/shot.{frame:04}.txt"].strip() == f"rendered {exported}"


def test_a_step_renders_what_another_exported(service: Service) -> None:
    """Export, then render: the second step finds the first one's files at the artist's paths, on whichever instance."""
    number = _export_and_render(service, "1-4")
    assert service.wait(number)["state"] == "success"
    _rendered_what_was_exported(service, number, 4)


def test_instances_killed_at_any_instant_change_no_input(service: Service) -> None:
    """kill -9 while files are exported, between the steps and while they are rendered: each picture is still of the accepted file."""
    number = _export_and_render(service, "1-4")
    for many in (1, 3, 4, 5, 7):
        deadline = time.monotonic() + 60
        while len(service.ask("GET", f"/jobs/{number}/outputs")["outputs"]) < many and time.monotonic() < deadline:
            time.sleep(0.02)
        for process in psutil.Process(service.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if "conductor_service.runner" in " ".join(process.cmdline()):
                    process.kill()
                    break
    assert service.wait(number, 120)["state"] == "success"
    _rendered_what_was_exported(service, number, 4)


def test_a_service_killed_at_any_instant_changes_no_input(service: Service) -> None:
    """kill -9 of the service while files are exported, between the steps and while they are rendered, and a new start each time."""
    number = _export_and_render(service, "1-4")
    for many in (1, 4, 6):
        deadline = time.monotonic() + 60
        while len(service.ask("GET", f"/jobs/{number}/outputs")["outputs"]) < many and time.monotonic() < deadline:
            time.sleep(0.02)
        service.kill_and_restart()
    assert service.wait(number, 120)["state"] == "success"
    _rendered_what_was_exported(service, number, 4)
