"""A host's scene leads to renderers' scenes and sidecars, and those to what they point to."""

from __future__ import annotations

from pathlib import Path

from planted.scans import lists, lists_of, plant, report_of

MAYA = """//Maya ASCII 2024 scene
requires maya "2024";
createNode aiStandIn -n "standShape";
	setAttr ".dso" -type "string" "scenes/tree.ass";
createNode xgmPalette -n "col";
	setAttr ".xfn" -type "string" "shot__col.xgen";
createNode cacheFile -n "clothCache1";
	setAttr ".cp" -type "string" "cache/";
	setAttr ".cn" -type "string" "cloth";
createNode VRayMesh -n "proxy";
	setAttr ".fn2" -type "string" "scenes/proxy.vrscene";
// End of shot.ma
"""
XGEN = """# XGen Palette File
FileVersion 18

Palette
	name	col
	xgDataPath	${PROJECT}xgen/collections/col
	endAttrs

Description
	name	fur
	endAttrs
"""


def test_from_maya_to_the_last_texture(tmp_path: Path) -> None:
    """Stand-in, proxy, collection and cache of a Maya scene are read in turn, each from its own folder."""
    plant(tmp_path, "workspace.mel scenes/bark.exr xgen/collections/col/fur/paintmaps/a.ptx cache/cloth.mcx")
    plant(
        tmp_path,
        {
            "scenes/shot.ma": MAYA,
            "scenes/tree.ass": 'options\n{\n}\nimage\n{\n name i\n filename "bark.exr"\n}\n',
            "scenes/proxy.vrscene": 'BitmapBuffer a {\n file="gone.png";\n}\n',
            "scenes/shot__col.xgen": XGEN,
            "cache/cloth.xml": '<Autodesk_Cache_File><cacheType Type="OneFile" Format="mcx"/></Autodesk_Cache_File>',
        },
    )
    report = report_of(tmp_path / "scenes/shot.ma")
    assert lists_of(report) == lists(
        found="scenes/tree.ass|bark.exr|shot__col.xgen|${PROJECT}xgen/collections/col|cache/|cloth.mcx|scenes/proxy.vrscene",
        missing="gone.png",
    )
    assert str(tmp_path / "xgen/collections/col/fur/paintmaps/a.ptx") in report.files()
    assert {Path(m.within).name for m in report.missing} == {"proxy.vrscene"}
