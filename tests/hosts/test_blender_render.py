"""The frame server in real Blenders: it renders the frames it is asked for, says what was written, and why not."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest

HERE = Path(__file__).resolve().parent
_SHARED = runpy.run_path(str(HERE.parent / "conftest.py"))
#: the binary of the distribution runs the same code as the wheels
BINARY = "binary"
_WHEELS: tuple[str, ...] = _SHARED["BPY_VERSIONS"]
VERSIONS = (*_WHEELS, BINARY) if os.environ.get("CI") == "true" else _WHEELS[:1]
require: Callable[[object, str], None] = _SHARED["require"]
Event = dict[str, Any]


@dataclass
class Session:
    """Everything one frame server was asked and said."""

    folder: Path
    version: list[int]
    scenes: dict[str, str]
    #: what starts the server
    command: list[str]
    hello: Event = field(default_factory=dict)
    #: name of a request → the events up to its end
    said: dict[str, list[Event]] = field(default_factory=dict)
    log: str = ""
    exit_code: int = -1

    def end(self, name: str) -> Event:
        """Return how a request ended."""
        return self.said[name][-1]

    def pixel(self, name: str, x: int = 16, y: int = 9) -> list[float]:
        """Return a pixel of the first file that a request wrote."""
        image = oiio.ImageBuf(self.end(name)["outputs"][0])
        return [round(float(v), 4) for v in image.getpixel(x, y)[:3]]


def step(**parameters: Any) -> Event:
    """Return a step without outputs of its own."""
    return {"name": "s", "frames": "1", "parameters": parameters}


def requests(folder: Path, scenes: dict[str, str]) -> Iterator[tuple[str, Event]]:
    """Yield (name, request) in the order in which one server is asked."""

    def load(name: str, scene: str, asked: Event | None = None, **more: Any) -> tuple[str, Event]:
        return name, {"do": "load", "scene": scenes.get(scene, scene), "step": asked or step(), **more}

    def render(name: str, frame: int) -> tuple[str, Event]:
        return name, {"do": "render", "frame": frame}

    yield render("nothing loaded", 1)
    yield load("load absent", str(folder / "absent.blend"))
    yield load("load plain", "plain")
    for frame in (8, 2, -4, 8):
        yield render(f"plain {frame}", frame)
    yield load("load multilayer", "multilayer")
    yield render("multilayer", 3)
    yield load("load one layer", "multilayer", step(view_layer="Fog"))
    yield render("one layer", 3)
    yield load("load no such layer", "multilayer", step(view_layer="Nope"))
    yield load("load no such scene", "multilayer", step(scene="Nope"))
    yield load("load no such camera", "multilayer", step(camera="Plane"))
    yield load("load cameras", "cameras")
    yield render("first camera", 4)
    yield render("second camera", 5)
    yield load(
        "load one camera", "cameras", {**step(scene="Scene", camera="Camera"), "outputs": [{"path": str(folder / "one_##.exr")}]}
    )
    yield render("one camera", 5)
    yield load("load passes", "passes")
    yield render("passes", 7)
    yield load("load no camera", "no_camera")
    yield load("load movie", "movie")
    yield load("load movie as png", "movie", {**step(), "outputs": [{"path": str(folder / "asked {x}" / "m_##.png")}]})
    yield render("movie as png", 3)
    yield load("load blocked", "blocked")
    yield render("blocked", 1)
    yield load("load too long", "too_long")
    yield render("too long", 1)
    yield load("load gpu", "gpu")
    yield render("gpu", 1)
    yield load("load scripted", "scripted")
    yield load("load trusted", "trusted", step(scripts=True))
    yield load("load plain again", "plain")
    yield render("plain again", 8)
    rule = {"source": str(folder / "artist"), "target": str(folder / "instance")}
    yield load("load moved", scenes["moved"], path_map=[rule])
    yield render("moved", 1)
    yield "unknown", {"do": "sing"}


@pytest.fixture(scope="module", params=VERSIONS)
def session(
    request: pytest.FixtureRequest, bpy_python: Any, run_bpy: Any, blender_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Session:
    """Build the scenes and ask one server everything."""
    folder = tmp_path_factory.mktemp(f"render-{request.param}")
    if request.param == BINARY:
        found = shutil.which("blender")
        require(found, "there is no blender on the PATH")
        before = [str(found), "-b", "--factory-startup", "--python"]
        built = run_bpy([*before, str(HERE / "blender_render_scenes.py"), "--"], str(folder), str(folder / "answer.json"))
    else:
        before = [str(bpy_python(request.param))]
        built = run_bpy([*before, str(HERE / "blender_render_scenes.py")], str(folder), str(folder / "answer.json"))
    version = built.pop("version")
    session = Session(folder, version, built, [*before, str(blender_folder / "render.py")])
    asked = list(requests(folder, built))
    _talk(session, asked)
    return session


def _talk(session: Session, asked: list[tuple[str, Event]]) -> None:
    """Ask everything at once, then sort the answers: each request ends with `loaded`, `done` or `fail`."""
    lines = "".join(json.dumps(r) + "\n" for _, r in asked) + '\n{"do":"quit"}\n{"do":"render","frame":1}\n'
    done = subprocess.run(
        session.command, input=lines.encode(), capture_output=True, timeout=400, check=False, cwd=session.folder
    )
    session.log, session.exit_code = done.stderr.decode(errors="replace"), done.returncode
    out = done.stdout.decode().splitlines()
    first = next(i for i, line in enumerate(out) if line.startswith("{"))
    events = [json.loads(line) for line in out[first:]]
    session.hello, names = events[0], iter(n for n, _ in asked)
    current: list[Event] = []
    for event in events[1:]:
        current.append(event)
        if event["event"] != "progress":
            session.said[next(names)] = current
            current = []
    assert not current
    assert next(names, None) is None, session.log[-3000:]


def test_it_says_hello_and_leaves_when_told(session: Session) -> None:
    """The first line names protocol and version; after `quit` nothing more is answered and the exit code is 0."""
    version = ".".join(map(str, session.version))
    assert session.hello == {"event": "hello", "protocol": 1, "software": "blender", "version": version}
    assert session.exit_code == 0


def test_it_renders_exactly_the_frames_asked_for_in_that_order(session: Session) -> None:
    """Frames come out of order, twice and below zero; each file holds the picture of its own frame."""
    render = Path(session.scenes["plain"]).parent / "render"
    for frame, name in ((8, "shot_0008.exr"), (2, "shot_0002.exr"), (-4, "shot_-0004.exr")):
        done = session.end(f"plain {frame}")
        assert done["event"] == "done", done
        assert done["outputs"] == [str(render / name)]
        assert (done["frame"], done["width"], done["height"]) == (frame, 32, 18)
        assert session.pixel(f"plain {frame}")[0] == pytest.approx((frame + 32) / 64, abs=0.001)
    assert sorted(p.name for p in render.iterdir()) == ["shot_-0004.exr", "shot_0002.exr", "shot_0008.exr"]


def test_progress_is_within_the_frame(session: Session) -> None:
    """Progress names its frame, and its fraction never falls or leaves 0 … 1."""
    for events in session.said.values():
        fractions = [e["fraction"] for e in events if e["event"] == "progress"]
        assert fractions == sorted(fractions)
        assert all(0 <= f <= 1 for f in fractions)
    assert any(e["event"] == "progress" and e["frame"] == 8 for e in session.said["plain 8"])


def test_layers_are_those_in_the_file(session: Session) -> None:
    """A multilayer file tells its layers; with `view_layer` only that one is rendered."""
    both, one = session.end("multilayer"), session.end("one layer")
    assert {"ViewLayer.Combined", "Fog.Combined"} <= set(both["layers"])
    assert Path(both["outputs"][0]).name == "multilayer.0003.exr"
    assert "Fog.Combined" in one["layers"]
    assert not [layer for layer in one["layers"] if layer.startswith("ViewLayer.")]


def test_markers_switch_cameras_unless_the_step_names_one(session: Session) -> None:
    """The camera bound to a marker is used from its frame on; a named camera is used throughout."""
    assert session.pixel("first camera")[0] > 0
    assert session.pixel("second camera") == [0, 0, 0]
    assert session.pixel("one camera")[0] > 0


def test_file_output_nodes_are_reported_with_the_frame(session: Session) -> None:
    """What the compositor writes beside the render output is in `outputs`, by its real name."""
    done = session.end("passes")
    home = Path(session.scenes["passes"]).parent
    names = sorted(str(Path(p).relative_to(home)).replace(os.sep, "/") for p in done["outputs"])
    assert names == sorted(["render/shot_0007.exr", "passes/fog_0007.png", "passes/deep_07_x.png"])
    assert all(Path(p).stat().st_size for p in done["outputs"])
    assert sorted(p.name for p in (home / "passes").iterdir()) == ["deep_07_x.png", "fog_0007.png"]


@pytest.mark.parametrize(
    ("name", "cause", "says"),
    [
        ("nothing loaded", "internal", "no scene is loaded"),
        ("load absent", "scene-load", "absent.blend: there is no such file"),
        ("load no such layer", "scene-load", 'no view layer "Nope", only "ViewLayer", "Fog"'),
        ("load no such scene", "scene-load", 'no scene "Nope" in it, only "Scene"'),
        ("load no such camera", "scene-load", 'no camera "Plane"'),
        ("load no camera", "scene-load", 'no_camera.blend: scene "Scene" has no camera'),
        ("load movie", "scene-load", "writes a movie"),
        ("blocked", "bad-output", "Frame 1:"),
        ("too long", "bad-output", "Frame 1:"),
        ("unknown", "internal", "sing"),
    ],
)
def test_what_fails_says_why(session: Session, name: str, cause: str, says: str) -> None:
    """Every failure has its cause and a sentence that names the thing; the server goes on."""
    failed = session.end(name)
    assert (failed["event"], failed["cause"]) == ("fail", cause), failed
    assert says in failed["message"]


def test_another_output_can_be_asked_for(session: Session) -> None:
    """A step's own output path is used as it is, braces and all, in the format of its extension."""
    done = session.end("movie as png")
    assert done["event"] == "done", done
    assert done["outputs"] == [str(session.folder / "asked {x}" / "m_03.png")]
    assert (done["width"], done["height"]) == (32, 18)
    assert "output format: PNG" in session.log


