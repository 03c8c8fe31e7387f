"""Maya's frame server in the fake Maya: it renders the frames it is asked for, where it is asked to, and says why not.

The fake is written from the published stubs and Autodesk's pages. Names by the scene's own settings: test_maya_program.py.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.paths import ClientPath, Flavour, PathRule, local_flavour
from fakes.maya_fake import MayaFake
from fakes.maya_program import install
from hosts.frame_server_talk import REPO, Event, Session, load, render, talk

pytestmark = pytest.mark.skipif(os.name == "nt", reason="instances are Linux")
SETTINGS = """
select -ne :defaultRenderGlobals;
\tsetAttr ".ren" -type "string" "{renderer}";
\tsetAttr ".outf" 32;
\tsetAttr ".an" yes;
\tsetAttr ".fs" 1;
\tsetAttr ".ef" 20;
\tsetAttr ".ep" 4;
\tsetAttr ".pff" yes;
\t{more}
select -ne :defaultResolution;
\tsetAttr ".w" 32;
\tsetAttr ".h" 18;
"""
CAMERAS = """
createNode transform -n "left";
createNode camera -n "leftShape" -p "left";
createNode transform -n "right";
createNode camera -n "rightShape" -p "right";
\tsetAttr ".rnd" no;
"""
#: name of a scene → (requirements, nodes, renderer, more of the render settings)
SCENES = {
    "plain": ("", CAMERAS, "mayaSoftware", ""),
    "layers": ("", CAMERAS + 'createNode renderLayer -n "rs_fog";\n\tsetAttr ".rndr" no;\n', "mayaSoftware", ""),
    "renumbered": ("", CAMERAS, "mayaSoftware", 'setAttr ".me" yes;\n\tsetAttr ".se" 100;'),
    "skipping": ("", CAMERAS, "mayaSoftware", 'setAttr ".sef" yes;'),
    "hooked": ("", CAMERAS, "mayaSoftware", 'setAttr ".pram" -type "string" "print(\\"ready\\")";'),
    "badly hooked": ("", CAMERAS, "mayaSoftware", 'setAttr ".pram" -type "string" "studioPrepare(1)";'),
    "badly hooked layer": ("", CAMERAS, "mayaSoftware", 'setAttr ".prlm" -type "string" "studioPrepareLayer(1)";'),
    "unknown renderer": ("", CAMERAS, "studioRay", ""),
    "arnold": (
        'requires -nodeType "aiOptions" -nodeType "aiAOVDriver" "mtoa" "5.4.0";\n',
        CAMERAS
        + 'createNode aiOptions -s -n "defaultArnoldRenderOptions";\ncreateNode aiAOVDriver -s -n "defaultArnoldDriver";\n',
        "arnold",
        "",
    ),
    "no nodes of arnold": ("", CAMERAS, "arnold", ""),
    "renderman": ("", CAMERAS, "renderman", ""),
    "redshift": ("", CAMERAS, "redshift", ""),
}


def write_scene(folder: Path, name: str) -> Path:
    """Write one of the scenes into a project."""
    requires, nodes, renderer, more = SCENES[name]
    scene = folder / "scenes" / f"{name.replace(' ', '_')}.ma"
    scene.parent.mkdir(parents=True, exist_ok=True)
    (folder / "workspace.mel").write_text('workspace -fr "images" "images";\nworkspace -fr "sourceImages" "sourceimages";\n')
    default = 'createNode transform -s -n "persp";\ncreateNode camera -s -n "perspShape" -p "persp";\n\tsetAttr ".rnd" no;\n'
    text = f'//Maya ASCII 2025 scene\nrequires maya "2025";\n{requires}{default}{nodes}' + SETTINGS.format(
        renderer=renderer, more=more
    )
    scene.write_text(text)
    return scene


def requests(folder: Path) -> Iterator[tuple[str, Event]]:
    """Yield (name, request) in the order in which one server is asked."""
    scenes = {name: write_scene(folder, name) for name in SCENES}
    images = folder / "images"
    plain: dict[str, Any] = {"layer": "defaultRenderLayer", "renderer": "mayaSoftware", "camera": "leftShape"}
    yield "nothing loaded", render(1)
    yield "load absent", load(folder / "absent.ma")
    yield "load plain", load(scenes["plain"], outputs=[f"{images}/plain.####.png"], **plain)
    for frame in (8, 2, -3, 8):
        yield f"plain {frame}", render(frame)
    yield "load other camera", load(scenes["plain"], outputs=[f"{folder}/asked/r.##.png"], camera="rightShape")
    yield "other camera", render(5)
    both = [f"{folder}/both/{name}.####.exr" for name in ("l", "r")]
    yield "load both", load(scenes["plain"], outputs=both, camera="leftShape,right")
    yield "both", render(5)
    yield "load no such camera", load(scenes["plain"], camera="hero")
    yield "load no such layer", load(scenes["layers"], layer="rs_smoke")
    yield "load fog", load(scenes["layers"], outputs=[f"{images}/fog/layers.####.png"], layer="rs_fog", camera="leftShape")
    yield "fog", render(2)
    yield "load renumbered", load(scenes["renumbered"], outputs=[f"{images}/renumbered.####.png"], **plain)
    yield "renumbered", render(7)
    yield "load skipping", load(scenes["skipping"], outputs=[f"{images}/skipping.####.png"], **plain)
    yield "skipping", render(7)
    yield "skipping again", render(7)
    yield "load hooked", load(scenes["hooked"], **plain)
    yield "load badly hooked", load(scenes["badly hooked"], **plain)
    yield "load badly hooked layer", load(scenes["badly hooked layer"], **plain)
    (folder / "setup.py").write_text(
        "from maya import cmds\ncmds.setAttr('defaultRenderGlobals.imageFilePrefix', 'set', type='string')\n"
    )
    yield "load set up", load(scenes["plain"], startup=[str(folder / "setup.py")], camera="leftShape")
    yield "set up", render(2)
    (folder / "broken.py").write_text("from maya import cmds\n\ncmds.setAttr('hero.height', 3)\n")
    yield "load broken", load(scenes["plain"], startup=[str(folder / "broken.py")])
    yield "load arnold", load(scenes["arnold"], outputs=[f"{images}/arnold.####.exr"], renderer="arnold", camera="leftShape")
    yield "arnold", render(4)
    apart = [f"{folder}/apart/{name}.####.exr" for name in ("l", "r")]
    for name in ("redshift", "renderman"):
        yield f"load {name} apart", load(scenes[name], outputs=apart, renderer=name, camera="leftShape,rightShape")
        yield f"{name} apart", render(6)
    yield (
        "load arnold anew",
        load(scenes["no nodes of arnold"], outputs=[f"{images}/a.####.exr"], renderer="arnold", camera="left"),
    )
    yield "arnold anew", render(4)
    yield "load unknown renderer", load(scenes["unknown renderer"], outputs=[f"{images}/u.####.png"], renderer="studioRay")
    yield "unknown renderer", render(4)
    yield "load blocked", load(scenes["plain"], outputs=[f"{folder}/blocked/a.####.png"], **plain)
    yield "blocked", render(1)
    yield "load again", load(scenes["plain"], outputs=[f"{images}/plain.####.png"], **plain)
    yield "again", render(8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project, in which one place cannot be written."""
    made = tmp_path_factory.mktemp("maya")
    (made / "blocked" / "a.0001.png").mkdir(parents=True)
    return made


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Give what starts the frame server."""
    return [str(install(tmp_path_factory.mktemp("program") / "bin")), str(REPO / "maya" / "render.py")]


@pytest.fixture(scope="module")
def session(folder: Path, command: list[str]) -> Session:
    """Ask one server everything."""
    return talk(command, list(requests(folder)), folder)


def test_a_frame_that_is_there_is_rendered_anew(session: Session) -> None:
    """The job has asked for it: what the render settings say of existing frames is for the artist's own disk."""
    assert session.outputs("skipping") == session.outputs("skipping again") == ["skipping.0007.png"]


