"""`conductor serve` as people run it: a process, with real runners, that can be killed."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
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
from conductor_service.data_folder import DataUnwritable, writing_into
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


def once(data: Path, *words: str, privileges: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run a service that ends by itself: it cannot start."""
    options = ("--data", str(data), "--port", "0", *words)
    return subprocess.run([*privileges, *COMMAND, *options], capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Give the data folder of a service that ran and ended."""
    data = tmp_path / "data"
    done = once(data, "--new-owner-token")
    assert done.returncode == 0, done.stderr
    return data


@pytest.mark.parametrize("words", [(), ("--new-owner-token",)], ids=["serve", "new token"])
def test_a_locked_database_is_said(old: Path, words: tuple[str, ...]) -> None:
    """A database that another program holds is called that, and no disk is blamed for it."""
    connection = sqlite3.connect(old / "conductor.sqlite", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    done = once(old, *words)
    connection.close()
    assert done.returncode == 1
    assert done.stderr.endswith(
        f"The database in {old} is locked by another program."
        " End what has it open (a database browser, a backup), then start again.\n"
    )


def test_a_defect_is_not_blamed_on_the_disk(old: Path) -> None:
    """What is no matter of the data folder's disk or rights keeps its traceback."""
    connection = sqlite3.connect(old / "conductor.sqlite")
    connection.execute("DROP TABLE account")
    connection.close()
    done = once(old)
    assert (done.returncode, "no such table: account" in done.stderr, "Traceback" in done.stderr) == (1, True, True), done.stderr
    assert "Make room" not in done.stderr


#: of what may not be read or written: a path below the data folder, its mode, the words, and what is said
THEIRS: dict[str, tuple[str, int, tuple[str, ...], str]] = {
    "the lock": ("service.lock", 0o000, (), "service.lock may not be read and written by you (Permission denied). Start the"),
    "the lock, for a token": ("service.lock", 0o000, ("--new-owner-token",), "service.lock may not be read and written by you"),
    "the database": ("conductor.sqlite", 0o000, (), "data cannot be written (unable to open database file)"),
    "the database, to write": ("conductor.sqlite", 0o400, (), "data cannot be written (attempt to write a readonly database)"),
    "the store": ("store", 0o000, (), "store: the store cannot be written (Permission denied). Its operator must"),
}


@pytest.mark.parametrize(("path", "mode", "words", "said"), THEIRS.values(), ids=THEIRS.keys())
def test_a_folder_of_another_user_is_said(
    old: Path, without_privileges: list[str], path: str, mode: int, words: tuple[str, ...], said: str
) -> None:
    """What of the data folder may not be read or written is named, with exit code 1 and no traceback."""
    (old / path).chmod(mode)
    try:
        done = once(old, *words, privileges=without_privileges)
    finally:
        (old / path).chmod(0o700)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr


@pytest.mark.parametrize("readable", [True, False], ids=["is no key", "may not be read"])
def test_a_tls_key_that_cannot_be_used_is_named(tmp_path: Path, without_privileges: list[str], readable: bool) -> None:
    """The file is named, and no disk is blamed for it."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    for file in (certificate, key):
        file.write_text("no PEM")
    key.chmod(0o600 if readable else 0o000)
    words = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    done = once(tmp_path / "data", *words, privileges=without_privileges)
    assert (done.returncode, "Traceback" in done.stderr, "Make room" in done.stderr) == (1, False, False), done.stderr
    assert f"key {key} cannot be used ({'' if readable else 'Permission denied).'}" in done.stderr


def test_files_of_elsewhere_are_not_of_the_data_folder(tmp_path: Path) -> None:
    """A refusal is put down to the data folder where its file lies in it; what has no name is a write into it."""
    (tmp_path / "data").mkdir()
    for error in (OSError(errno.EACCES, "no", str(tmp_path / "data2")), OSError(errno.EACCES, "no"), OSError(errno.EIO, "no")):
        with pytest.raises(OSError, match=re.escape(str(error))), writing_into(tmp_path / "data"):
            raise error
    with pytest.raises(DataUnwritable), writing_into(tmp_path / "data"):
        raise OSError(errno.ENOSPC, "full")


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
