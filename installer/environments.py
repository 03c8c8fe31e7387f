"""Virtual environments, made once and repaired when a run was interrupted.

An environment is ready when its stamp holds the fingerprint of what was asked for; the stamp is written last, so an
interrupted run leaves none and the next run goes on: pip keeps what is whole, and an environment whose pip does not
start is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from installer.errors import InstallError
from installer.places import here, interpreter

#: what pip says when the network, not a package, is the trouble (an index out of reach offers no version at all)
_NETWORK = re.compile(
    r"NewConnectionError|Name or service not known|Temporary failure in name resolution|Network is unreachable"
    r"|Connection refused|Max retries exceeded|ReadTimeout|ConnectTimeout|ProxyError|from versions: none",
)
_FETCHING = re.compile(r"^\s*Downloading (\S+?)(?: \(([^)]+)\))?$")
_PROGRESS = re.compile(r"^Progress (\d+) of (\d+)$")


@dataclass(frozen=True)
class Environment:
    """What one virtual environment must hold."""

    folder: Path
    #: what people call it, for the progress lines
    title: str
    requirements: tuple[Path, ...]
    #: a folder to install as it is (editable), or None
    project: Path | None = None
    #: put the packages into the folder itself (pip's --target) and make no environment of it
    bare: bool = False
    #: bytes on disk, roughly, when complete
    size: int = 0
    python: Path = Path(sys.executable)

    @property
    def stamp(self) -> Path:
        """The file that says it is complete."""
        return self.folder / "conductor-ready"

    def fingerprints(self) -> list[str]:
        """Return one digest for each thing that decides what is installed."""
        where = f"{self.folder} {self.python}"
        contents = [f.read_bytes() for f in self.requirements]
        if self.project:
            contents.append((self.project / "pyproject.toml").read_bytes())
        return [hashlib.sha256(where.encode() + c).hexdigest() for c in contents]

    def is_ready(self) -> bool:
        """Tell whether nothing needs to be done: an environment made for more serves for less."""
        try:
            stamped = self.stamp.read_text().split()
        except OSError:
            return False
        return (self.bare or interpreter(self.folder).exists()) and set(self.fingerprints()) <= set(stamped)


def make(environment: Environment) -> bool:
    """Make or repair an environment; return False when it was ready.

    Raises:
        InstallError: no disk, no network, or a package that cannot be had.
    """
    if environment.is_ready():
        return False
    check_disk(environment.folder.parent, environment.size)
    environment.folder.parent.mkdir(parents=True, exist_ok=True)
    environment.stamp.unlink(missing_ok=True)
    print(f"{environment.title}: installing into {environment.folder}", flush=True)
    if environment.bare:
        return _make_bare(environment)
    if not _pip_works(environment.folder):
        _create(environment)
    for file in environment.requirements:
        _pip(environment, ["install", "--requirement", str(file)])
    if environment.project:
        _pip(environment, ["install", "--no-build-isolation", "--no-deps", "--editable", str(environment.project)])
    _stamp(environment)
    return True


def _make_bare(environment: Environment) -> bool:
    """Put packages into a folder, by the pip of the environment that `environment.python` is in."""
    shutil.rmtree(environment.folder, ignore_errors=True)
    for file in environment.requirements:
        words = ["install", "--no-deps", "--no-compile", "--target", str(environment.folder), "--requirement", str(file)]
        _pip(environment, words, python=environment.python)
    _stamp(environment)
    return True


def _stamp(environment: Environment) -> None:
    partial = environment.stamp.with_suffix(".partial")
    partial.write_text("\n".join(environment.fingerprints()))
    os.replace(partial, environment.stamp)


def check_disk(folder: Path, needed: int) -> None:
    """Refuse to start what the disk cannot hold.

    Raises:
        InstallError: less than `needed` bytes are free where `folder` is or will be.
    """
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise InstallError(
            f"The disk of {existing} has {free / 1e9:.1f} GB free and this needs {needed / 1e9:.1f} GB:"
            " free some space, or put the clone on another disk, then run the same command again."
        )


def _pip_works(folder: Path) -> bool:
    python = interpreter(folder)
    if not python.exists():
        return False
    asked = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
    return asked.returncode == 0


def _create(environment: Environment) -> None:
    shutil.rmtree(environment.folder, ignore_errors=True)
    made = subprocess.run(
        [environment.python, "-m", "venv", str(environment.folder)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        shutil.rmtree(environment.folder, ignore_errors=True)
        if "No space left" in made.stdout + made.stderr:
            raise InstallError(f"The disk is full at {environment.folder}: free some space and run the same command again.")
        raise InstallError(
            f"{environment.python} cannot make a virtual environment ({_last_line(made.stdout + made.stderr)}):"
            " on Debian, apt-get install python3.11-venv, then run the same command again."
        )
    _pip(environment, ["install", "--requirement", str(here().requirements("pip"))])


def _pip(environment: Environment, words: list[str], *, python: Path | None = None) -> None:
    command = [str(python or interpreter(environment.folder)), "-m", "pip", "--disable-pip-version-check", *words, "--no-input"]
    if _has_raw_progress(python.parents[1] if python else environment.folder):
        command += ["--progress-bar", "raw"]
    log: list[str] = []
    with _running(command) as lines:
        for line in lines:
            log.append(line)
            _show(line)
    if log and log[-1].startswith("exit "):
        _explain(environment, log)


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[Iterator[str]]:
    """Give the lines a program prints; a last line `exit N` follows when it fails."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as process:

        def lines() -> Iterator[str]:
            for line in process.stdout or ():
                yield line.rstrip("\n")
            if process.wait() != 0:
                yield f"exit {process.returncode}"

        try:
            yield lines()
        finally:
            if process.poll() is None:
                process.terminate()


def _has_raw_progress(folder: Path) -> bool:
    """Tell whether this pip (24.1 and later) can report progress to a program."""
    found = [*folder.glob("lib/python*/site-packages/pip-*.dist-info"), *folder.glob("Lib/site-packages/pip-*.dist-info")]
    return any(p.name >= "pip-24.1" for p in found)


def _show(line: str) -> None:
    fetching, progress = _FETCHING.match(line), _PROGRESS.match(line)
    if fetching:
        size = f" ({fetching[2]})" if fetching[2] else ""
        print(f"  downloading {fetching[1].rpartition('/')[2]}{size}", flush=True)
    elif progress and int(progress[2]) > 20_000_000:
        _show_fraction(int(progress[1]), int(progress[2]))
    elif line.startswith("Installing collected packages"):
        print("  unpacking", flush=True)


_shown = {"tenth": -1}


def _show_fraction(done: int, total: int) -> None:
    """Show how far a large download is: every tenth of it is one line, so that a log stays readable too."""
    tenth = done * 10 // max(total, 1)
    if tenth != _shown["tenth"]:
        _shown["tenth"] = tenth
        print(f"    {tenth * 10:3d} %  {done / 1e6:.0f} of {total / 1e6:.0f} MB", flush=True)


def _explain(environment: Environment, log: list[str]) -> None:
    text = "\n".join(log)
    if "No space left on device" in text:
        raise InstallError(f"The disk is full at {environment.folder}: free some space and run the same command again.")
    if _NETWORK.search(text):
        raise InstallError(
            "The Python package index cannot be reached: check the network (and PIP_INDEX_URL or the proxy, if you use one),"
            " then run the same command again; what is already there is kept."
        )
    errors = [line for line in log if line.startswith("ERROR") and "Ignored" not in line][-2:] or log[-3:-1]
    raise InstallError(f"{environment.title} could not be installed: {' '.join(errors)[:500]}")


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"
