"""What an artist chooses beside scene and frames does what it says: typed, sent, and done by a real service and its machines."""

from __future__ import annotations

import json
import queue
import socket
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiosmtpd.controller import Controller
from road.household import KINDS, Household
from road.people import Person

PATIENCE = 60.0


class Letterbox:
    """A mail server that keeps what it is given."""

    def __init__(self) -> None:
        self.letters: queue.Queue[tuple[list[str], str, str]] = queue.Queue()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        letter = message_from_bytes(envelope.content, policy=policy.default)
        body = letter.get_body(("plain",))
        self.letters.put((envelope.rcpt_tos, str(letter["Subject"]), body.get_content() if body else ""))
        return "250 OK"


class Show(Household):
    """A household with a mail server, and a program that makes a file per frame."""

    def __init__(self, person: Person, mail_port: int) -> None:
        super().__init__(person)
        email = {"host": "127.0.0.1", "port": mail_port, "sender": "farm@studio.test", "security": "none"}
        settings = {"idle_seconds": 600, "instance_types": KINDS, "find_software": False, "email": email}
        self.settings.write_text(yaml.safe_dump(settings))
        self.folder = person.home / "show"
        (self.folder / "tools").mkdir(parents=True)
        (self.folder / "bake.sh").write_text(f'echo "frame $1" > "{self.folder}/out/bake_$1.txt"; ls -R "{self.folder}"\n')
        for name in ("needed.txt", "huge.bin"):
            (self.folder / "tools" / name).write_text(name)

    def submit(self, *words: object, code: int = 0) -> dict[str, Any]:
        """Submit the program, and return what was said of the submission."""
        base = ("submit", "-t", "local", "--file", self.folder / "bake.sh", "--output", self.folder / "out" / "bake_#.txt")
        command = () if "--command" in words else ("--command", f"sh {self.folder}/bake.sh {{frame}}")
        said = self.person.conductor(*base, *command, *words, "--json", code=code)
        return dict(json.JSONDecoder().raw_decode(said)[0])

    def job(self, number: int) -> dict[str, Any]:
        return dict(self.person.json("job", number))

    def wait(self, number: int, state: str) -> dict[str, Any]:
        """Wait until a job is in a state."""
        deadline = time.monotonic() + PATIENCE
        while (job := self.job(number))["state"] != state:
            assert time.monotonic() < deadline, job
            time.sleep(0.2)
        return job

    def home(self) -> list[str]:
        return sorted(p.name for p in (self.folder / "out").glob("*"))


@pytest.fixture
def letterbox() -> Iterator[tuple[Letterbox, int]]:
    """Give a mail server that is up, and its port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    box = Letterbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


@pytest.fixture
def show(tmp_path: Path, letterbox: tuple[Letterbox, int]) -> Iterator[Show]:
    """Give an artist whose farm is up."""
    home = tmp_path / "home"
    home.mkdir()
    found = Show(Person(home), letterbox[1])
    found.serve()
    found.person.conductor("login", found.url, "--token-file", found.data / "owner-token")
    yield found
    found.close()


def test_scouts_come_first_and_a_letter_says_that_they_are_there(show: Show, letterbox: tuple[Letterbox, int]) -> None:
    """Only they are rendered and brought home; the others come when they are released; each occasion has its letter, and the
    job is found by what was noted on it."""
    said = show.submit("-f", "1-4", "--scouts", "2,4", "--metadata", "shot=sh010", "--notify", "mika@studio.test")
    number = said["number"]
    deadline = time.monotonic() + PATIENCE
    while show.home() != ["bake_2.txt", "bake_4.txt"]:
        assert time.monotonic() < deadline, show.home()
        time.sleep(0.2)
    assert letterbox[0].letters.get(timeout=PATIENCE)[0] == ["mika@studio.test"]
    assert show.job(number)["scouts"] == {"total": 2, "done": 2, "held": 2}
    assert show.home() == ["bake_2.txt", "bake_4.txt"]
    show.person.conductor("release", number)
    show.person.conductor("job", number, "--wait")
    assert show.job(number)["state"] == "success"
    addresses, subject, _ = letterbox[0].letters.get(timeout=PATIENCE)
    assert addresses == ["mika@studio.test"]
    assert str(number) in subject
    other = show.submit("-f", "1", "--metadata", "shot=sh020", "--wait")["number"]
    assert [j["number"] for j in show.person.json("jobs", "--metadata", "shot=sh010")["jobs"]] == [number]
    assert sorted(j["number"] for j in show.person.json("jobs")["jobs"]) == [number, other]


def test_retries_time_and_what_stays_at_home(show: Show) -> None:
    """A task that fails is tried as often as was said; one that takes longer than its minutes is ended; what is left at home is
    not on the farm, and the job says why."""
    slow = show.submit("-f", "9", "--command", "sleep 600", "--task-minutes", "1", "--retries", "0", "--background")
    failing = show.submit("-f", "1", "--command", "sh -c 'exit 3'", "--retries", "2", "--wait", code=1)["number"]
    attempts = show.person.json("log", failing)["attempts"]
    assert [(a["state"], a["cause"]) for a in attempts] == [("failed", "exit-code")] * 3
    left = f"{show.folder}/tools/huge.bin=made on the farm"
    whole = show.submit("-f", "5", "--file", show.folder / "tools", "--exclude", left, "--wait")["number"]
    log = show.person.conductor("log", whole)
    assert "needed.txt" in log
    assert "huge.bin" not in log
    assert show.job(whole)["submission"]["excluded"] == [{"path": f"{show.folder}/tools/huge.bin", "reason": "made on the farm"}]
    late = next(j["number"] for j in show.person.json("jobs")["jobs"] if j["number"] not in (failing, whole))
    assert slow["submission"]
    show.wait(late, "failed")
    assert show.person.json("log", late)["attempts"][-1]["cause"] == "time-out"
