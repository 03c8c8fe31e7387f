"""The frame server that all hosts share: what it answers, what it says of failures and files, and what the runner can rely on."""

from __future__ import annotations

import errno
import json
import os
import shutil
import struct
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path
from typing import Any

import pytest
from conductor_core.errors import ConductorError
from conductor_core.sequences import frame_path
from conductor_plugins.frame_server import Load, Loaded, Progress, Rendered
from conductor_plugins.frame_server.errors import FrameNotRendered, SceneNotRenderable, ScriptFailed
from conductor_plugins.frame_server.path_mapping import artist_path, mapped, rules_from
from conductor_plugins.frame_server.pictures import picture
from conductor_plugins.frame_server.serving import FrameServer, load_of
from conductor_plugins.frame_server.startup import run_script
from conductor_plugins.frame_server.written import Before, FoldersBefore, cause_of, full_or, put_in_place

REPO = Path(__file__).resolve().parents[2]
STEP = {"name": "beauty", "frames": "1-3", "parameters": {"camera": "cam"}}
Event = dict[str, Any]


class Painter:
    """A renderer that writes nothing and fails as it is told to."""

    def __init__(self, *, load: BaseException | None = None, render: BaseException | None = None, prints: str = "") -> None:
        self.loads: list[Load] = []
        self.frames: list[int] = []
        self._load, self._render, self._prints = load, render, prints

    def load(self, load: Load) -> Loaded:
        """Remember the load, or fail."""
        self.loads.append(load)
        if self._load is not None:
            raise self._load
        return Loaded(self._prints)

    def render(self, frame: int, progress: Progress) -> Rendered:
        """Tell of progress, or fail."""
        self.frames.append(frame)
        progress(0.51239, "half")
        if self._render is not None:
            raise self._render
        return Rendered((f"/out/a.{frame}.exr",), 8, 4, ("beauty",))


def talk(painter: Painter, *requests: Event) -> list[Event]:
    """Ask a server these things; return what it said."""
    said: list[Event] = []
    FrameServer(said.append, painter, clock=lambda: 0.0).serve(json.dumps(r).encode() + b"\n" for r in requests)
    return said


LOAD: Event = {"do": "load", "scene": "/show/shot.scene", "step": STEP, "path_map": [], "startup": []}


def test_it_renders_the_frames_asked_for_in_their_order() -> None:
    """Each request has one end; frames come in the order of asking; nothing is done after `quit`."""
    painter = Painter()
    said = talk(painter, LOAD, *({"do": "render", "frame": f} for f in (7, -2, 7)), {"do": "quit"}, {"do": "render", "frame": 1})
    assert painter.frames == [7, -2, 7]
    assert [(e["event"], e.get("frame")) for e in said] == [
        ("loaded", None),
        *(pair for f in (7, -2, 7) for pair in (("progress", f), ("done", f))),
    ]
    assert said[1] == {"event": "progress", "frame": 7, "fraction": 0.5124, "status": "half"}
    assert {k: said[2][k] for k in ("outputs", "width", "height", "layers")} == {
        "outputs": ["/out/a.7.exr"],
        "width": 8,
        "height": 4,
        "layers": ["beauty"],
    }


def test_who_prints_progress_is_named_only_where_somebody_does() -> None:
    """`loaded` names the renderer whose lines the runner is to read; a host that tells progress itself names none."""
    assert talk(Painter(prints="arnold"), LOAD)[0]["prints"] == "arnold"
    assert "prints" not in talk(Painter(), LOAD)[0]


FAILURES = {
    "own cause": (FrameNotRendered(7, "disk-full", "no room"), "disk-full", "Frame 7: no room."),
    "any of ours": (ConductorError("It cannot be.", "Do that."), "internal", "It cannot be. Do that."),
    "memory": (MemoryError(), "out-of-memory", "out of memory"),
    "unforeseen": (ZeroDivisionError("by zero"), "internal", "ZeroDivisionError: by zero"),
}


