"""The `conductor` command against a service in memory and a real agent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from conductor_core.agent.run import Agent
from conductor_core.agent_client import SceneReading, connect
from conductor_core.api.settings import AgentSettings
from conductor_core.api.transport import RetryPolicy
from conductor_core.cli import program
from conductor_core.cli.exit_codes import ExitCode
from conductor_core.cli.program import run
from conductor_core.submission import Submission
from conductor_core.user_folders import UserFolders, user_folders

Eventually = Callable[..., Any]

_ASK = """
import argparse, json, os, sys
parser = argparse.ArgumentParser(); parser.add_argument("verb")
for name in ("--scene", "--frames", "--out"): parser.add_argument(name, default="")
options = parser.parse_args()
folder = os.path.dirname(options.scene)
behaviour = open(os.path.join(folder, "behaviour")).read() if os.path.exists(os.path.join(folder, "behaviour")) else ""
print("Blender says this and that")
if behaviour == "silent": sys.exit(1)
if behaviour == "error":
    json.dump({"error": {"what": "The scene is broken.", "next_step": "Mend it."}}, open(options.out, "w")); sys.exit(3)
if behaviour == "future":
    json.dump({"colour": "blue"}, open(options.out, "w")); sys.exit(0)
wood = os.path.join(folder, "wood.png")
there = os.path.exists(wood)
found = [{"as_written": "//wood.png", "path": wood, "files": [wood], "kind": "texture", "referrer": "Image wood"}]
gone = [{"as_written": "//wood.png", "path": wood, "kind": "texture", "referrer": "Image wood", "reason": "it is not there"}]
report = {"scene": options.scene, "format": "blend", "dependencies": found if there else [], "missing": [] if there else gone,
          "unresolved": [{"as_written": "[x]", "referrer": "Text", "reason": "cannot be evaluated"}],
          "outputs": [{"as_written": "//o/", "path": os.path.join(folder, "o", "####.exr"), "referrer": "Scene"}],
          "ignored": [{"as_written": "builtin", "referrer": "Font", "reason": "built in"}]}
