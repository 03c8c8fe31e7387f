"""Frames of Maya on an instance: `render.py` in a program that behaves as mayapy, which writes where the vendor's pages say.

Each scene is submitted as its file is read, so a step that names other files than Maya writes is a frame that fails here.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.documents import to_json
from conductor_core.formats import scan_file
from conductor_core.sequences import frame_path
from conductor_core.submission import Step
from fakes.maya_program import install
from fakes.stub_reading import Stubs, StubsAbsent

RENDER = Path(__file__).resolve().parents[2] / "maya" / "render.py"

ANIMATED = 'setAttr ".an" yes; setAttr ".fs" 1; setAttr ".ef" 20; setAttr ".ep" 4; setAttr ".pff" yes;'
PNG = 'setAttr ".outf" 32;'
RENDERMAN = (
    'requires -nodeType "rmanGlobals" "RenderMan_for_Maya.py" "25.2";\n',
    'createNode rmanGlobals -s -n "rmanGlobals";\n'
    '\tsetAttr ".imageFileFormat" -type "string" "<scene>_<layer>_<camera>_<aov>.<f4>.<ext>";\n'
    '\tsetAttr ".imageOutputDir" -type "string" "<ws>/images/<scene>_v<version>_t<take>";\n',
    'setAttr ".ren" -type "string" "renderman";',
)
ARNOLD = (
    'requires -nodeType "aiOptions" -nodeType "aiAOVDriver" "mtoa" "5.4.0";\n',
    'createNode aiOptions -s -n "defaultArnoldRenderOptions";\ncreateNode aiAOVDriver -s -n "defaultArnoldDriver";\n',
    'setAttr ".ren" -type "string" "arnold";',
)
TWO_CAMERAS = 'createNode transform -n "left";\ncreateNode camera -n "leftShape" -p "left";\n'
TWO_CAMERAS += 'createNode transform -n "right";\ncreateNode camera -n "rightShape" -p "right";\n'
TWO_LAYERS = 'createNode renderLayer -n "defaultRenderLayer";\n\tsetAttr ".g" yes;\ncreateNode renderLayer -n "rs_fog";\n'
#: what a scene has: requirements, nodes, render settings
SCENES: dict[str, tuple[str, str, str]] = {
    "software, one picture": ("", "", PNG),
    "software, name.#.ext": ("", "", PNG + ANIMATED),
    "software, name_#.ext": ("", "", PNG + ANIMATED + 'setAttr ".peie" 2;'),
    "software, name#.ext": ("", "", PNG + ANIMATED + 'setAttr ".peie" 0;'),
    "software, name.ext.#": ("", "", PNG + ANIMATED + 'setAttr ".pff" no;'),
    "software, tokens": ("", "", PNG + ANIMATED + 'setAttr ".ifp" -type "string" "<RenderLayer>/<Camera>/<Scene>_v001";'),
    "software, two cameras": ("", TWO_CAMERAS, PNG + ANIMATED),
    "software, two cameras and a name": ("", TWO_CAMERAS, PNG + ANIMATED + 'setAttr ".ifp" -type "string" "beauty";'),
    "software, two layers": ("", TWO_LAYERS, PNG + ANIMATED),
    "software, two layers and cameras": ("", TWO_LAYERS + TWO_CAMERAS, PNG + ANIMATED),
    "arnold": (ARNOLD[0], ARNOLD[1], ANIMATED + ARNOLD[2]),
    "arnold, digits that nobody has set": (ARNOLD[0], ARNOLD[1], ANIMATED.replace('setAttr ".ep" 4;', "") + ARNOLD[2]),
    "arnold, two cameras": (ARNOLD[0], ARNOLD[1] + TWO_CAMERAS, ANIMATED + ARNOLD[2]),
    "vray": (
        'requires -nodeType "VRaySettingsNode" "vrayformaya" "6.0";\n',
        'createNode VRaySettingsNode -s -n "vraySettings";\n\tsetAttr ".imgfs" -type "string" "exr";\n'
        '\tsetAttr ".fnprx" -type "string" "<Scene>/<Scene>";\n',
        ANIMATED + 'setAttr ".ren" -type "string" "vray";',
    ),
    "redshift": (
        'requires -nodeType "RedshiftOptions" "redshift4maya" "3.5";\n',
        'createNode RedshiftOptions -s -n "redshiftOptions";\n',
        ANIMATED + 'setAttr ".ren" -type "string" "redshift";',
    ),
    "renderman": (RENDERMAN[0], RENDERMAN[1], ANIMATED + RENDERMAN[2]),
    "renderman, two cameras": (RENDERMAN[0], RENDERMAN[1] + TWO_CAMERAS, ANIMATED + RENDERMAN[2]),
    "renderman, settings that nobody has opened": ("", "", ANIMATED + RENDERMAN[2]),
}


class Server:
    """The frame server, as the runner speaks with it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, request: dict[str, Any] | None, *until: str) -> dict[str, Any]:
        """Send a request (None: wait only) and return the event that ends it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if request is not None:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        for line in self._process.stdout:
            event: dict[str, Any] = json.loads(line)
            if event["event"] in until:
                return event
        raise AssertionError(f"The program ended: {self._process.wait()}")


@contextmanager
def running(mayapy: Path, log: Path, **variables: str) -> Iterator[Server]:
    """Start the frame server."""
    with open(log, "w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [str(mayapy), str(RENDER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            cwd=log.parent,
            env={**os.environ, **variables},
        )
        try:
            yield Server(process)
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


@pytest.fixture(scope="module")
def mayapy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program."""
    try:
        Stubs.installed("maya-stubs")
    except StubsAbsent as exc:
        pytest.skip(str(exc))
    return install(tmp_path_factory.mktemp("maya") / "bin")