@pytest.mark.parametrize(("error", "cause", "says"), FAILURES.values(), ids=FAILURES)
def test_a_frame_that_fails_says_why_and_the_next_is_tried(
    error: BaseException, cause: str, says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever is raised becomes a `fail` with frame, cause and sentence; the server goes on."""
    painter = Painter(render=error)
    said = [e for e in talk(painter, LOAD, {"do": "render", "frame": 7}, {"do": "render", "frame": 8}) if e["event"] == "fail"]
    assert [e["frame"] for e in said] == [7, 8]
    assert said[0]["cause"] == cause
    assert says in said[0]["message"]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (SceneNotRenderable("/a.ma", "it has no camera", "Add one."), "scene-load"),
        (SceneNotRenderable("/a.ma", "no licence is free", "", "licence"), "licence"),
        (ScriptFailed("Startup script", "/s.py", 3, "ValueError: x"), "scene-load"),
        (RuntimeError("broken"), "scene-load"),
    ],
    ids=["scene", "licence", "script", "unforeseen"],
)
def test_a_scene_that_is_not_loaded_renders_nothing(error: BaseException, cause: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A load that fails has its cause, and a frame asked for nevertheless is refused, not rendered from an older scene."""
    painter = Painter(load=error)
    said = talk(painter, LOAD, {"do": "render", "frame": 1})
    assert (said[0]["event"], said[0]["cause"]) == ("fail", cause)
    assert (said[1]["event"], said[1]["cause"], painter.frames) == ("fail", "internal", [])


def test_what_it_does_not_know_is_refused() -> None:
    """A request of another protocol is answered, never ignored."""
    assert talk(Painter(), {"do": "sing"})[0]["message"] == "There is no 'sing' to do."


def test_scene_and_outputs_are_asked_for_where_they_lie_here(tmp_path: Path) -> None:
    """The rules move the scene and the step's outputs; a scene that is there under its own path stays there."""
    rule = {"source": "/show", "target": "/stage/show"}
    step = {**STEP, "outputs": [{"path": "/show/out/a.####.exr"}, {"path": "/elsewhere/b.exr"}]}
    load = load_of({**LOAD, "step": step, "path_map": [rule], "startup": ["/stage/show/s.py"]})
    assert load.scene == "/stage/show/shot.scene"
    assert [o.path for o in load.step.outputs] == ["/stage/show/out/a.####.exr", "/elsewhere/b.exr"]
    assert load.startup == ("/stage/show/s.py",)
    scene = tmp_path / "shot.scene"
    scene.touch()
    there = load_of({**LOAD, "scene": str(scene), "path_map": [{"source": str(tmp_path), "target": "/stage"}]})
    assert there.scene == str(scene)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/show/tex/a.exr", "/stage/show/tex/a.exr"),
        ("/showreel/a.exr", "/showreel/a.exr"),
        ("D:/show/tex/a.exr", "/stage/D/show/tex/a.exr"),
        ("d:\\SHOW\\tex\\a.exr", "/stage/D/show/tex/a.exr"),
        ("D:/show/tex.<UDIM>.####.exr", "/stage/D/show/tex.<UDIM>.####.exr"),
        ("//srv/share/a.exr", "/stage/UNC/srv/share/a.exr"),
        ("\\\\SRV\\share\\a.exr", "/stage/UNC/srv/share/a.exr"),
        ("//show//tex/a.exr", "/stage/show/tex/a.exr"),
        ("tex/a.exr", "tex/a.exr"),
        ("", ""),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="targets are this machine's paths")
def test_paths_of_either_system_are_mapped(path: str, expected: str) -> None:
    """A Windows path is mapped on Linux, by components and in either case; what no rule speaks of stays as it is."""
    targets = {"/show": "/stage/show", "D:/show": "/stage/D/show", "//srv/share/": "/stage/UNC/srv/share"}
    rules = rules_from({"source": source, "target": target} for source, target in targets.items())
    assert mapped(path, rules) == expected
    if path.startswith("/show/"):
        assert artist_path(expected, rules[:1]) == path


def write(path: Path, text: str) -> str:
    """Write a script; return its path."""
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return str(path)