output = {"path": os.path.join(folder, "o", "####.exr"), "kind": "image", "width": 4, "height": 4, "layers": []}
step = {"name": "Scene", "outputs": [output], "parameters": {"scene": "Scene"}, "enabled": True}
answer = {"report": report, "software": {"name": "blender", "version": "4.5.15"}, "frames": "1-2", "steps": [step]}
json.dump(answer, open(options.out, "w"))
"""


class Desk:
    """An artist at a terminal."""

    def __init__(self, root: Path, fake: Any, capsys: pytest.CaptureFixture[str]) -> None:
        self.folders: UserFolders = user_folders()
        self.fake = fake
        self.capsys = capsys
        self.token = root / "token"
        self.token.write_text(fake.token + "\n")
        self.project = root / "project"
        self.project.mkdir()
        self.scene = self.project / "shot.blend"
        self.scene.write_bytes(b"scene")
        self.wood = self.project / "wood.png"
        self.wood.write_bytes(b"wood")
        hosts = root / "hosts" / "blender"
        hosts.mkdir(parents=True)
        (hosts / "ask.py").write_text(_ASK)
        self.agent: Agent | None = None

    def __call__(self, *words: object, code: int = 0) -> tuple[str, str]:
        """Type a command, check its exit code, and return what it printed."""
        self.capsys.readouterr()
        found = run([str(word) for word in words])
        out, err = self.capsys.readouterr()
        assert found == code, (found, out, err)
        return out, err

    def json(self, *words: object, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code)[0])

    def log_in(self) -> None:
        self("login", self.fake.url, "--token-file", self.token)

    def start_agent(self) -> None:
        """Run the agent in this process, where the commands find it."""
        retries = RetryPolicy(attempts=1, first_wait=0.01, longest_wait=0.02)
        self.agent = Agent(self.folders, AgentSettings(), retries=retries, first_wait=0.05)
        self.thread = threading.Thread(target=self.agent.run, daemon=True)
        self.thread.start()
        while not (self.folders.state / "agent.json").exists():
            self.thread.join(0.02)

    def render(self, state: str = "success", frames: int = 2) -> None:
        """Play the farm: render every job as soon as it is committed."""

        def play(method: str, path: str) -> None:
            if method == "GET" and path.startswith("/api/v1/jobs/job-") and path.count("/") == 4:
                job = path.rpartition("/")[2]
                if self.fake.jobs[job]["state"] == "pending":
                    self.fake.jobs[job]["state"] = state
                    for frame in range(1, frames + 1):
                        self.fake.publish(job, str(self.project / "o" / f"{frame:04}.exr"), b"pixels %d" % frame)

        self.fake.fault = play


@pytest.fixture
def desk(
    tmp_path: Path, fake_service: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    import sys

    for name in ("CONDUCTOR_SERVICE",):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CONDUCTOR_HOSTS", str(tmp_path / "hosts"))
    monkeypatch.setenv("CONDUCTOR_BLENDER", sys.executable)
    desk = Desk(tmp_path, fake_service, capsys)
    yield desk
    if desk.agent is not None:
        desk.agent.stop()
        desk.thread.join(20)


def _job(fake: Any, desk: Desk) -> None:
    """Put one job into the service."""
    submission = desk.json("submit", desk.scene, "--dry-run", "-t", "small", "-p", "show")["submission"]
    fake.jobs["job-1"] = {"id": "job-1", "number": 1, "state": "pending", "submission": submission}


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in program._COMMANDS)], ids=lambda w: w[0])
def test_every_command_has_a_manual(desk: Desk, words: list[str]) -> None:
    """Each command says what it does, gives examples and its exit codes."""
    out, _ = desk(*words)
    assert len(out) > 300
    if words != ["--help"]:
        assert "Example" in out
        assert "Exit codes" in out


def test_the_version(desk: Desk) -> None:
    """`--version` says which Conductor this is."""
    assert desk("--version")[0].startswith("conductor, version")


def test_wrong_command_lines(desk: Desk) -> None:
    """What cannot be understood ends with 2 and says what was expected."""
    assert "No such command" in desk("nonsense", code=ExitCode.USAGE)[1]
    assert "SCENE, or --command, or both" in desk("submit", code=ExitCode.USAGE)[1]


def test_logging_in_and_out(desk: Desk, tmp_path: Path) -> None:
    """A token is checked before it is kept; logins are listed with who one is; a login can be forgotten."""
    assert "not logged in anywhere" in desk("login")[0]
    out, _ = desk("login", desk.fake.url, "--token-file", desk.token)
    assert "as ann (owner of Studio); projects: show" in out
    assert desk.fake.token not in out
    assert desk.json("login")["logins"][0]["user"] == "ann"
    assert "* http" in desk("login")[0]
    assert desk.json("login", desk.fake.url, "--token-file", desk.token)["role"] == "owner"
    desk.fake.token = "cdr_another"
    assert "not known" in desk("login", desk.fake.url, "--token-file", desk.token, code=ExitCode.NOT_ALLOWED)[1]
    assert "not known" in desk("login")[0]
    assert "forgotten" in desk("login", desk.fake.url, "--logout")[0]
    assert desk.json("login")["logins"] == []


def test_logins_that_are_refused(desk: Desk, tmp_path: Path) -> None:
    """Plain HTTP elsewhere, no token, and no file are each refused before anything is sent."""
    assert "plain HTTP" in desk("login", "http://farm.example", "--token-file", desk.token, code=ExitCode.USAGE)[1]
    (tmp_path / "empty").write_text("\n")
    assert "not a token" in desk("login", desk.fake.url, "--token-file", tmp_path / "empty", code=ExitCode.USAGE)[1]
    assert "cannot be read" in desk("login", desk.fake.url, "--token-file", tmp_path / "no", code=ExitCode.USAGE)[1]
    assert desk.fake.requests == []


def test_without_a_login_each_command_says_so(desk: Desk) -> None:
    """Commands that need the service end with 4 and say what to do."""
    for words in (["jobs"], ["job", "1"], ["cost"], ["kill", "1"]):
        assert "conductor login" in desk(*words, code=ExitCode.NOT_ALLOWED)[1]


def test_a_service_that_is_away(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that cannot be reached ends with 3."""
    desk.log_in()
    desk.fake.fault = lambda *_: (503, {"Retry-After": "0"}, b"")
    desk("jobs", code=ExitCode.UNREACHABLE)


def test_scanning(desk: Desk) -> None:
    """A scan is a tree by kind for people, and the report as JSON for scripts."""
    desk.wood.unlink()
    out, _ = desk("scan", desk.scene)
    for words in ("missing", "Image wood", "unresolved", "writes", "ignored", "built in", "1 file,"):
        assert words in out
    desk.wood.write_bytes(b"wood")
    report = desk.json("scan", desk.scene, "--frames", "1-8")
    assert report["dependencies"][0]["files"] == [str(desk.wood)]
    assert "texture" in desk("scan", desk.scene)[0]


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [("silent", "It said: Blender says this and that"), ("error", "The scene is broken. Mend it."), ("future", "not understood")],
)
def test_a_host_that_cannot_answer(desk: Desk, behaviour: str, words: str) -> None:
    """Whatever goes wrong in the host ends with 9 and its own words."""
    (desk.project / "behaviour").write_text(behaviour)
    assert words in desk("scan", desk.scene, code=ExitCode.HOST_FAILED)[1]


