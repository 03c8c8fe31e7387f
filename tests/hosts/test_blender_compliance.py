"""Blender keeps every promise of a host: the compliance suite, run in real Blenders."""

from __future__ import annotations

import os
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
_SHARED = runpy.run_path(str(HERE.parent / "conftest.py"))
VERSIONS: tuple[str, ...] = _SHARED["BPY_VERSIONS"] if os.environ.get("CI") == "true" else _SHARED["BPY_VERSIONS"][:1]
#: the `blender` on the PATH, with its window
PROGRAM = "program"


@pytest.fixture(scope="module", params=(*VERSIONS, PROGRAM))
def outcomes(
    request: pytest.FixtureRequest, bpy_python: Any, run_bpy: Any, require: Any, blender_folder: Path, tmp_path_factory: Any
) -> list[dict[str, str]]:
    """Run all checks in one process."""
    folder = tmp_path_factory.mktemp(f"compliance-{request.param}")
    script = str(HERE / "blender_compliance.py")
    if request.param == PROGRAM:
        require(shutil.which("blender") and shutil.which("xvfb-run"), "blender or xvfb-run is not on the PATH")
        command = ["xvfb-run", "-a", "blender", "--factory-startup", "--python", script, "--"]
    else:
        command = [str(bpy_python(request.param)), script]
    found: list[dict[str, str]] = run_bpy(command, str(blender_folder), str(folder / "checks"), str(folder / "answer.json"))
    return found


def test_every_promise_of_a_host_is_kept(outcomes: list[dict[str, str]]) -> None:
    """No check finds anything else than what is promised."""
    assert len(outcomes) >= 20
    broken = {outcome["name"]: outcome["problem"] for outcome in outcomes if outcome["problem"]}
    assert broken == {}


def test_every_promise_was_tried(outcomes: list[dict[str, str]]) -> None:
    """Undo works in Blender without a window, too: nothing is left untried."""
    assert [(outcome["name"], outcome["untried"]) for outcome in outcomes if outcome["untried"]] == []