def test_a_startup_script_runs_as_a_program(tmp_path: Path) -> None:
    """It is `__main__`, knows its file, imports what lies beside it, and may leave by `sys.exit(0)`."""
    (tmp_path / "beside_farm_script.py").write_text("WORD = 'beside'\n")
    trace = tmp_path / "trace"
    text = f"""
        import pathlib, sys, beside_farm_script
        pathlib.Path({str(trace)!r}).write_text(f"{{__name__}} {{__file__}} {{beside_farm_script.WORD}}")
        sys.exit(0)
    """
    said: list[str] = []
    script = write(tmp_path / "s.py", text)
    run_script(script, said.append)
    assert trace.read_text() == f"__main__ {script} beside"
    assert said == [f"startup script {script}", f"startup script {script} is done"]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("x = 1\nraise ValueError('no  rig.')\n", 2, "ValueError: no rig."),
        ("import sys\nsys.exit(3)\n", 2, "SystemExit: 3"),
        ("x = (\n", 1, "SyntaxError: '(' was never closed"),
    ],
    ids=["exception", "exit", "syntax"],
)
def test_a_startup_script_that_fails_names_its_line(
    tmp_path: Path, text: str, line: int, says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The message has file, line and what was said."""
    script = write(tmp_path / "s.py", text)
    with pytest.raises(ScriptFailed) as failure:
        run_script(script, lambda _: None)
    assert (failure.value.path, failure.value.line) == (script, line)
    assert says in str(failure.value)


def test_only_what_was_written_counts_as_written(tmp_path: Path) -> None:
    """A file that stood there before and was not touched is no output; one written anew is."""
    old, again, new = (str(tmp_path / n) for n in ("old", "again", "new"))
    for path in (old, again):
        Path(path).write_bytes(b"before")
    before = Before((old, again, new))
    Path(again).write_bytes(b"after!!")
    Path(new).write_bytes(b"")
    assert before.written() == (again, new)


PLACES = {
    "a folder of the layer": ("a.####.exr", 7, ["fog/a.0007.exr"], True),
    "another way of writing the number": ("a.####.exr", -3, ["a.-003.exr"], True),
    "no number": ("a.exr", 7, ["left/a.exr"], True),
    "another frame": ("a.####.exr", 7, ["fog/a.0008.exr"], False),
    "another name": ("a.####.exr", 7, ["fog/ab.0007.exr"], False),
    ####.exr", 7, ["diffuse/a.0007.exr", "beauty/a.0007.exr"], False),
}


@pytest.mark.parametrize(("pattern", "frame", "written", "moved"), PLACES.values(), ids=PLACES)
def test_a_picture_is_put_where_it_is_expected(tmp_path: Path, pattern: str, frame: int, written: list[str], moved: bool) -> None:
    """The one new file of that name and frame is moved there; where it is not clear which is meant, none is."""
    around = FoldersBefore([str(tmp_path)])
    for name in written:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("picture")
    put_in_place(str(tmp_path / pattern), frame, around.written(), lambda _: None)
    assert os.path.exists(frame_path(str(tmp_path / pattern), frame)) is moved
    assert all((tmp_path / name).exists() is not moved for name in written)


def test_of_several_passes_the_beauty_is_the_picture(tmp_path: Path) -> None:
    """Arnold writes each pass into a folder of its own, under one name: the beauty is moved, the others stay and are told."""
    around = FoldersBefore((str(tmp_path),))
    for name in ("diffuse", "beauty", "Z"):
        (tmp_path / "hero" / name).mkdir(parents=True)
        (tmp_path / "hero" / name / "a.0003.exr").write_text(name)
    put_in_place(str(tmp_path / "a.####.exr"), 3, around.written(), lambda _: None)
    assert (tmp_path / "a.0003.exr").read_text() == "beauty"
    assert sorted(os.path.relpath(path, tmp_path) for path in around.written()) == [
        "a.0003.exr",
        *(os.path.join("hero", name, "a.0003.exr") for name in ("Z", "diffuse")),
    ]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("RuntimeError: std::bad_alloc", "out-of-memory"),
        (f"cannot write /a: {os.strerror(errno.ENOSPC)}", "disk-full"),
        ("no such node", "exit-code"),
    ],
)
def test_words_of_any_software_have_a_cause(text: str, cause: str) -> None:
    """Memory and disk are told by their words, whoever says them."""
    assert cause_of(text, "exit-code") == cause


def test_a_full_disk_is_told_from_a_bad_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is not there has the disk's state as its reason, if that is full."""
    assert full_or("bad-output", str(tmp_path / "a.exr")) == "bad-output"
    total = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: total._replace(free=10))
    assert full_or("bad-output", str(tmp_path / "a.exr")) == "disk-full"


def converse(script: str, words: str) -> subprocess.CompletedProcess[str]:
    """Run a server in a process of its own, with these words on its stdin."""
    path = os.pathsep.join(str(REPO / folder) for folder in ("core", "plugins"))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")} | {"PYTHONPATH": path}
    command = [sys.executable, "-c", textwrap.dedent(script)]
    return subprocess.run(command, input=words, env=environment, capture_output=True, text=True, timeout=60, check=False)