def test_a_scene_or_host_that_is_not_there(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No scene, no such host, no ask.py, no interpreter: a sentence each."""
    assert "is not there" in desk("scan", desk.project / "no.blend", code=ExitCode.MISSING_FILES)[1]
    (desk.project / "a.xyz").write_bytes(b"")
    assert "no reader knows its format" in desk("scan", desk.project / "a.xyz", code=ExitCode.USAGE)[1]
    assert "no host is known that reads .xyz" in desk("scan", desk.project / "a.xyz", "--host", code=ExitCode.USAGE)[1]
    monkeypatch.setenv("CONDUCTOR_BLENDER", str(tmp_path / "no-blender"))
    assert "is not a program" in desk("scan", desk.scene, code=ExitCode.HOST_FAILED)[1]
    monkeypatch.delenv("CONDUCTOR_BLENDER")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no blender on the PATH" in desk("scan", desk.scene, code=ExitCode.HOST_FAILED)[1]
    monkeypatch.setenv("CONDUCTOR_HOSTS", str(tmp_path))
    assert "CONDUCTOR_HOSTS" in desk("scan", desk.scene, code=ExitCode.HOST_FAILED)[1]


def test_whom_nobody_will_write_to_is_told_at_once(desk: Desk) -> None:
    """A service without a mail server takes the job, and nobody waits for a letter that never comes."""
    desk.log_in()
    desk.start_agent()
    words = ("submit", desk.scene, "--background", "--no-download")
    assert "sends no e-mails" not in desk(*words)[1]
    assert "sends no e-mails" in desk(*words, "--notify", "mika@studio.example")[1]


def test_submitting_and_waiting(desk: Desk) -> None:
    """`submit --wait` sends, waits, brings the frames home and ends with 0; what it printed tells the story."""
    desk.log_in()
    desk.start_agent()
    desk.render()
    out, _ = desk("submit", desk.scene, "--wait", "--title", "Shot ten", "--metadata", "shot=10", "--env", "A=1")
    assert "Job 1: success." in out
    assert (desk.project / "o" / "0002.exr").read_bytes() == b"pixels 2"
    submission = desk.fake.jobs["job-1"]["submission"]
    assert (submission["title"], submission["project"], submission["instance_type"]) == ("Shot ten", "show", "small")
    assert submission["metadata"] == {"shot": "10"}
    again = desk.json("submit", desk.scene, "--wait", "--frames", "1")
    assert (again["bytes_sent"], again["job_state"], again["download"]["complete"]) == (0, "success", True)


def test_a_failed_job_ends_with_1(desk: Desk) -> None:
    """A script sees that the job failed."""
    desk.log_in()
    desk.start_agent()
    desk.render("failed", frames=0)
    assert "conductor log 1" in desk("submit", desk.scene, "--wait", "--no-download", code=ExitCode.JOB_FAILED)[1]
    desk("job", "1", "--wait", code=ExitCode.JOB_FAILED)


def test_missing_files_are_listed_before_anything_is_sent(desk: Desk) -> None:
    """A missing texture is named with its datablock and ends with 5; --allow-missing goes on without it."""
    desk.log_in()
    desk.start_agent()
    desk.wood.unlink()
    _, err = desk("submit", desk.scene, code=ExitCode.MISSING_FILES)
    assert str(desk.wood) in err
    assert "texture of Image wood, written //wood.png: it is not there" in err
    assert desk.fake.jobs == {}
    out, err = desk("submit", desk.scene, "--allow-missing", "--no-download")
    assert "allowed to be" in err
    assert "conductor job 1 --wait" in out
    assert desk.fake.jobs["job-1"]["submission"]["allowed_missing"] == [str(desk.wood)]


#: a Write, and another below a Read of its files
NUKE = """version 15.1 v3
Root {{
 inputs 0
 first_frame 1
 last_frame 3
}}
Constant {{
 inputs 0
}}
Write {{
 file {folder}/pre.####.exr
 name Pre
}}
Read {{
 inputs 0
 file {folder}/pre.%04d.exr
 last 3
}}
Write {{
 file {folder}/out/final.####.exr
 name Final
}}
"""


def test_what_one_step_makes_for_another_is_not_missing(desk: Desk) -> None:
    """A script that reads what it writes: not missing before, nor written over after; without the step that makes it, it is."""
    desk.log_in()
    desk.start_agent()
    script = desk.project / "comp.nk"
    script.write_text(NUKE.format(folder=desk.project.as_posix()))
    words = ("submit", script, "--dry-run")
    for there in (False, True):
        for number in (1, 2, 3) if there else ():
            (desk.project / f"pre.{number:04d}.exr").write_bytes(b"of an earlier job")
        job = desk.json(*words)["submission"]
        assert [(step["name"], step["after"]) for step in job["steps"]] == [("Pre", []), ("Final", ["Pre"])]
        assert job["allowed_missing"] == []
    for number in (1, 2, 3):
        (desk.project / f"pre.{number:04d}.exr").unlink()
    _, err = desk(*words, "--step", "Final", code=ExitCode.MISSING_FILES)
    assert "pre.0001.exr" in err


def test_scouts_have_the_agent_find_what_may_wait(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told how the scene was read, and what was named by hand; nothing where there are no scouts, or a program renders."""
    desk.log_in()
    desk.start_agent()
    assert desk.agent is not None
    read: list[tuple[str, SceneReading, str]] = []

    def prepare(submission: Submission, reading: SceneReading, snapshot: str) -> Callable[[], None]:
        read.append((submission.steps[0].scouts, reading, snapshot))
        return lambda: None

    monkeypatch.setattr(desk.agent._scouting, "prepare", prepare)
    script = desk.project / "comp.nk"
    script.write_text(NUKE.format(folder=desk.project.as_posix()))
    readers = tmp_path / "readers"
    readers.mkdir()
    words = ("submit", script, "-f", "1-3", "--no-download", "--background", "--file", desk.wood, "--env", "SHOW=dragons")
    desk(*words)
    renders = ("--command", "render {scene} {frame}", "--step", "Pre", "--allow-missing", "--output", tmp_path / "o_####.exr")
    desk(*words, "--scouts", "2", *renders)
    assert read == []
    desk(*words, "--scouts", "2", "--readers", readers, "--project-root", desk.project)
    ((scouts, reading, snapshot),) = read
    assert (scouts, snapshot, reading.project_root) == ("2", "", str(desk.project))
    assert (reading.readers, reading.named) == ((str(readers),), (str(desk.wood),))
    assert (reading.variables["SHOW"], reading.variables["CONDUCTOR_HOME"]) == ("dragons", str(tmp_path / "home"))


def test_an_output_folder_that_cannot_be_written_is_said_before_anything_is_sent(desk: Desk) -> None:
    """A file where the folder should be, or one above it: named with the reason and what to do; who wants no frames may submit."""
    desk.log_in()
    desk.start_agent()
    (desk.project / "o").write_text("in the way")
    for words in ((), ("--output", desk.project / "o" / "deep" / "er" / "f_####.exr")):
        _, err = desk("submit", desk.scene, *words, code=ExitCode.TRANSFER_FAILED)
        assert f"{desk.project / 'o'}" in err
        assert "cannot be written" in err
        assert "--no-download" in err
    assert desk.fake.jobs == {}
    assert (desk.project / "o").read_text() == "in the way"
    desk("submit", desk.scene, "--no-download")
    desk("submit", desk.scene, "--output", desk.project / "new" / "f_####.exr")
    assert len(desk.fake.jobs) == 2
    assert sorted(p.name for p in desk.project.iterdir()) == ["o", "shot.blend", "wood.png"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0 or sys.platform != "linux", reason="root mounts a disk")
def test_a_read_only_disk_is_said_before_anything_is_sent(desk: Desk) -> None:
    """A real file system that is mounted read-only is tried, not guessed by modes, which mean nothing to root."""
    desk.log_in()
    (desk.project / "o").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(desk.project / "o")], check=True, timeout=30)
    try:
        _, err = desk("submit", desk.scene, "--dry-run", "-t", "small", code=ExitCode.TRANSFER_FAILED)
    finally:
        subprocess.run(["umount", str(desk.project / "o")], check=True, timeout=30)
    assert "Read-only file system" in err


