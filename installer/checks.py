"""The checks and tests behind `python3 install.py test`: the same ones that CI runs.

A test that fails is run once more, alone (docs/decisions/0016-unsteady-tests.md): one that passes then is told as unsteady, with
the reason of its failure, at the end where nobody overlooks it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import xml.etree.ElementTree as ET
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
#: what tells the core's coverage: since 3.12 Python notes a line that was run once and then leaves it alone (PEP 669), where tracing
#: makes our parsers several times as slow
TRACED_PYTHON = "3.13"
#: of the hosts that have Qt 5: Maya 2024, Nuke 15, Houdini 20
QT5_PYTHON = "3.10"
#: what is tested of Maya, Nuke and Houdini as it is in those of their versions that have Python 3.10 and Qt 5
QT5_HOST_TESTS = ("compliance", "docking", "entry", "menu", "module", "host")
ROBUST = "tests/core/formats/test_robust.py"
#: what breaks things for minutes on end: for the full run, and for whoever names them
FULL_RUN_ONLY = ("tests/faults", ROBUST, "tests/road/test_chaos.py")
#: hundreds of processes, whose lines the other tests have seen: tracing them takes half as much processor time again
WHOLE_ROADS = ("tests/faults", "tests/road")
#: of thousands of tests; where more fail, it is not for chance
MOST_UNSTEADY = 3
#: beside what pytest notes: its report of the first run
REASONS = "reasons.xml"
#: that the reason of a failure may have at the end of a run, and how many are told: where all fails, one cause is enough
LINES, TOLD = 25, 20
#: pytest's exit code where tests failed, and nothing else is wrong
_TESTS_FAILED = 1


@dataclass(frozen=True)
class Check:
    """One program to run, and what people call it."""

    title: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    #: runs what failed once more, alone; empty: nothing is run again
    again: tuple[str, ...] = ()
    #: where pytest notes what failed
    notes: Path = Path()

    def forget(self) -> None:
        """Remove what an earlier run noted as failed."""
        if self.again:
            shutil.rmtree(self.notes, ignore_errors=True)

    def reasons(self) -> list[str]:
        """Return why tests failed, the first time: for each its name and what the assertion or exception said, at most `LINES`."""
        try:
            cases = list(ET.parse(self.notes / REASONS).iter("testcase"))  # noqa: S314  (written by our own pytest)
        except (OSError, ET.ParseError):
            return []
        return [
            f"{case.get('classname', '')}.{case.get('name', '')}\n{_in_short(said.get('message') or said.text or '')}"
            for case in cases
            for said in (*case.iter("failure"), *case.iter("error"))
        ]

    def failed_tests(self) -> list[str]:
        """Return the tests that failed."""
        try:
            return sorted(json.loads((self.notes / "v" / "cache" / "lastfailed").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return []


def run_checks(places: Places, core_pythons: dict[str, Path], extra: list[str], *, qt5: Path | None = None) -> int:
    """Run every check, say what each took, and return the exit code: 0 only when all passed."""
    failed: list[str] = []
    unsteady: list[str] = []
    reasons: list[str] = []
    checks = _static_checks(places) + _core_checks(places, core_pythons) + _qt5_checks(places, qt5) if not extra else []
    for check in [*checks, *_main_tests(places, extra), *(_coverage_checks(places) if full_run() and not extra else [])]:
        began = time.monotonic()
        print(f"\n=== {check.title}", flush=True)
        check.forget()
        passed, shaky = _passes(places, check)
        unsteady += shaky
        if shaky or not passed:
            reasons += check.reasons()
        print(f"=== {check.title}: {'passed' if passed else 'FAILED'} in {time.monotonic() - began:.0f} s", flush=True)
        if not passed:
            failed.append(check.title)
    if reasons:
        print("\nWhat failed, and why:")
        print("\n".join(f"--- {reason}" for reason in reasons[:TOLD]))
        if len(reasons) > TOLD:
            print(f"(and {len(reasons) - TOLD} more, above)")
    if unsteady:
        print("\nUnsteady: these failed once, and passed when they were run again alone. Each is a defect to be mended:")
        print("\n".join(f"  {name}" for name in unsteady))
    print(f"\nFailed: {', '.join(failed)}" if failed else "\nAll checks passed.", flush=True)
    return 1 if failed else 0


def _passes(places: Places, check: Check) -> tuple[bool, list[str]]:
    """Run a check and return whether it passed, and which of its tests did so only when they were run again."""
    code = _run(places, check, check.command)
    if code != _TESTS_FAILED or not check.again:
        return code == 0, []
    failed = check.failed_tests()
    if not 0 < len(failed) <= MOST_UNSTEADY:
        return False, []
    print(f"=== {check.title}: what failed is run once more, alone", flush=True)
    return (True, failed) if _run(places, check, check.again) == 0 else (False, [])


def _run(places: Places, check: Check, command: tuple[str, ...]) -> int:
    return subprocess.run(command, cwd=places.repo, env={**os.environ, **check.environment}, check=False).returncode


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
    words = ("-n", "2", f"--ignore={ROBUST}")  # which damage a reader survives is no matter of the Python
    found = []
    for version, folder in core_pythons.items():
        traced = version == TRACED_PYTHON
        more = ("--cov=conductor_core", "--cov-report=") if traced else ()
        by = {**environment, "COVERAGE_CORE": "sysmon"} if traced else environment
        title = f"core on Python {version}"
        found.append(_tests(title, interpreter(folder), places, "tests/core", words=(*words, *more), environment=by))
    return found


def _qt5_checks(places: Places, folder: Path | None) -> list[Check]:
    """Return the panel's tests on Python 3.10 with PySide2."""
    if folder is None:
        return []
    path = os.pathsep.join(str(places.repo / name) for name in ("core", "plugins", "maya", "nuke", "houdini"))
    environment = {"PYTHONPATH": path, "QT_API": "pyside2", "QT_QPA_PLATFORM": "offscreen"}
    tests = sorted(p for kind in QT5_HOST_TESTS for p in (places.repo / "tests" / "hosts").glob(f"test_*_{kind}.py"))
    adapters = [str(p.relative_to(places.repo)) for p in tests if not p.name.startswith("test_blender")]
    title = "panel and hosts on Python 3.10 and PySide2"
    return [_tests(title, interpreter(folder), places, "tests/plugins", *adapters, words=("-n", "2"), environment=environment)]


