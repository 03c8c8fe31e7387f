"""What docs/operations.md tells an administrator to do, done; and that the page names a test for all that it tells."""

from __future__ import annotations

import ast
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from road.household import Household
from road.people import Person

REPO = Path(__file__).resolve().parents[2]
PAGE = REPO / "docs" / "operations.md"


@pytest.fixture
def household(tmp_path: Path) -> Iterator[Household]:
    """Give a person with a running service, and a job of two frames that came home."""
    (tmp_path / "anna").mkdir()
    household = Household(Person(tmp_path / "anna"))
    try:
        household.serve()
        household.render()
        yield household
    finally:
        household.close()


def test_every_entry_was_tried() -> None:
    """Each `###` entry of the page ends in the names of tests, and each of those is there."""
    entries = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert len(entries) > 30
    for entry in entries:
        title, names = entry.splitlines()[0], re.findall(r"`(tests/\S+?\.py)::(\w+)", entry.partition("Tried: ")[2])
        assert names, f"{title}: no test is named"
        for file, name in names:
            tree = ast.parse((REPO / file).read_text(encoding="utf-8"))
            assert name in {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}, f"{title}: {file}::{name}"


@pytest.mark.parametrize("page", sorted(p.name for p in (REPO / "docs").glob("*.md")))
def test_every_proof_is_there(page: str) -> None:
    """A test, benchmark or picture that a page of the documentation names exists."""
    text = (REPO / "docs" / page).read_text(encoding="utf-8")
    assert not re.search(r"^(<<<<<<<|=======|>>>>>>>)", text, re.MULTILINE)
    files = re.findall(r"`((?:tests|benchmarks)/[\w/.]+?)/?(?:::\w+)?`", text)
    assert [f for f in files if not (REPO / f).exists()] == []
    tests = "".join(p.read_text(encoding="utf-8") for p in (REPO / "tests").rglob("test_*.py"))
    assert [n for n in re.findall(r"\b(test_\w+)`", text) if f"def {n}(" not in tests and not n.endswith("_")] == []


def test_the_data_folder_can_be_moved(household: Household) -> None:
    """Stopped, moved and started with the new folder, the service is the same: jobs, store and logins."""
    household.stop_serving()
    household.data = household.data.rename(household.person.home / "elsewhere")
    household.serve()
    again = _submit(household)
    assert (again["number"], again["bytes_sent"], again["job_state"]) == (2, 0, "success")


def test_a_backup_made_while_it_runs_can_be_restored(household: Household) -> None:
    """Database first, then the store: what came after the backup is gone, and nothing that comes now is passed over."""
    kept = household.person.home / "backup"
    kept.mkdir(mode=0o700)
    with sqlite3.connect(household.data / "conductor.sqlite") as source, sqlite3.connect(kept / "conductor.sqlite") as target:
        source.backup(target)
    target.close()
    source.close()
    shutil.copytree(household.data / "store", kept / "store", ignore=shutil.ignore_patterns("tmp"))
    shutil.copytree(household.data / "logs", kept / "logs")
    _render_again(household)
    household.stop_serving()
    shutil.rmtree(household.data)
    kept.rename(household.data)
    household.serve("--restored")
    _render_again(household)
    assert [j["number"] for j in household.person.json("jobs")["jobs"]] == [1]
    assert _submit(household)["job_state"] == "success"


def _render_again(household: Household) -> None:
    """Retry the first job, and see its frames come home again: the agent is told nothing of it."""
    out = household.person.home / "show" / "out"
    for frame in out.iterdir():
        frame.unlink()
    household.person.conductor("retry", "1", "--state", "success")
    _eventually(lambda: len(list(out.glob("bake_?.txt"))) == 2)


def _submit(household: Household) -> dict[str, object]:
    """Submit the household's script again, and wait until all of it is home."""
    show = household.person.home / "show"
    words = ("submit", "--command", f"sh {show}/bake.sh {{frame}}", "-f", "1-2", "--file", show / "bake.sh", "-t", "local")
    return dict(household.person.json(*words, "--output", show / "out" / "bake_#.txt", "--wait"))


def _eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.3)