def test_frames_that_find_no_folder_wait_at_the_farm(desk: Desk) -> None:
    """The folder can go after the submission: each frame says why it is not home, and comes when asked for again."""
    desk.log_in()
    desk.start_agent()
    number = desk.json("submit", desk.scene)["number"]
    (desk.project / "o").write_text("in the way")
    desk.render()
    desk.json("job", number)
    _, err = desk("download", number, code=ExitCode.TRANSFER_FAILED)
    assert "0001.exr" in err
    assert "cannot be written" in err
    (desk.project / "o").unlink()
    desk("download", number)
    assert (desk.project / "o" / "0002.exr").read_bytes() == b"pixels 2"


def test_outputs_within_the_inputs(desk: Desk) -> None:
    """A folder may hold both; a file that the scene reads may not be rendered over, and is named."""
    desk.log_in()
    desk.start_agent()
    desk.render(frames=0)
    (desk.project / "o").mkdir()
    (desk.project / "o" / "0001.exr").write_bytes(b"an old frame")
    desk("submit", desk.scene, "--file", desk.project)
    desk("submit", desk.scene, "--output", desk.project / "wood_####.png")
    for over in (desk.wood, desk.scene):
        _, err = desk("submit", desk.scene, "--output", over, code=ExitCode.USAGE)
        assert f"would write over {over}, which the scene itself reads" in err
    assert len(desk.fake.jobs) == 2


