"""From a command line to a submission, and from its state to lines in the terminal."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from conductor_core import errors
from conductor_core.api.answers import Job, LicenceWait, Scouts
from conductor_core.api.settings import HostSettings
from conductor_core.cli import jobs
from conductor_core.cli.clock import clock_words
from conductor_core.cli.describe import Asker, describe_scene, find_asker
from conductor_core.cli.exit_codes import Ended, ExitCode, exit_code_of, exit_code_of_name
from conductor_core.cli.program import run_command
from conductor_core.cli.progress import (
    PlainDisplay,
    RichDisplay,
    Status,
    licence_words,
    line_of,
    open_display,
    render,
    size_words,
)
from conductor_core.cli.submission_form import (
    Wishes,
    command_submission,
    output_pattern,
    parse_environment,
    parse_pair,
    scene_submission,
)
from conductor_core.cli.tables import print_table
from conductor_core.cli.watch import check_ended
from conductor_core.host import SceneDescription, SceneStep
from conductor_core.report import ScanReport
from conductor_core.submission import Exclusion, Output, Software
from rich.console import Console

STEP = SceneStep("Scene", (Output("/o/####.exr", width=4, height=4), Output("/o/depth_####.exr")), {"camera": "A"})
OTHER = SceneStep("Other", (Output("/p/####.exr"),), enabled=False)
WISHES = Wishes(project="show", instance_type="small")
DESCRIPTION = SceneDescription(ScanReport("/s/shot.blend", "blend"), Software("blender", "4.5.15"), "1-10", (STEP, OTHER))


def test_a_scene_becomes_a_submission() -> None:
    """Frames, software and title come from the scene where the command line is silent; disabled steps stay out."""
    submission = scene_submission("/s/shot.blend", DESCRIPTION, WISHES, allowed_missing=("/m",))
    assert (submission.title, submission.software.version, submission.allowed_missing) == ("shot", "4.5.15", ("/m",))
    assert [(s.name, s.frames, s.outputs, s.parameters) for s in submission.steps] == [
        ("Scene", "1-10", STEP.outputs, {"camera": "A"})
    ]


def test_the_command_line_wins() -> None:
    """What is said on the command line is taken instead."""
    wishes = replace(WISHES, frames="5,1", chunk_size=2, title="T", software="blender@4.2", steps=("Other", "Scene"))
    submission = scene_submission("/s/shot.blend", DESCRIPTION, wishes, allowed_missing=())
    assert [(s.name, s.frames, s.chunk_size) for s in submission.steps] == [("Other", "5,1", 2), ("Scene", "5,1", 2)]
    assert (submission.title, submission.software) == ("T", Software("blender", "4.2"))


def test_a_place_for_one_step() -> None:
    """--output is refused where several steps would write to one place."""
    wishes = replace(WISHES, outputs=("/n/####.exr",), steps=("Other", "Scene"))
    with pytest.raises(errors.ConductorError, match="--output is for one step"):
        scene_submission("/s/shot.blend", DESCRIPTION, wishes, allowed_missing=())
    alone = scene_submission("/s/shot.blend", DESCRIPTION, replace(wishes, steps=("Scene",)), allowed_missing=())
    assert [o.path for o in alone.steps[0].outputs] == ["/n/####.exr", "/o/depth_####.exr"]


def test_a_command_becomes_a_submission() -> None:
    """Words are split as a shell does, images known by their extension."""
    wishes = replace(WISHES, outputs=("/o/a_####.EXR", "/o/b_####.vdb"), software="command@1")
    step = command_submission("bash 'my script.sh' {frame}", wishes).steps[0]
    assert (step.kind, step.frames, step.command) == ("command", "1", ("bash", "my script.sh", "{frame}"))
    assert [o.kind for o in step.outputs] == ["image", "other"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: command_submission("", WISHES), "empty"),
        (lambda: command_submission("a 'b", WISHES), "quotes"),
        (lambda: parse_pair("=x", "--env"), "--env NAME=VALUE"),
        (lambda: output_pattern("folder/", "/b"), "is a folder"),
        (lambda: scene_submission("/s", DESCRIPTION, replace(WISHES, frames="1-x"), allowed_missing=()), "Frame range"),
        (lambda: scene_submission("/s", DESCRIPTION, replace(WISHES, chunk_size=0), allowed_missing=()), "chunk_size"),
    ],
    ids=["no command", "open quote", "pair", "folder", "frames", "chunk"],
)
def test_what_does_not_fit_is_said(call: Any, words: str) -> None:
    """Each wrong word is named."""
    with pytest.raises(errors.ConductorError, match=words):
        call()


def test_pairs_and_patterns() -> None:
    """Values may hold `=`; output patterns are from the scene's folder."""
    assert parse_pair("A=b=c", "--env") == ("A", "b=c")
    assert parse_environment(["A=1"], "append", "--env-append")[0].policy == "append"
    assert output_pattern("o/../x_#.exr", os.path.join(os.sep, "s")) == os.path.join(os.sep, "s", "x_#.exr")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ServiceUnreachable("x"), ExitCode.UNREACHABLE),
        (errors.AgentError("x"), ExitCode.UNREACHABLE),
        (errors.Unauthorized("x"), ExitCode.NOT_ALLOWED),
        (errors.Forbidden("x"), ExitCode.NOT_ALLOWED),
        (errors.Conflict("x"), ExitCode.NOT_ALLOWED),
        (errors.NotFound("x"), ExitCode.NOT_FOUND),
        (errors.Refused("x"), ExitCode.REFUSED),
        (errors.FileChanged("x"), ExitCode.TRANSFER_FAILED),
        (errors.FrameSpecError("x", "x", "x"), ExitCode.USAGE),
        (Ended(ExitCode.HOST_FAILED, "x"), ExitCode.HOST_FAILED),
    ],
    ids=lambda v: type(v).__name__,
)
def test_every_error_has_an_exit_code(error: errors.ConductorError, code: ExitCode) -> None:
    """The exit code tells the kind, in this process and when the agent tells of it by name."""
    assert exit_code_of(error) == code
    if not isinstance(error, Ended):
        assert exit_code_of_name(type(error).__name__) == code


