"""What `.vrscene` scenes point to."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.formats import scan_file
from hypothesis import given, settings
from hypothesis import strategies as st
from planted.scans import damaged, in_gzip, lists, lists_of, plant, report_of, survives

SCENE = """// V-Ray core version is 6.00.05
// Exported by V-Ray Next for Maya
#include "geometry.vrscene"
// #include "commented.vrscene"
/* BitmapBuffer old { file="commented.exr"; } */
SettingsOutput settingsOutput {
  img_width=1920;
  img_file="beauty.exr";
  img_dir="/out/shot";
}
SettingsIrradianceMap im { mode=0; file="unread.vrmap"; auto_save=1; auto_save_file="/out/im.vrmap"; }
SettingsLightCache lc { mode=2; file="light.vrlmap"; auto_save=0; auto_save_file="unsaved.vrlmap"; }
BitmapBuffer bitmap_wood@file1 {
  file="tex/wood.<UDIM>.exr";
  gamma=1;
}
BitmapBuffer sequence { file=interpolate((1,"seq.<frame04>.exr"), (2,"seq.<frame04>.exr")); }
BitmapBuffer windows { file="//server/share/a.tif"; }
BitmapBuffer shared { file="/elsewhere/shared.png"; }
GeomStaticMesh mesh {
  vertices=ListVectorHex("ZIPB0A=1{F");
  faces=ListIntHex("ZIPBAD//{{'");
  primary_visibility=1;
}
GeomMeshFile tree { file="tree.vrmesh"; object_path="/tree/leaf"; }
GeomMeshFile crowd { file="crowd.abc"; }
VRayScene proxy { filepath="proxy.vrscene"; }
LightIES lamp { ies_file="${IES}/lamp.ies"; }
LightIES unset { ies_file="${NOWHERE}/lamp.ies"; }
TexOCIO colour { ocio_config_file="config.ocio"; input_cs="ACES - ACEScg"; }
PhxShaderCache smoke { cache_path="smoke_####.vdb"; }
SettingsVFB vfb { vfb2_layers="{layers: [{lut: '/lut/a.cube'}]}"; }
TexStudio own { look_lut="grade.cube"; title="by /show/artist.txt"; list=ListString("a", "b"); }
RenderChannelColor rc { name="diffuse/specular"; }
"""

FILES = "geometry.vrscene light.vrlmap tex/wood.1001.exr tex/wood.1011.exr seq.0001.exr seq.0002.exr seq.0003.exr tree.vrmesh"
FILES += " crowd.abc ies/lamp.ies config.ocio smoke_0001.vdb grade.cube assets/shared.png"


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    plant(tmp_path, FILES)
    plant(tmp_path, {"shot.vrscene": SCENE, "proxy.vrscene": '#include "inner.vrscene"\nNode a {\n}\n'})
    return tmp_path / "shot.vrscene"


def test_everything_ends_in_one_list(scene: Path) -> None:
    """Planted dependencies are found; comments, light maps that no mode reads and hexadecimal lists are no files."""
    about = {"VRAY_ASSETS_PATH": str(scene.parent / "assets"), "IES": str(scene.parent / "ies")}
    report = report_of(scene, frames=(1,), variables=about)
    assert report.format == "vrscene"
    assert lists_of(report) == lists(
        found="geometry.vrscene|light.vrlmap|tex/wood.<UDIM>.exr|seq.<frame04>.exr|tree.vrmesh|crowd.abc|proxy.vrscene|${IES}/lamp.ies"
        "|config.ocio|smoke_####.vdb|grade.cube|/elsewhere/shared.png",
        missing="//server/share/a.tif|inner.vrscene",
        unresolved="${NOWHERE}/lamp.ies|by /show/artist.txt",
        outputs="beauty.exr|/out/im.vrmap",
        ignored="/out/shot|unread.vrmap|unsaved.vrlmap|{layers: [{lut: '/lut/a.cube'}]}",
    )
    assert [o.path for o in report.outputs if o.as_written == "beauty.exr"] == ["/out/shot/beauty.exr"]


def test_saved_by(scene: Path) -> None:
    """The header says which V-Ray wrote the scene."""
    facts = scan_file(Survey(str(scene))).facts
    assert facts is not None
    assert (facts.software.name, facts.software.version) == ("vray", "6.00.05")


def test_frames_of_the_job(scene: Path) -> None:
    """`<frame04>` is the frame with four digits: only the job's files are sent."""
    report = report_of(scene, frames=(1, 2))
    files = next(d.files for d in report.dependencies if d.as_written == "seq.<frame04>.exr")
    assert [Path(f).name for f in files] == ["seq.0001.exr", "seq.0002.exr"]


def test_the_end_of_a_damaged_scene(tmp_path: Path) -> None:
    """What stands before damage is in the report, and where the text ends is said."""
    plant(tmp_path, {"cut.vrscene": 'BitmapBuffer a {\n file="a.exr";\n}\nBitmapBuffer b {\n file="b'})
    report = report_of(tmp_path / "cut.vrscene")
    assert [m.as_written for m in report.missing] == ["a.exr"]
    assert [u.reason for u in report.unresolved] == ["it ends inside the plugin b; what stands before that was read"]


def test_lists_cost_no_memory(tmp_path: Path) -> None:
    """A mesh of 32 MB in one hexadecimal text passes through a window of a few megabytes."""
    scene = tmp_path / "big.vrscene"
    with scene.open("wb") as file:
        file.write(b'GeomStaticMesh m {\n vertices=ListVectorHex("' + b"0A1F" * (8 << 20) + b'");\n}\n')
        file.write(b'BitmapBuffer a {\n file="a.exr";\n}\n')
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
    survives(folder, "scene.vrscene", damaged(SCENE.encode(), cut, flips))
    survives(folder, "scene.vrscene.gz", damaged(in_gzip(SCENE), cut, flips))
