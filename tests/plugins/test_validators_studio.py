"""A studio's validators: found in its folders, beside or in the place of ours, and unable to keep anybody from rendering."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conductor_plugins.validators import studio, validator
from conductor_plugins.validators.validator import ERROR, WARNING, problems_of, registered
from plugins.answering_agent import ESTIMATE, OFFER
from plugins.situations import CHOSEN, SCENE, situation

DOCS = Path(__file__).parents[2] / "docs" / "validators.md"

IMPORTS = "from conductor_plugins.validators.validator import ERROR, WARNING, Problem, validator\n"


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test registers is gone in the next."""
    validator.load_ours()
    monkeypatch.setattr(validator, "_VALIDATORS", registered())
    monkeypatch.setattr(studio._FILES, "_loaded", {})
    monkeypatch.delenv(studio.VARIABLE, raising=False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Make a folder of validators that the environment names."""

    def make(**files: str) -> Path:
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(IMPORTS + textwrap.dedent(text))
        monkeypatch.setenv(studio.VARIABLE, str(tmp_path))
        return tmp_path

    return make


WARNS = """
@validator("studio")
def warns(situation):
    yield Problem(WARNING, "Ours.", "Do it.")
"""


def whats() -> list[str]:
    return [problem.what for problem in problems_of(situation())]


def test_the_example_of_the_docs_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied as it stands it says what it promises, and its fix mends it."""
    example, tested = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    (tmp_path / "studio.py").write_text(example)
    monkeypatch.setenv(studio.VARIABLE, str(tmp_path))
    now = situation(scene=replace(SCENE, path="/job/abc_0010.scene"), report=None, estimate=replace(ESTIMATE, cost="1000.00"))
    shot, cost = problems_of(now)
    assert (shot.validator, shot.severity, shot.what) == ("studio-shot", ERROR, "The metadata has no shot.")
    assert (cost.validator, cost.severity) == ("studio-cost", WARNING)
    assert shot.fix is not None
    assert shot.fix.form is not None
    mended = shot.fix.form(now.form)
    assert mended.metadata == (("shot", "abc_0010"),)
    assert [p.validator for p in problems_of(replace(now, form=mended))] == ["studio-cost"]
    assert "Situation(HostScene(" in tested


def test_every_validator_is_documented() -> None:
    """The table names each of ours, and none that there is not."""
    table = DOCS.read_text(encoding="utf-8").partition("## A studio's own")[0]
    named = {
        name for row in table.splitlines() if row.startswith("| `") for name in re.findall(r"`([a-z-]+)`", row.split("|")[1])
    }
    assert named == {*registered(), "refused"}


def test_folders_come_from_environment_and_settings(folder: Callable[..., Path], tmp_path: Path) -> None:
    """The agent's settings name folders as well, since a host reads no YAML."""
    folder(one=WARNS)
    other = tmp_path / "other"
    other.mkdir()
    (other / "two.py").write_text(IMPORTS + WARNS.replace('"studio"', '"second"').replace("Ours", "Theirs"))
    now = situation(offer=replace(OFFER, validator_folders=(str(other),)))
    assert [problem.what for problem in problems_of(now)] == ["Ours.", "Theirs."]


def test_a_file_is_loaded_once(folder: Callable[..., Path]) -> None:
    """However often the panel looks for problems."""
    made = folder(one="import os\nos.mkdir(__file__ + '.loaded')\n")
    assert whats() == whats() == []
    assert (made / "one.py.loaded").is_dir()


def test_one_of_the_same_name_stands_in_the_place_of_ours(folder: Callable[..., Path]) -> None:
    """So a studio switches off what it does not want."""
    folder(one='@validator("frames-reversed")\ndef off(situation):\n    return ()\n')
    assert [p.what for p in problems_of(situation(replace(CHOSEN, frames="10-1")))] == []


def test_files_import_each_other(folder: Callable[..., Path]) -> None:
    """Those whose names begin with an underscore are not loaded by themselves."""
    folder(_shared="WORDS = 'Shared.'\n", one="from _shared import WORDS\n" + WARNS.replace('"Ours."', "WORDS"))
    assert whats() == ["Shared."]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("1 / 0\n", "were left out: ZeroDivisionError", id="while it is loaded"),
        pytest.param("def (:\n", "were left out: SyntaxError", id="no Python"),
        pytest.param("raise SystemExit(3)\n", "were left out: SystemExit: 3", id="that ends the program"),
        pytest.param('@validator("x")\ndef x(s):\n    return 1 / 0\n', "validator 'x' in", id="while it runs"),
        pytest.param('@validator("x")\ndef x(s):\n    yield 1 / 0\n', "line 4 failed: ZeroDivisionError", id="while it yields"),
        pytest.param('@validator("x")\ndef x(s):\n    yield "wrong"\n', "it yields str, which is no Problem", id="no problem"),
        pytest.param('@validator("x")\ndef x():\n    return ()\n', "failed: TypeError", id="without a parameter"),
    ],
)
def test_a_mistake_is_a_warning_that_names_it(folder: Callable[..., Path], text: str, words: str) -> None:
    """With the file, and everything else is checked all the same."""
    made = folder(broken=text, sound=WARNS)
    problems = list(problems_of(situation()))
    assert sorted(p.severity for p in problems) == [WARNING, WARNING]
    broken = next(p for p in problems if p.what != "Ours.")
    assert words in broken.what
    assert str(made / "broken.py") in broken.what


def test_a_validator_that_returns_nothing_is_content(folder: Callable[..., Path]) -> None:
    """A function that only sometimes yields may end by `return`."""
    folder(one='@validator("x")\ndef x(s):\n    return None\n')
    assert whats() == []


def test_a_folder_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A share that is not mounted would switch off a studio's rules without a word; an empty entry names nothing."""
    monkeypatch.setenv(studio.VARIABLE, os.pathsep.join(["", str(tmp_path / "gone")]))
    assert whats() == [f"{tmp_path / 'gone'} is no folder, so no validators were loaded from it."]
