"""What Blender answers the panel, in every supported Blender: values, pieces, snapshots, settings in the scene, reveal."""

from __future__ import annotations

import os
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
_SHARED = runpy.run_path(str(HERE.parent / "conftest.py"))
#: the program is Debian's: 3.4, as a classic add-on's host
PROGRAM = "program"
VERSIONS: tuple[str, ...] = _SHARED["BPY_VERSIONS"] if os.environ.get("CI") == "true" else _SHARED["BPY_VERSIONS"][:1]

Answer = dict[str, Any]


@pytest.fixture(scope="module", params=(*VERSIONS, PROGRAM))
def session(
    request: pytest.FixtureRequest, bpy_python: Any, run_bpy: Any, require: Any, blender_folder: Path, tmp_path_factory: Any
) -> Answer:
    """Run the whole session in one process."""
    folder = tmp_path_factory.mktemp(f"session-{request.param}")
    script = str(HERE / "blender_host_session.py")
    if request.param == PROGRAM:
        program = shutil.which("blender")
        require(program, "there is no blender on the PATH")
        command = [str(program), "-b", "--factory-startup", "--python", script, "--"]
    else:
        command = [str(bpy_python(request.param)), script]
    answer: Answer = run_bpy(command, str(blender_folder), str(folder / "s"), str(folder / "answer.json"))
    answer["folder"] = str(folder / "s")
    return answer


def chapter(session: Answer, name: str) -> Any:
    """Return what a chapter came to."""
    found = session[name]
    assert not (isinstance(found, dict) and "traceback" in found), found["traceback"]
    return found


def test_the_scene_is_told_at_once(session: Answer) -> None:
    """Path, range, frame and version come as values; a scene that was never saved has no path and no dependencies."""
    told = chapter(session, "scene_as_a_value")
    saved, version = told["saved"], ".".join(map(str, session["version"]))
    assert (told["unsaved"]["path"], told["found_unsaved"]) == ("", 0)
    assert saved["path"] == os.path.join(session["folder"], "value", "shot.blend")
    assert (saved["frames"], saved["current_frame"]) == ("3-11x2", 7)
    assert saved["software"] == {"name": "blender", "version": version}
    assert version.startswith(saved["saved_by"] + ".")


def test_dependencies_come_in_pieces_that_hold_nothing_of_blender(session: Answer) -> None:
    """They can be pickled and sent, no piece is large, and together they are what a whole scan finds."""
    told = chapter(session, "pieces_hold_nothing_of_blender")
    assert told["pieces"] > 40
    assert told["most"] <= 5
    textures = {f"//tex/t{n}.png" for n in range(40)}
    assert textures <= set(told["texts"])
    assert textures == set(told["whole"])
    assert told["same_over_the_wire"]


@pytest.mark.parametrize(("name", "gone"), [("deleted", {"//tex/t29.png"}), ("undone", set()), ("another", None)])
def test_the_scene_may_change_between_two_pieces(session: Answer, name: str, gone: set[str] | None) -> None:
    """What is deleted is left out, nothing is raised, and an undo loses nothing; after another file is opened it just ends."""
    told = chapter(session, "scene_changes_between_pieces")
    if gone is not None:
        missed = {f"//tex/t{n}.png" for n in range(30)} - set(told[name])
        assert missed <= gone
    assert told["handlers_left"] == 0, "handlers of the scans must be taken out again"


def test_a_snapshot_changes_nothing_of_the_artists(session: Answer) -> None:
    """Neither name, modified flag, file, folder nor mode; no backup is left beside either; the copy is whole, in edit mode too."""
    told = chapter(session, "snapshot_changes_nothing")
    assert told["taken"] == {
        "file": os.path.join(session["folder"], "elsewhere", "deep", "copy.blend"),
        "scene": os.path.join(session["folder"], "snapshot", "shot.blend"),
    }
    assert (told["same_state"], told["same_file"], told["mode"]) == (True, True, "EDIT_MESH")
    assert told["beside_copy"] == ["copy.blend"]
    assert told["beside_scene"] == ["shot.blend", "shot.blend1", "tex"], "the backup is of the artist's own save"
    assert told["vertices"] == 6


