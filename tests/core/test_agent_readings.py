"""Our own reading of a scene for a panel, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from conductor_core.agent.reading_process import PIECE, _pieces
from conductor_core.agent.readings import Question, Readings
from conductor_core.agent_answers import OwnReading
from conductor_core.agent_client import AgentClient, _reading
from conductor_core.discovery.survey import Survey
from conductor_core.errors import AgentError
from conductor_core.formats import scan_file
from conductor_core.report import Dependency
from core.artists_desk import Desk

Eventually = Callable[..., Any]

SCENE = """//Maya ASCII 2025 scene
requires maya "2025";
createNode file -n "wood";
    setAttr ".ftn" -type "string" "wood.png";
createNode file -n "gone";
    setAttr ".ftn" -type "string" "$TEXTURES/gone.png";
"""


@pytest.fixture
def desk(tmp_path: Path, fake_service: Any) -> Iterator[Desk]:
    desk = Desk(tmp_path, fake_service)
    yield desk
    desk.stop()


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    folder = tmp_path / "maya"
    folder.mkdir()
    (folder / "wood.png").write_bytes(b"wood")
    (folder / "shot.ma").write_text(SCENE)
    return folder / "shot.ma"


def _read(client: AgentClient, scene: Path, variables: dict[str, str] | None = None) -> OwnReading:
    return client.own_reading(str(scene), (), project_root="", variables=variables or {})


def test_the_report_is_that_of_our_own_reading(desk: Desk, scene: Path) -> None:
    """Over the channel and from a process of its own, it is what `conductor scan --no-host` says; the host's variables count."""
    variables = {"TEXTURES": str(scene.parent)}
    reading = _read(desk.start(), scene, variables)
    assert reading.problem == ""
    assert reading.report == scan_file(Survey(str(scene), variables=variables)).report
    assert [d.files for d in reading.report.dependencies] == [(str(scene.parent / "wood.png"),)]
    assert [m.path for m in reading.report.missing] == [str(scene.parent / "gone.png")]


def test_what_cannot_be_read_says_why(desk: Desk, tmp_path: Path) -> None:
    """A file of a format that nobody knows, or none at all, is no failure of the agent."""
    client = desk.start()
    (tmp_path / "what.ever").write_bytes(b"\x00\x01")
    for name, said in (("what.ever", "no reader knows its format"), ("none.ma", "cannot be read")):
        reading = _read(client, tmp_path / name)
        assert (reading.report, said in reading.problem, str(tmp_path / name) in reading.problem) == (None, True, True)
    with pytest.raises(AgentError, match="absolute path"):
        _read(client, Path("shot.ma"))


def test_a_studios_readers_are_used(desk: Desk, scene: Path, tmp_path: Path) -> None:
    """Those of the settings and of the host's variable; what they print is no part of the report, and a broken one is told."""
    readers = tmp_path / "readers"
    readers.mkdir()
    (readers / "loud.py").write_text("print('hello from the studio')\n")
    (readers / "broken.py").write_text("1 / 0\n")
    variables = {"CONDUCTOR_READERS": str(readers), "TEXTURES": str(scene.parent)}
    reading = _read(desk.start(), scene, variables)
    assert reading.report is not None
    assert "broken.py, line 1" in reading.problem


def test_broken_settings_stop_no_reading(desk: Desk, scene: Path) -> None:
    """The scene is read without the studio's readers, and the sentence names the file."""
    client = desk.start()
    (desk.folders.config / "settings.yaml").write_text("readers: 7")
    reading = _read(client, scene)
    assert reading.report is not None
    assert "settings.yaml" in reading.problem


PROCESSES = {
    "it takes too long": ("import time; time.sleep(600)", "longer than 1 s"),
    "it says too much": ("import sys; sys.stdout.write('x' * 3000000)", "more to say of it than 1 MB"),
    "it fails": ("raise RuntimeError('the reader broke')", "ended in a failure (RuntimeError: the reader broke)"),
    "it is killed": ("import os; os.kill(os.getpid(), 9)", "ended in a failure"),
}