def test_an_error_of_another_version() -> None:
    """A kind that is not known here is still an end with a code."""
    assert exit_code_of_name("NobodyKnows") in tuple(ExitCode)


def _job(state: str = "running", **frames: int) -> Job:
    return Job("j", 7, "Shot", "show", state, frames, frames, cost="1.2300", billed_minutes=20)


SUBMISSION = {
    "state": "uploading", "files": 3, "objects_present": 1, "bytes_total": 3000, "bytes_hashed": 3000,
    "bytes_to_send": 2000, "bytes_sent": 500, "error": None,
}  # fmt: skip
DOWNLOAD = {"done": 1, "total": 2, "bytes": 1500, "kept_beside": ["/x"], "errors": [], "complete": False}
NOTHING_KNOWN = {**dict.fromkeys(SUBMISSION, 0), "state": "hashing", "error": None}
NOTHING_HOME = {**DOWNLOAD, "done": 0, "total": 0, "bytes": 0, "kept_beside": []}


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (Status(), ""),
        (Status({**SUBMISSION, "state": "hashing", "bytes_hashed": 10}), "reading 3 files: 10 B of 3.0 kB"),
        (Status(NOTHING_KNOWN), ""),
        (Status({**SUBMISSION, "objects_unsure": 1, "bytes_sent": 0}), "3 files, 3.0 kB"),
        (Status({**SUBMISSION, "objects_unsure": 1, "bytes_sent": 500}), "3 files, 3.0 kB, 500 B sent so far"),
        (Status({**SUBMISSION, "objects_present": 0, "bytes_to_send": 0, "bytes_sent": 0}), "3 files, 3.0 kB"),
        (Status({**NOTHING_KNOWN, "state": "committing"}), "no files to send · committing"),
        (Status({**NOTHING_KNOWN, "state": "failed"}), "failed"),
        (Status({**SUBMISSION, "bytes_to_send": 0, "bytes_sent": 0}), "3 files, 1 already there, nothing to send"),
        (Status(SUBMISSION), "3 files, 1 already there, 500 B of 2.0 kB sent"),
        (
            Status({**SUBMISSION, "bytes_saved": 480_000_000}),
            "3 files, 1 already there, 500 B of 2.0 kB sent, 480.0 MB of changed files were there",
        ),
        (Status({**SUBMISSION, "state": "committing"}), "3 files, 1 already there, 500 B of 2.0 kB sent · committing"),
        (
            Status({**SUBMISSION, "error": {"waiting": True, "message": "The service is away."}}),
            "waiting: The service is away.",
        ),
        (
            Status({**SUBMISSION, "error": {"waiting": True, "message": "Away.", "since": "2020-02-03T12:00:00Z"}}),
            f"waiting since {clock_words(1_580_731_200)}: Away.",
        ),
        (Status(SUBMISSION, _job(ready=2), waiting="waiting for the service"), "waiting for the service"),
        (
            Status(SUBMISSION, _job(success=1, running=2), DOWNLOAD, "EUR"),
            "job 7 running · frames: 1 success, 2 running · 1 of 2 files home, 1.5 kB, 1 placed beside newer work · "
            "cost so far 1.2300 EUR (20 min)",
        ),
        (Status(SUBMISSION, _job(ready=2), NOTHING_HOME), "job 7 running · frames: 2 ready · cost so far 1.2300 (20 min)"),
        (Status(download=NOTHING_HOME), ""),
        (Status(download={**NOTHING_HOME, "errors": ["e"]}), "1 with errors: e"),
        (
            Status(job=replace(_job(success=1, holding=9), scouts=Scouts(2, 1, 9))),
            "job 7 running · frames: 1 success, 9 holding · 9 tasks wait for the scout frames · cost so far 1.2300 (20 min)",
        ),
        (
            Status(job=replace(_job("holding", success=2, holding=1), scouts=Scouts(2, 2, 1))),
            "job 7 holding · frames: 2 success, 1 holding · the scout frames are done; to let 1 task go: conductor release 7 · "
            "cost so far 1.2300 (20 min)",
        ),
        (Status(job=_job("uploading")), "job 7 uploading · frames: none · cost so far 1.2300 (20 min)"),
        (
            Status(download={**DOWNLOAD, "errors": ["e"]}),
            "1 of 2 files home, 1.5 kB, 1 placed beside newer work, 1 with errors: e",
        ),
    ],
    ids=[
        *(
            "nothing",
            "hashing",
            "files not looked at",
            "service is asked",
            "some go meanwhile",
            "service not asked",
            "no files",
            "failed early",
            "all there",
        ),
        *(
            "uploading",
            "differences",
            "committing",
            "waiting",
            "waiting since",
            "service away",
            "all",
            "no output",
            "no output, alone",
            "no output, errors",
        ),
        *("scouts render", "scouts are done", "no frames", "errors"),
    ],
)
def test_a_status_as_a_line(status: Status, line: str) -> None:
    """Each stage is one line that says what is known."""
    assert line_of(status) == line


