"""What `.rib` archives point to."""

from __future__ import annotations

from pathlib import Path

import pytest
from conductor_core.errors import SceneNotRead
from hypothesis import given, settings
from hypothesis import strategies as st
from planted.scans import damaged, in_gzip, lists, lists_of, plant, report_of, survives

SCENE = """##RenderMan RIB-Structure 1.1
##Scene: shot
version 3.04
Option "searchpath" "string texture" [".:maps:$SHOW/maps:@"] "string archive" ["archives:&"]
# ReadArchive "commented.rib"
Display "+/out/beauty.0001.exr" "openexr" "rgba" "int asrgba" [1] "string exrheader_scenepath" ["/show/shot.ma"]
Display "view.exr" "it" "rgba"
MakeTexture "paint.tif" "paint.tex" "periodic" "periodic" "gaussian" 2 2
FrameBegin 1
WorldBegin
Pattern "PxrTexture" "wood" "string filename" ["wood._MAPID_.tex"] "int atlasStyle" 1 "float blur" 0.5 "string mode" "x"
Pattern "PxrTexture" "mud" "string filename" "mud_u<U>_v<V>.tex"
Pattern "PxrTexture" "plug" "string filename" ["rtxplugin:noise.so"]
Pattern "PxrMultiTexture" "multi" "string filename0" ["a.tex"] "string filename1" ["b.tex"] "string filename2" [""]
Pattern "PxrSeExpr" "expr" "string expression" ["map(\\"/show/x.ptx\\")"]
Bxdf "PxrSurface" "s" "reference color diffuseColor" ["wood:resultRGB"] "int[2] tex.x" [1 2]
Light "PxrDomeLight" "dome" "string lightColorMap" ["sky.tex"]
Light "PxrRectLight" "rect" "string iesProfile" ["$NOWHERE/lamp.ies"]
LightFilter "PxrGoboLightFilter" "gobo" "string map" ["gobo.tex"]
ReadArchive "tree.rib"
ReadArchive "bricks.zip!leg.rib"
LightSource "PxrStdEnvMapLight" 1 "string rman__EnvMap" ["old.tex"]
Camera "cam"
  "float shutterOpenTime" [0] #"string note" ["commented.tex"]
DisplayChannel "color mse" "string source" "color lpe:C(D[DS]*[LO])|O" "string statistics" "mse"
Option "statistics" "int level" [1] "string xmlfilename" ["./stats.xml"]
Procedural2 "DelayedReadArchive2" "SimpleBound" "string filename" ["set.rib"] "float[6] bound" [0 1 0 1 0 1]
Procedural "DelayedReadArchive" ["old.rib"] [0 1 0 1 0 1]
Procedural "DynamicLoad" ["fur.so" "-count 10"] [0 1 0 1 0 1]
Volume "blobbydso:impl_openvdb" [-1 1 -1 1 -1 1] [0 0 0] "constant string[2] blobbydso:stringargs" ["fire.vdb" "density"]
PointsPolygons [4 4] [0 1 2 3] "vertex point P" [1 2 3e5 4E5 5 6] "constant string __tex" ["user.tex"]
Attribute "identifier" "string name" ["/set/tree.one"]
WorldEnd
FrameEnd
"""

FILES = "maps/wood.1001.tex maps/mud_u1_v1.tex a.tex b.tex show/maps/sky.tex gobo.tex archives/set.rib archives/old.rib fire.vdb user.tex archives/bricks.zip"


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    plant(tmp_path, FILES)
    bark = 'AttributeBegin\nPattern "PxrTexture" "t" "string filename" ["bark.tex"]\nAttributeEnd\n'
    plant(tmp_path, {"shot.rib": SCENE, "archives/tree.rib": in_gzip(bark), "maps/bark.tex": ""})
    return tmp_path / "shot.rib"


def test_everything_ends_in_one_list(scene: Path) -> None:
    """Planted dependencies are found by the search paths; plug-ins, names and displays on screen are no files."""
    report = report_of(scene, variables={"SHOW": str(scene.parent / "show")})
    assert report.format == "renderman-rib"
    assert lists_of(report) == lists(
        found="wood._MAPID_.tex|mud_u<U>_v<V>.tex|a.tex|b.tex|sky.tex|gobo.tex|tree.rib|bricks.zip!leg.rib|bark.tex|set.rib|old.rib|fire.vdb|user.tex",
        missing="paint.tif|old.tex",
        unresolved="$NOWHERE/lamp.ies",
        outputs="+/out/beauty.0001.exr|paint.tex|./stats.xml",
        ignored='.:maps:$SHOW/maps:@|archives:&|rtxplugin:noise.so|map("/show/x.ptx")|fur.so|/show/shot.ma',
    )
    assert "/out/beauty.0001.exr" in {o.path for o in report.outputs}


def test_binary_is_named(tmp_path: Path) -> None:
    """Binary RIB is recognised, and said to be what only RenderMan reads."""
    plant(tmp_path, {"a.rib": b"##RenderMan RIB-Structure 1.1\n\xa6\x01\x93abc"})
    with pytest.raises(SceneNotRead, match="binary RIB"):
        report_of(tmp_path / "a.rib")


def test_the_end_of_a_damaged_scene(tmp_path: Path) -> None:
    """What stands before damage is in the report, and where the text ends is said."""
    plant(tmp_path, {"a.rib": '##RenderMan RIB\nReadArchive "a.rib2"\nLight "PxrDomeLight" "d" "string lightColorMap" ["sky'})
    report = report_of(tmp_path / "a.rib")
    assert [m.as_written for m in report.missing] == ["a.rib2"]
    assert [u.reason for u in report.unresolved] == ["it ends inside a text; what stands before that was read"]


@settings(max_examples=150, deadline=None)
@given(cut=st.integers(0, 3000), flips=st.lists(st.integers(0, 3000), max_size=8))
def test_damage_of_any_kind(tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[int]) -> None:
    """Cut off and with turned bits, plain and packed, an archive ends in a report or a clear error."""
    folder = tmp_path_factory.mktemp("damaged")
    survives(folder, "scene.rib", damaged(SCENE.encode(), cut, flips))
    survives(folder, "scene.rib.gz", damaged(in_gzip(SCENE), cut, flips))


def test_archives_within_the_file(tmp_path: Path) -> None:
    """An archive that the file holds itself is no file; what is in it is read, and one of another name is missing."""
    text = """version 3.04
ArchiveBegin "|tree|shape.a"
Pattern "PxrTexture" "t" "string filename" ["bark.tex"]
ArchiveEnd
WorldBegin
ReadArchive "|tree|shape.a"
ReadArchive "other.rib"
WorldEnd
"""
    plant(tmp_path, {"a.rib": text})
    assert [m.as_written for m in report_of(tmp_path / "a.rib").missing] == ["bark.tex", "other.rib"]


def test_attributes_of_users(tmp_path: Path) -> None:
    """A path in an attribute of a studio's own is told; names of objects are none."""
    text = 'version 3.04\nAttribute "user" "string tex" ["/show/a.tex"] "string path" ["/root/tree"]\n'
    text += 'Attribute "identifier" "string name" ["/set/tree.one"]\n'
    plant(tmp_path, {"a.rib": text})
    report = report_of(tmp_path / "a.rib")
    assert [m.as_written for m in report.missing] + [u.as_written for u in report.unresolved] == ["/show/a.tex"]
