"""Scout frames of a scene that was submitted as a panel does it: by a snapshot, and told only how the scene is to be read.

The real agent, service and runner; between agent and service a line that holds back what no scout frame needs.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_client import AgentClient, SceneReading, connect
from conductor_core.digest import digest_of
from conductor_core.errors import AgentError
from conductor_core.paths import local_flavour
from conductor_core.submission import Output, Software, Step, Submission, new_submission_id
from conductor_core.transfer.file_state import RACY_NS
from conductor_core.transfer.upload import SMALL
from conductor_service.embedded import embedded_service
from faults.faulty_line import Proxy

KINDS = [{"name": "local", "description": "here", "cores": 1, "memory_gb": 1, "price_per_hour": "0.60"}]
SETTINGS = {"idle_seconds": 5, "instance_types": KINDS, "find_software": False}
FRAMES = (1, 2, 3, 4)
SCENE = """version 15.1 v3
Root {{
 inputs 0
 name {folder}/comp.nk
 first_frame 1
 last_frame 4
}}
Read {{
 inputs 0
 file {folder}/{plate}
 first 1
 last 4
 name Plate
}}
Write {{
 file {folder}/out/comp.%04d.exr
 name Out
}}
"""


#: seconds after which what was just changed is kept in the hash cache
SETTLED = RACY_NS / 1e9 + 0.1


@dataclass(frozen=True)
class Show:
    """A comp of a sequence, and an artist who is logged in by way of the line."""

    folder: Path
    line: Proxy
    home: Path
    data: Path
    agent: AgentClient

    def plate(self, frame: int) -> Path:
        return self.folder / f"plate.{frame:04}.exr"

    def out(self, frame: int) -> Path:
        return self.folder / "out" / f"comp.{frame:04}.txt"

    def stills(self) -> list[str]:
        """Return what else the job has."""
        return [str(file) for file in sorted((self.folder / "tex").glob("*"))]

    def submission(self) -> Submission:
        """Return the job: each frame shows the plate of its own number."""
        words = ("cp", str(self.folder / "plate.{frame:04}.exr"), str(self.folder / "out" / "comp.{frame:04}.txt"))
        step = Step(
            "Out",
            "1-4",
            kind="command",
            command=words,
            scouts="2",
            outputs=(Output(str(self.folder / "out" / "comp.####.txt"), kind="other"),),
        )
        scene, software = str(self.folder / "comp.nk"), Software("command", "1.0")
        return Submission(new_submission_id(), "default", "comp", scene, local_flavour(), software, (step,), "local")

    def submit(self, reading: SceneReading) -> str:
        """Hand over as the panel does: with a snapshot that says more than the file that was saved."""
        submission = self.submission()
        scene = Path(submission.scene)
        scene.write_text(SCENE.format(folder=self.folder.as_posix(), plate="old.exr"))
        snapshot = self.agent.snapshot_file(submission.id, submission.scene)
        Path(snapshot).write_text(SCENE.format(folder=self.folder.as_posix(), plate="plate.%04d.exr"))
        files = [submission.scene, *(str(self.plate(frame)) for frame in FRAMES), *self.stills()]
        return self.agent.submit(submission, files, snapshots={submission.scene: snapshot}, reading=reading)

    def kept(self, identity: str) -> dict[str, Any]:
        """Return what the agent's journal has found for a submission."""
        (journal,) = self.home.rglob("journal.sqlite")
        with contextlib.closing(sqlite3.connect(journal)) as database:
            row = database.execute("SELECT found FROM found_later WHERE id = ?", (identity,)).fetchone()
        return dict(json.loads(row[0])) if row else {}

    def conductor(self, *words: str) -> Any:
        command = [sys.executable, "-m", "conductor_core.cli", *words, "--json"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        assert ran.returncode == 0, (ran.returncode, ran.stdout, ran.stderr)
        return json.loads(ran.stdout)


def eventually(condition: Callable[[], Any]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Show]:
    home, folder, line = tmp_path / "home", tmp_path / "show", Proxy()
    folder.mkdir()
    for frame in FRAMES:
        (folder / f"plate.{frame:04}.exr").write_bytes(b"%d" % frame * (SMALL + frame))
    monkeypatch.setenv("CONDUCTOR_HOME", str(home))
    with embedded_service(tmp_path / "service", SETTINGS) as service:
        line.upstream = int(service.url.rpartition(":")[2])
        words = ("login", line.url, "--token-file", str(service.token_file))
        subprocess.run([sys.executable, "-m", "conductor_core.cli", *words], check=True, timeout=180, capture_output=True)
        agent = connect()
        yield Show(folder, line, home, tmp_path / "service", agent)
        line.heal()
        with contextlib.suppress(AgentError):
            agent.quit(now=True)
    line.refuse()


def test_the_scout_frame_is_home_while_the_last_plate_is_still_sent(show: Show) -> None:
    """The agent finds by the snapshot which plates may wait; then all frames are what they would have been."""
    last = digest_of(show.plate(4).read_bytes())
    put = rf"PUT \S*/objects/{last}"
    show.line.add("silent", put)
    show.agent.pause()
    identity = show.submit(SceneReading(variables={**os.environ, "TOKEN": "secret-of-the-host"}))
    eventually(lambda: "later" in show.kept(identity))
    assert show.kept(identity)["later"] == [str(show.plate(4))]
    assert not any(b"secret-of-the-host" in file.read_bytes() for file in show.home.rglob("*") if file.is_file())
    show.agent.resume()
    eventually(lambda: show.out(2).exists() and show.line.count(put))
    assert show.out(2).read_bytes() == show.plate(2).read_bytes()
    assert show.agent.submission(identity)["state"] == "uploading"
    job = show.conductor("job", "1")
    assert (job["uploading"], job["frames"]["success"]) == (True, 1)
    assert not show.out(1).exists()
    show.line.heal()
    eventually(lambda: show.agent.submission(identity)["state"] == "submitted")
    show.conductor("release", "1")
    assert show.conductor("job", "1", "--wait")["state"] == "success"
    eventually(lambda: show.agent.downloads()[0]["complete"])
    assert [show.out(frame).read_bytes() for frame in FRAMES] == [show.plate(frame).read_bytes() for frame in FRAMES]


def test_plates_that_were_made_anew_wait_too(show: Show) -> None:
    """Submitted again with other plates among many files that stayed, the scout frame goes before them, as the first time."""
    (show.folder / "tex").mkdir()
    for number in range(1500):
        (show.folder / "tex" / f"{number:04}.tx").write_bytes(b"%d" % (number // 100))
    for path in (*show.stills(), *(str(show.plate(frame)) for frame in FRAMES)):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    time.sleep(SETTLED)
    identity = show.submit(SceneReading())
    eventually(lambda: show.agent.submission(identity)["state"] == "submitted")
    for frame in FRAMES:
        show.plate(frame).write_bytes(b"new %d" % frame * (SMALL + frame))
    put = rf"PUT \S*/objects/{digest_of(show.plate(4).read_bytes())}"
    show.line.add("silent", put)
    show.agent.pause()
    identity = show.submit(SceneReading())
    eventually(lambda: "later" in show.kept(identity))
    show.agent.resume()
    eventually(lambda: show.conductor("job", "2")["frames"]["success"] == 1)
    assert show.conductor("job", "2")["uploading"]
    show.line.heal()
    eventually(lambda: show.agent.submission(identity)["state"] == "submitted")
    now = show.agent.submission(identity)
    assert (now["files"], now["bytes_sent"], now["objects_present"]) == (1505, now["bytes_to_send"], 16)
    assert show.line.count(r"POST \S*/manifests/known") == 1
