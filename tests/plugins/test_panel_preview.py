"""The section Preview: exactly what would be sent, and no secret in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.documents import to_json
from conductor_core.environment import EnvironmentVariable
from conductor_core.submission import Scripts
from conductor_plugins.desk import Desk
from conductor_plugins.form.build import planned
from conductor_plugins.form.command_line import cli_command
from conductor_plugins.form.model import Exclusion
from conductor_plugins.panel.preview_section import PreviewSection
from plugins.panel_desks import desk_of
from plugins.panel_parts import part
from qtpy.QtWidgets import QApplication, QLabel, QPushButton


@pytest.fixture
def desk(qtbot: Any, scene: Path) -> Iterator[Desk]:
    desk = desk_of(scene)
    yield desk
    desk.close()


@pytest.fixture
def section(qtbot: Any, desk: Desk) -> PreviewSection:
    section = PreviewSection(desk)
    qtbot.addWidget(section)
    return section


def shown(qtbot: Any, section: PreviewSection) -> None:
    section.show()
    qtbot.waitUntil(lambda: section.preview is not None)


def test_it_is_made_only_when_somebody_looks(qtbot: Any, desk: Desk, section: PreviewSection, monkeypatch: Any) -> None:
    """And follows the form from then on."""
    asked: list[str] = []
    run = desk.errands.run

    def noted(name: str, *rest: Any) -> None:
        asked.append(name)
        run(name, *rest)

    monkeypatch.setattr(desk.errands, "run", noted)
    desk.edit(title="one")
    assert "preview" not in asked
    shown(qtbot, section)
    desk.edit(title="two")
    qtbot.waitUntil(lambda: '"title": "two"' in section.json.toPlainText())
    assert asked.count("preview") == 2


def test_the_json_is_the_submission(qtbot: Any, desk: Desk, section: PreviewSection) -> None:
    """Field by field what Submit would send."""
    desk.edit(scouts="1,5", metadata=(("shot", "sh010"),))
    shown(qtbot, section)
    said = json.loads(section.json.toPlainText())
    assert said == to_json(planned(desk.situation(), identity=said["id"]).submission)


def test_scouts_stand_first_and_the_rest_is_held(qtbot: Any, desk: Desk, section: PreviewSection) -> None:
    """One row a task, in the order in which they run."""
    desk.edit(frames="1-10", chunk_size=3, scouts="5,10")
    shown(qtbot, section)
    rows = [
        tuple(section.tasks.data(section.tasks.index(row, column)) for column in range(4))
        for row in range(section.tasks.rowCount())
    ]
    assert rows == [
        ("1", "beauty", "4-6", "first, as a scout"),
        ("2", "beauty", "10", "first, as a scout"),
        ("3", "beauty", "1-3", "held until released"),
        ("4", "beauty", "7-9", "held until released"),
    ]


def test_the_summary_names_what_goes_along_and_what_does_not(qtbot: Any, desk: Desk, section: PreviewSection) -> None:
    """Exclusions with their reasons, scripts, and where frames go."""
    desk.edit(excluded=(Exclusion("/job/old.png", "retired"),), scripts=Scripts(startup=("/job/start.py",)))
    shown(qtbot, section)
    text = "\n".join(" ".join(row) for row in (section.preview.summary if section.preview else ()))
    assert "/job/old.png: retired" in text
    assert "startup /job/start.py" in text
    assert "writes /render/shot_####.exr" in text


def test_commands_are_those_of_the_first_task(qtbot: Any, desk: Desk, section: PreviewSection) -> None:
    """With its frames in the place of the placeholders."""
    desk.edit(frames="7-9", chunk_size=3, scripts=Scripts(before_task=("prepare", "{first}", "{frames}")))
    shown(qtbot, section)
    assert "prepare 7 7-9" in section.commands.toPlainText()


def test_no_secret_is_in_any_text_of_it(qtbot: Any, desk: Desk, section: PreviewSection) -> None:
    """The command has it, since it is there to be run, and whoever copies it is told."""
    said: list[str] = []
    desk.said.connect(lambda text, bad: said.append(text))
    desk.edit(environment=(EnvironmentVariable("API_TOKEN", "hunter2"),), metadata=(("password", "hunter2"),))
    shown(qtbot, section)
    assert section.preview is not None
    texts = (section.json.toPlainText(), section.commands.toPlainText(), repr(section.preview.summary))
    assert not any("hunter2" in text for text in texts)
    part(section, QPushButton, "copy-json").click()
    assert "hunter2" not in QApplication.clipboard().text()
    part(section, QPushButton, "copy-command").click()
    assert QApplication.clipboard().text() == cli_command(section.preview.planned)
    assert "API_TOKEN" in said[-1]


def test_a_form_that_nothing_can_be_made_of_says_why(qtbot: Any, desk: Desk, section: PreviewSection) -> None:
    """There is nothing to copy then."""
    desk.edit(frames="1-x")
    section.show()
    qtbot.waitUntil(lambda: "1-x" in part(section, QLabel, "preview-note").text())
    assert not part(section, QPushButton, "copy-command").isEnabled()
    assert section.tasks.rowCount() == 0