def test_a_command_job(desk: Desk, tmp_path: Path) -> None:
    """A job without a scene: a command with its files and outputs."""
    desk.log_in()
    desk.start_agent()
    identity = desk.json(
        "submit", "--command", "bash bake.sh {frame}", "-f", "1-8", "--chunk-size", "4", "--file", desk.wood,
        "--output", tmp_path / "out" / "f_####.txt", "--background", "--preemptible", "--priority", "70",
        "--env-append", "PATH=/a", "--env-prepend", "LIBS=/b",
    )["submission"]  # fmt: skip
    assert connect(start=False).submission(identity)["id"] == identity
    step = desk.json(
        "submit", "--command", "x", "-f", "1-8", "--output", tmp_path / "o" / "f_#.txt", "--dry-run"
    )["submission"]["steps"][0]  # fmt: skip
    assert (step["kind"], step["command"], step["outputs"][0]["kind"]) == ("command", ["x"], "other")
    assert "The agent has it" in desk("submit", "--command", "x", "--output", tmp_path / "o" / "f_#.txt", "--background")[0]


def test_what_a_command_reads_goes_along(desk: Desk, tmp_path: Path) -> None:
    """Files that its words name are sent without a --file; one that lacks ends it with 5; a folder is named."""
    desk.log_in()
    words = ("submit", "--command", f"cp {desk.wood} {{frame}} {desk.project}", "--output", tmp_path / "o" / "f_{frame:04}.txt")
    said = desk.json(*words, "--file", desk.scene, "--dry-run")
    assert said["files"] == [str(desk.wood), str(desk.scene)]
    assert said["submission"]["steps"][0]["outputs"][0]["path"] == str(tmp_path / "o" / "f_####.txt")
    assert f"{desk.project} is a folder" in desk(*words, "--dry-run")[1]
    desk.wood.unlink()
    assert f"{desk.wood}" in desk(*words, code=ExitCode.MISSING_FILES)[1]
    assert desk.json(*words, "--allow-missing", "--dry-run")["submission"]["allowed_missing"] == [str(desk.wood)]


def test_a_scene_that_a_command_renders(desk: Desk) -> None:
    """What the scene needs is found as ever; the command stands in the place of its software."""
    desk.log_in()
    said = desk.json("submit", desk.scene, "--command", "render -s {first} {scene}", "--dry-run")
    assert [(s["kind"], s["command"]) for s in said["submission"]["steps"]] == [
        ("command", ["render", "-s", "{first}", str(desk.scene)])
    ]
    assert str(desk.wood) in said["files"]


def test_a_program_of_the_artists_writes_anywhere(desk: Desk, tmp_path: Path) -> None:
    """husk renders a stage and writes where that says, so another place is refused; to another program the place is its own affair."""
    desk.log_in()
    stage = tmp_path / "shot.usda"
    stage.write_text('#usda 1.0\ndef RenderProduct "p" { token productName = "./p.####.exr" }\n')
    moved = ("submit", stage, "-f", "1-2", "--output", tmp_path / "else" / "p.####.exr", "--dry-run")
    assert "rendered by husk, which writes where its scene says" in desk(*moved, code=ExitCode.USAGE)[1]
    (step,) = desk.json(*moved, "--command", "usdrecord {scene} {frame}")["submission"]["steps"]
    assert step["command"][0] == "usdrecord"
    assert step["outputs"][0]["path"] == str(tmp_path / "else" / "p.####.exr")


def test_a_submission_that_fails_in_the_agent(desk: Desk) -> None:
    """What the service refuses, and a file that cannot be sent, end with their own codes."""
    desk.log_in()
    desk.start_agent()
    assert "not in the catalogue" in desk("submit", desk.scene, "-t", "unknown", code=ExitCode.REFUSED)[1]
    if os.name == "posix":
        os.mkfifo(desk.project / "pipe")
        words = desk("submit", desk.scene, "--file", desk.project / "pipe", code=ExitCode.TRANSFER_FAILED)[1]
        assert "named pipe" in words


def test_what_the_command_line_leaves_open(desk: Desk) -> None:
    """Project and instance type come from the settings, or from the service where there is only one."""
    desk.log_in()
    (desk.folders.config / "settings.yaml").write_text("submit: {project: other, priority: 3}\n")
    submission = desk.json("submit", desk.scene, "--dry-run")["submission"]
    assert (submission["project"], submission["priority"], submission["instance_type"]) == ("other", 3, "small")
    (desk.folders.config / "settings.yaml").write_text("submit: {projekt: other}\n")
    assert "submit.projekt is not known" in desk("submit", desk.scene, "--dry-run", code=ExitCode.USAGE)[1]


