"""Nothing that another tracer finds in a scene is missed: Blender's own walk, and BAT, as oracles in processes of their own."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hosts.blender_tracers import Tracer, tracer

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
VERSION: str = runpy.run_path(str(HERE.parent / "conftest.py"))["BPY_VERSIONS"][0]
#: the newer ones want a Python 3.13 of their own with bpy 5.2 and BAT 2, which CONDUCTOR_TRACERS names where there is one
TRACERS = ("walk", "bat-1", *(("walk-5.2", "bat-2") if os.environ.get("CONDUCTOR_TRACERS") else ()))
#: scenes of ours that are told by what they are not: files that stand for something else
_NOT_SCENES = ("errors", "truth")

Report = dict[str, Any]


@pytest.fixture(params=TRACERS)
def other(request: pytest.FixtureRequest, bpy_python: Any, require: Callable[[object, str], None]) -> Tracer:
    """Give a tracer."""
    found = tracer(request.param, bpy_python, VERSION)
    require(isinstance(found, Tracer), str(found))
    assert isinstance(found, Tracer)
    return found


@pytest.fixture(scope="module")
def kinds(bpy_python: Any, require: Callable[[object, str], None], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Give the shared scene of 39 kinds."""
    scenes = Path(os.environ.get("CONDUCTOR_SCENES", REPO.parent / "shared" / "scenes"))
    maker = scenes.parent / "tools" / "make_blender_scene.py"
    require(maker.exists(), f"{maker} is not there (set CONDUCTOR_SCENES)")
    folder = tmp_path_factory.mktemp("kinds") / "s"
    subprocess.run([str(bpy_python(VERSION)), str(maker), str(folder)], capture_output=True, timeout=240, check=False)
    return [folder / "proj" / "shot.blend"]


@pytest.fixture(scope="module")
def own(bpy_python: Any, run_bpy: Any, blender_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Give the scenes of our own fixtures."""
    folder = tmp_path_factory.mktemp("own")
    command = [str(bpy_python(VERSION)), str(HERE / "blender_scenes.py")]
    run_bpy(command, str(blender_folder), str(folder / "s"), str(folder / "answer.json"))
    return sorted(s for s in (folder / "s").glob("*/scene.blend") if s.parent.name not in _NOT_SCENES)


def test_nothing_is_missed_of_39_kinds(kinds: list[Path], other: Tracer, bpy_python: Any) -> None:
    """Each path that the tracer lists is in the report: found, missing, or set aside with a reason."""
    assert missed(kinds, other, bpy_python) == {}


def test_nothing_is_missed_in_our_own_scenes(own: list[Path], other: Tracer, bpy_python: Any) -> None:
    """The same for the scenes with traps."""
    assert len(own) > 10
    assert missed(own, other, bpy_python) == {}


def missed(scenes: Sequence[Path], other: Tracer, bpy_python: Any) -> dict[str, list[str]]:
    """Return what only the tracer lists, by scene."""
    listed = other.listed(scenes)
    assert listed
    found = {
        scene: [p for p in sorted(set(paths)) if not told(p, described(Path(scene), bpy_python))]
        for scene, paths in listed.items()
    }
    return {scene: paths for scene, paths in found.items() if paths}


def described(scene: Path, bpy_python: Any) -> Report:
    """Return our report on a scene, made once."""
    out = scene.with_suffix(".report.json")
    if not out.exists():
        command = [
            str(bpy_python(VERSION)),
            str(REPO / "blender" / "ask.py"),
            "describe",
            "--scene",
            str(scene),
            "--out",
            str(out),
        ]
        subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=240, check=True)
    report: Report = json.loads(out.read_text(encoding="utf-8"))["report"]
    return report


def told(path: str, report: Report) -> bool:
    """Tell whether a report speaks of a path, or of the folder or sequence that it is of."""
    if not path:
        return True
    path = os.path.normpath(path.replace("\\", "/"))
    plain = {report["scene"], *(m["path"] for m in report["missing"])}
    for dependency in report["dependencies"]:
        plain.update((dependency["path"], *dependency["files"]))
    if path in plain or any(_is_of(path, known) for known in plain):
        return True
    # ignored ones are told by what stands in the scene
    asides = [
        os.path.basename(e["as_written"].replace("\\", "/").rstrip("/")) for e in (*report["ignored"], *report["unresolved"])
    ]
    return os.path.basename(path) in asides


def _is_of(path: str, known: str) -> bool:
    """Tell whether a path is of a folder that is known, the folder of files that are, or one of a sequence."""
    known = re.sub(r"^([A-Za-z]):/", lambda m: f"/{m[1].lower()}/", known)  # as a Blender that is not on Windows says it
    if path.startswith(f"{known}/") or known.startswith(f"{path}/"):
        return True
    pattern = re.sub(r"(\\#)+", r"\\d+", re.escape(known)).replace("<UDIM>", r"\d{4}").replace("<UVTILE>", r"u\d+_v\d+")
    return re.fullmatch(pattern, path) is not None
