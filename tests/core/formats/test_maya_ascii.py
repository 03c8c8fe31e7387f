"""What Maya scenes in text say of other files, each planted dependency and each planted trap."""

from __future__ import annotations

import contextlib
import time
import tracemalloc
from pathlib import Path

import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import scan_file
from core.formats.maya_scenes import HEADER, ends, node, project, scan_text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TRANSFORM = 'createNode transform -n "group1";\n'


@pytest.mark.parametrize(
    ("type_", "attribute", "text", "kind"),
    [
        ("file", "ftn", "maps/wood.png", "texture"),
        ("file", "fileTextureName", "maps/wood.png", "texture"),
        ("psdFileTex", "ftn", "maps/paint.psd", "texture"),
        ("movie", "ftn", "maps/clip.mov", "movie"),
        ("imagePlane", "imn", "maps/plate.jpg", "image"),
        ("audio", "f", "sound/line.wav", "sound"),
        ("AlembicNode", "fn", "cache/hero.abc", "cache"),
        ("AlembicNode", "abc_File", "cache/hero.abc", "cache"),
        ("gpuCache", "cfn", "cache/set.abc", "cache"),
        ("mayaUsdProxyShape", "fp", "usd/set.usda", "layer"),
        ("pxrUsdReferenceAssembly", "fp", "usd/tree.usda", "layer"),
        ("assemblyReference", "def", "scenes/tree_AD.ma", "reference"),
        ("xgmPalette", "xfn", "scenes/shot__hair.xgen", "data"),
        ("aiImage", "filename", "maps/skin.tx", "texture"),
        ("aiStandIn", "dso", "ass/crowd.ass", "procedural"),
        ("aiStandIn", "dso", "usd/crowd.usd", "layer"),
        ("aiVolume", "filename", "vdb/smoke.vdb", "volume"),
        ("aiPhotometricLight", "ai_filename", "maps/lamp.ies", "profile"),
        ("VRayMesh", "fn2", "proxy/oak.vrmesh", "proxy"),
        ("VRayMesh", "fileName2", "proxy/oak.abc", "cache"),
        ("VRayLightIESShape", "iesFile", "maps/lamp.ies", "profile"),
        ("VRayPtex", "ptexFile", "maps/skin.ptx", "texture"),
        ("VRayScene", "FilePath", "proxy/city.vrscene", "procedural"),
        ("RedshiftProxyMesh", "fn", "proxy/oak.rs", "proxy"),
        ("RedshiftNormalMap", "tex0", "maps/bump.exr", "texture"),
        ("RedshiftDomeLight", "tex0", "maps/sky.hdr", "texture"),
        ("RedshiftIESLight", "profile", "maps/lamp.ies", "profile"),
        ("PxrTexture", "filename", "maps/skin.tex", "texture"),
        ("PxrDomeLight", "lightColorMap", "maps/sky.tex", "texture"),
        ("PxrDiskLight", "iesProfile", "maps/lamp.ies", "profile"),
        ("CoronaLight", "iesProfile", "maps/lamp.ies", "profile"),
        ("PBRTRenderSettings", "crlf", "lenses/wide.dat", "data"),
        ("mentalrayTexture", "ftn", "maps/old.map", "texture"),
        ("pgYetiMaya", "cacheFileName", "cache/fur.fur", "cache"),
        ("dx11Shader", "s", "shaders/skin.fx", "shader"),
        ("viewColorManager", "lut", "maps/show.cube", "lut"),
    ],
    ids=lambda v: str(v).replace("/", "-"),
)
def test_node_types(tmp_path: Path, type_: str, attribute: str, text: str, kind: str) -> None:
    """A file that a known node names is a dependency of its kind, under the long and the short name of the attribute."""
    root = project(tmp_path, text)
    report = scan_text(root, node(type_, **{attribute: text})).report
    found = [(d.as_written, d.kind, d.referrer, d.files) for d in report.dependencies]
    assert found[:1] == [(text, kind, f"{type_}1.{attribute}", (str(root / text),))]