def test_it_says_hello_and_leaves_when_told(session: Session) -> None:
    """The first event names protocol and version; after `quit` nothing more is answered and the exit code is 0."""
    assert session.hello == {"event": "hello", "protocol": 1, "software": "maya", "version": "2025"}
    assert session.exit_code == 0, session.log[-2000:]


def test_it_renders_exactly_the_frames_asked_for(session: Session, folder: Path) -> None:
    """Out of order, twice and below zero; nothing else is written."""
    for frame, name in ((8, "plain.0008.png"), (2, "plain.0002.png"), (-3, "plain.-0003.png")):
        done = session.end(f"plain {frame}")
        assert done["event"] == "done", (done, session.log[-2000:])
        assert done["outputs"] == [str(folder / "images" / name)]
        assert (done["frame"], done["width"], done["height"]) == (frame, 32, 18)
    assert sorted(p.name for p in (folder / "images").glob("plain*")) == ["plain.-0003.png", "plain.0002.png", "plain.0008.png"]


def test_progress_is_the_renderers_own(session: Session) -> None:
    """The runner is told whose lines to read, and of how many pictures a frame has."""
    told = {
        name: (session.end(name)["prints"], session.end(name)["parts"]) for name in ("load plain", "load both", "load arnold")
    }
    assert told == {"load plain": ("mayaSoftware", 1), "load both": ("mayaSoftware", 2), "load arnold": ("arnold", 1)}
    assert [e["fraction"] for e in session.said["both"][:-1]] == [0, 0.5]
    assert "prints" not in session.end("load unknown renderer")


