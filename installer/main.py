"""The commands of install.py."""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

from installer import applications_command, checks, system_packages
from installer.environments import Environment, check_disk, make
from installer.errors import InstallError
from installer.places import BLENDER_VERSIONS, Places, here, interpreter
from installer.pythons import find_python

GIGABYTE = 1_000_000_000


def main(words: list[str]) -> int:
    """Run a command of install.py and return the exit code."""
    arguments = _parse(words)
    try:
        return int(arguments.run(arguments))
    except InstallError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\n{error.filename or error}: {error.strerror}. Mend that and run the same command again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted: run the same command again, it goes on where it stopped.", file=sys.stderr)
        return 130


def _parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="install.py", description="Set Conductor up, show it, or test it.")
    commands = parser.add_subparsers(required=True, metavar="demo|test|setup|hosts|install|remove")
    demo = commands.add_parser("demo", help="render a real Blender scene on two local instances and bring its frames home")
    demo.add_argument("--keep", action="store_true", help="leave the service running, to look around in the dashboard")
    demo.add_argument("--folder", help="where the demo's production is built (default: .conductor/demo)")
    demo.set_defaults(run=_demo)
    test = commands.add_parser("test", help="run every check and test; with CI=true the full run")
    test.add_argument("pytest", nargs="*", help="words for pytest, to run a part: tests/core -k frames")
    test.set_defaults(run=_test)
    setup = commands.add_parser("setup", help="only install: the environment of agent, CLI and service, and Blender")
    setup.set_defaults(run=_setup)
    applications_command.add_commands(commands)
    return parser.parse_args(words)


def _demo(arguments: argparse.Namespace) -> int:
    places = here()
    _install(places, requirements=("runtime",), blenders=BLENDER_VERSIONS[:1])
    command = [str(interpreter(places.environment)), str(places.repo / "demo" / "run.py")]
    command += ["--blender", str(interpreter(places.blender(BLENDER_VERSIONS[0])))]
    command += ["--folder", arguments.folder or str(places.home / "demo")]
    command += ["--keep"] if arguments.keep else []
    return _run_until_done(command, places.repo)


def _setup(_: argparse.Namespace) -> int:
    places = here()
    _install(places, requirements=("runtime",), blenders=BLENDER_VERSIONS[:1])
    print(f"Ready: {interpreter(places.environment).with_name('conductor')} --help")
    return 0


def _test(arguments: argparse.Namespace) -> int:
    places = here()
    full = checks.full_run()
    tcl = system_packages.TCL if importlib.util.find_spec("_tkinter") is None else ()
    system_packages.ensure((*system_packages.PANEL, *tcl, *(system_packages.FULL_RUN if full else ())))
    _install(places, requirements=("runtime", "host", "qt", "dev"), blenders=BLENDER_VERSIONS if full else BLENDER_VERSIONS[:1])
    core_pythons = {}
    for version in checks.OTHER_PYTHONS if full else ():
        core_pythons[version] = _core_environment(places, version, checks.require_python(version, find_python(version)))
    if full:
        stubs = (places.requirements("stubs-maya-strict"),)
        make(Environment(places.maya_strict, "A second opinion on Maya's calls", stubs, size=GIGABYTE // 10))
        make(
            Environment(
                places.oracle, "Another tracer, to compare with", (places.requirements("oracle-bat"),), size=GIGABYTE // 5
            )
        )
    qt5 = _qt5_environment(places) if full else None
    return checks.run_checks(places, core_pythons, arguments.pytest, qt5=qt5)


def _install(places: Places, *, requirements: tuple[str, ...], blenders: tuple[str, ...]) -> None:
    """Make all that a command needs; what is there already costs nothing."""
    began = time.monotonic()
    packages: tuple[str, ...] = system_packages.RENDERING
    if importlib.util.find_spec("ensurepip") is None:
        packages += system_packages.VENV
    system_packages.ensure(packages)
    wanted = [
        Environment(
            places.environment,
            "Python environment",
            tuple(places.requirements(r) for r in requirements),
            project=places.repo,
            size=GIGABYTE,
        ),
        *(
            Environment(
                places.blender(v), f"Blender {v} (about 350 MB)", (places.requirements(f"blender-{v}"),), size=3 * GIGABYTE // 2
            )
            for v in blenders
        ),
    ]
    missing = [e for e in wanted if not e.is_ready()]
    check_disk(places.repo, sum(e.size for e in missing))
    for number, environment in enumerate(missing, 1):
        print(f"[{number}/{len(missing)}] ", end="")
        make(environment)
    if missing:
        print(f"Installed in {time.monotonic() - began:.0f} s.\n", flush=True)


def _core_environment(places: Places, version: str, python: Path) -> Path:
    folder = places.home / "python" / version
    make(Environment(folder, f"Python {version}", (places.requirements("core-tests"),), size=GIGABYTE // 5, python=python))
    return folder


def _qt5_environment(places: Places) -> Path:
    """Make the environment in which the panel is tested as it is in hosts with Qt 5."""
    version = checks.QT5_PYTHON
    python = checks.require_python(version, find_python(version))
    folder = places.home / "python" / f"{version}-qt5"
    make(
        Environment(
            folder, f"Python {version} with Qt 5", (places.requirements("panel-tests-qt5"),), size=GIGABYTE, python=python
        )
    )
    return folder


def _run_until_done(command: list[str], folder: Path) -> int:
    """Run a program to its end; Ctrl-C reaches it too, and it is given the time to clean up."""
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