@pytest.mark.parametrize(
    "body",
    [
        node("file", ftn="maps/a.png"),
        'createNode file -n "f";\n\tsetAttr -k off -l on ".ftn" -type "string" "maps/a.png";\n',
        'createNode -name "f" file;\n    setAttr ".fileTextureName" -typ "string" "maps/a.png";\n',
        'createNode file -n "f";\nsetAttr "f.ftn" -type "string" "maps/a.png";\n',
        'createNode file -n "f"; setAttr ".ftn" -type "string" "maps/a.png";\n',
        'createNode file -n "f";\n\tsetAttr ".ftn" -type "string" ("ma"\n\t\t+ "ps/a.png");\n',
        'createNode file -n "f";\r\n\tsetAttr ".ftn" -type "string" "maps/a.png";\r\n',
        '/* old;\ncreateNode file -n "g";\n*/\ncreateNode file -n "f";\n\tsetAttr ".ftn" -type "string" "maps/a.png";\n',
        'createNode file -n "f";\n// a; comment\n\tsetAttr ".ftn" -type "string" "maps/a.png";\n',
        'createNode file -n "f";\n\trename -uid "1"; setAttr ".ftn" -type "string" "maps/a.png";\n',
    ],
    ids=["maya", "flags", "long", "by-name", "one-line", "joined", "crlf", "block-comment", "comment", "behind-rename"],
)
def test_spellings(tmp_path: Path, body: str) -> None:
    """A statement is understood however it is spelled."""
    root = project(tmp_path, "maps/a.png")
    assert [d.as_written for d in scan_text(root, body).report.dependencies] == ["maps/a.png"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('//\tsetAttr ".ftn" -type "string" "old.png";\n' + TRANSFORM, "old.png"),
        ('createNode file -n "f";\n/*\n\tsetAttr ".ftn" -type "string" "old.png";\n*/\n', "old.png"),
        (TRANSFORM + '\tsetAttr ".icn" -type "string" "icons/rig.png";\n', "icons/rig.png"),
        (node("dagContainer", icn="icons/rig.png"), "icons/rig.png"),
        (TRANSFORM + '\tsetAttr ".nts" -type "string" "see /refs/photo.jpg";\n', "see /refs/photo.jpg"),
        (node("reference", fn="scenes/former.ma"), "scenes/former.ma"),
        (node("imagePlane", imn="maps/a.png", t=1), "maps/a.png"),
        (node("script", b='source \\"/studio/setup.png\\";', st=1), "/studio/setup.png"),
        ('fileInfo "license" "/opt/maya.lic";\n' + TRANSFORM, "/opt/maya.lic"),
        ('select -ne :defaultColorMgtGlobals;\n\tsetAttr ".cfp" -type "string" "/studio/config.ocio";\n', "/studio/config.ocio"),
        ('select -ne :defaultRenderGlobals;\n\tsetAttr ".ifp" -type "string" "beauty/shot.exr";\n', "beauty/shot.exr"),
        (node("VRaySettingsNode", fnprx="out/v.exr"), "out/v.exr"),
        (node("VRaySettingsNode", ifile="maps/unused.vrmap"), "maps/unused.vrmap"),
        (node("rmanGlobals", imageOutputDir="<ws>/images/a.exr"), "<ws>/images/a.exr"),
        (node("aiOptions", log_filename="/tmp/a.log"), "/tmp/a.log"),
        (node("hyperLayout", img="maps/back.png"), "maps/back.png"),
        (node("cacheFile", cp="cache/off", cn="hair", en="no").replace('-type "string" "no"', "no"), "cache/off"),
        (TRANSFORM + '\taddAttr -sn "pm" -ln "publishedModel" -dt "string";\n\tsetAttr ".pm" -type "string" "X:/a/m.ma";\n', "X:/a/m.ma"),
        (node("file", ftn="<MAYA_RESOURCES>/a/b.png"), "<MAYA_RESOURCES>/a/b.png"),
        (node("assemblyDefinition", rep_AT_0__rty="Locator", rep_AT_0__rda="note/a.ma"), "note/a.ma"),
        (node("mayaUsdLayerManager", lyr_AT_0__id="usd/dirty.usda"), "usd/dirty.usda"),
        (node("AlembicNode", exportPath="out/x.abc"), "out/x.abc"),
    ],
)  # fmt: skip
def test_traps(tmp_path: Path, body: str, text: str) -> None:
    """What looks like a dependency and is none is never one, whether or not the file exists."""
    root = project(tmp_path)
    if not text.startswith(("/", "<", "X:")) and " " not in text:
        target = root / text
        target.parent.mkdir(parents=True, exist_ok=True)
        if "unused" not in text:
            target.write_bytes(b"")
    report = scan_text(root, body).report
    assert text not in [d.as_written for d in report.dependencies] + [m.as_written for m in report.missing]


def test_one_list_each(tmp_path: Path) -> None:
    """Each path of a scene ends in exactly one list, with the reason."""
    root = project(tmp_path, "maps/there.png", "maps/odd.png")
    body = (
        node("file", ftn="maps/there.png")
        + node("aiImage", filename="maps/gone.png")
        + node("PxrTexture", filename="$NOWHERE/a.tex")
        + 'createNode myNode -n "m";\n\tsetAttr ".textureFile" -type "string" "maps/odd.png";\n'
        + '\tsetAttr ".zz" -type "string" "/some/where.xyz";\n\tsetAttr ".outputFile" -type "string" "out/a.exr";\n'
        + '\tsetAttr ".cs" -type "string" "scene-linear Rec 709/sRGB";\n'
    )
    report = scan_text(root, body).report
    assert {text: ends(report, text) for text in (
        "maps/there.png", "maps/gone.png", "$NOWHERE/a.tex", "maps/odd.png", "/some/where.xyz", "out/a.exr", "scene-linear Rec 709/sRGB",
    )} == {
        "maps/there.png": "dependencies", "maps/gone.png": "missing", "$NOWHERE/a.tex": "unresolved", "maps/odd.png": "dependencies",
        "/some/where.xyz": "unresolved", "out/a.exr": "outputs", "scene-linear Rec 709/sRGB": "",
    }  # fmt: skip
    assert [u.reason for u in report.unresolved] == ["the variable NOWHERE is not set", "no reader knows myNode.zz"]
    assert next(d.kind for d in report.dependencies if d.as_written == "maps/odd.png") == "other"


def test_plugins_own_attributes(tmp_path: Path) -> None:
    """A plug-in's own attribute, of which a scene holds only a short name, counts when its text is a file of a usual kind."""
    root = project(tmp_path, "maps/a.exr")
    body = 'requires -nodeType "myLens" "lensPlugin" "1.0";\ncreateNode myLens -n "l";\n\tsetAttr ".mp" -type "string" "maps/a.exr";\n'
    assert [(d.as_written, d.kind) for d in scan_text(root, body).report.dependencies] == [("maps/a.exr", "other")]


