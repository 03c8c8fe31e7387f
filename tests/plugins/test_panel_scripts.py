"""The section Scripts: what goes along, and what runs before and after each task."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.submission import Scripts
from conductor_core.task_words import fill_words, odd_placeholders
from conductor_plugins.desk import Desk
from conductor_plugins.panel.command_words import NotSplit, joined_words, split_words
from conductor_plugins.panel.scripts_section import CommandField, ScriptsSection
from plugins.panel_desks import desk_of
from plugins.panel_parts import part
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLabel


@pytest.fixture
def desk(qtbot: Any, scene: Path) -> Iterator[Desk]:
    desk = desk_of(scene)
    yield desk
    desk.close()


@pytest.fixture
def section(qtbot: Any, desk: Desk) -> ScriptsSection:
    section = ScriptsSection(desk)
    qtbot.addWidget(section)
    section.show()
    return section


@pytest.mark.parametrize(
    ("text", "windows", "words"),
    [
        pytest.param("make --frame {frame}", False, ("make", "--frame", "{frame}"), id="blanks part"),
        pytest.param("echo 'a b' \"c d\"", False, ("echo", "a b", "c d"), id="quotes keep together"),
        pytest.param(r"C:\tools\x.exe {first}", True, (r"C:\tools\x.exe", "{first}"), id="a path of Windows"),
        pytest.param("echo a#b # c", False, ("echo", "a#b", "#", "c"), id="a hash is no comment"),
        pytest.param("  ", False, (), id="nothing"),
    ],
)
def test_a_command_line_is_split_as_a_shell_does(text: str, windows: bool, words: tuple[str, ...]) -> None:
    """And the words come to a command line that is split into them again."""
    assert split_words(text, windows=windows) == words
    assert split_words(joined_words(words), windows=windows) == words


def test_a_quote_that_is_not_closed_is_told() -> None:
    """It is a slip of the pen, not a word."""
    with pytest.raises(NotSplit, match="quote is not closed"):
        split_words("echo 'a")


def test_placeholders_are_filled_with_the_frames_of_a_task() -> None:
    """Others stay as they are and are named."""
    words = ("x", "{first}-{last}", "{frames}:{frame}", "{shot}")
    assert fill_words(words, (5, 1, 3)) == ("x", "1-5", "5,1,3:5", "{shot}")
    assert odd_placeholders(words) == ("{shot}",)


def test_a_command_edits_the_form_and_shows_how_it_is_split(desk: Desk, section: ScriptsSection) -> None:
    """What cannot be read changes nothing and says so; what the form says is shown."""
    field = part(section, CommandField, "before_task")
    note = part(section, QLabel, "before_task-note")
    QTest.keyClicks(field, "make 'a b'")
    assert desk.form.scripts.before_task == ("make", "a b")
    assert note.text() == "2 words:  [make]  [a b]"
    QTest.keyClicks(field, " 'x")
    assert "quote is not closed" in note.text()
    assert desk.form.scripts.before_task == ("make", "a b")
    desk.edit(scripts=Scripts(after_task=("done", "{shot}")))
    assert part(section, CommandField, "after_task").text() == "done {shot}"
    assert "{shot} is no placeholder" in part(section, QLabel, "after_task-note").text()


@pytest.mark.parametrize("name", ["plug_in_folders", "startup"])
def test_paths_are_typed_moved_and_removed(desk: Desk, section: ScriptsSection, name: str) -> None:
    """Their order is that in which they are used."""
    table = section.folders if name == "plug_in_folders" else section.startup
    for path in ("/a", "/b", "/a"):
        table.cells.setData(table.cells.index(len(table.paths), 0), path)
    assert getattr(desk.form.scripts, name) == ("/a", "/b")
    table.setCurrentIndex(table.cells.index(1, 0))
    QTest.keyClick(table, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert getattr(desk.form.scripts, name) == ("/b", "/a")
    QTest.keyClick(table, Qt.Key.Key_Delete)
    assert getattr(desk.form.scripts, name) == ("/a",)


def test_paths_are_chosen_in_a_dialog_that_nothing_waits_for(desk: Desk, section: ScriptsSection) -> None:
    """Folders for plug-ins, files for startup."""
    dialog = section.startup.browse()
    dialog.filesSelected.emit(["/x/start.py"])
    dialog.close()
    assert desk.form.scripts.startup == ("/x/start.py",)


def test_a_path_that_is_not_there_is_marked(qtbot: Any, desk: Desk, section: ScriptsSection, tmp_path: Path) -> None:
    """The disk is asked in a thread."""
    desk.edit(scripts=Scripts(plug_in_folders=(str(tmp_path), str(tmp_path / "nowhere"))))

    def notes() -> list[str]:
        return [row[1].text for row in section.folders.cells.cells[:2]]

    qtbot.waitUntil(lambda: notes() == ["", "the folder is not there"])
