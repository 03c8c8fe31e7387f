"""The rules by which a scene's steps become those of a submission, for panel and command line alike."""

from __future__ import annotations

import pytest
from conductor_core.errors import ConductorError
from conductor_core.host import SceneStep
from conductor_core.steps import (
    after_of,
    check_version,
    choose_steps,
    command_words,
    commands_of,
    default_title,
    output_at,
    outputs_of,
    parse_software,
)
from conductor_core.submission import Output, Software

STEP = SceneStep("Scene", (Output("/o/####.exr", width=4, height=4), Output("/o/depth_####.exr")), {"camera": "A"})
OTHER = SceneStep("Other", (Output("/p/####.exr"),), enabled=False)


@pytest.mark.parametrize(
    ("patterns", "paths"),
    [
        ((), ["/o/####.exr", "/o/depth_####.exr"]),
        (("/n/####.exr",), ["/n/####.exr", "/o/depth_####.exr"]),
        (("/n/####.exr", "/n/d####.exr"), ["/n/####.exr", "/n/d####.exr"]),
    ],
    ids=["none", "first", "both"],
)
def test_outputs_can_be_moved(patterns: tuple[str, ...], paths: list[str]) -> None:
    """Patterns move outputs in their order, and keep what is known of them."""
    outputs = outputs_of(STEP, patterns)
    assert [o.path for o in outputs] == paths
    assert outputs[0].width == 4


def test_steps_wait_for_those_that_are_rendered_with_them() -> None:
    """A step that is left out was rendered before, or is nobody's concern: nothing waits for it."""
    comp = SceneStep("comp", (), after=("denoise", "comp", "matte"))
    assert after_of(comp, {"comp", "matte"}) == ("matte",)
    assert after_of(comp, ()) == ()


def test_more_places_than_outputs() -> None:
    """Both numbers are told."""
    with pytest.raises(ConductorError, match=r"Step 'Other' writes 1 output, and 2 places are named"):
        outputs_of(OTHER, ("/1", "/2"))


EXPORT = SceneStep("/out/b", (Output("/show/ifd/b.####.ifd"),))
RENDER = SceneStep(
    "/out/b mantra", (Output("/show/b.####.exr"),), after=("/out/b",), command=("mantra", "-f", "/show/ifd/b.{frame:04d}.ifd")
)


def test_a_program_reads_what_was_moved() -> None:
    """The renderer's scene is written elsewhere than the artist's scene says, and its program renders it from there."""
    chosen = [(EXPORT, outputs_of(EXPORT, ("/tmp2/b.##.ifd",))), (RENDER, outputs_of(RENDER, ()))]
    assert commands_of(chosen) == {"/out/b": (), "/out/b mantra": ("mantra", "-f", "/tmp2/b.{frame:02d}.ifd")}
    assert commands_of([(RENDER, RENDER.outputs)])["/out/b mantra"] == RENDER.command


def test_a_program_that_is_not_told_where_to_write_is_not_moved() -> None:
    """mantra writes where its .ifd says: another place is refused instead of rendered for nothing; one in its words is followed."""
    with pytest.raises(ConductorError, match=r"rendered by mantra, which writes where its scene says: /show/b") as caught:
        outputs_of(RENDER, ("/else/b.####.exr",))
    assert "in the scene" in caught.value.next_step
    assert outputs_of(RENDER, ("/show/b.####.exr",)) == RENDER.outputs
    told = SceneStep("k", (Output("/k.#.exr"),), command=("kick", "-o", "/k.{frame}.exr"))
    assert commands_of([(told, outputs_of(told, ("/m.###.exr",)))]) == {"k": ("kick", "-o", "/m.{frame:03d}.exr")}


def test_steps_that_are_not_there() -> None:
    """An unknown step, and a scene with nothing enabled, name what there is."""
    with pytest.raises(ConductorError, match=r"no step 'X'\. It has: 'Scene', 'Other'"):
        choose_steps((STEP, OTHER), ("X",))
    with pytest.raises(ConductorError, match="Nothing in the scene is enabled"):
        choose_steps((OTHER,), ())
    with pytest.raises(ConductorError, match="nothing that renders"):
        choose_steps((), ())


VERSIONS = {
    "the same": ("4.5", "4.5.15", True),
    "newer": ("4.2", "4.5.15", True),
    "older minor": ("4.5", "4.2.23", False),
    "older major": ("5.0", "4.5.15", False),
    "only a major": ("4.5", "4", True),
    "only an older major": ("5.0", "4", False),
    "not said": ("", "2.79", True),
    "no number": ("4.5", "nightly", True),
}


@pytest.mark.parametrize(("saved_by", "version", "fine"), VERSIONS.values(), ids=VERSIONS.keys())
def test_software_must_not_be_older_than_the_scene(saved_by: str, version: str, fine: bool) -> None:
    """Major and minor are compared as numbers; what is not known is let through."""
    if fine:
        check_version("/s/shot.blend", Software("blender", saved_by), Software("blender", version))
    else:
        with pytest.raises(ConductorError, match=f"was saved by Blender {saved_by}; Blender {version} cannot open it"):
            check_version("/s/shot.blend", Software("blender", saved_by), Software("blender", version))
    check_version("/s/shot.blend", Software("blender", "99.0"), Software("other", "1"))


def test_an_output_by_its_ending() -> None:
    """Pictures and movies are known whatever the case of their ending."""
    assert [output_at(f"/o/a.{ending}").kind for ending in ("EXR", "mov", "vdb")] == ["image", "movie", "other"]


def test_names_and_words() -> None:
    """A title is the scene's name; words are split as a shell does; what does not fit is shown with its place."""
    assert default_title("/s/shot.v2.blend") == "shot.v2"
    assert parse_software(" blender@4.5 ") == Software("blender", "4.5")
    assert command_words("sh 'my script.sh' {frame}", "--before-task") == ("sh", "my script.sh", "{frame}")
    with pytest.raises(ConductorError, match=r"--before-task .* quotes"):
        command_words("sh 'x", "--before-task")


def test_a_command_of_windows_keeps_its_backslashes() -> None:
    """Its paths are written with them: `--command` and the panel split by the same rule."""
    line = r'oiiotool C:\show\new\p.{frame:04}.exr -o "\srv\out folder\p.exr"'
    assert command_words(line, "--command", windows=True) == (
        "oiiotool",
        r"C:\show\new\p.{frame:04}.exr",
        "-o",
        r"\srv\out folder\p.exr",
    )

    with pytest.raises(ConductorError, match="'blender' is not name@version"):
        parse_software("blender")