def test_what_cannot_be_guessed_is_asked_for(desk: Desk) -> None:
    """With several projects or machines, or none, the sentence lists what there is."""
    desk.log_in()
    me = {
        "account": {"id": "a", "name": "S"}, "user": {"id": "u", "name": "ann"}, "role": "owner",
        "projects": [{"id": "1", "name": "dragons"}, {"id": "2", "name": "knights"}],
    }  # fmt: skip
    kinds = {"instance_types": [{"name": "cpu-4"}, {"name": "cpu-8", "description": "8 cores"}], "software": []}
    headers = {"Content-Type": "application/json"}
    answers = {"/api/v1/me": me, "/api/v1/catalogue": kinds}
    desk.fake.fault = lambda _, path: (200, headers, json.dumps(answers[path]).encode()) if path in answers else None
    assert "dragons, knights" in desk("submit", desk.scene, code=ExitCode.USAGE)[1]
    err = desk("submit", desk.scene, "-p", "dragons", code=ExitCode.USAGE)[1]
    assert "cpu-4" in err
    assert "8 cores" in err


def test_listing_jobs(desk: Desk) -> None:
    """Jobs come as a table for people, tab-separated in a pipe, and as JSON."""
    desk.log_in()
    _job(desk.fake, desk)
    assert desk("jobs")[0].splitlines()[1].split("\t")[:4] == ["1", "pending", "0/2", "shot"]
    assert desk.json("jobs", "--state", "failed") == {"jobs": []}
    assert desk.json("jobs")["jobs"][0]["number"] == 1
    desk("jobs", "--scene", "shot.blend", "--metadata", "shot=010", "--metadata", "unit=f x")
    asked = parse_qsl(urlsplit(desk.fake.requests[-1][1]).query)
    assert [value for key, value in asked if key == "metadata"] == ["shot=010", "unit=f x"]
    assert dict(asked)["scene"] == os.path.abspath("shot.blend"), "the service knows no folder of ours"


def test_showing_a_job(desk: Desk) -> None:
    """A job is shown with its tasks, and as JSON; one that is not there ends with 7."""
    desk.log_in()
    _job(desk.fake, desk)
    out, _ = desk("job", "1", "--tasks")
    for words in ("Job 1  shot", "step main", "crashed", "EUR" if "EUR" in out else "cost so far", "shot"):
        assert words in out
    answer = desk.json("job", "1", "--tasks")
    assert (answer["job"]["id"], len(answer["tasks"])) == ("job-1", 2)
    desk.fake.jobs["job-1"]["state"] = "success"
    assert desk.json("job", "1", "--wait")["state"] == "success"
    desk("job", "1", "--wait")
    assert "no job 9" in desk("job", "9", code=ExitCode.NOT_FOUND)[1]


def test_reading_logs(desk: Desk) -> None:
    """The log of the failed task by default, of a frame or an attempt if asked, to its end."""
    desk.log_in()
    _job(desk.fake, desk)
    desk.fake.log = b"line\n" * 400_000
    out, err = desk("log", "1", "--follow")
    assert out == "line\n" * 400_000
    assert "frames 2, attempt 1: failed (crashed: segmentation fault)" in err
    assert "frames 1, attempt 1" in desk("log", "1", "--frame", "1", "--step", "main")[1]
    assert desk.json("log", "1", "--frame", "1")["attempts"][0]["exit_code"] == 11
    desk("log", "1", "--frame", "3", code=ExitCode.NOT_FOUND)
    desk("log", "1", "--step", "other", code=ExitCode.NOT_FOUND)
    desk("log", "1", "--attempt", "2", code=ExitCode.NOT_FOUND)


def test_moves(desk: Desk) -> None:
    """Hold, resume, release, kill and retry say what they changed; chosen by frames, step and state; a forbidden one ends with 4."""
    desk.log_in()
    _job(desk.fake, desk)
    assert "1 task changed by hold; the job is holding" in desk("hold", "1", "--reason", "wait")[0]
    assert "resume" in desk("resume", "1")[0]
    assert "changed by release" in desk("release", "1")[0]
    assert desk.json("retry", "1", "--frames", "2", "--state", "failed")["changed"] == 1
    assert desk.fake.jobs["job-1"]["moves"][-1] == ("retry", {"reason": "", "tasks": ["job-1-t2"], "states": ["failed"]})
    desk("kill", "1", "--frames", "77", code=ExitCode.NOT_FOUND)
    desk("kill", "1", "--step", "main")
    assert "Allowed now: retry." in desk("hold", "1", code=ExitCode.NOT_ALLOWED)[1]
    assert "Frame range" in desk("kill", "1", "--frames", "x", code=ExitCode.USAGE)[1]


