"""Whether Qt can live in Blender's process is found out by a child, which may die of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PYTHON = sys.executable


@pytest.fixture
def check(extension: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the module, with a user folder of its own."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    return extension("qt_check")


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment, offscreen unless it is said otherwise."""
    return {**os.environ, "QT_QPA_PLATFORM": "offscreen", **changes}


def test_a_qt_that_works_is_usable_and_known_again(check: Any) -> None:
    """The second question needs no child: the answer was kept."""
    first = check.QtCheck(None, PYTHON, environment())
    assert first.wait() == check.Verdict(True)
    assert check.QtCheck(None, PYTHON, environment()).verdict() == check.Verdict(True)


def test_an_answer_counts_for_its_own_display_only(check: Any) -> None:
    """Elsewhere, it is found out anew."""
    assert check.QtCheck(None, PYTHON, environment()).wait().usable
    elsewhere = check.QtCheck(None, PYTHON, environment(DISPLAY=":99999"))
    assert elsewhere._child is not None
    assert elsewhere.wait().usable


def test_a_qt_that_aborts_takes_nobody_along(check: Any) -> None:
    """A platform plug-in that cannot start ends its process by SIGABRT; here that is a sentence, and no answer to keep."""
    for _ in range(2):
        verdict = check.QtCheck(None, PYTHON, environment(QT_QPA_PLATFORM="nowhere")).wait()
        assert not verdict.usable
        assert "could not" in verdict.reason.lower()


def test_a_python_without_qt_says_so(check: Any, tmp_path: Path) -> None:
    """A folder without PySide6 is no Qt, and a program that is not there is no Python."""
    hidden = check.QtCheck(tmp_path, PYTHON, environment(PYTHONPATH=str(_no_pyside(tmp_path)))).wait()
    assert (hidden.usable, hidden.reason) == (False, "ImportError: there is no PySide6")
    absent = check.QtCheck(None, str(tmp_path / "python"), environment()).verdict()
    assert not absent.usable


def test_blenders_own_python_is_asked(check: Any) -> None:
    """The program is of this interpreter's own installation."""
    assert Path(check.own_python()).exists()
    assert Path(sys.prefix) in Path(check.own_python()).parents


def _no_pyside(folder: Path) -> Path:
    package = folder / "PySide6"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('there is no PySide6')\n")
    return folder