def test_references(tmp_path: Path) -> None:
    """References lead to their own scenes and textures; copies of one are one file, and what is nested is told once."""
    root = project(tmp_path, "maps/rig.png", "maps/prop.png")
    (root / "scenes" / "rig.ma").write_text(
        HEADER + 'file -rdi 1 -ns "p" -rfn "pRN" "scenes/prop.ma";\nfile -r -ns "p" -rfn "pRN" "scenes/prop.ma";\n'
        + node("file", ftn="maps/rig.png") + 'select -ne :defaultRenderGlobals;\n\tsetAttr ".ifp" -type "string" "not/mine.exr";\n'
    )  # fmt: skip
    (root / "scenes" / "prop.ma").write_text(HEADER + node("file", ftn="maps/prop.png") + 'file -r "scenes/shot.ma";\n')
    body = (
        'file -rdi 1 -ns "r" -rfn "rRN" -op "v=0;" -typ "mayaAscii" "scenes/rig.ma";\n'
        'file -rdi 2 -ns "p" -rfn "r:pRN" -op "v=0;" -typ "mayaAscii" "scenes/prop.ma";\n'
        'file -rdi 1 -dr 1 -ns "r1" -rfn "rRN1" -op "v=0;"\n\t\t -typ "mayaAscii" "scenes/rig.ma{1}";\n'
        'file -r -ns "r" -dr 1 -rfn "rRN" -op "v=0;" -typ "mayaAscii" "scenes/rig.ma";\n'
    )
    report = scan_text(root, body).report
    assert [(d.as_written, d.referrer, d.kind) for d in report.dependencies] == [
        ("scenes/rig.ma", "rRN", "reference"),
        ("scenes/rig.ma{1}", "rRN1", "reference"),
        ("scenes/prop.ma", "pRN", "reference"),
        ("maps/rig.png", "file1.ftn", "texture"),
        ("scenes/shot.ma", "reference", "reference"),
        ("maps/prop.png", "file1.ftn", "texture"),
    ]
    assert ("scenes/prop.ma", "rig.ma refers to it itself") in [(i.as_written, i.reason) for i in report.ignored]
    assert ends(report, "not/mine.exr") == "ignored"
    assert not report.missing


def test_nested_reference_of_a_missing_one(tmp_path: Path) -> None:
    """What is nested in a reference that is not there is told by the scene itself."""
    body = 'file -rdi 1 -rfn "aRN" "scenes/a.ma";\nfile -rdi 2 -rfn "a:bRN" "scenes/b.ma";\n'
    report = scan_text(project(tmp_path), body).report
    assert [m.as_written for m in report.missing] == ["scenes/a.ma", "scenes/b.ma"]


def test_reference_edits(tmp_path: Path) -> None:
    """A texture that the scene sets on a node of a scene it refers to is a dependency."""
    root = project(tmp_path, "maps/blue.png")
    body = (
        'createNode reference -n "rRN";\n\tsetAttr ".ed" -type "dataReferenceEdits" \n\t\t"rRN"\n\t\t"" 0\n\t\t"rRN" 1\n'
        '\t\t2 "r:file1" "fileTextureName" " -type \\"string\\" \\"maps/blue.png\\"";\n'
    )
    report = scan_text(root, body).report
    assert [(d.as_written, d.referrer, d.kind) for d in report.dependencies] == [
        ("maps/blue.png", "r:file1.fileTextureName", "texture")
    ]


SEQUENCE = 'connectAttr "expression1.out[0]" "file1.fe";\n'
RANGE = 'select -ne :defaultRenderGlobals;\n\tsetAttr ".an" yes;\n\tsetAttr ".fs" 2;\n\tsetAttr ".ef" 3;\n'


@pytest.mark.parametrize(
    ("expression", "extra", "frames", "wanted"),
    [
        (".O[0]=frame", {}, None, [2, 3]),
        (".O[0]=frame", {"fo": 2}, None, [4, 5]),
        (".O[0]=frame-1", {}, None, [1, 2]),
        (".O[0]=frame", {}, (5,), [5]),
        (".O[0]=sin(frame)", {}, None, [1, 2, 3, 4, 5, 6]),
        ("", {"fe": 4}, None, [4]),
    ],
    ids=["scene", "offset", "expression", "job", "unknown", "still"],
)
def test_image_sequences(
    tmp_path: Path, expression: str, extra: dict[str, int], frames: tuple[int, ...] | None, wanted: list[int]
) -> None:
    """Of an image sequence only the frames of the job are needed, by the node's offset and expression; all if nobody can tell."""
    root = project(tmp_path, *(f"maps/fire.{i:04d}.png" for i in range(1, 7)))
    body = node("file", ftn="maps/fire.0001.png", ufe=1, **extra)
    if expression:
        body += node("expression", ixp=expression) + SEQUENCE
    report = scan_text(root, body + RANGE, frames=frames).report
    assert [d.files for d in report.dependencies] == [tuple(str(root / f"maps/fire.{i:04d}.png") for i in wanted)]
    assert report.dependencies[0].as_written == "maps/fire.0001.png"


