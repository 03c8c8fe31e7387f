"""The section Metadata: keys and values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_answers import Preset
from conductor_plugins.desk import Desk
from conductor_plugins.panel.lines_table import pairs_in
from conductor_plugins.panel.metadata_section import MetadataSection
from plugins.answering_agent import AnsweringAgent
from plugins.panel_desks import desk_of
from plugins.panel_parts import part
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLabel, QLineEdit, QStyleOptionViewItem


@pytest.fixture
def desk(qtbot: Any, scene: Path) -> Iterator[Desk]:
    agent = AnsweringAgent(kept=[Preset("comp", "project", {"metadata": [["show", "dragons"], ["show", "tests"]]})])
    desk = desk_of(scene, agent=agent)
    yield desk
    desk.close()


@pytest.fixture
def section(qtbot: Any, desk: Desk) -> MetadataSection:
    section = MetadataSection(desk)
    qtbot.addWidget(section)
    return section


def test_a_pair_is_typed_changed_and_removed(desk: Desk, section: MetadataSection) -> None:
    """The last row is for a new key."""
    cells = section.pairs.cells
    cells.setData(cells.index(0, 0), "shot")
    cells.setData(cells.index(0, 1), "sh010")
    assert desk.form.metadata == (("shot", "sh010"),)
    section.pairs.setCurrentIndex(cells.index(0, 0))
    QTest.keyClick(section.pairs, Qt.Key.Key_Delete)
    assert not desk.form.metadata


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        pytest.param("shot=sh010\nartist = mika\n", [("shot", "sh010"), ("artist", "mika")], id="key = value"),
        pytest.param("shot: sh010", [("shot", "sh010")], id="key: value"),
        pytest.param("shot\tsh010\r\n\r\nnote\ta=b", [("shot", "sh010"), ("note", "a=b")], id="cells of a table"),
        pytest.param("link=https://x/?a=b", [("link", "https://x/?a=b")], id="the first sign parts"),
        pytest.param("alone", [("alone", "")], id="a key alone"),
    ],
)
def test_lines_become_pairs(text: str, pairs: list[tuple[str, str]]) -> None:
    """As they come from notes, trackers and tables."""
    assert pairs_in(text) == pairs


def test_several_lines_are_pasted_and_a_key_that_stands_twice_is_named(desk: Desk, section: MetadataSection) -> None:
    """Both stay in sight until the artist removes one."""
    QApplication.clipboard().setText("shot=sh010\nartist=mika\nshot=sh020")
    QTest.keyClick(section.pairs, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert desk.form.metadata == (("shot", "sh010"), ("artist", "mika"), ("shot", "sh020"))
    assert part(section, QLabel, "metadata-note").text().startswith("shot stands there twice")
    desk.edit(metadata=(("shot", "sh010"),))
    assert "twice" not in part(section, QLabel, "metadata-note").text()


def test_values_of_presets_are_offered(qtbot: Any, desk: Desk, section: MetadataSection) -> None:
    """Keys in the first column, and in the second what the row's key had."""
    desk.edit(metadata=(("show", ""),))
    section.show()
    qtbot.waitUntil(lambda: bool(section._used))
    index = section.pairs.cells.index(0, 1)
    editor = section.pairs.itemDelegate().createEditor(section.pairs, QStyleOptionViewItem(), index)
    assert isinstance(editor, QLineEdit)
    model = editor.completer().model()
    assert [model.data(model.index(row, 0)) for row in range(model.rowCount())] == ["dragons", "tests"]
