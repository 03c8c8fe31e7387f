"""Numbers in scenes that count nothing: infinity, NaN, thousands of digits. They are no numbers, and end no scan."""

from __future__ import annotations

from pathlib import Path

import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.formats import scan_file

HOSTILE = ["inf", "-inf", "nan", "1e400", "-1e308", "9" * 5000, "99999999999999999999", "²"]
numbers = pytest.mark.parametrize("number", HOSTILE, ids=lambda n: n[:8])

MAYA = """//Maya ASCII 2024 scene
file -rdi {0} -ns "a" -rfn "aRN" -typ "mayaAscii" "gone.ma";
requires maya "2024";
createNode file -n "tex";
	setAttr ".uvt" {0};
	setAttr ".ftn" -type "string" "wood.png";
createNode file -n "seq";
	setAttr ".ftn" -type "string" "seq.{0}.png";
	setAttr ".ufe" yes;
	setAttr ".fe" {0};
	setAttr ".fo" {0};
createNode imagePlane -n "plane";
	setAttr ".imn" -type "string" "plate.0001.jpg";
	setAttr ".ufe" yes;
	setAttr ".t" {0};
	setAttr ".fin" {0};
	setAttr ".fot" {0};
createNode expression -n "e";
	setAttr ".ixp" -type "string" ".O[0]=frame+{0}";
createNode script -n "sceneConfigurationScriptNode";
	setAttr ".b" -type "string" "playbackOptions -min {0} -max {0} -ast 1 -aet 9";
select -ne :defaultRenderGlobals;
	setAttr ".an" 1;
	setAttr ".fs" {0};
	setAttr ".ef" {0};
	setAttr ".byf" {0};
	setAttr ".ep" {0};
connectAttr "e.out[0]" "seq.fe";
"""
NUKE = """version 15.1 v3
Root {{
 inputs 0
 first_frame 1
 last_frame 3
}}
Read {{
 inputs 0
 file wood.%04d.png
 first {0}
 last {0}
 frame_mode offset
 frame {0}
 name R
}}
TimeOffset {{
 time_offset {0}
}}
FrameHold {{
 first_frame {0}
 increment {0}
}}
Write {{
 file out.%04d.png
 use_limit true
 first {0}
 last {0}
 render_order {0}
 name W
}}
"""
VRAY = 'BitmapBuffer a {{ file="wood.png"; }}\nSettingsIrradianceMap i {{ mode={0}; file="a.vrmap"; auto_save={0}; }}\n'


@numbers
def test_a_maya_scene(tmp_path: Path, number: str) -> None:
    """Its texture is told all the same."""
    assert "wood.png" in _named(tmp_path / "a.ma", MAYA.format(number))


@numbers
def test_a_nuke_script(tmp_path: Path, number: str) -> None:
    """Its clip is told all the same."""
    assert "wood.%04d.png" in _named(tmp_path / "a.nk", NUKE.format(number))


@numbers
def test_a_vray_scene(tmp_path: Path, number: str) -> None:
    """Its texture is told all the same."""
    assert "wood.png" in _named(tmp_path / "a.vrscene", VRAY.format(number))


def _named(path: Path, text: str) -> set[str]:
    path.write_text(text, encoding="utf-8")
    report = scan_file(Survey(str(path))).report
    return {e.as_written for entries in (report.missing, report.unresolved, report.ignored) for e in entries}
