"""What the checks make of tests that fail."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from installer import checks
from installer.places import Places

ALWAYS = "def test_{name}():\n    assert False\n"
#: fails where its mark is not there yet, and makes it
ONCE = """
from pathlib import Path

def test_{name}():
    mark = Path(__file__).with_name("{name}.ran")
    if not mark.exists():
        mark.touch()
        assert False
"""


@pytest.mark.parametrize(
    ("tests", "passes", "unsteady", "runs_again"),
    [
        (["def test_{name}():\n    pass\n"], True, [], False),
        ([ONCE], True, ["tests/test_n0.py::test_n0"], True),
        ([ALWAYS], False, [], True),
        ([ONCE, ALWAYS], False, [], True),
        ([ONCE] * 3, True, [f"tests/test_n{n}.py::test_n{n}" for n in range(3)], True),
        ([ONCE] * 4, False, [], False),
        (["def test_("], False, [], False),
    ],
    ids=["well", "once", "always", "once-and-always", "three", "four", "no-python"],
)
def test_what_failed_is_run_once_more(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    tests: list[str],
    passes: bool,
    unsteady: list[str],
    runs_again: bool,
) -> None:
    """Up to three may have failed by chance; one that fails again fails the run."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    for number, text in enumerate(tests):
        (tmp_path / "tests" / f"test_n{number}.py").write_text(text.replace("{name}", f"n{number}"))
    check = checks._tests("tests", Path(sys.executable), Places(tmp_path), "tests", words=("-p", "no:randomly"))
    check.forget()
    assert checks._passes(Places(tmp_path), check) == (passes, unsteady)
    assert ("run once more" in capfd.readouterr().out) is runs_again


def test_what_failed_in_an_earlier_run_is_forgotten(tmp_path: Path) -> None:
    """Only this run's failures are run again."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "tests" / "test_old.py").write_text(ALWAYS.replace("{name}", "old"))
    check = checks._tests("tests", Path(sys.executable), Places(tmp_path), "tests", words=())
    assert checks._passes(Places(tmp_path), check) == (False, [])
    assert check.failed_tests() == ["tests/test_old.py::test_old"]
    check.forget()
    assert check.failed_tests() == []


def test_why_a_test_failed_is_told_at_the_end(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first failure said stands beside the name, also where thousands of lines of other tests are between them."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    why = "'violations:\\n' + 'line\\n' * 100"
    (tmp_path / "tests" / "test_n0.py").write_text(ONCE.replace("{name}", "n0").replace("assert False", f"assert False, {why}"))
    check = checks._tests("tests", Path(sys.executable), Places(tmp_path), "tests", words=("-p", "no:randomly"))
    for unused in ("_static_checks", "_core_checks", "_qt5_checks", "_coverage_checks"):
        monkeypatch.setattr(checks, unused, lambda *_words: [])
    monkeypatch.setattr(checks, "_main_tests", lambda *_words: [check])
    assert checks.run_checks(Places(tmp_path), {}, []) == 0
    _, _, end = capfd.readouterr().out.rpartition("What failed, and why:\n")
    assert end.startswith("--- tests.test_n0.test_n0\n    AssertionError: violations:\n      line\n")
    assert 1 < end.count("      line\n") < checks.LINES
    assert "lines more)\n\nUnsteady" in end
    assert "  tests/test_n0.py::test_n0\n" in end


def test_a_run_without_a_report_gives_no_reasons(tmp_path: Path) -> None:
    """Style checks have none; one that was cut off is half a file."""
    check = checks._tests("tests", Path(sys.executable), Places(tmp_path), "tests", words=())
    assert check.reasons() == []
    check.notes.mkdir(parents=True)
    (check.notes / checks.REASONS).write_text("<testsuites><testcase")
    assert check.reasons() == []
    assert checks.Check("style", ("true",)).reasons() == []


def test_the_full_run_has_every_test_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one of its runs leaves out another one names, and what is named is there."""
    monkeypatch.setenv("CI", "true")
    repo = Path(__file__).resolve().parents[2]
    runs = [check.command for check in checks._main_tests(Places(repo), [])]
    named = [word for run in runs for word in run if word.startswith("tests/")]
    left_out = [word.removeprefix("--ignore=") for word in runs[-1] if word.startswith("--ignore=")]
    assert sorted(named) == sorted(left_out)
    assert len(set(named)) == len(named)
    assert all((repo / path).is_dir() for path in named)
    assert sum("--cov-append" in run for run in runs) == 1
