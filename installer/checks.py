"""The checks and tests behind `python3 install.py test`: the same ones that CI runs."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from installer.errors import InstallError
from installer.places import Places, interpreter

#: per cent of lines that the tests must reach
COVERAGE_FLOORS = {
    "core": ("core/conductor_core/*", 95),
    "plugins": ("plugins/conductor_plugins/*", 90),
    "service": ("service/conductor_service/*", 90),
}
#: what of the core runs on the other Pythons too: all but what needs the service
OTHER_PYTHONS = ("3.10", "3.13")
#: of the hosts that have Qt 5: Maya 2024, Nuke 15, Houdini 20
QT5_PYTHON = "3.10"
#: what is tested of Maya, Nuke and Houdini as it is in those of their versions that have Python 3.10 and Qt 5
QT5_HOST_TESTS = ("compliance", "docking", "entry", "menu", "module", "host")


@dataclass(frozen=True)
class Check:
    """One program to run, and what people call it."""

    title: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


def run_checks(places: Places, core_pythons: dict[str, Path], extra: list[str], *, qt5: Path | None = None) -> int:
    """Run every check, say what each took, and return the exit code: 0 only when all passed."""
    failed = []
    checks = _static_checks(places) + _core_checks(places, core_pythons) + _qt5_checks(places, qt5) if not extra else []
    for check in [*checks, _main_tests(places, extra), *(_coverage_checks(places) if full_run() and not extra else [])]:
        began = time.monotonic()
        print(f"\n=== {check.title}", flush=True)
        ran = subprocess.run(check.command, cwd=places.repo, env={**os.environ, **check.environment}, check=False)
        print(
            f"=== {check.title}: {'passed' if ran.returncode == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s", flush=True
        )
        if ran.returncode != 0:
            failed.append(check.title)
    print(f"\nFailed: {', '.join(failed)}" if failed else "\nAll checks passed.", flush=True)
    return 1 if failed else 0


def _python(places: Places, *words: str) -> tuple[str, ...]:
    return (str(interpreter(places.environment)), *words)


def _static_checks(places: Places) -> list[Check]:
    return [
        Check("style (ruff)", _python(places, "-m", "ruff", "check", ".")),
        Check("format (ruff)", _python(places, "-m", "ruff", "format", "--check", ".")),
        Check("types (mypy, strict)", _python(places, "-m", "mypy")),
        Check("layers (import-linter)", _python(places, "-c", "from importlinter.cli import lint_imports_command as m; m()")),
    ]


def _core_checks(places: Places, core_pythons: dict[str, Path]) -> list[Check]:
    """Return the core's tests on the other Pythons of the hosts."""
    environment = {"PYTHONPATH": os.pathsep.join(str(places.repo / name) for name in ("core", "plugins"))}
    words = ("-m", "pytest", "-n", "2", "-q", "-p", "no:cacheprovider", "tests/core")
    return [
        Check(f"core on Python {version}", (str(interpreter(folder)), *words), environment)
        for version, folder in core_pythons.items()
    ]


def _qt5_checks(places: Places, folder: Path | None) -> list[Check]:
    """Return the panel's tests on Python 3.10 with PySide2."""
    if folder is None:
        return []
    path = os.pathsep.join(str(places.repo / name) for name in ("core", "plugins", "maya", "nuke", "houdini"))
    environment = {"PYTHONPATH": path, "QT_API": "pyside2", "QT_QPA_PLATFORM": "offscreen"}
    tests = sorted(p for kind in QT5_HOST_TESTS for p in (places.repo / "tests" / "hosts").glob(f"test_*_{kind}.py"))
    adapters = [str(p.relative_to(places.repo)) for p in tests if not p.name.startswith("test_blender")]
    words = ("-m", "pytest", "-n", "2", "-q", "-p", "no:cacheprovider", "tests/plugins", *adapters)
    return [Check("panel and hosts on Python 3.10 and PySide2", (str(interpreter(folder)), *words), environment)]


def _main_tests(places: Places, extra: list[str]) -> Check:
    if extra:
        return Check("tests", _python(places, "-m", "pytest", *extra))
    # tracing what is covered slows everything down by half: the full run does it
    traced = ("--cov", "--cov-report=") if full_run() else ()
    words = ("-m", "pytest", "-n", "2", "--dist", "loadgroup", *traced, "-q", "--durations=10")
    return Check("tests", _python(places, *words))


def _coverage_checks(places: Places) -> list[Check]:
    return [
        Check(
            f"coverage of the {name} (at least {floor} %)",
            _python(places, "-m", "coverage", "report", f"--include={pattern}", f"--fail-under={floor}", "--skip-covered"),
        )
        for name, (pattern, floor) in COVERAGE_FLOORS.items()
    ]


def full_run() -> bool:
    """Tell whether this is the full run (CI=true), in which a skip is a failure."""
    return os.environ.get("CI") == "true"


def require_python(version: str, found: Path | None) -> Path:
    """Return `found`, which the full run needs: it tests the core on the other Pythons of the hosts too.

    Raises:
        InstallError: there is no such Python.
    """
    if found is None:
        raise InstallError(
            f"The full run also tests the core on Python {version}: install it (pyenv install {version}) and run again."
        )
    return found