def test_cameras_and_layers(session: Session) -> None:
    """Only what the step names is rendered; each camera goes to its own output."""
    assert session.outputs("other camera") == ["r.05.png"]
    assert session.outputs("both") == ["l.0005.exr", "r.0005.exr"]
    assert session.outputs("fog") == ["layers.0002.png"]


def test_another_output_can_be_asked_for(session: Session, folder: Path) -> None:
    """A step's own path is used as it is, in the format of its extension, and the log says so."""
    assert session.end("other camera")["outputs"] == [str(folder / "asked" / "r.05.png")]
    assert [Path(p).read_bytes()[:4] for p in session.end("both")["outputs"]] == [b"\x76\x2f\x31\x01"] * 2
    assert f"output: {folder}/asked/r.##.png (the scene says {folder}/images/" in session.log


def test_each_file_has_the_number_of_its_own_frame(session: Session) -> None:
    """Renumbering would give every frame of a farm the same number: it is off."""
    assert session.outputs("renumbered") == ["renumbered.0007.png"]


@pytest.mark.parametrize("renderer", ["redshift", "renderman"])
def test_a_place_for_each_camera(session: Session, renderer: str) -> None:
    """A renderer that takes all cameras at once writes each to the place that is asked for it, and none over another's."""
    assert session.outputs(f"{renderer} apart")[:2] == ["l.0006.exr", "r.0006.exr"]


def test_arnold(session: Session) -> None:
    """Its plug-in is loaded and its settings made where the scene has none; without a licence it must fail, not write watermarks."""
    assert session.outputs("arnold") == ["arnold.0004.exr"]
    assert session.outputs("arnold anew") == ["a.0004.exr"]


def test_a_renderer_that_is_not_known_here_is_rendered_by_mayas_own_batch(session: Session) -> None:
    """Maya asks the renderer for its batch procedure."""
    assert session.outputs("unknown renderer") == ["u.0004.png"]


def test_a_startup_script_and_the_artists_mel(session: Session) -> None:
    """Both run in the open scene, before the step is looked at."""
    assert session.outputs("set up") == ["set.0002.png"]
    assert session.end("load hooked")["event"] == "loaded"


@pytest.mark.parametrize(
    ("name", "cause", "says"),
    [
        ("nothing loaded", "internal", "no scene is loaded"),
        ("load absent", "scene-load", "absent.ma: there is no such file"),
        ("load no such camera", "scene-load", 'plain.ma: it has no camera "hero"'),
        ("load no such layer", "scene-load", 'it has no render layer "rs_smoke", only masterLayer, fog'),
        ("load badly hooked", "scene-load", "its pre render MEL failed"),
        ("load badly hooked layer", "scene-load", "its pre render layer MEL failed"),
        ("load broken", "scene-load", "broken.py, line 3"),
        ("blocked", "exit-code", "Frame 1:"),
    ],
)
def test_what_fails_says_why(session: Session, name: str, cause: str, says: str) -> None:
    """Every failure has its cause and a sentence that names the thing; the server goes on."""
    failed = session.end(name)
    assert (failed["event"], failed["cause"]) == ("fail", cause), failed
    assert says in failed["message"]
    assert session.outputs("again") == ["plain.0008.png"]


MAPPED = """//Maya ASCII 2025 scene
requires maya "2025";
file -rdi 1 -ns "part" -rfn "partRN" "{theirs}/parts/part.ma";
file -r -ns "part" -dr 1 -rfn "partRN" "{theirs}/parts/part.ma";
createNode file -n "wood";
\tsetAttr ".ftn" -type "string" "{theirs}/tex/wood.png";
createNode cacheFile -n "cache";
\tsetAttr ".cp" -type "string" "{theirs}/cache";
createNode file -n "reel";
\tsetAttr ".ftn" -type "string" "{theirs}reel/wood.png";
"""
#: of the artist, in the scene and as the rule has it
THEIRS = {"posix": ("/studio/show", "/studio/show"), "windows": ("D:/show", "D:\\Show")}


