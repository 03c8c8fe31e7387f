"""The section Environment: what is replicated and why, what is set, and no secret in sight."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.environment import EnvironmentVariable
from conductor_core.report import Dependency, ScanReport
from conductor_plugins.desk import Desk
from conductor_plugins.panel.environment_section import EnvironmentSection
from plugins.panel_desks import desk_of
from plugins.panel_parts import part
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLabel

VARIABLES = {"OCIO": "/studio/config.ocio", "PXR_PLUGINPATH_NAME": "/studio/usd", "HOME": "/home/mika"}


@pytest.fixture
def desk(qtbot: Any, scene: Path) -> Iterator[Desk]:
    desk = desk_of(scene, variables=VARIABLES)
    yield desk
    desk.close()


@pytest.fixture
def section(qtbot: Any, desk: Desk) -> EnvironmentSection:
    section = EnvironmentSection(desk)
    qtbot.addWidget(section)
    section.show()
    return section


def texts(table: Any) -> list[tuple[str, ...]]:
    return [tuple(cell.text for cell in row) for row in table.cells.cells]


def test_what_is_replicated_is_shown_with_its_reason_and_can_be_switched_off(desk: Desk, section: EnvironmentSection) -> None:
    """A tick is the form's `not_replicated`, and follows it."""
    rows = texts(section.replicated)
    assert [row[:3] for row in rows] == [
        ("OCIO", "/studio/config.ocio", "exclusive"),
        ("PXR_PLUGINPATH_NAME", "/studio/usd", "append"),
    ]
    assert "colours" in rows[0][3]
    box = section.replicated.cells.index(0, 0)
    section.replicated.cells.setData(box, 0, int(Qt.ItemDataRole.CheckStateRole))
    assert desk.form.not_replicated == ("OCIO",)
    assert texts(section.replicated)[0][3] == "stays here: you unticked it"
    desk.edit(not_replicated=())
    assert section.replicated.cells.cells[0][0].tick is True


def test_a_variable_is_typed_changed_and_removed(qtbot: Any, desk: Desk, section: EnvironmentSection) -> None:
    """The last row is for a new one; its policy is chosen from three."""
    table = section.variables
    table.cells.setData(table.cells.index(0, 0), "SHOW")
    assert desk.form.environment == (EnvironmentVariable("SHOW", ""),)
    table.cells.setData(table.cells.index(0, 1), "dragons")
    table.cells.setData(table.cells.index(0, 2), "append")
    assert desk.form.environment == (EnvironmentVariable("SHOW", "dragons", "append"),)
    assert table.cells.cells[0][2].choices == ("append", "prepend", "exclusive")
    table.setCurrentIndex(table.cells.index(0, 0))
    QTest.keyClick(table, Qt.Key.Key_Delete)
    assert not desk.form.environment


def test_what_the_form_says_is_shown(desk: Desk, section: EnvironmentSection) -> None:
    """A preset may have set it."""
    desk.edit(environment=(EnvironmentVariable("SHOW", "dragons", "prepend"),))
    assert texts(section.variables)[0][:3] == ("SHOW", "dragons", "prepend")


def test_lines_of_a_shell_can_be_pasted(desk: Desk, section: EnvironmentSection) -> None:
    """With `export` before them or not."""
    QApplication.clipboard().setText("export A=1\nB=/x:/y\n")
    QTest.keyClick(section.variables, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert desk.form.environment == (EnvironmentVariable("A", "1"), EnvironmentVariable("B", "/x:/y"))


def test_a_secret_is_never_shown(desk: Desk, section: EnvironmentSection) -> None:
    """Neither in a cell nor in its hint nor in its editor; typing replaces it, and the artist is warned."""
    desk.edit(environment=(EnvironmentVariable("API_TOKEN", "hunter2"),))
    cell = section.variables.cells.cells[0][1]
    assert "hunter2" not in f"{cell.text} {cell.tip} {cell.edit}"
    assert "like a secret" in part(section, QLabel, "environment-note").text()
    section.variables.cells.setData(section.variables.cells.index(0, 1), "")
    assert desk.form.environment[0].value == "hunter2"
    section.variables.cells.setData(section.variables.cells.index(0, 1), "other")
    assert desk.form.environment[0].value == "other"


def test_a_name_that_no_system_takes_is_named(desk: Desk, section: EnvironmentSection) -> None:
    """At once, not when it is submitted."""
    desk.edit(environment=(EnvironmentVariable("1A", "x"),))
    assert "'1A'" in part(section, QLabel, "environment-note").text()


def test_what_is_set_by_hand_takes_the_place_of_what_would_be_replicated(desk: Desk, section: EnvironmentSection) -> None:
    """And the table says so."""
    desk.edit(environment=(EnvironmentVariable("OCIO", "/mine.ocio"),))
    assert texts(section.replicated)[0][3] == "stays here: you set it yourself, below"


def test_a_scan_that_finds_a_variable_in_a_path_shows_it(desk: Desk, section: EnvironmentSection) -> None:
    """Paths of the scene are written with it; another letter in the form asks the rules nothing."""
    desk.environment = {**VARIABLES, "ASSETS": "/studio/assets"}
    wood = Dependency("$ASSETS/wood.png", "/studio/assets/wood.png", ("/studio/assets/wood.png",), "texture", "file1")
    desk.report = ScanReport(desk.scene.path, "memory", (wood,))
    desk.scan_changed.emit()
    assert texts(section.replicated)[0][0] == "ASSETS"
    before = section._replicated
    desk.edit(title="shot")
    assert section._replicated is before
    desk.edit(software="nuke@15.1")
    assert section._replicated is not before