def _main_tests(places: Places, extra: list[str]) -> list[Check]:
    python = interpreter(places.environment)
    if extra:
        return [Check("tests", _python(places, "-m", "pytest", *extra))]
    words = ("-n", "2", "--dist", "loadgroup", "--durations=10")
    if not full_run():
        return [_tests("tests", python, places, words=(*words, *(f"--ignore={path}" for path in FULL_RUN_ONLY)))]
    # what the core's tests cover was noted on another Python, where that costs nothing: the others add to it
    traced = ("--cov", "--cov-append", "--cov-report=")
    elsewhere = [f"--ignore={path}" for path in ("tests/core", *WHOLE_ROADS)]
    return [
        _tests("core", python, places, "tests/core", words=words),
        _tests("faults and whole roads", python, places, *WHOLE_ROADS, words=words),
        _tests("everything else", python, places, words=(*words, *elsewhere, *traced)),
    ]


def _tests(
    title: str, python: Path, places: Places, *paths: str, words: tuple[str, ...], environment: dict[str, str] | None = None
) -> Check:
    """Return a run of pytest whose failed tests are run once more."""
    notes = places.notes(title)
    shared = (str(python), "-m", "pytest", "-q", "-o", f"cache_dir={notes}")
    first = (*shared, *words, f"--junitxml={notes / REASONS}", *paths)
    return Check(title, first, environment or {}, (*shared, "--lf", "--lfnf=none", *paths), notes)


def _in_short(text: str) -> str:
    lines = text.strip().splitlines()
    return "\n".join(f"    {line}" for line in lines[:LINES]) + (
        f"\n    (and {len(lines) - LINES} lines more)" if len(lines) > LINES else ""
    )


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