def test_relative_paths_of_a_snapshot_are_right_in_the_scenes_place(session: Answer) -> None:
    """Written elsewhere and laid at the scene's path, the copy finds what the scene finds."""
    told = chapter(session, "snapshot_changes_nothing")
    assert told["found"] == ["shot.blend", *(os.path.join("tex", f"t{n}.png") for n in range(3))]


def test_a_snapshot_is_compressed_as_the_preference_says(session: Answer) -> None:
    """Off: a plain .blend; on: zstd; and the artist's own next save is as it was before."""
    told = chapter(session, "snapshot_changes_nothing")
    assert told["starts"] == [b"BLEN".hex(), "28b52ffd"]
    before, after = told["saved_as_it_was"]
    assert before == after


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("unsaved snapshot", "Save it under one first"),
        ("unsaved save", "Save it under one first"),
        ("over itself", "cannot be written over the scene itself"),
        ("not a folder", "copy.blend"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(session: Answer, asked: str, says: str) -> None:
    """With what, where and what to do."""
    assert says in chapter(session, "refusals")[asked]


def test_settings_in_the_scene_outlive_undo_and_save(session: Answer) -> None:
    """Undo takes the artist's change back and not the settings; they are no step of their own, and are saved with the file."""
    told = chapter(session, "settings_outlive_undo_and_save")
    kept = '{"frames": "1-5"}'
    assert told["seen"] == [[kept, 1], [kept, 5]]
    assert (told["opened"], told["forgotten"]) == (kept, "")
    assert told["unguarded"] != "unguarded", "without the guard an undo takes them: the test would see it"


def test_reveal_selects_who_wants_a_file(session: Answer) -> None:
    """An image selects the objects that show it, whatever its name; a node becomes active; what is gone is told."""
    told = chapter(session, "revealing")
    assert told['Image "t0" .filepath'] == [True, ["t0"]]
    assert told['Object "t1" modifier "Ocean" .filepath'] == [True, ["t1"]]
    assert told['Image "a "b" c" .filepath'] == [True, [told["quoted"]]]
    assert told['Material "t2" node "Image Texture" .filepath'] == [True, ["t2"]]
    assert told["active node"] == "Image Texture"
    assert [told['Image "gone" .filepath'][0], told["bpy.utils.blend_paths"][0]] == [False, False]
    assert [told["Scene, camera Camera"][0], told["Other"][0]] == [True, True]


def test_steps_are_scenes_and_their_layers_and_cameras(session: Answer) -> None:
    """The scene itself is on; its layers and cameras are off and write beside it under their own names."""
    told = chapter(session, "steps")
    names = [name for name, *_ in told]
    assert (names[0], names[1], len(names)) == ("Other", "Scene", 6)
    other, whole, *parts = told
    assert (other[1], other[2]) == (False, "has no camera")
    assert (whole[1], whole[4]) == (True, ["shot_####.png"])
    files = {parameters["view_layer"] or parameters["camera"]: outputs for *_, parameters, outputs in parts}
    own_layer = next(name for name in files if name not in ("Fog / near", "Camera", "Top"))
    assert files == {
        own_layer: [f"shot_{own_layer}_####.png"],
        "Fog / near": ["shot_Fog_near_####.png"],
        "Camera": ["shot_Camera_####.png"],
        "Top": ["shot_Top_####.png"],
    }
    assert [enabled for _, enabled, *_ in parts] == [False] * 4
    assert set(names[2:]) == {"Scene, layer Fog / near", f"Scene, layer {own_layer}", "Scene, camera Camera", "Scene, camera Top"}


def test_what_was_painted_and_not_saved_is_said(session: Answer) -> None:
    """Neither the scene nor the disk has it, so the scan names the image; packing it is enough."""
    told = chapter(session, "what_is_painted_is_not_lost")
    assert told["dirty"] == {"t0": True, "generated": True}
    assert set(told["told"]) == {"//tex/t0.png", "generated"}
    assert told["after_packing"] == ["//tex/t0.png"]


def test_gpu_and_engines_of_add_ons_are_told(session: Answer) -> None:
    """Cycles on the GPU names its step; an engine that does not come with Blender is a plug-in, its own ones are not."""
    told = chapter(session, "engines")
    assert told["gpu"] == [["Scene", "Cycles is set to GPU compute"]]
    assert told["cpu"] == []
    assert len(told["plug_ins"]) == 1
    assert told["own"] == []
