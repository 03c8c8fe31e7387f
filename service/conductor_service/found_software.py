"""Software that is on this machine already, so that a first `conductor serve` renders without a catalogue of its own.

Found are a `blender` program on the PATH and the Blenders that install.py put beside the clone as Python modules.
Whatever a catalogue names itself takes precedence.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from conductor_service.catalogue import Package

#: where install.py puts Blender as a Python module: one virtual environment per version
INSTALLED = Path(__file__).resolve().parents[2] / ".conductor" / "blender"
#: a Blender that takes longer than this to say its version is not used
VERSION_SECONDS = 20


def find_software(installed: Path = INSTALLED, path: str | None = None) -> tuple[Package, ...]:
    """Return the packages found: modules in the folder `installed`, programs on `path` (default: the PATH)."""
    return (*_blender_modules(installed), *_blender_program(path))


def _blender_modules(installed: Path) -> Iterator[Package]:
    for info in sorted(installed.glob("*/lib/python3.*/site-packages/bpy-*.dist-info")):
        environment = info.parents[3]
        python = environment / "bin" / "python"
        if python.exists():
            base = Path(os.path.realpath(python)).parents[1]
            version = info.name.removeprefix("bpy-").removesuffix(".dist-info")
            roots = tuple(dict.fromkeys((str(environment), str(base))))
            yield Package("blender", version, "bpy-module", "Blender as a Python module", str(python), roots)


def _blender_program(path: str | None) -> Iterator[Package]:
    program = shutil.which("blender", path=path)
    if program is None:
        return
    try:
        asked = subprocess.run(
            [program, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=VERSION_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return
    said = re.search(r"^Blender (\d+\.\d+(?:\.\d+)?)", asked.stdout, re.MULTILINE)
    if said:
        folder = os.path.dirname(os.path.realpath(program))
        yield Package("blender", said[1], "blender-binary", f"Blender at {program}", program, (folder,))
