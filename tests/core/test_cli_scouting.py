"""Which files are sent last, because no scout frame needs them."""

from __future__ import annotations

from pathlib import Path

import pytest
from conductor_core.cli.looking import Question
from conductor_core.cli.scouting import files_for_later
from conductor_core.paths import local_flavour
from conductor_core.submission import Software, Step, Submission, frames_with_scouts

SCRIPT = """
Root {{
 first_frame 1
 last_frame 6
}}
Read {{
 file {folder}/plate.%04d.exr
 first 1
 last 6
 name Plate
}}
Read {{
 inputs 0
 file {folder}/mask.exr
 name Mask
}}
Merge2 {{
 inputs 2
 name Over
}}
Write {{
 file {folder}/out/comp.%04d.exr
 name Out
}}
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Give a comp of a sequence of six frames under a still."""
    for frame in range(1, 7):
        (tmp_path / f"plate.{frame:04}.exr").touch()
    (tmp_path / "mask.exr").touch()
    path = tmp_path / "comp.nk"
    path.write_text(SCRIPT.format(folder=tmp_path.as_posix()))
    return path


def submission(scene: Path, *steps: Step) -> Submission:
    return Submission(
        "id", "dragons", "comp", str(scene), local_flavour(), software=Software("nuke", "15"), steps=steps, instance_type="small"
    )


@pytest.mark.parametrize(
    ("steps", "later"),
    [
        ([Step("Out", "1-6", scouts="2")], [1, 3, 4, 5, 6]),
        ([Step("Out", "1-6", scouts="2", chunk_size=3)], [4, 5, 6]),
        ([Step("Out", "1-6", scouts="2"), Step("B", "1-6", scouts="5")], [1, 3, 4, 6]),
        ([Step("Out", "1-6", scouts="1-6")], []),
        ([Step("Out", "1-6")], []),
    ],
    ids=["one", "chunk", "steps", "all", "none"],
)
def test_what_no_scout_frame_needs(script: Path, steps: list[Step], later: list[int]) -> None:
    """Stills, the scene and what was named by hand come first; of a sequence, what the scout frames show."""
    folder = script.parent
    files = [str(script), *map(str, sorted(folder.glob("*.exr"))), str(folder / "by_hand.0009.exr")]
    found = files_for_later(submission(script, *steps), files, Question(str(script), "1-6"))
    assert found == tuple(str(folder / f"plate.{n:04}.exr") for n in later)


def test_a_scene_that_only_its_host_reads(tmp_path: Path) -> None:
    """Nobody knows which frames need which file: all are sent first."""
    scene = tmp_path / "shot.max"
    scene.write_bytes(b"who knows")
    assert files_for_later(submission(scene, Step("Out", "1-6", scouts="2")), [str(scene)], Question(str(scene), "1-6")) == ()


def test_frames_of_tasks_with_scouts() -> None:
    """A task with a scout frame in it is rendered whole, in the order of its step."""
    assert frames_with_scouts(Step("Out", "9-1", scouts="2", chunk_size=4)) == (5, 4, 3, 2)
    assert frames_with_scouts(Step("Out", "1-9")) == ()
