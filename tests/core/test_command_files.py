"""The files that a command's words name go along by themselves, for exactly the frames of the job."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conductor_core.cli.command_files import files_of_command, whole_words
from conductor_core.cli.submission_form import Wishes, by_command, command_places, command_submission, scene_submission
from conductor_core.frames import FrameSet
from conductor_core.host import SceneDescription, SceneStep
from conductor_core.paths import Flavour
from conductor_core.report import ScanReport
from conductor_core.steps import is_of_the_system
from conductor_core.submission import Output, Software

WISHES = Wishes(project="show", instance_type="small")


@pytest.fixture
def show(tmp_path: Path) -> Path:
    for name in ("plate.0001.exr", "plate.0002.exr", "plate.0004.exr", "grade.py", "lut.cube"):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder").mkdir()
    return tmp_path


def names(paths: tuple[str, ...]) -> list[str]:
    return [os.path.basename(path) for path in paths]


@pytest.mark.parametrize(
    "pattern", ["plate.{frame:04}.exr", "plate.%04d.exr", "plate.####.exr"], ids=["placeholder", "printf", "hashes"]
)
def test_a_sequence_is_found_for_the_frames_of_the_job(show: Path, pattern: str) -> None:
    """As files are named for each task, or as the program itself counts them; a frame that lacks is told."""
    found = files_of_command(["oiiotool", f"{show}/{pattern}"], ((1,), (2,), (3,)), ())
    assert names(found.files) == ["plate.0001.exr", "plate.0002.exr"]
    (missing,) = found.missing
    assert (missing.path, missing.referrer) == (f"{show}/plate.0003.exr", "word 2 of --command")
    assert "--output" in missing.reason


def test_whole_paths_behind_an_equals_sign(show: Path) -> None:
    """`--lut=/show/lut.cube` names a file; a relative one, a flag and a system's own program name none."""
    words = ["/bin/sh", f"--lut={show}/lut.cube", "x=y", "lut.cube", "-i", f"{show}/grade.py"]
    found = files_of_command(words, ((1,),), ())
    assert names(found.files) == ["lut.cube", "grade.py"]
    assert found.missing == ()


def test_what_the_command_writes_is_not_read(show: Path) -> None:
    """A word that is an output, or its folder, is neither sent nor missing, though a former one lies there."""
    words = ["x", f"{show}/plate.{{frame:04}}.exr", f"{show}/out.mov", f"{show}"]
    found = files_of_command(words, ((4,), (5,)), (f"{show}/plate.####.exr", f"{show}/out.mov"))
    assert (found.files, found.missing, found.folders) == ((), (), ())


def test_a_folder_is_named_and_not_sent(show: Path) -> None:
    """One word may name a whole disk."""
    found = files_of_command(["x", f"{show}/folder"], ((1,),), ())
    assert (found.files, found.folders) == ((), (f"{show}/folder",))


def test_files_of_this_folder_get_whole_paths(show: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an artist types them; a bare program name is looked for on the farm."""
    monkeypatch.chdir(show)
    (show / "python3").write_text("")
    assert whole_words(["python3", "grade.py", "none.py"]) == ("python3", f"{show}/grade.py", "none.py")
    assert whole_words(["./grade.py"]) == (f"{show}/grade.py",)


@pytest.mark.parametrize(
    ("path", "flavour", "expected"),
    [
        ("/usr/bin/env", Flavour.POSIX, True),
        ("/show/usr/a", Flavour.POSIX, False),
        (r"C:\Windows\System32\cmd.exe", Flavour.WINDOWS, True),
        (r"C:\Program Files\x\y.exe", Flavour.WINDOWS, True),
        ("c:/windows/x", Flavour.WINDOWS, True),
        (r"C:\show\windows\a.exr", Flavour.WINDOWS, False),
        (r"\\server\windows\a.exr", Flavour.WINDOWS, False),
    ],
)
def test_what_is_a_systems_own(path: str, flavour: Flavour, expected: bool) -> None:
    """Programs and libraries of a system are on every instance and never sent."""
    assert is_of_the_system(path, flavour) is expected


def test_the_job_of_a_command(show: Path) -> None:
    """Outputs may be written as the words are, and each task has its own frames."""
    wishes = Wishes("show", "small", frames="1-5", chunk_size=2, outputs=(f"{show}/o.####.exr",))
    job = command_submission(f"oiiotool {show}/plate.{{first:04}}.exr", wishes)
    ((words, tasks, outputs),) = command_places(job)
    assert (tasks, outputs) == (((1, 2), (3, 4), (5,)), (f"{show}/o.####.exr",))
    assert names(files_of_command(words, tasks, outputs).files) == ["plate.0001.exr"]


def test_a_scene_that_a_command_renders() -> None:
    """Steps, frames and outputs are the scene's; what makes them is the artist's own command, told the scene and the step."""
    steps = (SceneStep("beauty", (Output("/o/b.####.exr"),)), SceneStep("fog", (Output("/o/f.####.exr"),)))
    description = SceneDescription(ScanReport("/s.ma", "maya-ascii"), Software("maya", "2025"), "1-3", steps)
    job = scene_submission("/s.ma", description, WISHES, allowed_missing=())
    job = by_command(job, ("Render", "-rl", "{step}", "-s", "{first}", "{scene}"))
    assert [(step.kind, step.command) for step in job.steps] == [
        ("command", ("Render", "-rl", "beauty", "-s", "{first}", "/s.ma")),
        ("command", ("Render", "-rl", "fog", "-s", "{first}", "/s.ma")),
    ]
    assert [FrameSet.parse(step.frames).frames for step in job.steps] == [(1, 2, 3)] * 2
    assert (job.scene, job.software) == ("/s.ma", Software("maya", "2025"))