@pytest.mark.parametrize(
    "status",
    [
        Status(),
        Status({**SUBMISSION, "state": "hashing"}),
        Status({**SUBMISSION, "state": "submitted"}, _job("uploading")),
        Status(SUBMISSION, _job(success=1000, failed=1, running=1), DOWNLOAD, "EUR"),
    ],
)
def test_a_status_drawn(status: Status) -> None:
    """Each stage can be drawn, and no state with a frame is lost from the bar."""
    console = Console(file=io.StringIO(), width=120, force_terminal=True, color_system="truecolor")
    console.print(render(status))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    if status.job is not None:
        assert "cost so far" in text


def test_plain_lines_are_not_too_many() -> None:
    """A new stage is printed at once, a changed number after five seconds, the same line never twice."""
    lines: list[str] = []
    now = [0.0]
    display = PlainDisplay(lines.append, clock=lambda: now[0])
    display.show(Status(SUBMISSION))
    display.show(Status({**SUBMISSION, "bytes_sent": 600}))
    now[0] = 6.0
    display.show(Status({**SUBMISSION, "bytes_sent": 700}))
    display.show(Status({**SUBMISSION, "bytes_sent": 700}))
    display.show(Status(job=_job(running=1)))
    assert ["500 B" in lines[0], "700 B" in lines[1], lines[2].startswith("job 7")] == [True] * 3
    assert len(lines) == 3


