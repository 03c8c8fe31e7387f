"""Blender and our own reading of one scene, by the command line: they agree, and what only one sees is marked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).resolve().parents[2]

_MAKE = """
import sys, bpy
folder = sys.argv[1]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
scene.collection.objects.link(scene.camera)
scene.frame_start, scene.frame_end = 1, 2
scene.render.filepath = "//out/shot_"
bpy.ops.wm.save_as_mainfile(filepath=folder + "/shot.blend")
for name in ("wood.png", "gone.png", "packed.png"):
    image = bpy.data.images.new(name, 4, 4)
    image.use_fake_user = True
    if name == "packed.png":
        image.pack()
        continue
    image.filepath_raw = "//" + name
    image.file_format = "PNG"
    if name == "wood.png":
        image.save()
    image.source = "FILE"
bpy.ops.wm.save_as_mainfile(filepath=folder + "/shot.blend", compress=True)
"""

#: a reader that knows less than Blender, and something else
_POOR = """
import os
from conductor_core.discovery.finding import Usage
from conductor_core.formats import reads_format

@reads_format("blend", lambda head, extension: extension == ".blend")
def read(survey):
    yield Usage("//notes.txt", "Text notes", "text", (os.path.join(survey.folder, "notes.txt"),))
"""


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory, bpy_python: Callable[..., Path]) -> tuple[Path, Path]:
    """Give a folder with a scene, and the Python that has Blender."""
    folder = tmp_path_factory.mktemp("cross-check")
    python = bpy_python()
    subprocess.run(
        [str(python), "-c", _MAKE, str(folder)], check=True, timeout=240, stdin=subprocess.DEVNULL, capture_output=True
    )
    (folder / "notes.txt").write_text("x")
    (folder / "readers").mkdir()
    (folder / "readers" / "poor.py").write_text(_POOR)
    return folder, python


def _conductor(show: tuple[Path, Path], *words: object) -> str:
    folder, python = show
    own = {"CONDUCTOR_BLENDER": str(python), "CONDUCTOR_HOSTS": str(REPO), "CONDUCTOR_HOME": str(folder / "home")}
    own["PYTHONPATH"] = str(REPO / "core")
    command = [sys.executable, "-m", "conductor_core.cli", *map(str, words)]
    ran = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    return ran.stdout


def _seen(report: Any, name: str) -> dict[str, list[str]]:
    return {Path(entry.get("path", entry["as_written"])).name: entry["seen_by"] for entry in report[name]}


def test_both_see_the_same(show: tuple[Path, Path]) -> None:
    """Whatever is in the scene is seen by Blender and in the file, and the tree has no mark."""
    report = json.loads(_conductor(show, "scan", show[0] / "shot.blend", "--json"))
    assert _seen(report, "dependencies") == {"wood.png": ["host", "file"]}
    assert _seen(report, "missing") == {"gone.png": ["host", "file"]}
    lists = ("dependencies", "missing", "unresolved", "outputs")
    assert {tuple(entry["seen_by"]) for name in lists for entry in report[name]} == {("host", "file")}
    tree = _conductor(show, "scan", show[0] / "shot.blend")
    assert "only" not in tree
    assert "disagree" not in tree


def test_what_only_one_sees_is_marked(show: tuple[Path, Path]) -> None:
    """With a reader that overlooks the images and sees a file that Blender does not: both are kept, with a mark each."""
    words = ("scan", show[0] / "shot.blend", "--readers", show[0] / "readers")
    report = json.loads(_conductor(show, *words, "--json"))
    assert _seen(report, "dependencies") == {"wood.png": ["host"], "notes.txt": ["file"]}
    assert _seen(report, "missing") == {"gone.png": ["host"]}
    tree = _conductor(show, *words)
    assert f'{show[0] / "wood.png"}  Image "wood.png" .filepath  only Blender sees this' in tree
    assert f"{show[0] / 'notes.txt'}  Text notes  only our reading of the file sees this" in tree
    assert "disagree: 2 that only the host sees, 1 that only our reading sees" in tree


def test_a_submission_has_what_either_sees(show: tuple[Path, Path]) -> None:
    """Steps and software are Blender's; the files those of both."""
    words = ("submit", show[0] / "shot.blend", "--dry-run", "-p", "p", "-t", "t", "--allow-missing", "--no-download")
    options = ("--readers", show[0] / "readers")
    own = {"CONDUCTOR_BLENDER": str(show[1]), "CONDUCTOR_HOSTS": str(REPO), "CONDUCTOR_HOME": str(show[0] / "home")}
    command = [sys.executable, "-m", "conductor_core.cli", *map(str, (*words, *options))]
    ran = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, timeout=240, check=True)
    answer = json.loads(ran.stdout)
    assert [Path(f).name for f in answer["files"]] == ["shot.blend", "notes.txt", "wood.png"]
    assert answer["submission"]["software"]["name"] == "blender"
    assert [Path(p).name for p in answer["submission"]["allowed_missing"]] == ["gone.png"]
