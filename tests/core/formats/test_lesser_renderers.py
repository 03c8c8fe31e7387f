"""What scenes of mental ray, LuxCore, Mitsuba and POV-Ray point to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted.scans import Lists, damaged, lists, lists_of, plant, report_of, survives

MI = """verbose on
link "base.so"
$include "lights.mi"
# color texture "old" "commented.tif"
options "opt" samples 0 2 end options
local color texture "wood" "wood.tif"
shader "sky" "mib_lookup_spherical" ( "tex_file" "sky.hdr", "name" "a.b c", "note" "/show/readme.txt" )
object "tree" visible file "tree.mi" end object
camera "cam" output "rgba" "tif" "/out/a.tif" focal 1 end camera
"""
LUXCORE = """# scene.textures.old.file = "commented.png"
scene.camera.type = "perspective"
scene.textures.wood.type = "imagemap"
scene.textures.wood.file = "wood.png"
scene.shapes.tree.ply = tree.ply
scene.lights.spot.iesfile = "gone.ies"
scene.materials.a.note = "notes/x.png"
film.outputs.1.filename = "/out/a.png"
"""
MITSUBA = """<scene version="3.0.0"><default name="spp" value="4"/><default name="tex" value="wood"/><path value="lib"/>
<!-- <include filename="commented.xml"/> -->
<include filename="more.xml"/>
<shape type="ply" id="tree"><string name="filename" value="tree.ply"/><bsdf type="diffuse">
<texture type="bitmap" name="reflectance"><string name="filename" value="$tex.png"/><string name="filter_type" value="a.b"/></texture>
</bsdf></shape><emitter type="envmap"><string name="filename" value="gone.exr"/></emitter></scene>
"""
POV = """#version 3.7;
#include "colors.inc"
#include "mine.inc"
// #include "commented.inc"
/* png "commented.png" */
sphere { 0, 1 texture { pigment { image_map { png "wood.png" } } } }
text { ttf "gone.ttf" "Hello. World" 1, 0 }
#debug "done.txt"
"""

CASES = {
    "mi": (
        "a.mi",
        MI,
        "lights.mi wood.tif sky.hdr tree.mi",
        lists(found="lights.mi|wood.tif|sky.hdr|tree.mi", unresolved="/show/readme.txt", outputs="/out/a.tif", ignored="base.so"),
    ),
    "luxcore": (
        "a.scn",
        LUXCORE,
        "wood.png tree.ply",
        lists(found="wood.png|tree.ply", missing="gone.ies", unresolved="notes/x.png", outputs="/out/a.png"),
    ),
    "mitsuba": (
        "a.xml",
        MITSUBA,
        "more.xml tree.ply lib/wood.png",
        lists(found="more.xml|tree.ply|$tex.png", missing="gone.exr", ignored="lib"),
    ),
    "pov": (
        "a.pov",
        POV,
        "mine.inc wood.png",
        lists(found="mine.inc|wood.png", missing="gone.ttf", ignored="colors.inc|done.txt"),
    ),
}


@pytest.mark.parametrize(("name", "content", "files", "expected"), CASES.values(), ids=CASES)
def test_everything_ends_in_one_list(tmp_path: Path, name: str, content: str, files: str, expected: Lists) -> None:
    """Planted files are found; comments, messages and what comes with the renderer are not sent."""
    plant(tmp_path, files)
    plant(tmp_path, {name: content})
    assert lists_of(report_of(tmp_path / name)) == expected


@settings(max_examples=120, deadline=None)
@given(cut=st.integers(0, 2000), flips=st.lists(st.integers(0, 2000), max_size=8), which=st.sampled_from(sorted(CASES)))
def test_damage_of_any_kind(tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[int], which: str) -> None:
    """Cut off and with turned bits, a scene ends in a report or a clear error."""
    name, content, _, _ = CASES[which]
    survives(tmp_path_factory.mktemp("damaged"), name, damaged(content.encode(), cut, flips))
