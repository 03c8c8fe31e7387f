"""The demo's production, and the extension as an artist installs it."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
_SHARED = runpy.run_path(str(HERE.parent / "conftest.py"))
VERSIONS: tuple[str, ...] = _SHARED["BPY_VERSIONS"] if os.environ.get("CI") == "true" else _SHARED["BPY_VERSIONS"][:1]


@pytest.fixture(scope="module")
def python(bpy_python: Any) -> str:
    """Give the interpreter of the first Blender."""
    return str(bpy_python(VERSIONS[0]))


@pytest.fixture(scope="module")
def production(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the production once."""
    folder = tmp_path_factory.mktemp("demo") / "production"
    assert make(python, folder)["scene"] == str(folder / "shots" / "sh010" / "shot.blend")
    return folder


def make(python: str, folder: Path, *options: str) -> dict[str, str]:
    """Run production.py; return what its last line says."""
    command = [python, str(REPO / "demo" / "production.py"), str(folder), *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return answer


def describe(python: str, scene: Path, out: Path) -> Any:
    """Describe a scene by ask.py."""
    command = [python, str(REPO / "blender" / "ask.py"), "describe", "--scene", str(scene), "--out", str(out)]
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=200, check=True)
    return json.loads(out.read_text(encoding="utf-8"))


def test_the_production_has_every_kind_it_promises(python: str, production: Path, tmp_path: Path) -> None:
    """A library with textures of its own, tiles, a sequence, an HDRI; nothing missing, all relative, all in the folder."""
    described = describe(python, production / "shots" / "sh010" / "shot.blend", tmp_path / "a.json")
    report = described["report"]
    files = {d["as_written"]: len(d["files"]) for d in report["dependencies"]}
    assert files == {
        "//../../assets/vase/prop.blend": 1,
        "//textures/glaze_color.png": 1,
        "//textures/glaze_roughness.png": 1,
        "//../../assets/textures/terrazzo.<UDIM>.png": 4,
        "//../../assets/sequences/aurora/aurora.0001.png": 8,
        "//../../assets/hdri/studio.exr": 1,
    }
    assert not report["missing"]
    assert not report["unresolved"]
    on_disk = {str(p) for p in production.rglob("*") if p.is_file()}
    assert on_disk == {f for d in report["dependencies"] for f in d["files"]} | {report["scene"]}
    assert described["frames"] == "1-8"
    (output,) = described["steps"][0]["outputs"]
    assert (output["width"], output["height"], output["layers"]) == (960, 540, ["ViewLayer.Combined"])
    assert output["path"] == str(production / "shots" / "sh010" / "render" / "shot_####.exr")


def test_nothing_stays_in_the_temporary_folder(
    python: str, production: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan leaves no folder of Blender's behind, although it ends the process before Blender can."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    for name in ("TMPDIR", "TMP", "TEMP"):
        monkeypatch.setenv(name, str(temporary))
    describe(python, production / "shots" / "sh010" / "shot.blend", tmp_path / "a.json")
    assert list(temporary.iterdir()) == []


def test_a_renamed_texture_is_the_same_bytes_elsewhere(python: str, production: Path, tmp_path: Path) -> None:
    """After `--rename-texture`, in a copy of the folder, one path differs and no content but the shot's."""
    moved = tmp_path / "elsewhere" / "production"
    shutil.copytree(production, moved)
    make(python, moved, "--rename-texture")
    before, after = (
        {p.relative_to(f).as_posix(): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in (production, moved)
    )
    assert set(before) - set(after) == {"assets/hdri/studio.exr"}
    assert set(after) - set(before) == {"assets/hdri/studio_renamed.exr"}
    assert after["assets/hdri/studio_renamed.exr"] == before["assets/hdri/studio.exr"]
    assert {p for p in set(before) & set(after) if before[p] != after[p]} == {"shots/sh010/shot.blend"}
    report = describe(python, moved / "shots" / "sh010" / "shot.blend", tmp_path / "a.json")["report"]
    assert not report["missing"]
    assert all(f.startswith(str(moved)) for d in report["dependencies"] for f in d["files"])


@pytest.mark.parametrize("version", VERSIONS)
def test_the_folder_is_the_extension(
    version: str,
    bpy_python: Any,
    run_bpy: Any,
    production: Path,
    blender_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Zipped and installed through Blender's own installer it runs its operator, and leaves nothing when disabled."""
    packed = tmp_path / "conductor.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in blender_folder.iterdir():
            if file.is_file():
                archive.write(file, file.name)
    monkeypatch.setenv("BLENDER_USER_RESOURCES", str(tmp_path / "user"))
    monkeypatch.setenv("CONDUCTOR_CORE", str(REPO / "core"))
    scene = production / "shots" / "sh010" / "shot.blend"
    command = [str(bpy_python(version)), str(HERE / "blender_extension.py")]
    answer = run_bpy(command, str(packed), str(scene), str(tmp_path / "answer.json"))
    assert answer == {
        "installed": ["FINISHED"],
        "enabled": True,
        "before_saving": False,
        "result": ["FINISHED"],
        "summary": ["17 files found, 0 missing"],
        "gone": True,
    }