@pytest.mark.parametrize(
    ("name", "mode", "files"),
    [
        ("maps/a.1001.png", 3, ["maps/a.1001.png", "maps/a.1012.png"]),
        ("maps/shot1009_a_1001.png", 3, ["maps/shot1009_a_1001.png", "maps/shot1009_a_1002.png"]),
        ("maps/b_u1_v1.png", 2, ["maps/b_u1_v1.png", "maps/b_u2_v1.png"]),
        ("maps/c_u0_v0.png", 1, ["maps/c_u0_v0.png", "maps/c_u1_v0.png"]),
        ("maps/d.<UDIM>.png", 0, ["maps/d.1001.png"]),
        ("maps/e_u<u>_v<v>.png", 0, ["maps/e_u1_v1.png"]),
        ("maps/f_MAPID_.png", 0, ["maps/f1001.png"]),
    ],
)
def test_tiles(tmp_path: Path, name: str, mode: int, files: list[str]) -> None:
    """A texture of several tiles is all of them, by the node's mode or by the tokens of the renderers."""
    root = project(tmp_path, *files, "maps/other.png")
    report = scan_text(root, node("file", ftn=name, uvt=mode)).report
    assert [(d.as_written, d.files) for d in report.dependencies] == [(name, tuple(str(root / f) for f in files))]


def test_explicit_tiles(tmp_path: Path) -> None:
    """Tiles that are listed one by one count in that mode only."""
    root = project(tmp_path, "maps/a.png", "maps/b.png")
    body = 'createNode file -n "f";\n\tsetAttr ".ftn" -type "string" "maps/a.png";\n\tsetAttr ".uvt" {};\n' \
        '\tsetAttr ".euvt[0].eutn" -type "string" "maps/b.png";\n'  # fmt: skip
    assert [d.as_written for d in scan_text(root, body.format(4)).report.dependencies] == ["maps/a.png", "maps/b.png"]
    assert [d.as_written for d in scan_text(root, body.format(0)).report.dependencies] == ["maps/a.png"]


def test_converted_twins(tmp_path: Path) -> None:
    """What a renderer has made of a texture goes with it where it exists."""
    root = project(tmp_path, "maps/a.png", "maps/a.tx", "maps/a_sRGB_ACEScg.png.tx", "maps/ab.tx", "maps/a.png.tex")
    report = scan_text(root, node("file", ftn="maps/a.png")).report
    names = [Path(f).name for f in report.dependencies[0].files]
    assert names == ["a.png", "a.tx", "a.png.tex", "a_sRGB_ACEScg.png.tx"]


def test_simulation_cache(tmp_path: Path) -> None:
    """A simulation's cache is its description, and the data for the frames that the job needs."""
    root = project(tmp_path, *(f"cache/n/hairFrame{i}.mcx" for i in range(1, 9)), "cache/n/hairyFrame2.mcx")
    description = (
        '<?xml version="1.0"?>\n<Autodesk_Cache_File>\n<cacheType Type="OneFilePerFrame" Format="mcx"/>\n</Autodesk_Cache_File>\n'
    )
    (root / "cache/n/hair.xml").write_text(description)
    report = scan_text(root, node("cacheFile", cp="cache/n/", cn="hair") + RANGE).report
    assert [(d.as_written, d.kind, [Path(f).name for f in d.files]) for d in report.dependencies] == [
        ("cache/n/", "cache", ["hair.xml"]),
        ("hairFrame#.mcx", "cache", [f"hairFrame{i}.mcx" for i in range(1, 5)]),
    ]
    assert [m.as_written for m in scan_text(root, node("cacheFile", cp="cache/n", cn="gone")).report.missing] == ["cache/n"]


def test_particle_cache(tmp_path: Path) -> None:
    """A particle cache lies in the project's folder for particles; one that was not made is no fault."""
    root = project(tmp_path, "cache/particles/shot/p.1.pdc")
    assert len(scan_text(root, node("dynGlobals", cd="shot")).report.dependencies) == 1
    report = scan_text(root, node("dynGlobals", cd="other")).report
    assert ends(report, "other") == "ignored"


def test_assembly_and_xgen(tmp_path: Path) -> None:
    """Representations that are files, and XGen's sidecars, are dependencies."""
    root = project(
        tmp_path, "scenes/a.ma", "cache/a.abc", "scenes/shot__hair.xgen", "scenes/shot__hair__fur.abc", "scenes/shot2__hair.xgen"
    )
    body = node("assemblyDefinition", rep_AT_0__rty="Scene", rep_AT_0__rda="scenes/a.ma", rep_AT_0__rla="a.ma",
                rep_AT_1__rty="Cache", rep_AT_1__rda="cache/a.abc") + node("xgmPalette", xfn="shot__hair.xgen")  # fmt: skip
    report = scan_text(root, body).report
    assert [(d.as_written, d.kind, len(d.files)) for d in report.dependencies if not d.within] == [
        ("scenes/a.ma", "reference", 1), ("cache/a.abc", "cache", 1), ("shot__hair.xgen", "data", 2),
    ]  # fmt: skip


