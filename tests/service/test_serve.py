"""`conductor serve` as people run it: a process, with real runners, that can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from conductor_core.digest import digest_of
from conductor_core.documents import canonical_bytes, to_json
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.submission import Submission
from conductor_service.fleets.local import MARK

SETTINGS = "idle_seconds: 2\nheartbeat_seconds: 1\nlease_seconds: 10\nfleet: {max_instances: 1}\n"
COMMAND = (sys.executable, "-c", "from conductor_service.serve import serve_command; serve_command()")


def until(true: Callable[[], bool], seconds: float = 40) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


class Process:
    """A service in a process of its own."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.data = folder / "data"
        self.out = folder / "out.txt"
        self.trusted: bool | str = str(folder / "cert.pem") if (folder / "cert.pem").exists() else True
        self.ready = self.data / "service.json"
        self.ready.unlink(missing_ok=True)  # of one that was killed
        (folder / "settings.yaml").write_text(SETTINGS)
        options = ("--data", str(self.data), "--settings", str(folder / "settings.yaml"), "--port", "0", *words)
        with self.out.open("ab") as out:
            self.process = subprocess.Popen([*COMMAND, *options], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        assert until(lambda: self.ready.exists() or self.process.poll() is not None), self.out.read_text()

    @property
    def url(self) -> str:
        return str(json.loads(self.ready.read_text())["url"])

    def ask(self, method: str, path: str, **request: Any) -> requests.Response:
        token = (self.data / "owner-token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.url}/api/v1{path}"
        return requests.request(method, url, headers=headers, timeout=20, verify=self.trusted, **request)

    def submit(self, submission: Submission) -> None:
        data = b"x"
        self.ask("PUT", f"/projects/default/objects/{digest_of(data)}", data=data)
        job = self.ask("POST", "/projects/default/jobs", json=to_json(submission)).json()["id"]
        manifest = make_manifest(Flavour.POSIX, [Entry("/job/x.txt", digest=digest_of(data), size=1, mode=0o644, mtime_ns=1)])
        assert self.ask("PUT", f"/jobs/{job}/manifest", data=canonical_bytes(manifest)).status_code == 200

    def job(self) -> Any:
        return self.ask("GET", "/jobs/1").json()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


def instances() -> list[psutil.Process]:
    """Return every process of an instance that these tests started."""
    found = []
    for process in psutil.process_iter():
        try:
            if MARK in process.environ() and "conductor_service.runner" in " ".join(process.cmdline()):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return [p for p in found if any(str(parent) in " ".join(p.cmdline()) for parent in _FOLDERS)]


_FOLDERS: list[Path] = []


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Give what starts a service; at the end none is left, and none of its instances."""
    _FOLDERS[:] = [tmp_path]
    started: list[Process] = []

    def make(*words: str) -> Process:
        started.append(Process(tmp_path, *words))
        return started[-1]

    yield make
    for service in started:
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait()
    for process in instances():
        process.kill()


def sleeping(commands: Any, frames: str, seconds: float) -> Submission:
    """Return a job whose tasks each take some seconds and write nothing."""
    submission: Submission = commands(frames)
    step = replace(submission.steps[0], command=("sleep", str(seconds)), outputs=())
    return replace(submission, steps=(step,))


@pytest.fixture
def commands(studio: Any) -> Any:
    """Give submissions to vary."""
    return studio.commands


def test_the_first_start_says_how_to_sign_in_without_the_secret(start: Any) -> None:
    """The token stands in a private file that the output names, and nowhere in the output."""
    service = start()
    assert until(lambda: "sign in" in service.out.read_text())
    said, token = service.out.read_text(), (service.data / "owner-token").read_text().strip()
    assert f"conductor login {service.url} --token-file {service.data / 'owner-token'}" in said
    assert token not in said
    assert service.data.stat().st_mode & 0o777 == 0o700
    assert service.stop(signal.SIGINT) == 0
    assert not service.ready.exists()


def test_a_second_service_on_the_folder_is_refused(start: Any, tmp_path: Path) -> None:
    """It ends with 1 and one sentence, and the first goes on."""
    first = start()
    options = ("--data", str(first.data), "--port", "0")
    second = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1
    assert "Another service is running" in second.stderr
    assert "Traceback" not in second.stderr
    assert first.ask("GET", "/me").status_code == 200


def test_a_killed_service_goes_on_where_it_was(start: Any, commands: Any) -> None:
    """kill -9 of the service in mid-task: the instance renders on, the next service knows it, each task runs once.

    What it was writing at that instant (a private file, an object) is swept by the next start.
    """
    first = start()
    first.submit(sleeping(commands, "1-4", 0.7))
    assert until(lambda: first.job()["tasks"]["running"] == 1)
    runner = [p.pid for p in instances()]
    first.process.kill()
    first.process.wait()
    halves = [first.data / ".service.json.0123456789abcdef0123456789abcdef", first.data / "store" / "tmp" / "half"]
    for half in halves:
        half.write_bytes(b"x")
    second = start()
    assert [half for half in halves if half.exists()] == []
    assert until(lambda: second.job()["state"] == "success"), second.job()
    assert [p.pid for p in instances()] == runner
    tasks = second.ask("GET", "/jobs/1/tasks").json()["tasks"]
    assert sum(t["attempts_made"] for t in tasks) == 4
    assert len(second.ask("GET", "/instances?all=true").json()["instances"]) == 1
    assert until(lambda: not instances())
    assert second.stop() == 0


def test_a_killed_runner_is_replaced(start: Any, commands: Any) -> None:
    """kill -9 of the runner in mid-task: what it left is swept, another takes the task, the job ends."""
    service = start("--stop-instances")
    service.submit(sleeping(commands, "1-2", 1))
    assert until(lambda: service.job()["tasks"]["running"] == 1)
    time.sleep(0.5)
    (runner,) = instances()
    os.kill(runner.pid, signal.SIGKILL)
    assert until(lambda: service.job()["state"] == "success"), service.job()
    ended = service.ask("GET", "/instances?all=true").json()["instances"]
    assert len(ended) == 2
    assert service.stop() == 0
    assert not instances()


def test_stopping_can_end_the_instances(start: Any, commands: Any) -> None:
    """With --stop-instances nothing runs on when the service has ended; the job is ready to go on."""
    service = start("--stop-instances")
    service.submit(sleeping(commands, "1", 60))
    assert until(lambda: service.job()["tasks"]["running"] == 1)
    assert service.stop() == 0
    assert not instances()
    again = start()
    assert again.job()["tasks"]["ready"] + again.job()["tasks"]["running"] == 1
    assert again.stop() == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--settings", "none.yaml"), "cannot be read"),
        (("--tls-key", "key.pem"), "tls_certificate and tls_key go together"),
        (("--host", "192.0.2.1"), "Cannot listen on 192.0.2.1"),
    ],
)
def test_a_service_that_cannot_start_says_why(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """One sentence and exit code 1, no traceback."""
    options = ("--data", str(tmp_path / "data"), "--port", "0", *words)
    ended = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert (ended.returncode, said in ended.stderr, "Traceback" in ended.stderr) == (1, True, False), ended.stderr


def test_tls(start: Any, commands: Any, tmp_path: Path) -> None:
    """With certificate and key the service speaks https, and its local runners trust it."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True, timeout=60)
    service = start("--stop-instances", "--tls-certificate", str(certificate), "--tls-key", str(key))
    assert service.url.startswith("https://")
    service.submit(sleeping(commands, "1", 0))
    assert until(lambda: service.job()["state"] == "success"), service.job()
    assert service.stop() == 0
