"""What tests of every area share: the interpreters they may use, and the rule that in CI nothing is skipped."""

from __future__ import annotations

import collections
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# before anything imports Qt: no display is needed, and without one Qt would end the whole process
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_API", "pyside6")
# no time limit on one example: on a machine that is busy with a render it would fail a test that is right
settings.register_profile("conductor", deadline=None)
settings.load_profile("conductor")

REPO = Path(__file__).resolve().parents[1]

#: Blender versions as bpy wheels: the first is used by every run, the others by the full run (CI=true).
BPY_VERSIONS = ("4.5.15", "4.2.23", "5.0.1")

#: run together, no file needs to be told from the others by its time
_FEW_FILES = 20
_SLOWEST = 40


def require(condition: object, reason: str) -> None:
    """Skip the test with `reason` unless `condition` holds; with CI=true a skip is a failure."""
    if condition:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"the full run must not skip: {reason}")
    pytest.skip(reason)


def bpy_interpreter(version: str) -> Path:
    """Return where install.py puts the interpreter that has this version of bpy."""
    folder = REPO / ".conductor" / "blender" / version
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which files took the time, where many were run: a slow test hides among quick ones, a slow file does not."""
    seconds: dict[str, float] = collections.defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid.partition("::")[0]] += report.duration
    if len(seconds) > _FEW_FILES:
        terminalreporter.write_sep("=", "files by time")
        for name, taken in sorted(seconds.items(), key=lambda item: -item[1])[:_SLOWEST]:
            terminalreporter.write_line(f"{taken:7.1f} s  {name}")


@pytest.fixture(scope="session")
def bpy_python() -> Callable[[str], Path]:
    """Give the interpreter that has a version of bpy; the test is skipped (in CI: fails) where it is not installed."""

    def interpreter(version: str = BPY_VERSIONS[0]) -> Path:
        path = bpy_interpreter(version)
        require(path.exists(), f"bpy {version} is not installed (python3 install.py test makes it)")
        return path

    return interpreter


@pytest.fixture(scope="session", name="require")
def give_require() -> Callable[[object, str], None]:
    """Give `require`, since a test module cannot import this one."""
    return require


@pytest.fixture(scope="session")
def without_privileges() -> list[str]:
    """Give the words before a command that take root's right to every file away: what follows may do what modes allow."""
    require(sys.platform == "linux", "only Linux can take root's rights away")
    if os.geteuid() != 0:
        return []
    require(shutil.which("setpriv"), "setpriv is not installed (util-linux)")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", "--"]
