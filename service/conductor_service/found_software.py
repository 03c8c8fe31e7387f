"""Software that is on this machine already, so that a first `conductor serve` renders without a catalogue of its own.

Found are a `blender` program on the PATH, the Blenders that install.py put beside the clone as Python modules, and two tools that
command steps ask for by name: `oiiotool`, which comes with this Python's OpenImageIO, and `ffmpeg` on the PATH.
Whatever a catalogue names itself takes precedence.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from conductor_service.catalogue import Package

#: where install.py puts Blender as a Python module: one virtual environment per version
INSTALLED = Path(__file__).resolve().parents[2] / ".conductor" / "blender"
#: a program that takes longer than this to say its version is not used
VERSION_SECONDS = 20


def find_software(installed: Path = INSTALLED, path: str | None = None) -> tuple[Package, ...]:
    """Return the packages found: modules in the folder `installed`, programs on `path` (default: the PATH)."""
    return (*_blender_modules(installed), *_blender_program(path), *_oiiotool(), *_ffmpeg(path))


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
    said = re.search(r"^Blender (\d+\.\d+(?:\.\d+)?)", _said(program, "--version"), re.MULTILINE) if program else None
    if program and said:
        folder = os.path.dirname(os.path.realpath(program))
        yield Package("blender", said[1], "blender-binary", f"Blender at {program}", program, (folder,))


def _oiiotool() -> Iterator[Package]:
    program = Path(sys.executable).with_name("oiiotool")
    if program.exists():
        version = importlib.metadata.version("OpenImageIO")
        yield Package("oiiotool", version, description="OpenImageIO's tool for pictures", executable=str(program))


def _ffmpeg(path: str | None) -> Iterator[Package]:
    program = shutil.which("ffmpeg", path=path)
    said = re.match(r"ffmpeg version n?(\d+\.\d+(?:\.\d+)?)", _said(program, "-version")) if program else None
    if program and said:
        yield Package("ffmpeg", said[1], description=f"FFmpeg at {program}", executable=program)


def _said(program: str, word: str) -> str:
    """Return what a program says of its version; nothing where it says none in time."""
    try:
        asked = subprocess.run(
            [program, word], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=VERSION_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout
