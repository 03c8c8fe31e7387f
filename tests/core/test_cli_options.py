"""Every option of `conductor submit` that is about what goes along, when, and whom to tell: it is what the submission says."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from conductor_core.cli.company import read_exclusions, read_scripts
from conductor_core.cli.step_wishes import StepWishes
from conductor_core.cli.submission_form import Wishes, command_submission, frames_beyond, scene_submission
from conductor_core.cli.submit_options import submission_options
from conductor_core.errors import ConductorError
from conductor_core.frames import FrameSet
from conductor_core.host import SceneDescription, SceneStep
from conductor_core.paths import local_flavour
from conductor_core.report import ScanReport
from conductor_core.steps import files_among
from conductor_core.submission import Output, Scripts, Software

ROOT = os.path.abspath(os.sep)


def whole(*names: str) -> str:
    return os.path.join(ROOT, *names)


STEPS = (
    SceneStep("beauty", (Output(whole("o", "a_####.exr"), width=4), Output(whole("o", "z_####.exr")))),
    SceneStep("beauty=fog", (Output(whole("o", "fog_####.exr")),)),
)
DESCRIPTION = SceneDescription(ScanReport(whole("s.blend"), "blend"), Software("blender", "4.5"), "1-10", STEPS)
WISHES = Wishes(project="show", instance_type="small", base=whole("base"))


def steps(wishes: Wishes) -> list[tuple[str, str, int, str, list[str]]]:
    found = scene_submission(whole("s.blend"), DESCRIPTION, wishes, allowed_missing=()).steps
    return [(s.name, s.frames, s.chunk_size, s.scouts, [os.path.basename(o.path) for o in s.outputs]) for s in found]


def test_a_step_has_what_is_said_for_it_alone() -> None:
    """Frames, chunk size, scouts and outputs of one step; what is not said is as for all. Names may have `=` in them."""
    by_step = StepWishes(
        frames=("beauty=fog=20-22",),
        chunk_sizes=("beauty=5",),
        scouts=("beauty=fog=21",),
        outputs=("beauty=new_####.exr", "beauty=deep_####.exr"),
    )
    wishes = Wishes(project="show", instance_type="small", base=whole("base"), chunk_size=2, scouts="fml:2", by_step=by_step)
    assert steps(wishes) == [
        ("beauty", "1-10", 5, "fml:2", ["new_####.exr", "deep_####.exr"]),
        ("beauty=fog", "20-22", 2, "21", ["fog_####.exr"]),
    ]
    moved = scene_submission(whole("s.blend"), DESCRIPTION, wishes, allowed_missing=()).steps[0].outputs[0]
    assert (moved.path, moved.width) == (whole("base", "new_####.exr"), 4)


def test_scouts_for_all_spare_a_step_that_lacks_them() -> None:
    """Only where no step has any of the frames it is a mistake."""
    wishes = Wishes(project="show", instance_type="small", scouts="1,5", by_step=StepWishes(frames=("beauty=fog=20-22",)))
    assert [(s[0], s[3]) for s in steps(wishes)] == [("beauty", "1,5"), ("beauty=fog", "")]
    with pytest.raises(ConductorError, match="--scouts 77"):
        steps(Wishes(project="show", instance_type="small", scouts="77"))


def test_frames_that_the_scene_was_not_looked_at_for() -> None:
    """A step with frames beyond the others' has the scene looked at for all of them: a sequence must not end too early."""
    assert frames_beyond(DESCRIPTION, WISHES) == ""
    inside = Wishes(project="show", instance_type="small", by_step=StepWishes(frames=("beauty=3-4",)))
    assert frames_beyond(DESCRIPTION, inside) == ""
    beyond = Wishes(project="show", instance_type="small", by_step=StepWishes(frames=("beauty=12-14",)))
    assert frames_beyond(DESCRIPTION, beyond) == "1-10,12-14"


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "no such step": (lambda: StepWishes(frames=("Beauty=1",)).frames_of(["beauty"]), "--step-frames 'Beauty=1' names no step"),
    "no value": (lambda: StepWishes(frames=("beauty",)).frames_of(["beauty"]), "rendered are: 'beauty'"),
    "no number": (lambda: StepWishes(chunk_sizes=("beauty=many",)).chunk_sizes_of(["beauty"]), "--step-chunk-size beauty=many"),
    "none": (lambda: StepWishes(chunk_sizes=("beauty=0",)).chunk_sizes_of(["beauty"]), "--step-chunk-size beauty=0"),
    "not its frames": (
        lambda: StepWishes(scouts=("beauty=99",)).scouts_of("", {"beauty": FrameSet.parse("1-3")}),
        "--step-scouts beauty=99",
    ),
    "a folder": (
        lambda: steps(Wishes("show", "small", by_step=StepWishes(outputs=("beauty=o/",)))),
        "--step-output 'o/' is a folder",
    ),
    "too many": (
        lambda: steps(Wishes("show", "small", by_step=StepWishes(outputs=("beauty=fog=a.exr", "beauty=fog=b.exr")))),
        "writes 1 output, and 2 places",
    ),
    "no reason": (lambda: read_exclusions(["cache/smoke.vdb"]), "does not say why"),
    "an empty reason": (lambda: read_exclusions(["cache/smoke.vdb= "]), "does not say why"),
    "no plug-in": (lambda: steps(Wishes("show", "small", plug_ins=("mtoa",))), "'mtoa' is not name@version"),
    "startup without a scene": (
        lambda: command_submission("true", Wishes("show", "small", scripts=Scripts(startup=(whole("a.py"),)))),
        "scripts.startup",
    ),
}