def test_the_display_fits_the_console() -> None:
    """On a terminal it is redrawn, elsewhere it is lines."""
    with open_display(Console(file=io.StringIO(), force_terminal=True)) as display:
        assert isinstance(display, RichDisplay)
        display.show(Status(job=_job(success=1)))
    plain = Console(file=io.StringIO(), force_terminal=False)
    with open_display(plain) as display:
        display.show(Status(job=_job(success=1)))
    assert "1 success" in plain.file.getvalue()  # type: ignore[attr-defined]


def test_sizes_for_people() -> None:
    """Bytes are told in the unit that fits."""
    assert [size_words(n) for n in (0, 999, 1000, 1_500_000, 10**12, 10**15)] == [
        "0 B", "999 B", "1.0 kB", "1.5 MB", "1.0 TB", "1000.0 TB",
    ]  # fmt: skip


def test_tables_on_a_terminal() -> None:
    """States are coloured, and brackets in titles are text."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    print_table(("state", "title"), [("failed", "[bold]x")], console=console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[bold]x" in text
    assert "\x1b[" in text


def test_how_a_blender_binary_is_asked(tmp_path: Any) -> None:
    """A Python is given the script; a blender binary is told to run it in the background with factory settings."""
    (tmp_path / "blender").mkdir()
    (tmp_path / "blender" / "ask.py").write_text("")
    program = tmp_path / "blender-4.5"
    program.write_text("")
    program.chmod(0o755)
    settings = HostSettings(folder=str(tmp_path), blender=str(program))
    command = find_asker("/s/a.blend", settings, {}).command
    assert command[:3] == (str(program), "-b", "--factory-startup")
    assert command[-3:] == ("--python", str(tmp_path / "blender" / "ask.py"), "--")


def test_a_host_that_takes_too_long_or_is_no_program(tmp_path: Any) -> None:
    """A host that hangs is given up on, one that cannot be started is named."""
    sleeper = Asker((sys.executable, "-c", "import time; time.sleep(60)"))
    with pytest.raises(Ended, match="did not answer within"):
        describe_scene(sleeper, "/s.blend", timeout=0.5)
    with pytest.raises(Ended, match="cannot be started"):
        describe_scene(Asker((str(tmp_path),)), "/s.blend")


@pytest.mark.parametrize(
    ("state", "download", "code"),
    [
        ("success", None, None),
        ("success", {"failed": 0, "done": 2, "total": 2, "errors": []}, None),
        ("failed", None, ExitCode.JOB_FAILED),
        ("killed", {"failed": 1, "done": 1, "total": 2, "errors": ["why"]}, ExitCode.JOB_FAILED),
        ("success", {"failed": 1, "done": 1, "total": 2, "errors": ["why"]}, ExitCode.TRANSFER_FAILED),
    ],
)
def test_how_a_wait_ends(state: str, download: Any, code: ExitCode | None) -> None:
    """A failed job counts more than a file that is not home, and both more than nothing."""
    if code is None:
        check_ended(_job(state), download)
        return
    with pytest.raises(Ended) as caught:
        check_ended(_job(state), download)
    assert caught.value.code == code


def test_a_scene_too_new_for_one_blender_is_asked_of_the_next(tmp_path: Path) -> None:
    """The oldest Blender that can read the scene answers; where none can, the last one's words are shown."""

    def blender(name: str, answer: object) -> tuple[str, ...]:
        script = tmp_path / name
        script.write_text(f"import sys; open(sys.argv[sys.argv.index('--out') + 1], 'w').write({json.dumps(answer)!r})")
        return (sys.executable, str(script))

    old = blender("old", {"error": {"what": "saved by 4.5, this is 3.4.", "next_step": "Use 4.5.", "code": "newer-scene"}})
    broken = blender("broken", {"error": {"what": "It is broken.", "next_step": "Mend it.", "code": ""}})
    report = {"scene": "/s.blend", "format": "blend"}
    software = {"name": "blender", "version": "4.5.15"}
    good = blender("good", {"report": report, "software": software, "frames": "1-2", "steps": []})
    assert describe_scene(Asker(old, (good, broken)), "/s.blend").software.version == "4.5.15"
    with pytest.raises(Ended, match=r"this is 3\.4"):
        describe_scene(Asker(old, (old,)), "/s.blend")
    with pytest.raises(Ended, match="broken"):
        describe_scene(Asker(old, (broken, good)), "/s.blend")