def test_downloading(desk: Desk) -> None:
    """A job's frames come home on demand; what lies beside newer work is named; failures end with 6."""
    desk.log_in()
    desk.start_agent()
    _job(desk.fake, desk)
    frame = desk.project / "o" / "0001.exr"
    frame.parent.mkdir()
    frame.write_bytes(b"by hand")
    desk.fake.publish("job-1", str(frame), b"pixels")
    desk.fake.jobs["job-1"]["state"] = "success"
    assert "0001.conductor-1.exr" in desk("download", "1")[1]
    assert desk.json("download", "1")["done"] == 1
    assert "brings the files of job 1" in desk("download", "1", "--background")[0]
    desk.fake.publish("job-1", "/elsewhere/x.exr", b"pixels")
    assert "outside of the output folders" in desk("download", "1", code=ExitCode.TRANSFER_FAILED)[1]


def test_downloading_to_a_folder_of_ones_own(desk: Desk) -> None:
    """Another folder, other names; a folder that cannot be made and a pattern that makes no sense are told at once."""
    desk.log_in()
    desk.start_agent()
    _job(desk.fake, desk)
    desk.fake.publish("job-1", str(desk.project / "o" / "0001.exr"), b"pixels")
    desk.fake.jobs["job-1"]["state"] = "success"
    mine = desk.project / "mine"
    assert desk.json("download", "1", "--to", mine, "--name", "{step}/f.{frame:04}{ext}")["done"] == 1
    assert (mine / "main" / "f.0001.exr").read_bytes() == b"pixels"
    assert "pattern of names" in desk("download", "1", "--name", "../{name}", code=ExitCode.USAGE)[1]
    assert "cannot be made" in desk("download", "1", "--to", mine / "main" / "f.0001.exr", code=ExitCode.TRANSFER_FAILED)[1]


def test_downloading_a_project(desk: Desk, eventually: Callable[..., Any]) -> None:
    """All of it to a folder, once or for ever; what does not fit together is said, and so is how to stop it."""
    desk.log_in()
    desk.start_agent()
    _job(desk.fake, desk)
    frame = desk.project / "o" / "0001.exr"
    desk.fake.publish("job-1", str(frame), b"pixels")
    mine = desk.project / "mine"
    assert desk.json("download", "--project", "show", "--to", mine)["done"] == 1
    assert [p.read_bytes() for p in mine.rglob("*.exr")] == [b"pixels"]
    out, _ = desk("download", "--watch", "--under", frame.parent, "--background")
    assert "of all projects" in out
    eventually(frame.exists)
    key = out.split("--stop ")[1].strip()
    assert "what is home stays" in desk("download", "--stop", key)[0]
    assert "no such" in desk("download", "--stop", key, code=ExitCode.UNREACHABLE)[1]
    assert "no project" in desk("download", "--project", "none", "--to", mine, code=ExitCode.NOT_FOUND)[1]
    for words in ((), ("--project", "show"), ("--watch",), ("1", "--watch", "--to", mine), ("1", "--under", mine)):
        desk("download", *words, code=ExitCode.USAGE)


def test_instances_and_cost(desk: Desk) -> None:
    """Machines and bill come as tables and as JSON."""
    desk.log_in()
    assert "0.0834" in desk("instances")[0]
    assert len(desk.json("instances", "--all")["instances"]) == 2
    assert desk("cost")[0].startswith("0.0834 EUR for 10 minutes")
    assert desk.json("cost", "--project", "show")["currency"] == "EUR"


def test_speaking_to_the_agent(desk: Desk) -> None:
    """Its status is shown, also of transfers; it is found running, and asked to end."""
    assert "does not run" in desk("agent", "--status", code=ExitCode.UNREACHABLE)[1]
    desk.log_in()
    desk.start_agent()
    desk.render()
    desk("submit", desk.scene, "--wait")
    desk("submit", desk.scene, "-t", "unknown", code=ExitCode.REFUSED)
    out, _ = desk("agent", "--status")
    for words in ("job 1 submitted", "download of job 1: 2 of 2 files home", "failed", "not in the catalogue"):
        assert words in out
    assert len(desk.json("agent", "--status")["submissions"]) == 2
    assert "runs (process" in desk("agent", "--start")[0]
    assert "nothing left" in desk("agent", "--stop-when-idle")[0]
    desk.thread.join(20)
    assert not desk.thread.is_alive()


