"""Find the installed applications: standard places, the variables that name others, and the PATH."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from conductor_core.applications.machine import Machine
from conductor_core.applications.places import HOSTS, STANDARD, HostName, Standard

#: asks a program for its version, "" where it does not say
AskVersion = Callable[[str], str]

_VERSION = re.compile(r"\d+\.\d+(?:\.\d+|v\d+)?")
#: seconds; a program on a network share may take its time
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Application:
    """One installed version of a host."""

    host: HostName
    #: as far as it is known without a start: `2025`, `15.1v3`, `20.5.332`, `4.2`; "": not known
    version: str
    program: str

    @property
    def title(self) -> str:
        """The name people use."""
        return f"{self.host.capitalize()} {self.version}".rstrip()

    @property
    def series(self) -> str:
        """The part of the version that names the user's folders: `2025`, `15.1`, `20.5`, `4.2`."""
        found = re.match(r"\d+" if self.host == "maya" else r"\d+\.\d+|\d+", self.version)
        return found[0] if found else ""


def find_applications(machine: Machine, *, ask: AskVersion | None = None) -> tuple[Application, ...]:
    """Return all that are found, each program once, newest version of each host first.

    `ask` is called for a program whose place does not tell its version.
    """
    ask = ask or program_version
    found: dict[str, Application] = {}
    for host in HOSTS:
        standard = STANDARD.get((host, machine.platform))
        if standard is None:
            continue
        for program in _programs(machine, standard):
            real = _real(machine, program)
            if real in found or not _is_program(machine, host, program):
                continue
            told = standard.version.search(real) or standard.version.search(program)
            found[real] = Application(host, told[1] if told else ask(program), program)
    return tuple(sorted(found.values(), key=lambda a: (HOSTS.index(a.host), [-n for n in _numbers(a.version)], a.program)))


def program_version(program: str) -> str:
    """Ask a program for its version by `--version` (Blender); "" where it does not start or say."""
    try:
        asked = subprocess.run(
            [program, "--version"], capture_output=True, text=True, errors="replace", timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    version = _VERSION.search(asked.stdout)
    return version[0] if version else ""


def _programs(machine: Machine, standard: Standard) -> Iterator[str]:
    for variable, inside in standard.named_by:
        if folder := machine.environ.get(variable, ""):
            yield from machine.found(machine.join(folder, inside))
    for pattern in standard.programs:
        yield from machine.found(machine.join(machine.home, pattern[2:]) if pattern.startswith("~/") else pattern)
    separator = ";" if machine.platform == "win32" else ":"
    for folder in machine.environ.get("PATH", "").split(separator):
        if folder and machine.path(folder).is_absolute():
            for name in standard.on_path:
                # a pattern's signs in a folder's name are no pattern
                if machine.exists(machine.join(folder, name)):
                    yield machine.join(folder, name)


def _is_program(machine: Machine, host: str, program: str) -> bool:
    """Tell whether it is a file that looks like the program: beside `Nuke15.1` lie libraries that begin with the same letters."""
    if not machine.local(program).is_file():
        return False
    name = machine.path(program).name
    return host != "nuke" or re.fullmatch(r"Nuke\d+\.\d+(?:\.exe)?|Nuke", name) is not None


def _real(machine: Machine, program: str) -> str:
    """Return the program without links, where the disk is the real one."""
    return str(machine.local(program).resolve()) if machine.disk is None else program


def _numbers(version: str) -> list[int]:
    return [int(n) for n in re.findall(r"\d+", version)]