SYSTEM = {
    "full": (errno.ENOSPC, "/f", ExitCode.TRANSFER_FAILED, "Make room on that disk"),
    "read-only": (errno.EROFS, "/f", ExitCode.TRANSFER_FAILED, "Make room on that disk"),
    "somebody else's": (errno.EACCES, "/f", ExitCode.TRANSFER_FAILED, "You may not read or write it: run this as its owner"),
    "not permitted": (errno.EPERM, "/f", ExitCode.TRANSFER_FAILED, "You may not read or write it: run this as its owner"),
    "of no file": (errno.EACCES, None, ExitCode.INTERNAL, "This is a defect of Conductor"),
    "not there": (errno.ENOENT, "/f", ExitCode.INTERNAL, "This is a defect of Conductor"),
}


@pytest.mark.parametrize(("number", "file", "code", "said"), SYSTEM.values(), ids=SYSTEM.keys())
def test_what_the_system_refuses_is_said_by_its_cause(
    capsys: pytest.CaptureFixture[str], number: int, file: str | None, code: ExitCode, said: str
) -> None:
    """A full disk wants room, a file of another user its owner; what is neither is a defect."""

    def refuse() -> None:
        raise OSError(number, os.strerror(number), file)

    assert run_command(click.Command("refuse", callback=refuse), "refuse", []) == code
    err = capsys.readouterr().err
    assert said in err
    assert (f"/f: {os.strerror(number)}. " in err) == (code == ExitCode.TRANSFER_FAILED)


@pytest.mark.parametrize(
    ("scouts", "told"),
    [(Scouts(), False), (Scouts(3, 2, 7), False), (Scouts(3, 3, 7), True), (Scouts(3, 3, 0), False)],
    ids=["no scouts", "rendering", "there", "released"],
)
def test_who_watches_is_told_what_a_job_waits_for(scouts: Scouts, told: bool) -> None:
    """When the scouts are there and others wait for somebody to look, the line says so, with the command; and so does the drawing."""
    status = Status(job=replace(_job("holding", success=3, holding=7), scouts=scouts))
    console = Console(file=io.StringIO(), width=200)
    console.print(render(status))
    words = "conductor release 7"
    assert (words in line_of(status), words in console.file.getvalue()) == (told, told)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("waiting", "trying", "words"),
    [
        (1, False, "1 task waits for a licence; the next try is at 2026-01-01T12:00:30.000Z; to ask at once: conductor retry 7"),
        (3, True, "3 tasks wait for a licence; one is being asked for now; to ask at once: conductor retry 7"),
    ],
    ids=["one waits", "one tries"],
)
def test_a_job_without_a_licence_says_so(waiting: int, trying: bool, words: str) -> None:
    """Whoever watches reads how many tasks wait, until when, and what asks at once; a job that has ended waits no more."""
    wait = LicenceWait(waiting, 2, "2026-01-01T12:00:00.000Z", "2026-01-01T12:00:30.000Z", trying, "no licence")
    status = Status(job=replace(_job("running", success=1, ready=waiting), licence=wait))
    console = Console(file=io.StringIO(), width=200)
    console.print(render(status))
    assert words in line_of(status)
    assert words in console.file.getvalue()  # type: ignore[attr-defined]
    assert licence_words(replace(_job("killed"), licence=wait)) == ""


def test_a_job_tells_what_it_does_without() -> None:
    """What the artist left at home says why, what was missing is named, and a long list is told as a number."""
    missing = tuple(f"/job/{number}.exr" for number in range(12))
    submission = replace(
        scene_submission("/s/shot.blend", DESCRIPTION, WISHES, allowed_missing=()),
        excluded=(Exclusion("/job/plates", "old"),),
        allowed_missing=missing,
    )
    job = Job("j", 1, "shot", "show", "running", {}, {}, submission=submission)
    lines = jobs._without(job)
    assert lines[0] == ("left out", "/job/plates: old")
    assert lines[1:11] == [("missing", path) for path in missing[:10]]
    assert lines[11:] == [("", "and 2 more")]