def test_facts(tmp_path: Path) -> None:
    """Version, range, layers, cameras and outputs are what a submission needs."""
    body = (
        'fileInfo "version" "2024";\ncreateNode camera -n "mainShape";\ncreateNode camera -n "perspShape";\n\tsetAttr ".rnd" no;\n'
        'createNode renderLayer -n "defaultRenderLayer";\n\tsetAttr ".g" yes;\n\tsetAttr ".rndr" no;\n'
        'createNode renderLayer -n "rs_fog";\n\tsetAttr ".do" 1;\nselect -ne :defaultRenderGlobals;\n'
        '\tsetAttr ".ren" -type "string" "arnold";\n\tsetAttr ".an" yes;\n\tsetAttr ".pff" yes;\n\tsetAttr ".fs" 10;\n\tsetAttr ".ef" 20;\n\tsetAttr ".byf" 2;\n'
        '\tsetAttr ".ifp" -type "string" "<Scene>/<RenderLayer>/<Camera>";\n'
    )
    root = project(tmp_path)
    scan = scan_text(root, body)
    assert scan.facts is not None
    assert (scan.facts.software.name, scan.facts.software.version, scan.facts.frames) == ("maya", "2024", "10-20x2")
    assert [(s.name, s.enabled, s.parameters["camera"]) for s in scan.facts.steps] == [
        ("masterLayer", False, "mainShape"), ("fog", True, "mainShape"),
    ]  # fmt: skip
    assert scan.facts.steps[1].outputs[0].path == str(root / "renders/shot/fog/main.####.exr")
    assert [(o.as_written, o.path) for o in scan.report.outputs] == [
        ("<Scene>/<RenderLayer>/<Camera>", str(root / "renders/<Scene>/<RenderLayer>/<Camera>"))
    ]


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ('setAttr ".an" yes; setAttr ".pff" yes;', "shot.#.iff"),
        ('setAttr ".an" yes;', "shot.iff.#"),
        ('setAttr ".an" yes; setAttr ".pff" yes; setAttr ".ep" 4;', "shot.####.iff"),
        ('setAttr ".an" yes; setAttr ".pff" yes; setAttr ".peie" 2;', "shot_#.iff"),
        ('setAttr ".an" yes; setAttr ".ofc" 1;', "shot.#"),
        ("", "shot.iff"),
    ],
    ids=["before the ending", "behind it", "padded", "a stroke before it", "no ending", "no animation"],
)
def test_names_of_frames(tmp_path: Path, settings: str, name: str) -> None:
    """Frame/Animation ext of the render settings, as the page of renderGlobals has it."""
    root = project(tmp_path)
    scan = scan_text(root, f"select -ne :defaultRenderGlobals;\n\t{settings}\n")
    assert scan.facts is not None
    assert scan.facts.steps[0].outputs[0].path == str(root / "renders" / name)


def test_camera_is_called_by_its_transform(tmp_path: Path) -> None:
    """Names of files have a camera's transform, whatever its shape is called."""
    root = project(tmp_path)
    body = 'createNode transform -n "hero";\ncreateNode camera -n "cameraShape1" -p "|rig|hero";\n'
    body += 'select -ne :defaultRenderGlobals;\n\tsetAttr ".ifp" -type "string" "<Camera>";\n'
    facts = scan_text(root, body).facts
    assert facts is not None
    assert facts.steps[0].parameters["camera"] == "cameraShape1"
    assert facts.steps[0].outputs[0].path == str(root / "renders/hero.iff")


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ("", "images/shot_v1_t1/shot_masterLayer_perspShape_beauty.####.exr"),
        (
            node("rmanGlobals", imageOutputDir="<ws>/out/<layer>", imageFileFormat="<camera>_<aov>.<f>.<ext>"),
            "out/masterLayer/perspShape_beauty.#.exr",
        ),
        (node("rmanGlobals", imageOutputDir="/show/<scene>", imageFileFormat="a.<f5>.exr"), "/show/shot/a.#####.exr"),
    ],
    ids=["as it comes", "tokens", "absolute"],
)
def test_renderman_writes_where_its_own_settings_say(tmp_path: Path, settings: str, wanted: str) -> None:
    """RenderMan does not go by Maya's render settings: its folder and name are the step's output."""
    root = project(tmp_path)
    render = 'select -ne :defaultRenderGlobals;\n\tsetAttr ".ren" -type "string" "renderman";\n\tsetAttr ".an" yes;\n'
    render += '\tsetAttr ".ifp" -type "string" "never/here";\n'
    facts = scan_text(root, settings + render).facts
    assert facts is not None
    assert facts.steps[0].outputs[0].path == str(root / wanted)


def test_merge_conflict(tmp_path: Path) -> None:
    """A scene with a merge conflict is read, both sides of it, and the conflict is said."""
    root = project(tmp_path, "maps/ours.png", "maps/theirs.png", "maps/after.png")
    body = (
        'createNode file -n "f";\n<<<<<<< HEAD\n\tsetAttr ".ftn" -type "string" "maps/ours.png";\n=======\n'
        '\tsetAttr ".ftn" -type "string" "maps/theirs.png";\n>>>>>>> feature/look\n' + node("aiImage", filename="maps/after.png")
    )
    report = scan_text(root, body).report
    assert sorted(d.as_written for d in report.dependencies) == ["maps/after.png", "maps/ours.png", "maps/theirs.png"]
    assert [u.as_written for u in report.unresolved] == ["<<<<<<< HEAD"]


@pytest.mark.parametrize("codec", ["cp932", "utf-8", "cp1252", "gbk"])
def test_codesets(tmp_path: Path, codec: str) -> None:
    """Names in the code page that the file names are read, a backslash as second byte of a character too."""
    name = {"cp1252": "müller.png"}.get(codec, "表面.png")
    root = project(tmp_path, f"maps/{name}")
    page = {"cp932": "932", "utf-8": "UTF-8", "cp1252": "1252", "gbk": "936"}[codec]
    scene = root / "scenes" / "shot.ma"
    text = HEADER.replace("UTF-8", page) + node("file", ftn=f"maps/{name}")
    scene.write_bytes(text.encode(codec))
    assert [d.as_written for d in scan_file(Survey(str(scene))).report.dependencies] == [f"maps/{name}"]


