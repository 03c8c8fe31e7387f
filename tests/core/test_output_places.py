"""Where frames will come home to is looked at before anything is sent."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
from conductor_core.cli.exit_codes import Ended
from conductor_core.cli.output_places import check_not_read, check_one_file, check_writable
from conductor_core.cli.submission_form import Wishes, scene_submission
from conductor_core.errors import ConductorError
from conductor_core.host import SceneDescription, SceneStep
from conductor_core.paths import Flavour
from conductor_core.report import ScanReport
from conductor_core.steps import outputs_of
from conductor_core.submission import Output, Software, Step, Submission

WISHES = Wishes(project="show", instance_type="small")


def submission(*outputs: str, frames: str = "1-10") -> Submission:
    step = SceneStep("Scene", tuple(Output(o) for o in outputs))
    description = SceneDescription(ScanReport("/s/shot.blend", "blend"), Software("blender", "4.5.15"), frames, (step,))
    return scene_submission("/s/shot.blend", description, WISHES, allowed_missing=())


READ = {
    "the frame of a sequence": ("/s/plate_####.exr", "/s/plate_0007.exr", True),
    "a frame that is not rendered": ("/s/plate_####.exr", "/s/plate_0011.exr", False),
    "another name": ("/s/shot_####.exr", "/s/plate_0007.exr", False),
    "another folder": ("/s/out/plate_####.exr", "/s/plate_0007.exr", False),
    "the very file": ("/s/plate.exr", "/s/plate.exr", True),
    "same beginning": ("/s/plate.exr", "/s/plate.exr.txt", False),
    "a folder for each frame": ("/s/####/a.exr", "/s/0003/a.exr", True),
}


@pytest.mark.parametrize(("output", "read", "refused"), READ.values(), ids=READ.keys())
def test_what_the_scene_reads_is_not_rendered_over(output: str, read: str, refused: bool) -> None:
    """Frame by frame, and by whole names."""
    if refused:
        with pytest.raises(Ended, match="would write over"):
            check_not_read(submission(output), ["/s/a.png", read])
    else:
        check_not_read(submission(output), ["/s/a.png", read])


def test_looking_leaves_nothing(tmp_path: Path) -> None:
    """Neither the folder that is to be made nor the file that tries the one above it."""
    check_writable(submission(f"{tmp_path}/a/b/shot_####.exr", f"{tmp_path}/c_####.exr"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_refuses_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the refusal: `tempfile` would try a name after the other in a folder of Windows without the right to write."""
    tries: list[str] = []

    def refuse(path: str, *_: object, **__: object) -> int:
        tries.append(path)
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    wish = submission(f"{tmp_path}/shot_####.exr")
    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "name", "nt")  # where `tempfile` takes it for a name that is taken
    with pytest.raises(Ended, match="cannot be written"):
        check_writable(wish)
    monkeypatch.undo()
    assert len(tries) == 1


def test_a_step_with_a_problem_is_not_rendered() -> None:
    """The problem is said with the step's name; a step that nobody chose may have one."""
    steps = (SceneStep("Good", ()), SceneStep("Bad", (), enabled=False, problem="has no camera"))
    description = SceneDescription(ScanReport("/s/shot.blend", "blend"), Software("blender", "5.0.1"), "1", steps)
    assert [s.name for s in scene_submission("/s", description, WISHES, allowed_missing=()).steps] == ["Good"]
    with pytest.raises(ConductorError, match="Step 'Bad' has no camera, so it cannot be rendered"):
        scene_submission("/s", description, replace(WISHES, steps=("Bad",)), allowed_missing=())


def test_what_one_step_makes_for_another_may_be_there_already() -> None:
    """From an earlier job: the step that waits reads what is made anew, so nothing is refused."""
    pre = SceneStep("pre", (Output("/s/pre.####.exr"),))
    final = SceneStep("final", (Output("/s/final.####.exr"),), after=("pre",))
    description = SceneDescription(ScanReport("/s/shot.nk", "nuke-script"), Software("nuke", "15.1v3"), "1-10", (pre, final))
    job = scene_submission("/s/shot.nk", description, WISHES, allowed_missing=())
    check_not_read(job, ["/s/pre.0003.exr"])
    with pytest.raises(Ended):
        check_not_read(job, ["/s/final.0003.exr"])


def test_windows_knows_no_case() -> None:
    """`c:` is `C:`: what the scene reads under another spelling is not rendered over either."""
    step = Step("s", "1-10", outputs=(Output("C:\\Show\\plate_####.exr"),))
    job = replace(submission("/s/a.exr"), flavour=Flavour.WINDOWS, scene="C:\\show\\a.nk", steps=(step,))
    with pytest.raises(Ended, match="would write over"):
        check_not_read(job, ["c:\\show\\Plate_0007.exr"])


@pytest.mark.parametrize(
    ("output", "chunk_size", "refused"),
    [
        (Output("/s/a.mov", "movie"), 1, True),
        (Output("/s/a.abc", "cache"), 9, True),
        (Output("/s/a.mov", "movie"), 10, False),
        (Output("/s/a.####.abc", "cache"), 1, False),
        (Output("/s/a.exr"), 1, False),
    ],
)
def test_one_file_of_all_frames_needs_one_chunk(output: Output, chunk_size: int, refused: bool) -> None:
    """As the panel says, and before anything is sent."""
    step = Step("W", "1-10", outputs=(output,), chunk_size=chunk_size)
    job = replace(submission("/s/a.exr"), steps=(step,), software=Software("nuke", "15.1v3"))
    if refused:
        with pytest.raises(Ended, match="one chunk: --step-chunk-size W=10"):
            check_one_file(job)
    else:
        check_one_file(job)


def test_blender_writes_no_movie_on_the_farm() -> None:
    """Its movie is refused in one chunk too, with what to say; pictures in its place are fine."""
    step = Step("W", "1-10", outputs=(Output("/s/a.mp4", "movie"),), chunk_size=10)
    job = replace(submission("/s/a.exr"), steps=(step,), software=Software("blender", "4.5"))
    with pytest.raises(Ended, match=r"(?s)renders pictures only on the farm.*--step-output W="):
        check_one_file(job)
    moved = outputs_of(SceneStep("W", step.outputs), ["/s/a_####.exr"])
    assert moved == (Output("/s/a_####.exr", "image"),)
    check_one_file(replace(job, steps=(replace(step, outputs=moved, chunk_size=1),)))