def test_a_gpu_scene_renders_where_there_is_no_gpu(session: Session) -> None:
    """The device falls back to the CPU, and the log says so."""
    assert session.end("gpu")["event"] == "done"
    assert "this machine has none: rendering on the CPU" in session.log or "rendering on " in session.log


def test_scripts_in_a_scene_run_only_where_the_step_allows_them(session: Session) -> None:
    """A text that registers itself leaves no trace, unless `scripts` is among the parameters."""
    assert session.end("load scripted")["event"] == "loaded"
    assert not (Path(session.scenes["scripted"]).parent / "trace").exists()
    assert session.end("load trusted")["event"] == "loaded"
    assert (Path(session.scenes["trusted"]).parent / "trace").exists()


def test_another_scene_can_be_loaded_into_the_same_server(session: Session) -> None:
    """After all the others the first scene renders the same picture."""
    assert session.pixel("plain again") == session.pixel("plain 8")


def test_paths_are_rewritten_where_the_artists_own_cannot_be_shown(session: Session) -> None:
    """Textures, libraries, the libraries' libraries and the output are found under the instance's own folder."""
    done = session.end("moved")
    assert done["event"] == "done", (done, session.log[-3000:])
    assert done["outputs"] == [str(session.folder / "instance" / "out" / "moved_0001.exr")]
    assert session.pixel("moved", x=1)[0] == pytest.approx(0.25, abs=0.01)  # a library's texture; missing would be pink
    assert session.pixel("moved", x=30)[0] == pytest.approx(0.5, abs=0.01)  # the scene's own
    assert "missing:" not in session.log.split("moved.blend is open")[-1]
    assert not (session.folder / "artist").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows does not hand orphans to another parent; job objects end them")