@pytest.fixture(scope="module")
def server(mayapy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a frame server that loads one scene after the other, as the runner has it."""
    with running(mayapy, tmp_path_factory.mktemp("server") / "log.txt") as started:
        assert started.ask(None, "hello")["software"] == "maya"
        yield started


def scene_file(project: Path, parts: tuple[str, str, str]) -> Path:
    """Write a scene of small pictures into a project."""
    requires, nodes, settings = parts
    default = 'createNode transform -s -n "persp";\ncreateNode camera -s -n "perspShape" -p "persp";\n'
    default += '\tsetAttr ".rnd" no;\n' if "createNode camera" in nodes else ""
    text = f'//Maya ASCII 2024 scene\n{requires}requires maya "2024";\n{default}{nodes}'
    text += f"select -ne :defaultRenderGlobals;\n\t{settings}\nselect -ne :defaultResolution;\n\t"
    text += 'setAttr ".w" 16;\n\tsetAttr ".h" 9;\n'
    (project / "workspace.mel").write_text('workspace -fr "images" "images";\nworkspace -fr "scene" "scenes";\n')
    file = project / "scenes" / "shot.ma"
    file.parent.mkdir()
    file.write_text(text)
    return file


def steps_of(scene: Path) -> list[Step]:
    """Return the steps that `conductor submit` makes of a scene."""
    facts = scan_file(Survey(str(scene))).facts
    assert facts is not None
    return [Step(step.name, "1-20", outputs=step.outputs, parameters=step.parameters) for step in facts.steps if step.enabled]


def is_pass(file: Path) -> bool:
    """Tell whether a file is a pass of a picture, in a folder of its own."""
    return file.parent.name == "albedo"


@pytest.mark.parametrize("renderer", ["redshift", "renderman"])
def test_several_cameras_at_once_go_to_places_of_their_own(renderer: str, server: Server, tmp_path: Path) -> None:
    """A renderer that takes all cameras at once renders them one by one where the job wants them elsewhere."""
    requires, nodes, settings = SCENES[renderer]
    scene = scene_file(tmp_path, (requires, nodes + TWO_CAMERAS, settings))
    (step,) = steps_of(scene)
    places = [str(tmp_path / "elsewhere" / f"{side}_####.exr") for side in "lr"]
    step = replace(step, outputs=tuple(replace(o, path=p) for o, p in zip(step.outputs, places, strict=True)))
    load = {"do": "load", "scene": str(scene), "step": to_json(step), "path_map": [], "startup": []}
    loaded = server.ask(load, "loaded", "fail")
    assert (loaded["event"], loaded["parts"]) == ("loaded", 2), loaded
    done = server.ask({"do": "render", "frame": 5}, "done", "fail")
    assert done["event"] == "done", done["message"]
    assert {f for f in done["outputs"] if not is_pass(Path(f))} == {frame_path(p, 5) for p in places}


@pytest.mark.parametrize("name", SCENES)
def test_frames_lie_where_the_step_says(name: str, server: Server, tmp_path: Path) -> None:
    """Each step of a scene is loaded once and renders the frames that are asked for: exactly the files of its outputs, and no others."""
    scene = scene_file(tmp_path, SCENES[name])
    wanted: set[Path] = set()
    frames = (7, 3) if "one picture" not in name else (1,)
    for step in steps_of(scene):
        load = {"do": "load", "scene": str(scene), "step": to_json(step), "path_map": [], "startup": []}
        loaded = server.ask(load, "loaded", "fail")
        assert loaded["event"] == "loaded", loaded
        for frame in frames:
            done = server.ask({"do": "render", "frame": frame}, "done", "fail")
            assert done["event"] == "done", done["message"]
            files = {frame_path(output.path, frame) for output in step.outputs}
            assert {f for f in done["outputs"] if not is_pass(Path(f))} == files
            assert ("renderman" in name) is any(is_pass(Path(f)) for f in done["outputs"]), "passes are told beside the picture"
            wanted |= {Path(file) for file in files}
    assert {f for f in (tmp_path / "images").rglob("*") if f.is_file() and not is_pass(f)} == wanted


def test_frames_lie_where_a_job_wants_them(server: Server, tmp_path: Path) -> None:
    """An output that somebody has changed in the panel is written there, whatever the scene says; the scene's file stays as it is."""
    scene = scene_file(tmp_path, SCENES["arnold"])
    before = scene.read_bytes()
    (step,) = steps_of(scene)
    step = replace(step, outputs=(replace(step.outputs[0], path=str(tmp_path / "elsewhere" / "new_####.png")),))
    load = {"do": "load", "scene": str(scene), "step": to_json(step), "path_map": [], "startup": []}
    assert server.ask(load, "loaded", "fail")["event"] == "loaded"
    done = server.ask({"do": "render", "frame": 5}, "done", "fail")
    assert done["event"] == "done", done["message"]
    assert [Path(f) for f in done["outputs"]] == [tmp_path / "elsewhere" / "new_0005.png"]
    assert (done["width"], done["height"]) == (16, 9)
    assert scene.read_bytes() == before


def test_a_renderer_that_is_not_installed_is_named(mayapy: Path, tmp_path: Path) -> None:
    """A scene whose renderer's plug-in is not on the machine fails to load, with the plug-in's name."""
    scene = scene_file(tmp_path, ("", "", ANIMATED + 'setAttr ".ren" -type "string" "arnold";'))
    (step,) = steps_of(scene)
    with running(mayapy, tmp_path / "log.txt", FAKE_MAYA_PLUGINS="stereoCamera") as server:
        load = {"do": "load", "scene": str(scene), "step": to_json(step), "path_map": [], "startup": []}
        failed = server.ask(load, "loaded", "fail")
    assert failed["cause"] == "scene-load"
    assert "mtoa" in failed["message"]


def test_without_a_licence_maya_says_so(mayapy: Path, tmp_path: Path) -> None:
    """A Maya that gets no licence ends before the first line, and its log has the words by which the runner knows."""
    done = subprocess.run(
        [str(mayapy), str(RENDER)],
        input="",
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "FAKE_MAYA_LICENCE": "absent"},
        check=False,
    )
    assert done.returncode != 0
    assert done.stdout == ""
    assert "license" in done.stderr.lower()
