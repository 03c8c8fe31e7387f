"""Command line, agent, service, runner and back: the real ones, with a command job, so that no host is needed."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_client import connect
from conductor_core.errors import AgentError
from conductor_service.embedded import embedded_service


class Terminal:
    """Type commands as an artist with a home of their own."""

    def __init__(self, home: Path) -> None:
        self.environment = {**os.environ, "CONDUCTOR_HOME": str(home)}

    def __call__(self, *words: object, code: int = 0) -> str:
        command = [sys.executable, "-m", "conductor_core.cli", *map(str, words)]
        ran = subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=120, check=False)
        assert ran.returncode == code, (ran.returncode, ran.stdout, ran.stderr)
        return ran.stdout

    def json(self, *words: object, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code))


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    kinds = [{"name": "local", "description": "here", "cores": 1, "memory_gb": 1, "price_per_hour": "0.60"}]
    with embedded_service(tmp_path / "service", {"idle_seconds": 5, "instance_types": kinds}) as service:
        terminal = Terminal(tmp_path / "home")
        terminal("login", service.url, "--token-file", service.token_file)
        yield terminal
        with contextlib.suppress(AgentError):
            connect(start=False).quit(now=True)


def test_a_command_job_from_end_to_end(terminal: Terminal, tmp_path: Path) -> None:
    """Files go out, run at the artist's own paths, and each frame comes home; the second time nothing is sent."""
    tool, out = tmp_path / "show" / "tools" / "bake.sh", tmp_path / "show" / "renders"
    tool.parent.mkdir(parents=True)
    tool.write_text(f'printf "frame %s" "$1" > "{out}/bake_$1.txt"\n')
    words = (
        "submit", "--command", f"sh {tool} {{frame}}", "-f", "1-3", "--file", tool.parent, "--output", out / "bake_#.txt",
        "--wait", "-t", "local",
    )  # fmt: skip
    done = terminal.json(*words)
    assert (done["number"], done["job_state"], done["files"], done["bytes_sent"]) == (1, "success", 1, tool.stat().st_size)
    assert {p.name: p.read_text() for p in out.iterdir()} == {f"bake_{n}.txt": f"frame {n}" for n in (1, 2, 3)}
    again = terminal.json(*words)
    assert (again["job_state"], again["bytes_sent"]) == ("success", 0)
    assert [j["number"] for j in terminal.json("jobs")["jobs"]] == [2, 1]
    task = terminal.json("log", "1", "--frame", "2")
    assert task["attempts"][-1]["state"] == "success"
    assert "attempt" not in terminal("log", "1", "--frame", "2")
    assert terminal.json("cost", "--job", "1")["billed_minutes"] >= 0
    assert terminal.json("instances", "--all")["instances"]


def test_a_folder_for_each_frame_comes_home(terminal: Terminal, tmp_path: Path) -> None:
    """Runner, service and agent agree on where an output may lie: a folder for each frame, in a folder with a # of its own."""
    out = tmp_path / "show" / "#42"
    tool = tmp_path / "show" / "bake.sh"
    tool.parent.mkdir(parents=True)
    tool.write_text(f'mkdir -p "{out}/000$1" && printf "frame %s" "$1" > "{out}/000$1/bake_000$1.txt"\n')
    words = ("submit", "--command", f"sh {tool} {{frame}}", "-f", "1-2", "--file", tool, "-t", "local", "--wait")
    assert terminal.json(*words, "--output", out / "####" / "bake_####.txt")["job_state"] == "success"
    found = {str(p.relative_to(out)): p.read_text() for p in out.rglob("*.txt")}
    assert found == {"0001/bake_0001.txt": "frame 1", "0002/bake_0002.txt": "frame 2"}


def test_a_failing_command_is_told(terminal: Terminal, tmp_path: Path) -> None:
    """A command that ends with an error fails the job with 1, and its log says why."""
    words = ("submit", "--command", "sh -c 'echo oh no; exit 7'", "--output", tmp_path / "o" / "f_#.txt", "-t", "local")
    terminal(*words, "--retries", "0", "--wait", code=1)
    assert "oh no" in terminal("log", "1")
    assert terminal.json("job", "1", "--tasks")["tasks"][0]["cause"] == "exit-code"
