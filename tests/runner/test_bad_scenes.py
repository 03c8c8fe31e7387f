"""Scenes that cannot be rendered, in real Blenders: said by `conductor scan` and `submit` before anything is sent, and by the farm."""

from __future__ import annotations

import gzip
import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conductor_core.submission import Output
from conductor_service.runner.assignment import Package
from conductor_service.runner.launching import hosts_folder

if TYPE_CHECKING:
    from runner.conftest import Farm, Job

    MakeJob = Callable[..., Job]

_SHARED = runpy.run_path(str(Path(__file__).parents[1] / "conftest.py"))
VERSIONS: tuple[str, ...] = _SHARED["BPY_VERSIONS"] if os.environ.get("CI") == "true" else _SHARED["BPY_VERSIONS"][:1]
REPO = Path(__file__).resolve().parents[2]

MAKE = """
import bpy, os, sys
folder = sys.argv[-1]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
scene.render.resolution_x = scene.render.resolution_y = 8
scene.render.image_settings.file_format = "PNG"
scene.render.filepath = os.path.join(folder, "out", "shot_####.png")
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "no_camera.blend"), compress=False)
mesh = bpy.data.meshes.new("plane")
mesh.from_pydata([(n % 97, n % 89, n % 83) for n in range(20000)], [], [])
scene.collection.objects.link(bpy.data.objects.new("plane", mesh))
camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
scene.collection.objects.link(camera)
scene.camera = camera
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "good.blend"), compress=False)
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "packed.blend"), compress=True)
sys.stdout.flush()
os._exit(0)
"""


@dataclass(frozen=True)
class Blender:
    """A Blender of this machine."""

    version: str
    program: str

    @property
    def package(self) -> Package:
        launch = "bpy-module" if "python" in Path(self.program).name else "blender-binary"
        return Package("blender", self.version, launch=launch, executable=self.program)  # type: ignore[arg-type]

    def make(self, folder: Path) -> Path:
        """Save the scenes of `MAKE`."""
        folder.mkdir()
        script = folder / "make.py"
        script.write_text(MAKE)
        head = [self.program] if self.package.launch == "bpy-module" else [self.program, "-b", "--factory-startup", "--python"]
        tail = ["--", str(folder)] if self.package.launch != "bpy-module" else [str(folder)]
        done = subprocess.run(
            [*head, str(script), *tail], stdin=subprocess.DEVNULL, capture_output=True, timeout=240, check=False
        )
        assert (folder / "packed.blend").exists(), done.stderr.decode()[-2000:]
        return folder


@pytest.fixture(scope="module")
def blenders(bpy_python: Callable[[str], Path]) -> Mapping[str, Blender]:
    """Give the Blenders that are here, by version."""
    found = {version: Blender(version, str(bpy_python(version))) for version in _SHARED["BPY_VERSIONS"]}
    if binary := shutil.which("blender"):
        words = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout.split()
        found["binary"] = Blender(words[1], binary)
    return found


@pytest.fixture(scope="module", params=[*VERSIONS, "binary"])
def blender(request: pytest.FixtureRequest, blenders: Mapping[str, Blender], require: Callable[[object, str], None]) -> Blender:
    """Give each Blender in turn."""
    require(request.param in blenders, "no Blender binary is installed")
    return blenders[request.param]