def test_a_killed_runner_leaves_no_renderer_behind(session: Session) -> None:
    """When the process that started the server dies in mid-frame, the server ends within seconds."""
    load = {"do": "load", "scene": session.scenes["slow"], "step": step()}
    words = "".join(json.dumps(r) + "\n" for r in (load, {"do": "render", "frame": 1}))
    runner = (
        "import subprocess, sys, time\n"
        "server = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)\n"
        "server.stdin.write(sys.argv[1].encode())\n"
        "server.stdin.flush()\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", runner, words, *session.command]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        try:
            for line in parent.stdout:  # until the frame is under way
                if b'"progress"' in line:
                    break
            time.sleep(0.5)
            assert parent.poll() is None
            parent.kill()
            parent.wait(timeout=10)
            # The server holds the other end of this pipe: it ends when the server has.
            watchdog = threading.Timer(60, parent.stdout.close)
            watchdog.start()
            started = time.monotonic()
            parent.stdout.read()
            watchdog.cancel()
            assert time.monotonic() - started < 30
        finally:
            parent.kill()


def test_frames_are_the_same_as_plain_blenders(session: Session) -> None:
    """The server changes nothing that a pixel could see: red is the frame, green as built, over the whole picture."""
    pixels = np.asarray(oiio.ImageBuf(session.end("plain 8")["outputs"][0]).get_pixels(oiio.FLOAT))
    assert np.allclose(pixels[..., :2], (40 / 64, 0.25), atol=0.001)