def test_mark_of_byte_order(tmp_path: Path) -> None:
    """A mark of byte order before the header hides nothing."""
    root = project(tmp_path, "scenes/a.ma")
    body = "\ufeff//Maya ASCII 2024 scene\n" + 'file -r -rfn "aRN" "scenes/a.ma";\n'
    assert [d.as_written for d in scan_text(root, body, header="").report.dependencies] == ["scenes/a.ma"]


def test_bytes_of_no_codeset(tmp_path: Path) -> None:
    """Bytes that are no text in any code page do not stop the scan."""
    root = project(tmp_path, "maps/a.png")
    scene = root / "scenes" / "shot.ma"
    scene.write_bytes(
        (HEADER + node("aiImage", filename="X")).encode().replace(b'"X"', b'"maps/\xff\xfe.png"')
        + node("file", ftn="maps/a.png").encode()
    )
    report = scan_file(Survey(str(scene))).report
    assert [d.as_written for d in report.dependencies] == ["maps/a.png"]
    assert len(report.missing) == 1


def test_cut_off(tmp_path: Path) -> None:
    """Of a scene that was cut off, all before the cut is read, and the cut is said."""
    root = project(tmp_path, "maps/a.png")
    report = scan_text(root, node("file", ftn="maps/a.png") + 'createNode file -n "g";\n\tsetAttr ".ftn" -type "str').report
    assert [d.as_written for d in report.dependencies] == ["maps/a.png"]
    assert len(report.unresolved) == 1


def test_nothing_of_a_scene(tmp_path: Path) -> None:
    """A file that only has Maya's header is an error that says so."""
    scene = tmp_path / "empty.ma"
    scene.write_text("//Maya ASCII 2024 scene\n")
    with pytest.raises(SceneNotRead, match="no statement"):
        scan_file(Survey(str(scene)))


def test_format_by_content(tmp_path: Path) -> None:
    """A scene under another name is still one."""
    scene = tmp_path / "backup.txt"
    scene.write_text(HEADER + node("file", ftn="a.png"))
    assert scan_file(Survey(str(scene))).report.format == "maya-ascii"


def test_bounded_memory_and_linear_time(tmp_path: Path) -> None:
    """Neither one line of many megabytes nor a value of that size takes memory or more time than its size explains."""
    root = project(tmp_path, "maps/a.png", "maps/b.png")
    scene = root / "scenes" / "shot.ma"
    with scene.open("w") as file:
        file.write(HEADER + node("file", ftn="maps/a.png"))
        file.write('createNode script -n "s";\n\tsetAttr ".b" -type "string" "')
        for _ in range(40):
            file.write("0123456789" * 100_000)
        file.write('";\n\tsetAttr ".vt[0:9]" ')
        for _ in range(40):
            file.write("0.125 " * 100_000)
        file.write(";\n" + node("aiImage", filename="maps/b.png"))
    tracemalloc.start()
    start = time.perf_counter()
    report = scan_file(Survey(str(scene))).report
    seconds = time.perf_counter() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [d.as_written for d in report.dependencies] == ["maps/a.png", "maps/b.png"]
    assert ["bytes was not read" in u.reason for u in report.unresolved] == [True]
    assert peak < 48 << 20
    assert seconds < 20


def test_one_line(tmp_path: Path) -> None:
    """A scene in one line, however long, is read."""
    root = project(tmp_path, "maps/a.png")
    body = 'createNode file -n "f"; setAttr ".ftn" -type "string" "maps/a.png"; ' * 80_000
    report = scan_text(root, body).report
    assert [d.as_written for d in report.dependencies] == ["maps/a.png"]


SAMPLE = (
    HEADER + 'file -r -rfn "aRN" -typ "mayaAscii" "scenes/a.ma";\n' + node("file", ftn="maps/a.png", uvt=3)
    + node("cacheFile", cp="cache", cn="c") + node("script", b="print \\\"a\\\"\\n") + RANGE
)  # fmt: skip


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, len(SAMPLE)), at=st.integers(0, len(SAMPLE) - 1), byte=st.integers(0, 255), more=st.binary(max_size=40))
def test_damage(tmp_path: Path, cut: int, at: int, byte: int, more: bytes) -> None:
    """Whatever happened to a scene, there is a report or a clear error."""
    data = bytearray(SAMPLE.encode())
    data[at] = byte
    scene = tmp_path / "damaged.ma"
    scene.write_bytes(bytes(data[:cut]) + more)
    with contextlib.suppress(SceneNotRead):
        scan_file(Survey(str(scene)))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="createNode setAttr file -r\"\\;\n\t'()+/*<>=.{}", max_size=200))
def test_anything(tmp_path: Path, text: str) -> None:
    """Any text at all ends in a report or a clear error."""
    scene = tmp_path / "anything.ma"
    scene.write_bytes(HEADER.encode() + text.encode())
    scan_file(Survey(str(scene)))