def test_ctrl_c_leaves_the_job_running(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted wait ends with 130 and says how to come back, at each stage."""
    desk.log_in()
    desk.start_agent()
    from conductor_core.cli import watch

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    _job(desk.fake, desk)
    desk.fake.fault = lambda method, _: "drop" if method == "PUT" else None
    monkeypatch.setattr(watch.Watch.__init__, "__defaults__", ("", interrupt, None, lambda: 0.0))
    _, err = desk("submit", desk.scene, "--wait", code=ExitCode.INTERRUPTED)
    assert "goes on in the background" in err
    assert "conductor job 1 --wait" in desk("job", "1", "--wait", code=ExitCode.INTERRUPTED)[1]
    assert "conductor job 1 --wait" in desk("job", "1", "--wait", "--json", code=ExitCode.INTERRUPTED)[1]
    assert "in the background" in desk("download", "1", code=ExitCode.INTERRUPTED)[1]
    assert desk.fake.jobs["job-1"]["state"] == "pending"


def test_a_waiting_submission_with_a_bad_token_is_told(desk: Desk) -> None:
    """A token that the service stops to take ends the wait with 4; the agent keeps the submission."""
    desk.log_in()
    desk.start_agent()
    desk.fake.fault = lambda method, path: (401, {}, b"") if path.endswith("/jobs") and method == "POST" else None
    assert "conductor login" in desk("submit", desk.scene, code=ExitCode.NOT_ALLOWED)[1]
    assert connect(start=False).submissions()[0]["state"] == "uploading"


def test_a_defect_is_told_as_ours(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What we did not foresee ends with 70 and asks for a report, with the trace."""
    desk.log_in()
    desk.fake.fault = lambda *_: (200, {"Content-Type": "application/json"}, b'{"nothing": 1}')
    assert "please report" in desk("jobs", code=ExitCode.INTERNAL)[1]


def test_a_reader_that_has_enough(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed pipe is no error: the reader has what it wanted."""
    command = [sys.executable, "-m", "conductor_core.cli", "--help"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait(30)


def test_commands_of_other_packages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command comes in by entry point; one that cannot be loaded says so, and leaves the others alone."""
    from importlib.metadata import EntryPoint

    points = [
        EntryPoint("broken", "no_such_module:command", program.ENTRY_POINTS),
        EntryPoint("costs2", "conductor_core.cli.costs:cost_command", program.ENTRY_POINTS),
    ]
    monkeypatch.setattr(program, "entry_points", lambda group: points)
    out, _ = desk("--help")
    assert "cannot be loaded" in out
    assert "costs2" in out
    assert "Install it again" in desk("broken", "--data", "x", code=ExitCode.INTERNAL)[1]
    assert "Show what has been spent" in desk("costs2", "--help")[0]


def test_the_list_of_commands_imports_none() -> None:
    """`conductor --help` is there at once: no command is imported for it, and its list is the one that click would print."""
    script = (
        "import sys, click; from conductor_core.cli import program; program.run(['--help']); print()\n"
        "print([m for m in sys.modules if m.startswith('conductor_service.') or m.endswith(('.submit', '.costs', '.tables'))])\n"
        "formatter, ctx = click.HelpFormatter(), click.Context(program.conductor)\n"
        "click.Group.format_commands(program.conductor, ctx, formatter); theirs = formatter.getvalue()\n"
        "formatter = click.HelpFormatter(); program.conductor.format_commands(ctx, formatter)\n"
        "print(theirs == formatter.getvalue())"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert "Render a scene on the farm." in found.stdout
    assert found.stdout.splitlines()[-2:] == ["[]", "True"]


def test_transfers_are_paused_and_resumed(desk: Desk, eventually: Eventually) -> None:
    """The line is let go of at a word, one job or all, and `transfers` says what waits; a job of elsewhere is none of ours."""
    desk.log_in()
    desk.start_agent()
    assert "nothing to send" in desk("transfers")[0]
    assert "All transfers are paused" in desk("transfers", "pause")[0]
    desk("submit", desk.scene, "--background", "-t", "small", "-p", "show")
    out, _ = desk("transfers")
    assert "All paused (no limits)" in out
    assert "to let it go on: conductor transfers resume" in out
    assert desk.json("transfers")["submissions"][0]["paused"]
    assert "job 77" in desk("transfers", "pause", "77", code=ExitCode.NOT_FOUND)[1]
    identity = desk.json("transfers")["submissions"][0]["id"]
    assert "are paused" in desk("transfers", "pause", identity)[0]
    assert "But all transfers are paused" in desk("transfers", "resume", identity)[0]
    desk("transfers", "pause", identity)
    assert "Jobs that were paused by themselves stay so" in desk("transfers", "resume")[0]
    assert desk.json("transfers", "resume", identity)["paused_jobs"] == []
    eventually(lambda: desk.fake.manifests)