@pytest.mark.parametrize(("code", "said"), PROCESSES.values(), ids=PROCESSES.keys())
def test_no_process_stalls_the_agent(tmp_path: Path, code: str, said: str) -> None:
    """One that hangs, floods, fails or dies is ended, and the panel hears of it in a sentence."""
    limit = 1.0 if "sleep" in code else 60.0
    readings = Readings(tmp_path, limit=limit, largest=1 << 20, command=(sys.executable, "-c", code))
    reading = _reading(readings.read(Question(str(tmp_path / "shot.ma"))))
    assert reading.report is None
    assert said in reading.problem
    assert readings._running == {}


SLOW = (sys.executable, "-c", "import time; time.sleep(600)")


def _begin(readings: Readings, panel: str) -> tuple[threading.Thread, list[Exception]]:
    failed: list[Exception] = []

    def read() -> None:
        try:
            readings.read(Question(os.path.abspath("shot.ma"), panel=panel))
        except AgentError as exc:
            failed.append(exc)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread, failed


def test_a_panel_that_asks_anew_ends_what_it_asked_before(tmp_path: Path, eventually: Eventually) -> None:
    """The older process is ended; another panel's goes on, until the agent ends."""
    readings = Readings(tmp_path, command=SLOW)
    other, _ = _begin(readings, "two")
    old, given_up = _begin(readings, "one")
    eventually(lambda: len(readings._running) == 2)
    new, _ = _begin(readings, "one")
    old.join(20)
    assert "newer one" in str(given_up[0])
    eventually(lambda: sorted(readings._running.values()) == ["one", "two"])
    processes = [psutil.Process(process.pid) for process in readings._running]
    readings.stop()
    for thread in (other, new):
        thread.join(20)
        assert not thread.is_alive()
    assert not any(process.is_running() for process in processes)


def test_a_panel_may_ask_anew_while_a_process_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that nobody had seen yet is ended too: it would keep its place for minutes."""
    readings = Readings(tmp_path, command=SLOW)
    start = subprocess.Popen

    def starting(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        process = start(*args, **options)
        readings._announce("one")
        return process

    monkeypatch.setattr("conductor_core.agent.readings.subprocess.Popen", starting)
    thread, failed = _begin(readings, "one")
    thread.join(60)
    given_up = not thread.is_alive()
    readings.stop()
    assert given_up
    assert "newer one" in str(failed[0])


def test_a_reading_whose_agent_was_killed_ends_by_itself(tmp_path: Path) -> None:
    """Nobody is left to end it then: it gives up when the agent would have."""
    reader = tmp_path / "slow.py"
    reader.write_text("import time; time.sleep(600)")
    question = {"scene": "/x.ma", "frames": [], "project_root": "", "seconds": 1, "config": str(tmp_path)}
    question["variables"] = {"CONDUCTOR_READERS": str(tmp_path)}
    command = (sys.executable, "-m", "conductor_core.agent.reading_process")
    ended = subprocess.run(command, input=json.dumps(question).encode(), capture_output=True, timeout=120, check=False)
    assert (ended.returncode, ended.stdout) == (1, b"")


def test_a_long_report_comes_in_short_lines() -> None:
    """No line has more than a few hundred entries or files, unless one entry alone has them."""
    few = [Dependency(f"{n}", f"/{n}", (f"/{n}",), "texture", "r") for n in range(PIECE * 2)]
    many = Dependency("s", "/s", tuple(f"/s.{n}" for n in range(PIECE * 3)), "texture", "r")
    pieces = list(_pieces((*few, many, *few[:3])))
    assert [len(piece) for piece in pieces] == [PIECE // 2] * 4 + [1, 3]
    assert [entry["as_written"] for piece in pieces for entry in piece] == [d.as_written for d in (*few, many, *few[:3])]
