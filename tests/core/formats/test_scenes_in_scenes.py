"""A host's scene leads to renderers' scenes and sidecars, and those to what they point to."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from conductor_core.discovery.survey import Survey
from conductor_core.formats import scan_file
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


def test_many_files_hold_one_environment(tmp_path: Path) -> None:
    """A scan remembers which files it has read, not the environment with each of them."""
    names = [f"b{n}.ass" for n in range(300)]
    plant(tmp_path, dict.fromkeys(names, "options\n{\n}\n"))
    body = "".join(f'procedural\n{{\n name p{n}\n filename "{name}"\n}}\n' for n, name in enumerate(names))
    plant(tmp_path, {"a.ass": body})
    survey = Survey(str(tmp_path / "a.ass"), variables={f"NAME{n}": "x" for n in range(500)})
    scan_file(survey)  # what is loaded once is loaded
    tracemalloc.start()
    scan_file(survey)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 << 20, f"{peak >> 20} MB"


def test_what_all_frames_say_stands_once(tmp_path: Path) -> None:
    """A stand-in's frames name the same texture: the report has it once, and what only one frame names beside it."""
    body = 'image\n{\n name i\n filename "bark.exr"\n}\nimage\n{\n name j\n filename "own.%d.exr"\n}\n'
    plant(tmp_path, "bark.exr " + " ".join(f"own.{n}.exr" for n in (1, 2, 3)))
    plant(tmp_path, {f"tree.{n:04d}.ass": "options\n{\n}\n" + body % n for n in (1, 2, 3)})
    scene = 'createNode aiStandIn -n "s";\n\tsetAttr ".dso" -type "string" "tree.####.ass";\n'
    scene += 'select -ne :defaultRenderGlobals;\n\tsetAttr ".an" 1;\n\tsetAttr ".fs" 1;\n\tsetAttr ".ef" 3;\n'
    plant(tmp_path, {"shot.ma": '//Maya ASCII 2024 scene\nrequires maya "2024";\n' + scene})
    report = report_of(tmp_path / "shot.ma")
    told = [(d.as_written, Path(d.within).name) for d in report.dependencies if d.kind == "texture"]
    assert told == [("bark.exr", "tree.0001.ass"), *((f"own.{n}.exr", f"tree.000{n}.ass") for n in (1, 2, 3))]