@pytest.mark.parametrize(("call", "words"), WRONG.values(), ids=WRONG.keys())
def test_what_does_not_fit_is_said(call: Callable[[], Any], words: str) -> None:
    """Each names the option and what is wrong with it."""
    with pytest.raises(ConductorError) as caught:
        call()
    assert words in str(caught.value)


def test_scripts_and_the_files_they_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths become whole, and words that are files go along: the first only where it is written as a path, no folders at all."""
    for name in ("tools/pre.sh", "tools/words.txt", "bash", "start.py", "plug/rig.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    options = {
        "plug_in_folders": ("plug",),
        "startup": ("start.py",),
        "before_task": "tools/pre.sh tools/words.txt {frame} tools",
        "after_task": f"bash '{tmp_path}/tools/words.txt' absent.txt",
    }
    scripts, files = read_scripts(options)
    here = str(tmp_path)
    assert scripts.plug_in_folders == (os.path.join(here, "plug"),)
    assert scripts.startup == (os.path.join(here, "start.py"),)
    assert scripts.before_task == (os.path.join(here, "tools/pre.sh"), os.path.join(here, "tools/words.txt"), "{frame}", "tools")
    assert scripts.after_task == ("bash", f"{tmp_path}/tools/words.txt", "absent.txt")
    assert files == tuple(os.path.join(here, n) for n in ("plug", "start.py", "tools/pre.sh", "tools/words.txt"))


def test_programs_of_the_system_are_not_sent() -> None:
    """Every instance has its own shell."""
    words = ("/bin/sh", "/usr/bin/env", whole("show", "a.sh"), "relative")
    assert files_among(words, local_flavour(), lambda path: True) == (whole("show", "a.sh"),)


def test_what_stays_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first `=` divides path and reason, unless the path that is there has one in its name."""
    (tmp_path / "a=b.vdb").write_text("")
    monkeypatch.chdir(tmp_path)
    found = read_exclusions(["a=b.vdb=it is simulated = there", "c.vdb=x = y"])
    assert [(os.path.basename(e.path), e.reason) for e in found] == [("a=b.vdb", "it is simulated = there"), ("c.vdb", "x = y")]


def test_options_come_in_the_order_of_the_help() -> None:
    """The help is read from top to bottom: what is rendered before what goes along."""

    @click.command()
    @submission_options
    def command(**options: Any) -> None:
        """Do nothing."""

    names = [parameter.name for parameter in command.params]
    assert names.index("frames") < names.index("scouts") < names.index("plug_in_folders") < names.index("notify")
    assert json.dumps(names)