def test_very_long_list_of_edits(tmp_path: Path) -> None:
    """Edits of a reference are read however long their list is."""
    root = project(tmp_path, "maps/first.png", "maps/last.png")
    edit = '\t\t2 "r:f" "fileTextureName" " -type \\"string\\" \\"maps/{}.png\\""\n'
    body = (
        'createNode reference -n "rRN";\n\tsetAttr ".ed" -type "dataReferenceEdits" \n\t\t"rRN"\n'
        + edit.format("first") + '\t\t2 "r:ctrl" "translate" " -type \\"double3\\" 1 2 3"\n' * 250_000 + edit.format("last")
        + "\t\t;\n" + node("aiImage", filename="maps/first.png")
    )  # fmt: skip
    assert [d.as_written for d in scan_text(root, body).report.dependencies] == [
        "maps/first.png",
        "maps/first.png",
        "maps/last.png",
    ]


def test_coming_back_to_a_node(tmp_path: Path) -> None:
    """What is set on a node later belongs to it."""
    root = project(tmp_path, "maps/a.1001.png", "maps/a.1002.png")
    body = node("file", ftn="maps/a.1001.png") + TRANSFORM + 'select -ne file1;\n\tsetAttr ".uvt" 3;\n'
    assert [len(d.files) for d in scan_text(root, body).report.dependencies] == [2]


def test_layers_in_the_scene(tmp_path: Path) -> None:
    """What a USD layer names whose content lies in the scene itself is a dependency."""
    root = project(tmp_path, "usd/tree.usda", "maps/bark.png")
    text = '#usda 1.0\\n def \\"a\\" (references = @usd/tree.usda@</a>) { asset f = @maps/bark.png@ }'
    body = 'createNode mayaUsdLayerManager -n "m";\n\tsetAttr ".lyr[0].id" -type "string" "anon:0x1:l.usda";\n' \
        f'\tsetAttr ".lyr[0].szd" -type "string" "{text}";\n'  # fmt: skip
    report = scan_text(root, body).report
    assert [(d.as_written, d.kind) for d in report.dependencies] == [("usd/tree.usda", "layer"), ("maps/bark.png", "texture")]


def test_data_of_others(tmp_path: Path) -> None:
    """Files within JSON that a plug-in keeps in the scene are said, and not guessed at."""
    body = 'createNode bifrostGraphShape -n "b";\n\tsetAttr ".graph" -type "string" "{\\"file\\": \\"/caches/a.vdb\\"}";\n'
    report = scan_text(project(tmp_path), body).report
    assert [(u.as_written, "within the data" in u.reason) for u in report.unresolved] == [("/caches/a.vdb", True)]