@pytest.fixture(scope="module")
def scenes(blender: Blender, blenders: Mapping[str, Blender], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of scenes, most of them bad."""
    folder = blender.make(tmp_path_factory.mktemp("scenes") / "s")
    good, packed = (folder / "good.blend").read_bytes(), (folder / "packed.blend").read_bytes()
    (folder / "gzip.blend").write_bytes(gzip.compress(good))
    (folder / "empty.blend").write_bytes(b"")
    (folder / "text.blend").write_text("This is no scene.\n" * 100)
    (folder / "picture.blend").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    (folder / "folder.blend").mkdir()
    for part in (1, 10, 50, 90):
        (folder / f"cut_{part}.blend").write_bytes(good[: len(good) * part // 100])
        (folder / f"packed_cut_{part}.blend").write_bytes(packed[: len(packed) * part // 100])
        (folder / f"gzip_cut_{part}.blend").write_bytes(gzip.compress(good)[: len(gzip.compress(good)) * part // 100])
    newest = blenders["5.0.1"]
    if newest.version != blender.version:
        made = newest.make(folder / "newer")
        shutil.copy(made / "good.blend", folder / "newer.blend")
        shutil.copy(made / "packed.blend", folder / "newer_packed.blend")
    return folder


CUT = tuple(f"{kind}cut_{part}.blend" for kind in ("", "packed_", "gzip_") for part in (1, 10, 50, 90))
NEWER = ("newer.blend", "newer_packed.blend")
SAYS = {
    "empty.blend": "it is empty",
    "text.blend": "this is not a Blender scene",
    "picture.blend": "this is not a Blender scene",
    **dict.fromkeys(CUT, "{path}"),
    **dict.fromkeys(NEWER, "it was saved by Blender 5.0, this is Blender {version}"),
}


def bad_scenes(folder: Path) -> dict[str, str]:
    return {name: says for name, says in SAYS.items() if (folder / name).exists()}


def short(version: str) -> str:
    return ".".join(version.split(".")[:2])


def test_the_farm_names_what_is_wrong_with_a_scene(
    farm: Farm, job: MakeJob, blender: Blender, scenes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every bad scene is `scene-load`, never `crashed` or `internal`, with the scene and the reason; a good one is rendered."""
    farm.hosts = hosts_folder(os.environ)
    monkeypatch.setattr(farm, "package", lambda _: blender.package)
    outputs = (Output("/show/out/shot_####.png", width=8, height=8),)

    def add(name: str) -> str:
        data = (scenes / name).read_bytes()
        path = f"/show/{name}"
        return farm.add(job(scene="", scene_bytes=data or b" ", scene_path=path, outputs=outputs, session=name, last_try=True))

    bad = {name: says for name, says in bad_scenes(scenes).items() if name != "empty.blend"}
    bad["no_camera.blend"] = "has no camera"
    attempts = {name: add(name) for name in (*bad, "good.blend")}
    farm.run()
    verdicts = {name: farm.service.verdict(attempt) for name, attempt in attempts.items()}
    good = verdicts.pop("good.blend")
    assert good.state == "success", (good, farm.service.told[attempts["good.blend"]].log.decode())
    assert {name: (v.state, v.cause) for name, v in verdicts.items() if v.cause != "scene-load"} == {}
    for name, verdict in verdicts.items():
        assert bad[name].format(path=name, version=short(blender.version)) in verdict.message, (name, verdict.message)


def conductor(*words: object, home: Path, blender: Blender) -> subprocess.CompletedProcess[str]:
    """Type a command, as an artist who has this Blender."""
    environment = {
        **os.environ,
        "CONDUCTOR_HOME": str(home),
        "CONDUCTOR_HOSTS": str(REPO),
        "CONDUCTOR_BLENDER": blender.program,
    }
    command = [sys.executable, "-m", "conductor_core.cli", *map(str, words)]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, env=environment, check=False
    )


SUBMIT = ("-p", "show", "-t", "small", "-f", "1", "--dry-run")


def test_submit_and_scan_name_what_is_wrong_with_a_scene(blender: Blender, scenes: Path, tmp_path: Path) -> None:
    """Before anything is sent: the scene, the reason and the next step, and an exit code; never a traceback.

    A scene that is only too new for this Blender is scanned by our own reading, and the sentence stands beside the report.
    """
    names = ("empty.blend", "text.blend", "cut_50.blend", "packed_cut_50.blend", "gzip_cut_50.blend", *NEWER)
    for name, says in {n: s for n, s in bad_scenes(scenes).items() if n in names}.items():
        for words in (("scan", scenes / name), ("submit", scenes / name, *SUBMIT)):
            done = conductor(*words, home=tmp_path, blender=blender)
            read_by_us = words[0] == "scan" and name in NEWER
            assert done.returncode == (0 if read_by_us else 9), (name, words, done.stdout, done.stderr)
            said = " ".join(done.stderr.split())
            assert str(scenes / name) in said
            assert says.format(path=name, version=short(blender.version)) in said, (name, said)
            assert "Traceback" not in said


NOT_THERE = {"missing.blend": "is not there", "folder.blend": "is a folder, not a scene"}


@pytest.mark.parametrize(("name", "says"), NOT_THERE.items())
def test_no_scene_at_all(blender: Blender, scenes: Path, tmp_path: Path, name: str, says: str) -> None:
    """What is no file is said to be none, without any Blender started."""
    for words in (("scan", scenes / name), ("submit", scenes / name, *SUBMIT)):
        done = conductor(*words, home=tmp_path, blender=blender)
        assert (done.returncode, says in done.stderr) == (5, True), done.stderr


def test_no_camera_is_said_before_anything_is_sent(blender: Blender, scenes: Path, tmp_path: Path) -> None:
    """`submit` refuses the step by name and says what to do; `scan` shows it and is no error."""
    done = conductor("submit", scenes / "no_camera.blend", *SUBMIT, home=tmp_path, blender=blender)
    assert done.returncode == 2
    assert "Step 'Scene' has no camera, so it cannot be rendered." in " ".join(done.stderr.split())
    done = conductor("scan", scenes / "no_camera.blend", home=tmp_path, blender=blender)
    assert done.returncode == 0
    assert "Step 'Scene' has no camera" in done.stdout


def test_older_software_is_refused_before_anything_is_sent(blender: Blender, scenes: Path, tmp_path: Path) -> None:
    """Asked with the Blender that saved it, to be rendered with an older one: both versions are named."""
    done = conductor("submit", scenes / "good.blend", *SUBMIT, "--software", "blender@2.93.18", home=tmp_path, blender=blender)
    said = " ".join(done.stderr.split())
    assert done.returncode == 2, said
    assert f"was saved by Blender {short(blender.version)}; Blender 2.93.18 cannot open it" in said
    assert "--software" in said
    done = conductor("submit", scenes / "good.blend", *SUBMIT, home=tmp_path, blender=blender)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["submission"]["software"]["name"] == "blender"