@pytest.mark.parametrize(("theirs", "source"), THEIRS.values(), ids=THEIRS)
def test_paths_are_found_where_they_lie_here(command: list[str], tmp_path: Path, theirs: str, source: str) -> None:
    """References and textures by dirmap, what only plug-ins read by writing it anew; the output too; a neighbour's name stays."""
    stage = tmp_path / "stage"
    scene = write_scene(stage, "plain")
    scene.write_text(MAPPED.format(theirs=theirs) + scene.read_text().partition("\n")[2])
    for name in ("parts/part.ma", "tex/wood.png"):
        (stage / name).parent.mkdir()
        (stage / name).write_text('//Maya ASCII 2025 scene\nrequires maya "2025";\ncreateNode transform -n "wheel";\n')
    look = tmp_path / "look.py"
    asked = "wood.fileTextureName", "cache.cachePath", "reel.fileTextureName"
    look.write_text(
        f"from maya import cmds\nfor plug in {asked!r}:\n    print('HAS', plug, cmds.getAttr(plug))\n"
        "print('HAS wheel', cmds.objExists('part:wheel'))\n"
    )
    outputs = [f"{theirs}/images/plain.####.png"]
    session = talk(
        command,
        [
            ("load", load(scene, rules={source: str(stage)}, startup=[str(look)], outputs=outputs, camera="leftShape")),
            ("render", render(4)),
        ],
        tmp_path,
    )
    assert session.end("render")["event"] == "done", (session.said, session.log[-3000:])
    assert session.end("render")["outputs"] == [str(stage / "images" / "plain.0004.png")]
    assert f"HAS wood.fileTextureName {stage}/tex/wood.png" in session.log
    assert f"HAS cache.cachePath {stage}/cache" in session.log
    assert f"HAS reel.fileTextureName {theirs}reel/wood.png" in session.log
    assert "HAS wheel True" in session.log
    assert "output:" not in session.log, "the scene's own output is the job's, mapped"


def test_the_project_is_the_jobs(command: list[str], tmp_path: Path) -> None:
    """Without its workspace.mel, which is no file of a job: its folder where it lies here, and its rules."""
    stage = tmp_path / "stage"
    scene = write_scene(stage / "shots", "plain")
    (stage / "shots" / "workspace.mel").unlink()
    look = tmp_path / "look.py"
    look.write_text(
        "from maya import cmds\nprint('ROOT', cmds.workspace(query=True, rootDirectory=True))\n"
        "print('RULE', cmds.workspace(query=True, fileRuleEntry='sourceImages'))\n"
    )
    step = {"project": "/studio/show", "project_rules": "sourceImages=tex/final", "camera": "leftShape"}
    asked = load(scene, rules={"/studio/show": str(stage)}, startup=[str(look)], outputs=[f"{stage}/o/a.####.png"], **step)
    session = talk(command, [("load", asked)], tmp_path)
    assert session.end("load")["event"] == "loaded", session.log[-2000:]
    assert f"ROOT {stage}" in session.log
    assert "RULE tex/final" in session.log


SPELLINGS = {
    "as the rule": ("D:\\Show", 'setAttr "D:/Show/a.png";', ["D:/Show/"]),
    "in other letters": ("D:\\Show", 'setAttr "d:/SHOW/a.png" "D:/show/b.png";', ["D:/Show/", "D:/show/", "d:/SHOW/"]),
    "with backslashes": ("D:\\Show", 'setAttr "d:\\\\show\\\\a.png";', ["D:/Show/", "d:/show/"]),
    "a share": ("\\\\srv\\vol", 'setAttr "//SRV/vol/a.png";', ["//srv/vol/", "//SRV/vol/"]),
    "a neighbour": ("D:\\Show", 'setAttr "d:/showreel/a.png";', ["D:/Show/"]),
    "an empty file": ("D:\\Show", "", ["D:/Show/"]),
}


@pytest.mark.parametrize(("folder", "text", "found"), SPELLINGS.values(), ids=SPELLINGS)
def test_folders_of_windows_are_mapped_as_the_scene_writes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, text: str, found: list[str]
) -> None:
    """Maya's own mapping minds upper and lower case, and wants slashes."""
    for name, module in MayaFake(tmp_path).modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    from conductor_maya.opening import spellings

    scene = tmp_path / "shot.ma"
    scene.write_text(text)
    rule = PathRule(ClientPath.parse(folder, Flavour.WINDOWS), ClientPath.parse("/stage", local_flavour()))
    assert sorted(spellings(rule, str(scene))) == sorted(found)
    for name in [n for n in sys.modules if n == "conductor_maya" or n.startswith("conductor_maya.")]:
        del sys.modules[name]


def test_without_a_licence_it_ends_with_mayas_words(command: list[str], tmp_path: Path) -> None:
    """Nothing is hidden from the runner, which reads in the log that there is no licence."""
    with pytest.raises(AssertionError, match="Failed to get license"):
        talk(command, [("load", load("/a.ma"))], tmp_path, FAKE_MAYA_LICENCE="absent")


def test_a_renderer_that_is_not_installed_is_named(command: list[str], tmp_path: Path) -> None:
    """The sentence has renderer and plug-in, and what to do."""
    scene = write_scene(tmp_path, "no nodes of arnold")
    session = talk(command, [("load", load(scene, renderer="arnold"))], tmp_path, FAKE_MAYA_PLUGINS="AbcImport")
    failed = session.end("load")
    assert (failed["event"], failed["cause"]) == ("fail", "scene-load"), failed
    assert "renders with arnold, and the plug-in mtoa cannot be loaded here" in failed["message"]
