"""What `.ass` scenes point to."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest
from conductor_core.discovery.limits import Limits
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import scan_file
from hypothesis import given, settings
from hypothesis import strategies as st
from planted.scans import damaged, in_gzip, lists, lists_of, plant, report_of, survives

SCENE = """### exported: Mon Jan  1 10:00:00 2024
### from:     Arnold 7.1.3.0 [1234abcd] linux
### host app: MtoA 5.1
options
{
 AA_samples 3
 texture_searchpath "tex;[SHOW]/tex"
 procedural_searchpath "archives"
 plugin_searchpath "/opt/arnold/plugins"
 outputs 2 1 STRING
  "RGBA RGBA filter driver"
  "Z FLOAT filter driver"
}
include "lights.ass"
# image { name trap filename "commented.exr" }
driver_exr
{
 name driver
 filename "/out/beauty.exr"
 custom_attributes 1 1 STRING "STRING scene /show/shot.ma"
}
image
{
 name /mat/wood
 filename "wood.<udim>.exr" # "commented too.exr"
 color_space "sRGB"
}
image { filename "[SHOW]/hdr/sky.hdr" name sky }
image { name mud filename "mud<tile>.png" }
image { name user filename "<attr:tex default:grey.exr>.exr" }
image { name away filename "[NOWHERE]/a.exr" }
image { name windows filename "D:\\\\shots\\\\a.tif" }
procedural
{
 name standin
 filename "tree.ass.gz"
 matrix
 1 0 0 0
 0 1 0 0
 0 0 1.5e-07 0
 0 0 0 1
}
polymesh
{
 name mesh
 nsides 100 1 b85UINT
B$$$$nameB8xx{#}"$$
{B$name"#
 vlist 2 1 VECTOR -0.5 1e+10 3 4 5 6
 shader "/mat/wood.r"
}
alembic { name crowd filename "crowd.abc" }
volume { name smoke filename "smoke.####.vdb" }
photometric_light { name lamp filename "lamp.ies" }
osl { name code shadername "mytex" code "shader x() { /* /a/b.exr */ }" }
set_parameter { name op assignment "filename='/show/over.exr'" }
studio_tex { name own ramp_file "ramp.png" comment "see /show/readme.txt" side "left" }
"""

FILES = "tex/wood.1001.exr tex/wood.1002.exr tex/wood.1001.tx show/hdr/sky.hdr mud_u1_v1.png archives/tree.asstoc crowd.abc"
FILES += " smoke.0001.vdb smoke.0002.vdb smoke.0009.vdb lamp.ies ramp.png"


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    plant(tmp_path, FILES)
    plant(tmp_path, {"shot.ass": SCENE, "lights.ass": "options\n{\n}\n"})
    plant(tmp_path, {"archives/tree.ass.gz": in_gzip('image\n{\n name bark\n filename "bark.exr"\n}\n'), "tex/bark.exr": ""})
    return tmp_path / "shot.ass"


def test_everything_ends_in_one_list(scene: Path) -> None:
    """Planted dependencies are found by the options' folders and variables; planted traps are in no list that is sent."""
    report = report_of(scene, frames=(1, 2), variables={"SHOW": str(scene.parent / "show")})
    assert report.format == "arnold-ass"
    assert lists_of(report) == lists(
        found="lights.ass|wood.<udim>.exr|[SHOW]/hdr/sky.hdr|mud<tile>.png|tree.ass.gz|bark.exr|crowd.abc|smoke.####.vdb|lamp.ies|ramp.png",
        missing="D:\\\\shots\\\\a.tif",
        unresolved="<attr:tex default:grey.exr>.exr|[NOWHERE]/a.exr|see /show/readme.txt",
        outputs="/out/beauty.exr",
        ignored="tex;[SHOW]/tex|archives|/opt/arnold/plugins|mytex|shader x() { /* /a/b.exr */ }|filename='/show/over.exr'|STRING scene /show/shot.ma",
    )


def test_what_comes_with_a_file(scene: Path) -> None:
    """A `.tx` beside a tile and the contents of an archive go with them; of a sequence, the job's frames only."""
    report = report_of(scene, frames=(1, 2), variables={"SHOW": str(scene.parent / "show")})
    files = {
        d.referrer: tuple(str(Path(f).relative_to(scene.parent)).replace("\\", "/") for f in d.files) for d in report.dependencies
    }
    assert files["/mat/wood.filename"] == ("tex/wood.1001.exr", "tex/wood.1001.tx", "tex/wood.1002.exr")
    assert files["standin.filename"] == ("archives/tree.ass.gz", "archives/tree.asstoc")
    assert files["smoke.filename"] == ("smoke.0001.vdb", "smoke.0002.vdb")
    assert files["bark.filename"] == ("tex/bark.exr",)


def test_saved_by(scene: Path) -> None:
    """The header says which Arnold wrote the scene."""
    facts = scan_file(Survey(str(scene))).facts
    assert facts is not None
    assert (facts.software.name, facts.software.version) == ("arnold", "7.1.3.0")


def test_the_end_of_a_damaged_scene(tmp_path: Path) -> None:
    """What stands before damage is in the report, and where the text ends is said."""
    packed = in_gzip('### from:     Arnold 7.0\nimage\n{\n name a\n filename "a.exr"\n}\n' + "polymesh\n{\n}\n" * 200_000)
    plant(
        tmp_path,
        {"cut.ass": 'image\n{\n name a\n filename "a.exr"\n}\nimage\n{\n name b\n filename "b', "cut.ass.gz": packed[:-9]},
    )
    cut = report_of(tmp_path / "cut.ass")
    assert [(m.as_written) for m in cut.missing] == ["a.exr"]
    assert [u.reason for u in cut.unresolved] == ["it ends inside the node b; what stands before that was read"]
    assert [u.reason for u in report_of(tmp_path / "cut.ass.gz").unresolved] == [
        "its gzip data ends too early; what stands before that was read"
    ]


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    """A file that unpacks to thousands of times its size is not read to its end."""
    scene = tmp_path / "bomb.ass.gz"
    with gzip.open(scene, "wb") as file:
        file.write(b"options\n{\n}\n")
        for _ in range(80):
            file.write(bytes(1 << 20).replace(b"\0", b" "))
    report = scan_file(Survey(str(scene), limits=Limits(ratio=100))).report
    assert "100 times its size" in report.unresolved[0].reason


def test_numbers_cost_no_memory(tmp_path: Path) -> None:
    """A mesh of 48 MB, and one text of 16 MB in one line, pass through a window of a few megabytes."""
    scene = tmp_path / "big.ass"
    with scene.open("wb") as file:
        file.write(b"options\n{\n}\npolymesh\n{\n name m\n vlist 1 1 VECTOR\n" + b"0.25 -1.5e-05 " * (2 << 20) + b'\n note "')
        file.write(b"x" * (16 << 20) + b'"\n}\nimage\n{\n name a\n filename "a.exr"\n}\n')
    tracemalloc.start()
    report = report_of(scene)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [m.as_written for m in report.missing] == ["a.exr"]
    assert peak < 12 << 20


@settings(max_examples=150, deadline=None)
@given(cut=st.integers(0, 3000), flips=st.lists(st.integers(0, 3000), max_size=8))
def test_damage_of_any_kind(tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[int]) -> None:
    """Cut off and with turned bits, plain and packed, a scene ends in a report or a clear error."""
    folder = tmp_path_factory.mktemp("damaged")
    survives(folder, "scene.ass", damaged(SCENE.encode(), cut, flips))
    survives(folder, "scene.ass.gz", damaged(in_gzip(SCENE), cut, flips))


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet='{}"#\\ \nnamefileb85VECTOR[]0123.exr', max_size=400))
def test_any_text(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Any text that begins like a scene is read to its end."""
    survives(tmp_path_factory.mktemp("text"), "scene.ass", b"options\n{\n}\n" + text.encode())


def test_subtitles_are_no_scene(tmp_path: Path) -> None:
    """Subtitles have the same extension."""
    plant(tmp_path, {"film.ass": "[Script Info]\nTitle: film\n"})
    with pytest.raises(SceneNotRead, match="no reader knows"):
        report_of(tmp_path / "film.ass")


def test_nodes_that_begin_in_one_line(tmp_path: Path) -> None:
    """A scene that a script wrote, without Arnold's own first lines, is known as one."""
    plant(tmp_path, {"a.ass": 'procedural { name p\n filename "tree.ass" }\n'})
    assert [m.as_written for m in report_of(tmp_path / "a.ass").missing] == ["tree.ass"]
