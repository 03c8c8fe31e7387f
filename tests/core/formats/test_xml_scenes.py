"""What Collada, Cycles and MaterialX documents point to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted.scans import Lists, damaged, lists, lists_of, plant, report_of, survives

COLLADA = """<?xml version="1.0" encoding="utf-8"?>
<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
  <asset><contributor><source_data>file:///old/chair.blend</source_data></contributor></asset>
  <library_images>
    <image id="wood-image" name="wood"><init_from>tex/wood%20old.png</init_from></image>
    <image id="windows"><init_from>file:///C:/tex/a.png</init_from></image>
    <image id="five"><init_from><ref>bark.png</ref></init_from></image>
    <image id="hex"><init_from><hex format="PNG">89504e47</hex></init_from></image>
  </library_images>
  <library_effects><effect id="e"><profile_COMMON><newparam sid="s"><surface type="2D">
    <init_from>wood-image</init_from></surface></newparam></profile_COMMON></effect></library_effects>
  <library_geometries><geometry id="g"><mesh><source><float_array>1.0 2.0</float_array></source></mesh></geometry></library_geometries>
  <library_visual_scenes><visual_scene id="v"><node><instance_geometry url="#g"/>
    <instance_node url="parts/leg.dae#leg"/></node></visual_scene></library_visual_scenes>
</COLLADA>
"""
LEG = '<COLLADA><library_images><image id="leg"><init_from>leg.png</init_from></image></library_images></COLLADA>'
CYCLES = """<cycles>
<!-- <include src="commented.xml"/> -->
<include src="objects.xml"/>
<shader name="wood"><image_texture name="img" filename="wood.png" /><environment_texture name="e" filename="sky.exr"/>
<osl_shader name="o" src="noise.oso" output="color"/><connect from="img color" to="bsdf color"/></shader>
<mesh P="0 0 0" />
</cycles>
"""
MATERIALX = """<?xml version="1.0"?>
<materialx version="1.38" xmlns:xi="http://www.w3.org/2001/XInclude" fileprefix="tex/">
  <xi:include href="library.mtlx"/>
  <nodegraph name="ng">
    <image name="wood" type="color3"><input name="file" type="filename" value="wood.&lt;UDIM&gt;.png" /></image>
    <image name="raw" type="color3"><input name="file" type="filename" fileprefix="$TEX/" value="raw.png" /></image>
    <image name="asset" type="color3"><input name="file" type="filename" value="[name].png" /></image>
    <input name="text" type="string" value="not/a.png" />
  </nodegraph>
</materialx>
"""


@pytest.mark.parametrize(
    ("name", "content", "files", "expected"),
    [
        (
            "chair.dae",
            COLLADA,
            {"tex/wood old.png": "", "bark.png": "", "parts/leg.dae": LEG},
            lists(found="tex/wood%20old.png|bark.png|parts/leg.dae#leg", missing="file:///C:/tex/a.png|leg.png"),
        ),
        (
            "scene.xml",
            CYCLES,
            {"objects.xml": "<cycles/>", "wood.png": "", "sky.exr": ""},
            lists(found="objects.xml|wood.png|sky.exr", missing="noise.oso"),
        ),
        (
            "look.mtlx",
            MATERIALX,
            {"library.mtlx": "<materialx/>", "tex/wood.1001.png": ""},
            lists(found="library.mtlx|wood.<UDIM>.png", unresolved="raw.png|[name].png|not/a.png"),
        ),
    ],
    ids=["collada", "cycles", "materialx"],
)
def test_everything_ends_in_one_list(tmp_path: Path, name: str, content: str, files: dict[str, str], expected: Lists) -> None:
    """Planted files are found; ids, comments and what lies in the document are no files."""
    plant(tmp_path, {name: content, **files})
    assert lists_of(report_of(tmp_path / name)) == expected


def test_entities_are_refused(tmp_path: Path) -> None:
    """A document that declares entities (a bomb, or a file of the machine) is not read on."""
    plant(tmp_path, {"a.dae": '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><COLLADA>&a;</COLLADA>'})
    assert "entities" in report_of(tmp_path / "a.dae").unresolved[0].reason


def test_the_end_of_a_damaged_document(tmp_path: Path) -> None:
    """What stands before damage is in the report, and the line is said."""
    plant(tmp_path, {"a.dae": COLLADA[: COLLADA.index("<library_effects>")]})
    report = report_of(tmp_path / "a.dae")
    assert len(report.missing) == 3
    assert "line" in report.unresolved[0].reason


@settings(max_examples=120, deadline=None)
@given(
    cut=st.integers(0, 3000),
    flips=st.lists(st.integers(0, 3000), max_size=8),
    which=st.sampled_from([COLLADA, CYCLES, MATERIALX]),
)
def test_damage_of_any_kind(tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[int], which: str) -> None:
    """Cut off and with turned bits, a document ends in a report or a clear error."""
    survives(tmp_path_factory.mktemp("damaged"), "a.xml", damaged(which.encode(), cut, flips))
