"""The agent's and the CLI's own environment, and the packages that hosts need: third-party code only.

Our own code is read from the installed version (`versions/…`) by way of one `.pth` file, so that an upgrade is one rename, and
an agent or host that runs goes on with what it has loaded.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import stat
import subprocess
import sys
from pathlib import Path, PureWindowsPath

from installer.changes import remove_folders, write_aside
from installer.core import user_folders
from installer.environments import Environment, make
from installer.errors import InstallError
from installer.places import Places, interpreter

_MEGABYTE = 1_000_000
COMMAND_FILE = "agent-command.json"


def environment(places: Places, location: Path) -> Environment:
    """Return the environment of agent, CLI and the panel in a process of its own, by a name that its pins give it."""
    files = tuple(places.requirements(name) for name in ("agent", "host", "qt"))
    pins = hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:12]
    return Environment(location / "env" / pins, "The agent's environment", files, size=800 * _MEGABYTE)


def packer(location: Path) -> Environment:
    """Return an environment that has pip alone, where that of the agent is not made: it unpacks what hosts need."""
    return Environment(location / "env" / "pip", "pip", (), size=50 * _MEGABYTE)


def make_packages(places: Places, location: Path, python: Path, *, qt: bool) -> Path:
    """Put what hosts import beside us into folders of their own; return that of the pure-Python packages.

    Raises:
        InstallError: no disk or network.
    """
    site = Environment(location / "site", "Packages for hosts", (places.requirements("host"),), bare=True, python=python)
    make(site)
    if qt:
        pinned = places.requirements("qt")
        make(Environment(location / "qt", "Qt for hosts", (pinned,), bare=True, python=python, size=400 * _MEGABYTE))
    return site.folder


def lead_to(python: Path, target: Path) -> None:
    """Have an environment read our code from an installed version.

    Raises:
        InstallError: the environment does not start, or cannot be written.
    """
    asked = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True, check=False
    )
    if asked.returncode != 0:
        raise InstallError(f"{python} does not start: remove {python.parents[1]} and run the same command again.")
    # as code in ASCII: Python reads such a file by the user's code page, in which not every folder has a name
    folders = ", ".join(ascii(str(target / part)) for part in ("core", "plugins"))
    _write(Path(asked.stdout.strip()) / "conductor.pth", f"import sys; sys.path += [{folders}]\n")


def write_command(location: Path, python: Path) -> Path:
    """Write the program `conductor` of this installation, and the note by which hosts start the agent; return the program."""
    note = {"command": [str(python), "-m", "conductor_core.cli", "agent"], "python_path": ""}
    _write(location / COMMAND_FILE, json.dumps(note, indent=1))
    if sys.platform == "win32":
        program = location / "bin" / "conductor.bat"
        # from its own folder: cmd reads the file by another code page than ours, and takes percent signs for its own
        _write(program, f'@"%~dp0..\\{PureWindowsPath(python.relative_to(location))}" -m conductor_core.cli %*\r\n')
    else:
        program = location / "bin" / "conductor"
        if _write(program, f'#!/bin/sh\nexec {shlex.quote(str(python))} -m conductor_core.cli "$@"\n'):
            program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return program


def _write(file: Path, text: str) -> bool:
    """Write a file unless it is as it should be (the location may be a share that only others write to); tell whether it was."""
    try:
        if file.read_bytes() == text.encode():
            return False
    except FileNotFoundError:
        pass
    file.parent.mkdir(exist_ok=True)
    write_aside(file, text.encode())
    return True


def note_for_user(python: Path) -> None:
    """Tell this user's hosts which agent to start."""
    code = "from conductor_core.agent_start import record_agent_command as r; from conductor_core.user_folders import user_folders as u; r(u())"
    subprocess.run([python, "-c", code], check=True)


def end_agent(location: Path) -> None:
    """End this user's agent if it runs from a location that goes away, and take back what was noted of it."""
    note = user_folders().config / COMMAND_FILE
    try:
        program = Path(json.loads(note.read_bytes())["command"][0])
    except (OSError, ValueError, LookupError, TypeError):
        return
    if location in program.parents:
        subprocess.run([program, "-m", "conductor_core.cli", "agent", "--stop"], capture_output=True, check=False, timeout=60)
        note.unlink(missing_ok=True)
        remove_folders([note.parent])


def python_of(environment: Environment) -> Path:
    """Return an environment's interpreter."""
    return interpreter(environment.folder)