TALKATIVE = """
    import os, ctypes
    from conductor_plugins.frame_server import Loaded, Rendered, serve
    print("a banner")
    class R:
        def load(self, load):
            print("printed by Python")
            os.write(1, b"printed by descriptor\\n")
            return Loaded()
        def render(self, frame, progress):
            ctypes.CDLL(None).puts(b"printed by C")
            return Rendered(("/a",))
    raise SystemExit(serve("painter", "1.0", R()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the C library's own buffer is looked at")
def test_whatever_the_software_prints_is_log() -> None:
    """Only events stand on stdout after `hello`, whichever way the software prints; the log has all of it."""
    words = "".join(json.dumps(r) + "\n" for r in (LOAD, {"do": "render", "frame": 1}, {"do": "quit"}))
    done = converse(TALKATIVE, words)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    events = [json.loads(line) for line in lines[lines[0] == "a banner" :]]
    assert [e["event"] for e in events] == ["hello", "loaded", "done"]
    assert events[0] == {"event": "hello", "protocol": 1, "software": "painter", "version": "1.0"}
    assert {"printed by Python", "printed by descriptor", "printed by C"} <= set(done.stderr.splitlines())


def test_the_end_of_the_runners_words_is_the_end() -> None:
    """A runner that hangs up has the server leave with code 0."""
    done = converse(TALKATIVE, json.dumps(LOAD) + "\n")
    assert done.returncode == 0
    assert '"loaded"' in done.stdout


def test_it_needs_no_more_than_the_standard_library() -> None:
    """What is imported lies in the core, in the frame server, or in Python itself: no Qt, no form, no requests."""
    script = """
        import sys
        before = set(sys.modules)
        import conductor_plugins.frame_server, conductor_plugins.frame_server.written, conductor_plugins.frame_server.startup
        new = {m for m in set(sys.modules) - before if m.partition(".")[0] not in sys.stdlib_module_names}
        print(sorted(m for m in new if not m.startswith(("conductor_core", "conductor_plugins.frame_server"))))
    """
    assert converse(script, "").stdout.strip() == "['conductor_plugins']"


def exr_header(parts: list[tuple[str, list[str]]], size: tuple[int, int]) -> bytes:
    """Return the header of an EXR file of one part or of several."""

    def attribute(name: str, kind: str, value: bytes) -> bytes:
        return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value

    out = b"\x76\x2f\x31\x01" + struct.pack("<I", 2 | (0x1000 if len(parts) > 1 else 0))
    for name, channels in parts:
        listed = b"".join(c.encode() + b"\0" + b"\0" * 16 for c in channels) + b"\0"
        out += attribute("channels", "chlist", listed)
        out += attribute("dataWindow", "box2i", struct.pack("<4i", 10, 20, 9 + size[0], 19 + size[1]))
        out += (attribute("name", "string", name.encode()) if name else b"") + b"\0"
    return out + (b"\0" if len(parts) > 1 else b"")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            exr_header([("", ["V.Combined.R", "V.Depth.Z"])], (64, 36)), (64, 36, ("V.Combined", "V.Depth")), id="multilayer"
        ),
        pytest.param(exr_header([("", ["R", "G", "B"])], (8, 4)), (8, 4, ()), id="plain-exr"),
        pytest.param(exr_header([("a", ["a.C.R"]), ("b", ["b.C.R"])], (8, 4)), (8, 4, ("a.C", "b.C")), id="multi-part"),
        pytest.param(exr_header([("", ["R"])], (8, 4))[:30], (0, 0, ()), id="cut-exr"),
        pytest.param(
            b"\x89PNG\r\n\x1a\n"
            + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 7, 5, 8, 6, 0, 0, 0)
            + struct.pack(">I", zlib.crc32(b"")),
            (7, 5, ()),
            id="png",
        ),
        pytest.param(b"GIF89a", (0, 0, ()), id="other"),
    ],
)
def test_headers_of_written_files(tmp_path: Path, data: bytes, expected: tuple[int, int, Any]) -> None:
    """Size and layers come from the file itself."""
    path = tmp_path / "x"
    path.write_bytes(data)
    told = picture(str(path))
    assert (told.width, told.height, told.layers) == expected
