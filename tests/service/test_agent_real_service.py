"""Command line, agent, service, runner and back: the real ones, with a command job, so that no host is needed."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_client import connect
from conductor_core.documents import from_json
from conductor_core.errors import AgentError
from conductor_core.submission import Submission
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


def eventually(condition: Callable[[], Any], seconds: float = 120.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


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


def test_an_edit_among_many_files_is_all_that_is_told(terminal: Terminal, tmp_path: Path) -> None:
    """Submitted again with one file edited, one added and one gone, the job has each file as it is now; so has the one after."""
    tool, out = tmp_path / "show" / "list.sh", tmp_path / "show" / "renders"
    textures = tmp_path / "show" / "tex"
    textures.mkdir(parents=True)
    for n in range(1500):
        (textures / f"{n:04}.tx").write_bytes(b"%d" % (n // 2))
    tool.write_text(f'cat $(ls {textures}/*.tx) | cksum > "{out}/sum_$1.txt"\n')
    for path in (*textures.iterdir(), tool):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    words = (
        "submit", "--command", f"sh {tool} {{frame}}", "-f", "1", "--file", textures, "--file", tool,
        "--output", out / "sum_#.txt", "--wait", "-t", "local",
    )  # fmt: skip
    sums = []
    for change in ("first", "same", "edited", "same again"):
        if change == "edited":
            (textures / "0700.tx").write_bytes(b"edited")
            (textures / "0700b.tx").write_bytes(b"added")
            (textures / "0100.tx").unlink()
        done = terminal.json(*words)
        assert (done["job_state"], done["files"]) == ("success", 1501)
        sent = {"first": None, "edited": len(b"edited" + b"added")}.get(change, 0)
        assert sent is None or done["bytes_sent"] == sent
        sums.append((out / "sum_1.txt").read_text())
    shell = f"cat $(ls {textures}/*.tx) | cksum"
    assert sums[0] == sums[1] != sums[2] == sums[3] == subprocess.check_output(["sh", "-c", shell], text=True)


def test_scouts_go_while_the_rest_is_sent(terminal: Terminal, tmp_path: Path) -> None:
    """The scout frame starts with its own files, before the last of the others is there; then these have theirs too."""
    show, out = tmp_path / "show", tmp_path / "show" / "renders"
    show.mkdir()
    for n in (1, 2, 3):
        (show / f"plate_{n}.txt").write_text(f"plate {n}")
    words = ("submit", "--command", f"cp {show}/plate_{{frame}}.txt {out}/comp_{{frame}}.txt", "-f", "1-3", "-t", "local")
    asked = terminal.json(*words, "--scouts", "2", "--output", out / "comp_#.txt", "--dry-run")
    plates = [str(show / f"plate_{n}.txt") for n in (1, 2, 3)]
    agent = connect()
    identity = agent.submit(from_json(Submission, asked["submission"]), plates, later=[plates[0], plates[2]])
    eventually(lambda: agent.submission(identity)["state"] == "submitted")
    terminal("release", "1")
    assert terminal.json("job", "1", "--wait")["state"] == "success"
    eventually(lambda: agent.downloads()[0]["complete"])
    assert {p.name: p.read_text() for p in out.iterdir()} == {f"comp_{n}.txt": f"plate {n}" for n in (1, 2, 3)}
    with contextlib.closing(sqlite3.connect(tmp_path / "service" / "conductor.sqlite")) as database:
        moves = database.execute("SELECT after, reason FROM transition ORDER BY seq").fetchall()
        manifests = database.execute("SELECT entries FROM manifest ORDER BY entries").fetchall()
    assert ("ready", "the files of the scout frames are there") in moves
    assert manifests == [(1,), (3,)]


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
