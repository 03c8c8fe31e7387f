"""What tests of the hosts share: the extension's folder as a package, and a way to run scripts where Blender is."""

from __future__ import annotations

import importlib
import json
import os
import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).resolve().parents[2]
#: one bpy process must not take longer, seconds: it can hang at its end
PATIENCE = 240


@pytest.fixture(scope="session")
def blender_folder() -> Path:
    """Give the folder that is the Blender extension."""
    return REPO / "blender"


@pytest.fixture(scope="session")
def extension(blender_folder: Path) -> Callable[[str], Any]:
    """Give a function that imports a module of the extension which needs no Blender."""
    bootstrap = runpy.run_path(str(blender_folder / "bootstrap.py"))
    bootstrap["add_plugins"]()
    bootstrap["add_package"]()
    return lambda module: importlib.import_module(f"conductor_blender.{module}")


@pytest.fixture(scope="session")
def run_bpy() -> Callable[..., Any]:
    """Give a function that runs a script by an interpreter with bpy and returns the JSON it leaves in the file named last."""

    def run(command: list[str], *arguments: str) -> Any:
        answer = Path(arguments[-1])
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
        with open(f"{answer}.log", "wb") as log:
            subprocess.run(
                [*command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=PATIENCE,
                env=environment,
                check=False,
            )
        assert answer.exists(), Path(f"{answer}.log").read_text(errors="replace")[-4000:]
        return json.loads(answer.read_text(encoding="utf-8"))

    return run
