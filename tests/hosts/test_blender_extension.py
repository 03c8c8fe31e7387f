"""The extension as it is packed: the same bytes each time, good manners by Blender's own check, and all the way to frames at home."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hosts.blender_farm import Farm, farm

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
_SHARED = runpy.run_path(str(HERE.parent / "conftest.py"))
VERSIONS: tuple[str, ...] = _SHARED["BPY_VERSIONS"] if os.environ.get("CI") == "true" else _SHARED["BPY_VERSIONS"][:1]
BUILD: Callable[[Path], Path] = runpy.run_path(str(REPO / "blender" / "build_extension.py"))["build"]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the zip."""
    return BUILD(tmp_path_factory.mktemp("zip"))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """Give a service, and an artist who is logged in."""
    with farm(tmp_path_factory.mktemp("farm")) as running:
        yield running


def test_the_same_folder_gives_the_same_bytes(packed: Path, tmp_path: Path) -> None:
    """Names are sorted and times fixed, in the zip and in the wheels within."""
    assert BUILD(tmp_path).read_bytes() == packed.read_bytes()


def test_what_is_packed_is_what_a_host_imports(packed: Path, tmp_path: Path) -> None:
    """No agent, no CLI, no service, nothing compiled; each module of it can be imported with nothing else on the path."""
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path)
    wheels = sorted((tmp_path / "conductor" / "wheels").iterdir())
    names = [name for wheel in wheels for name in zipfile.ZipFile(wheel).namelist()]
    assert not [n for n in names if n.endswith((".so", ".pyd")) or n.startswith("conductor_service")]
    assert not [n for n in names if n.split("/")[:2] in (["conductor_core", "cli"], ["conductor_core", "agent"])]
    modules = [
        n[:-3].replace("/", ".").removesuffix(".__init__") for n in names if n.startswith("conductor_core/") and n[-3:] == ".py"
    ]
    code = f"import sys; sys.path[:0] = {[str(w) for w in wheels]!r}\nfor m in {modules!r}: __import__(m)\nprint('all')"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "all\n", done.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_blenders_own_check_accepts_it(version: str, packed: Path, bpy_python: Any) -> None:
    """`blender --command extension validate`, by the script that runs it."""
    python = bpy_python(version)
    (script,) = python.parents[1].glob("**/bl_pkg/cli/blender_ext.py")
    done = subprocess.run([str(python), str(script), "validate", str(packed)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_from_the_zip_to_the_frames_at_home(
    version: str, packed: Path, service: Farm, bpy_python: Any, run_bpy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed in an empty Blender, opened, filled in, submitted to a real service; uninstalled, it leaves nothing behind."""
    python = str(bpy_python(version))
    scene = tmp_path / "show" / "shot.blend"
    subprocess.run([python, str(HERE / "blender_shot.py"), str(scene)], capture_output=True, timeout=200, check=True)
    for name in [n for n in os.environ if n.startswith(("CONDUCTOR_H", "PYTHONPATH"))]:
        monkeypatch.delenv(name)
    for name, value in {
        "BLENDER_USER_RESOURCES": str(tmp_path / "user"),
        "CONDUCTOR_HOME": str(service.home),
        "CONDUCTOR_QT": str(service.qt),
        "QT_QPA_PLATFORM": "offscreen",
    }.items():
        monkeypatch.setenv(name, value)
    command = [python, str(HERE / "blender_panel_session.py")]
    answer = run_bpy(command, str(packed), str(scene), str(tmp_path / "answer.json"))
    assert [severity for severity, _ in answer.pop("problems") if severity == "error"] == []
    assert answer == {
        "enabled": True,
        "violations": [],
        "operator": ["FINISHED"],
        "form": ["2-3", "this-machine"],
        "frames": ["shot_0002.png", "shot_0003.png"],
        "scene_untouched": True,
        "closed": True,
        "gone": True,
        "left": [],
    }
