"""Software that is on this machine already, so that a first `conductor serve` renders without a catalogue of its own.

Found are a `blender` program on the PATH, the Blenders that install.py put beside the clone as Python modules, Maya, Nuke and Houdini
where their installers put them, and two tools that command steps ask for by name: `oiiotool`, which comes with this Python's OpenImageIO, and `ffmpeg` on the PATH.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from conductor_core.environment import EnvironmentVariable

from conductor_service.catalogue import Package

#: where install.py puts Blender as a Python module: one virtual environment per version
INSTALLED = Path(__file__).resolve().parents[2] / ".conductor" / "blender"
#: where Autodesk's, Foundry's and SideFX's installers put their hosts on Linux
PLACES = (Path("/usr/autodesk"), Path("/usr/local"), Path("/opt"))
#: a program that takes longer than this to say its version is not used
VERSION_SECONDS = 20


@dataclass(frozen=True, slots=True)
class _Host:
    """How a host lies on a disk; its version stands in the name of its folder, so that it need not be started."""

    name: str
    launch: Literal["mayapy", "nuke", "hython"]
    #: program, as a pattern
    program: str
    #: of the folder of the installation
    folder: re.Pattern[str]
    #: of its licensing, seen by tasks where they are there
    roots: tuple[str, ...] = ()
    #: so that nobody is asked, and nothing reported, where nobody is: variables that are set to 1
    quiet: tuple[str, ...] = ()


#: of programs: `mayapy`, `Nuke15.1`; beside those may lie `Nuke15.1.desktop`
_SUFFIXES = ("", *(f".{n}" for n in range(10)))
#: https://help.autodesk.com/cloudhelp/2024/ENU/Maya-EnvVar/ ("General": MAYA_DISABLE_CER, MAYA_DISABLE_CIP, MAYA_DISABLE_CLIC_IPM)
_MAYA_QUIET = ("MAYA_DISABLE_CIP", "MAYA_DISABLE_CER", "MAYA_DISABLE_CLIC_IPM")
_HOSTS = (
    _Host(
        "maya",
        "mayapy",
        "maya*/bin/mayapy",
        re.compile(r"maya(20\d\d(?:\.\d+)*)"),
        ("/opt/Autodesk", "/var/opt/Autodesk"),
        _MAYA_QUIET,
    ),
    _Host("nuke", "nuke", "Nuke*/Nuke[0-9]*.[0-9]*", re.compile(r"Nuke(\d+\.\d+v\d+)")),
    _Host("houdini", "hython", "hfs*/bin/hython", re.compile(r"hfs(\d+\.\d+\.\d+)")),
)


def find_software(installed: Path = INSTALLED, path: str | None = None, places: tuple[Path, ...] = PLACES) -> tuple[Package, ...]:
    """Return the packages found: modules in the folder `installed`, programs on `path` (default: the PATH) and in `places`."""
    hosts = (package for row in _HOSTS for package in _installed_hosts(row, places))
    return (*_blender_modules(installed), *_blender_program(path), *hosts, *_oiiotool(), *_ffmpeg(path))


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


def _installed_hosts(host: _Host, places: tuple[Path, ...]) -> Iterator[Package]:
    for place in places:
        for program in sorted(place.glob(host.program)):
            found = host.folder.fullmatch(program.relative_to(place).parts[0])
            if found is None or not program.is_file() or program.suffix not in _SUFFIXES:
                continue
            roots = tuple(folder for folder in host.roots if os.path.isdir(folder))
            description = f"{host.name.capitalize()} at {program}"
            quiet = tuple(EnvironmentVariable(name, "1") for name in host.quiet)
            yield Package(host.name, found[1], host.launch, description, str(program), roots, quiet)


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