def test_nodes_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node is the same wherever the file is cut into blocks while it is read."""
    root = project(tmp_path, "maps/a.png", "maps/b.exr")
    body = (
        node("file", ftn="maps/a.png") + 'createNode mesh -n "m";\n' + '\tsetAttr ".vt[0:1]" 1 2 3;\n' * 40
        + '\tsetAttr ".bakedTextureFile" -type "string" "maps/b.exr";\n' + node("transform", t=1) + RANGE
    )  # fmt: skip
    for block in (64, 100, 333, 1000, 1 << 20):
        monkeypatch.setattr("conductor_core.formats.maya_statements.BLOCK", block)
        report = scan_text(root, body).report
        assert [(d.as_written, d.referrer) for d in report.dependencies] == [
            ("maps/a.png", "file1.ftn"),
            ("maps/b.exr", "m.bakedTextureFile"),
        ]


@pytest.mark.parametrize(
    ("attribute", "text", "where"),
    [
        ("colorMap", "maps/a.exr", "dependencies"),
        ("texturefile", "maps/a.exr", "dependencies"),
        ("layoutFile", "maps/a.exr", "dependencies"),
        ("gobo_map", "maps/a.exr", "dependencies"),
        ("iesProfile", "maps/a.exr", "dependencies"),
        ("routeMap", "maps/a.exr", "dependencies"),
        ("renderOutputFile", "maps/a.exr", "outputs"),
        ("exportPath", "maps/a.exr", "outputs"),
        ("outFile", "maps/a.exr", "outputs"),
        ("fileType", "maps/a.exr", "unresolved"),
        ("weights", "maps/a.exr", "unresolved"),
        ("pluginFile", "maps/a.mll", "ignored"),
        ("label", "not a path.", ""),
        ("aspect", "ntsc_4d 646 485 1.333", ""),
        ("space", "Utility - Linear - sRGB", ""),
        ("release", "5.3.4.1", ""),
    ],
)
def test_names_of_attributes(tmp_path: Path, attribute: str, text: str, where: str) -> None:
    """Of an unknown node the name of an attribute says what a path in it is."""
    root = project(tmp_path, "maps/a.exr")
    assert ends(scan_text(root, node("someNode", **{attribute: text})).report, text) == where


def test_notes_of_pipelines(tmp_path: Path) -> None:
    """What a pipeline has noted on a node is no dependency; a texture in an added attribute is."""
    root = project(tmp_path, "maps/a.exr", "scenes/old.ma")
    body = TRANSFORM + "".join(
        f'\taddAttr -ci true -sn "{short}" -ln "{long}" -dt "string";\n\tsetAttr ".{short}" -type "string" "{text}";\n'
        for short, long, text in (("sf", "sourceFile", "scenes/old.ma"), ("ct", "cardTexture", "maps/a.exr"))
    )
    report = scan_text(root, body).report
    assert (ends(report, "scenes/old.ma"), ends(report, "maps/a.exr")) == ("ignored", "dependencies")


def test_overrides_of_layers(tmp_path: Path) -> None:
    """A texture that a render layer puts in the place of another is a dependency; a name of images is none."""
    root = project(tmp_path, "maps/night.exr", "maps/rain.exr")
    body = (
        node("absOverride", atv="maps/night.exr")
        + 'createNode renderLayer -n "rain";\n\tsetAttr ".adjs[0].val" -type "string" "maps/rain.exr";\n'
        + '\tsetAttr ".adjs[1].val" -type "string" "<Scene>/rain";\n'
    )
    report = scan_text(root, body).report
    assert [d.as_written for d in report.dependencies] == ["maps/night.exr", "maps/rain.exr"]
    assert not report.missing


@pytest.mark.parametrize("attribute", ["b", "version", "dn", "settings"])
def test_a_file_in_an_attribute_that_is_mostly_none(tmp_path: Path, attribute: str) -> None:
    """What can only be a file is not passed over in silence because of a short name."""
    root = project(tmp_path)
    report = scan_text(root, node("studioNode", **{attribute: "/show/a.exr"})).report
    assert [u.as_written for u in report.unresolved] == ["/show/a.exr"]
    report = scan_text(root, node("studioNode", dn="ACES/sRGB.display", b="a.b/c")).report
    assert not (*report.unresolved, *report.missing)


@pytest.mark.parametrize(
    ("type_", "attribute", "kind"),
    [
        ("VRayVolumeGrid", "if", "volume"),
        ("VRayVolumeGrid", "ipth", "volume"),
        ("VRayMtlOSL", "fileName", "shader"),
        ("VRayTexOCIO", "ocioConfigFile", "ocio"),
        ("VRayMesh", "materialAssignmentsFile", "data"),
        ("PxrVisualizer", "matCap", "texture"),
        ("PxrLayeredTexture", "maskTexture", "texture"),
        ("rmanImageFile", "File", "texture"),
        ("cgfxShader", "s", "shader"),
        ("RedshiftPostEffects", "clrMgmtOcioFilename", "ocio"),
    ],
)
def test_nodes_of_renderers(tmp_path: Path, type_: str, attribute: str, kind: str) -> None:
    """A file is found by the name under which scenes hold it, and told as what it is."""
    report = scan_text(project(tmp_path, "maps/a.x"), node(type_, **{attribute: "maps/a.x"})).report
    assert [(d.kind, Path(d.path).name) for d in report.dependencies if d.within == ""] == [(kind, "a.x")]


@pytest.mark.parametrize(
    ("path", "mode", "reason"),
    [
        ("C:/ProgramData/Redshift/Data/OCIO/config.ocio", "RS_COLORMANAGEMENTDISPLAYMODE_OCIO", "ships with Redshift"),
        ("/show/config.ocio", "RS_COLORMANAGEMENTDISPLAYMODE_SRGB", "does not use"),
    ],
)
def test_redshifts_own_colours(tmp_path: Path, path: str, mode: str, reason: str) -> None:
    """The configuration that comes with Redshift, or that the scene does not use, is not missing."""
    body = node("RedshiftPostEffects", clrMgmtOcioFilename=path, clrMgmtDisplayMode=mode)
    report = scan_text(project(tmp_path), body).report
    assert not report.missing
    assert [reason in i.reason for i in report.ignored] == [True]


def test_references_that_are_not_loaded(tmp_path: Path) -> None:
    """One that is there is sent, one that is not is no missing file; of a loaded one it is."""
    root = project(tmp_path, "scenes/here.ma")
    (root / "scenes" / "here.ma").write_text(HEADER)
    lines = [
        f'file -rdi 1 -ns "{n}"{flag} -rfn "{n}RN" -op "v=0;" -typ "mayaAscii" "scenes/{n}.ma";\n'
        for n, flag in (("here", " -dr 1"), ("gone", " -dr 1"), ("lost", ""))
    ]
    lines += [
        f'file -r -ns "{n}" -dr 1 -rfn "{n}RN" -op "v=0;" -typ "mayaAscii" "scenes/{n}.ma";\n' for n in ("here", "gone", "lost")
    ]
    report = scan_text(root, "".join(lines)).report
    assert [Path(d.path).name for d in report.dependencies] == ["here.ma"]
    assert [Path(m.path).name for m in report.missing] == ["lost.ma"]
    assert [(i.as_written, "unloaded" in i.reason) for i in report.ignored] == [("scenes/gone.ma", True)]


@pytest.mark.parametrize(
    ("text", "found", "missing", "unresolved"),
    [
        ("maps/a.x.png;maps/b.png", ["a.x.png", "b.png"], [], []),
        ("maps/q=1;x.png", ["q=1;x.png"], [], []),
        ("file:///show/c.png", [], ["/show/c.png"], []),
        ("render -r arnold /show/x.ma", [], [], []),
        ("/show/my folder/of maps", [], [], ["/show/my folder/of maps"]),
        ("/ 2 and / 3", [], [], []),
    ],
)
def test_texts_of_unknown_attributes(
    tmp_path: Path, text: str, found: list[str], missing: list[str], unresolved: list[str]
) -> None:
    """Lists are several files, addresses of files are files, commands and sums are none, folders with blanks are told."""
    root = project(tmp_path, "maps/a.x.png", "maps/b.png", "maps/q=1;x.png")
    report = scan_text(root, node("studioNode", myTexture=text)).report
    assert [Path(f).name for d in report.dependencies for f in d.files] == found
    assert [m.path for m in report.missing] == missing
    assert [u.as_written for u in report.unresolved] == unresolved
