"""What the panel's fields ask for, through command line, agent, service, runner and a mail server: all of them real."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from conductor_core.agent_client import connect
from conductor_core.errors import AgentError
from conductor_service.embedded import embedded_service


class Letters:
    """A mail server's hands: who was written to, about what."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=policy.SMTP)
        self.taken.append((envelope.rcpt_tos[0], str(message["Subject"])))
        return "250 OK"


class Terminal:
    """Type commands as an artist with a home of their own."""

    def __init__(self, home: Path) -> None:
        self.environment = {**os.environ, "CONDUCTOR_HOME": str(home)}

    def __call__(self, *words: object) -> str:
        command = [sys.executable, "-m", "conductor_core.cli", *map(str, words)]
        ran = subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=120, check=False)
        assert ran.returncode == 0, (ran.returncode, ran.stdout, ran.stderr)
        return ran.stdout

    def json(self, *words: object) -> Any:
        return json.loads(self(*words, "--json"))


def eventually(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds, and return what it gave."""
    deadline = time.monotonic() + 120
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)
    return found


@pytest.fixture
def letters() -> Iterator[tuple[Letters, int]]:
    """Run a mail server; give what it took, and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    taken = Letters()
    controller = Controller(taken, hostname="127.0.0.1", port=port, ready_timeout=60)
    controller.start()
    yield taken, port
    controller.stop()


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, letters: tuple[Letters, int]) -> Iterator[Terminal]:
    """Give a terminal that is logged in to a service that writes e-mails."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    kinds = [{"name": "local", "cores": 1, "memory_gb": 1, "price_per_hour": "1.20", "preemptible_price_per_hour": "0.30"}]
    email = {"host": "127.0.0.1", "port": letters[1], "security": "none", "sender": "Farm <farm@studio.example>"}
    settings = {"idle_seconds": 5, "instance_types": kinds, "email": email}
    with embedded_service(tmp_path / "service", settings) as service:
        terminal = Terminal(tmp_path / "home")
        terminal("login", service.url, "--token-file", service.token_file)
        yield terminal
        with contextlib.suppress(AgentError):
            connect(start=False).quit(now=True)


def test_scouts_notifications_and_metadata(terminal: Terminal, letters: tuple[Letters, int], tmp_path: Path) -> None:
    """Scouts come first, their watcher is told, the rest comes after the release; found by metadata, billed as preemptible."""
    tool, out = tmp_path / "show" / "bake.sh", tmp_path / "show" / "renders"
    tool.parent.mkdir(parents=True)
    tool.write_text(f'printf "frame %s" "$1" > "{out}/bake_$1.txt"\n')
    terminal(
        "submit", "--command", f"sh {tool} {{frame}}", "-f", "1-4", "--file", tool, "--output", out / "bake_#.txt", "-t", "local",
        "--preemptible", "--scouts", "3", "--notify", "ada@studio.example", "--notify-on", "scouts", "--notify-on", "success",
        "--metadata", "shot=010", "--title", "Fog",
    )  # fmt: skip
    held = eventually(lambda: now if (now := terminal.json("job", "1"))["state"] == "holding" else None)
    assert (held["scouts"], held["frames"]["success"]) == ({"total": 1, "done": 1, "held": 3}, 1)
    assert "release" in held["verbs"]
    assert "3 tasks held until: conductor release 1" in terminal("job", "1")
    told = eventually(lambda: letters[0].taken)
    assert told == [("ada@studio.example", "[Conductor] the scout frames of job 1 are there: Fog")]
    assert [p.name for p in out.iterdir()] == ["bake_3.txt"]

    assert terminal.json("release", "1")["changed"] == 3
    done = terminal.json("job", "1", "--wait")
    assert (done["state"], done["frames"]["success"]) == ("success", 4)
    eventually(lambda: len(letters[0].taken) == 2)
    assert letters[0].taken[1] == ("ada@studio.example", "[Conductor] job 1 is done: Fog")
    assert [j["number"] for j in terminal.json("jobs", "--metadata", "shot=010")["jobs"]] == [1]
    assert terminal.json("jobs", "--metadata", "shot=01")["jobs"] == []
    minutes = terminal.json("job", "1")["billed_minutes"]
    assert float(terminal.json("job", "1")["cost"]) == pytest.approx(minutes * 0.30 / 60, abs=0.001)
