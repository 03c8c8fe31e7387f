"""Where Maya looks for files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.maya_places import MayaPlaces, with_tokens
from conductor_core.discovery.maya_project import MayaProject, find_project
from conductor_core.discovery.maya_tiles import frame_pattern, tile_pattern

PROJECT = MayaProject("/show", {"sourceImages": "maps", "scene": "scenes"})
PLACES = MayaPlaces("/show/scenes/seq/shot.ma", PROJECT, {"JOB": "/jobs/a", "LIB": "$JOB/lib"})

posix_only = pytest.mark.skipif(os.name == "nt", reason="absolute paths here are those of posix")


@posix_only
@pytest.mark.parametrize(
    ("text", "kind", "places"),
    [
        ("/abs/a.png", "texture", ["/abs/a.png", "/show/maps/a.png"]),
        ("/old//maps/a.png", "texture", ["/old/maps/a.png", "/show/maps/a.png"]),
        ("D:/old//maps/sub/a.png", "texture", ["D:/old/maps/sub/a.png", "/show/maps/sub/a.png", "/show/maps/a.png"]),
        ("//server/share/a.abc", "cache", ["/server/share/a.abc"]),
        (r"\\server\share\a.abc", "cache", ["//server/share/a.abc"]),
        ("maps/a.png", "texture", ["/show/maps/a.png", "/show/maps/maps/a.png", "/show/scenes/seq/maps/a.png"]),
        ("rig.ma", "reference", ["/show/rig.ma", "/show/scenes/rig.ma", "/show/scenes/seq/rig.ma"]),
        ("./set.usda", "layer", ["/show/scenes/seq/set.usda", "/show/set.usda"]),
        ("$LIB/a.vdb", "volume", ["/jobs/a/lib/a.vdb"]),
        ("%JOB%/a.vdb", "volume", ["/jobs/a/a.vdb"]),
        ("${JOB}/a.vdb", "volume", ["/jobs/a/a.vdb"]),
        ("$MAYA_PROJECT/a.vdb", "volume", ["/show/a.vdb"]),
        ("rig.ma{12}", "proxy", ["/show/rig.ma", "/show/scenes/seq/rig.ma"]),
    ],
)
def test_places(text: str, kind: Kind, places: list[str]) -> None:
    """A path is looked for as it stands, then by its double slash, the project, the project's rules and beside the scene."""
    assert list(PLACES.find(text, kind).places) == places


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("$GONE/a.png", "the variable GONE is not set"),
        ("maps/`date`.png", "it is a MEL command, which only Maya can evaluate"),
        ("maps/<attr:color>.png", "only the renderer knows what <attr:color> stands for"),
        ("maps/a\0.png", "no path has a NUL in it"),
    ],
)
def test_unresolved(text: str, reason: str) -> None:
    """What cannot be evaluated is said with its reason."""
    assert PLACES.find(text, "texture").unresolved == reason


@pytest.mark.parametrize(
    ("text", "shipped"),
    [("<MAYA_RESOURCES>/a.ocio", "ships with Maya"), ("$MTOA_PATH/a.osl", "ships with Arnold for Maya")],
)
def test_shipped(text: str, shipped: str) -> None:
    """What comes with Maya is told as that."""
    assert PLACES.find(text, "ocio").shipped == shipped


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a.<udim>.png", "a.<UDIM>.png"),
        ("a_MAPID_.tex", "a<UDIM>.tex"),
        ("a.<UDIM:10>.tx", "a.<UDIM>.tx"),
        ("a_u<u>_v<v>.png", "a_<UVTILE>.png"),
        ("a_u$2U_v$2V.png", "a_<UVTILE>.png"),
        ("a.<tile>.png", "a.<UVTILE>.png"),
        ("a.<frame>.png", "a.<f>.png"),
        ("a.<f4>.png", "a.%04d.png"),
        ("a.####.ass", "a.####.ass"),
    ],
)
def test_tokens(text: str, tokens: str) -> None:
    """Tokens of all renderers are those of the core's resolver."""
    assert with_tokens(text) == tokens


@pytest.mark.parametrize(
    ("text", "mode", "pattern"),
    [
        ("d/a_1001.png", 3, "d/a_<UDIM>.png"),
        ("d1001/a.1001.v1002.png", 3, "d1001/a.1001.v<UDIM>.png"),
        ("d/a10010.png", 3, "d/a10010.png"),
        ("d/a_u1_v1.png", 2, "d/a_<UVTILE>.png"),
        ("d/a_1001.png", 0, "d/a_1001.png"),
    ],
)
def test_tile_pattern(text: str, mode: int, pattern: str) -> None:
    """The number of a tile is the last one in the name that can be one."""
    assert tile_pattern(text, mode) == pattern


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("d/a.0001.png", "d/a.####.png"),
        ("d/a.7.png", "d/a.#.png"),
        ("d/a.<UDIM>.0004.png", "d/a.<UDIM>.####.png"),
        ("d/a.0004.<UDIM>.png", "d/a.####.<UDIM>.png"),
        ("d/a.<f>.png", "d/a.<f>.png"),
        ("d/still.png", "d/still.png"),
    ],
)
def test_frame_pattern(text: str, pattern: str) -> None:
    """The number of a frame is the last one in the name that is no tile's."""
    assert frame_pattern(text) == pattern


def test_project_of_a_scene(tmp_path: Path) -> None:
    """A project is what somebody said, else the nearest folder above with a workspace.mel, with its rules."""
    scene = tmp_path / "show" / "scenes" / "seq" / "shot.ma"
    scene.parent.mkdir(parents=True)
    assert find_project(str(scene)).root == ""
    (tmp_path / "show" / "sourceimages").mkdir()
    assert find_project(str(scene)).root == str(tmp_path / "show")
    (tmp_path / "workspace.mel").write_text(
        '//Maya\nworkspace -fr "images" "out/$USERDIR";\nworkspace -fileRule "scene" "work";\n'
    )
    project = find_project(str(scene), variables={"USERDIR": "me"})
    assert (project.root, project.folder("images"), project.folder("sourceImages")) == (
        str(tmp_path), str(tmp_path / "out" / "me"), str(tmp_path / "sourceimages"),
    )  # fmt: skip
    assert find_project(str(scene), variables={"MAYA_PROJECT": "/other"}).root == os.path.abspath("/other")
    assert find_project(str(scene), "/said", {"MAYA_PROJECT": "/other"}).root == os.path.abspath("/said")
