"""The section Files: it shows what the desk knows, and what is done in it goes into the form or to the host."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_answers import Check, CheckedFile
from conductor_core.discovery.finding import Usage
from conductor_core.report import Dependency, Missing, ScanReport
from conductor_core.submission import Software
from conductor_plugins.desk import Desk, Scan
from conductor_plugins.form.model import Exclusion
from conductor_plugins.host import HostScene
from conductor_plugins.memory_host import MemoryHost
from conductor_plugins.panel.file_cells import STATUS
from conductor_plugins.panel.file_tree_shape import PAGE
from conductor_plugins.panel.files_section import FilesSection
from conductor_plugins.panel.slices import Slices
from plugins.answering_agent import AnsweringAgent
from plugins.panel_parts import part
from qtpy.QtCore import QMimeData, QModelIndex, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QCheckBox, QFileDialog, QLabel, QPushButton


@pytest.fixture
def desk(qtbot: Any, scene: Path) -> Iterator[Desk]:
    wood = str(scene.parent / "wood.png")
    host = MemoryHost(
        HostScene(str(scene), modified=False, software=Software("memory", "1.0"), frames="1-10"),
        findings=(Usage("wood.png", "file1.ftn", "texture", (wood,)),),
    )
    desk = Desk(host, AnsweringAgent())
    yield desk
    desk.close()


@pytest.fixture
def section(qtbot: Any, desk: Desk) -> FilesSection:
    section = FilesSection(desk)
    qtbot.addWidget(section)
    section.resize(900, 600)
    section.show()
    return section


def found(desk: Desk, *names: str) -> tuple[Dependency, ...]:
    folder = Path(desk.scene.path).parent
    return tuple(Dependency(n, str(folder / n), (str(folder / n),), "texture", f"{n}.node") for n in names)


def scanned(desk: Desk, *names: str) -> None:
    desk.report = ScanReport(desk.scene.path, "memory", found(desk, *names))
    desk.scan_changed.emit()


def settle(qtbot: Any, section: FilesSection) -> None:
    qtbot.waitUntil(lambda: section.feed.idle, timeout=20_000)


def names(section: FilesSection, group: str) -> list[str]:
    """Return the names of the lines of a group; none where there is no such group."""
    tree = section.view.tree
    for row in range(tree.rowCount()):
        index = tree.index(row, 0)
        if tree.data(index) == group:
            return [str(tree.data(tree.index(n, 0, index))) for n in range(tree.rowCount(index))]
    return []


def choose(section: FilesSection, name: str) -> QModelIndex:
    """Select the line of a name."""
    tree = section.view.tree
    for row in range(tree.rowCount()):
        group = tree.index(row, 0)
        for number in range(tree.rowCount(group)):
            index = tree.index(number, 0, group)
            if str(tree.data(index)).startswith(name):
                section.view.setCurrentIndex(index)
                return index
    raise AssertionError(name)


def totals(section: FilesSection) -> str:
    return part(section, QLabel, "totals-note").text()


def test_it_fills_as_the_scan_goes_and_is_right_when_it_ends(qtbot: Any, desk: Desk, section: FilesSection) -> None:
    """Batches are added, and the report at the end corrects them."""
    desk.entries_found.emit(list(found(desk, "wood.png", "gone.png")))
    settle(qtbot, section)
    assert names(section, "Textures") == ["wood.png", "gone.png"]
    assert totals(section).startswith("3 files")
    scanned(desk, "wood.png")
    settle(qtbot, section)
    assert names(section, "Textures") == ["wood.png"]
    assert totals(section).startswith("2 files")


def test_a_section_that_is_made_late_shows_all(qtbot: Any, desk: Desk) -> None:
    """The window makes it when it is shown for the first time, maybe long after the scan and the check."""
    scanned(desk, "wood.png")
    wood = desk.report.dependencies[0].path if desk.report else ""
    desk.check = Check("c", True, 1, 1, 7, 7, (CheckedFile(wood, 7, "new"),), 1)
    desk.edit(excluded=(Exclusion("/elsewhere/old.png", "retired"),))
    section = FilesSection(desk)
    qtbot.addWidget(section)
    settle(qtbot, section)
    assert names(section, "Textures") == ["wood.png"]
    assert names(section, "Excluded") == ["old.png"]
    assert "7 B to send" in totals(section)


def test_a_scan_that_begins_anew_begins_with_nothing(qtbot: Any, desk: Desk, section: FilesSection) -> None:
    """What the form says stays in sight."""
    desk.edit(added=(desk.scene.path,))
    scanned(desk, "wood.png")
    settle(qtbot, section)
    desk.report, desk.entries = None, []
    desk.scan_changed.emit()
    settle(qtbot, section)
    qtbot.waitUntil(lambda: names(section, "Added by you") == ["shot.scene"])
    assert names(section, "Textures") == []


def test_statuses_fill_as_the_check_goes(qtbot: Any, desk: Desk, section: FilesSection) -> None:
    """Each answer adds to what is known; the line below adds it up."""
    scanned(desk, "wood.png", "iron.png")
    wood, iron = (d.path for d in found(desk, "wood.png", "iron.png"))
    files = (CheckedFile(wood, 2_000_000, "new"),)
    desk.check = Check("c", False, 3, 1, 2_000_000, 2_000_000, files, 1)
    desk.check_changed.emit()
    settle(qtbot, section)
    assert totals(section) == "3 files  ·  2.00 MB  ·  2.00 MB to send  ·  2 not compared with the store yet"
    rest = (CheckedFile(iron, 1_000_000, "rendered"), CheckedFile(desk.scene.path, 5, "stored"))
    desk.check = replace(desk.check, done=True, files=(*files, *rest))
    desk.check_changed.emit()
    settle(qtbot, section)
    assert totals(section) == "3 files  ·  3.00 MB  ·  2.00 MB to send"
    index = choose(section, "iron.png")
    assert section.view.tree.data(index.sibling(index.row(), STATUS)) == "from an earlier job"


@pytest.mark.parametrize("field", ["allow_missing", "download"])
def test_a_tick_edits_the_form_and_follows_it(qtbot: Any, desk: Desk, section: FilesSection, field: str) -> None:
    """As with every field."""
    box = part(section, QCheckBox, field)
    before = getattr(desk.form, field)
    box.click()
    assert getattr(desk.form, field) is not before
    desk.edit(**{field: before})
    assert box.isChecked() is before


def test_excluding_asks_for_a_reason_and_can_be_taken_back(qtbot: Any, desk: Desk, section: FilesSection) -> None:
    """Del asks; nothing is excluded without a reason; Shift+Del takes it back."""
    scanned(desk, "wood.png")
    settle(qtbot, section)
    choose(section, "wood.png")
    dialog = section.does.exclude()
    assert dialog is not None
    assert not dialog.ok.isEnabled()
    dialog.reason.setText("not in this shot")
    dialog.ok.click()
    settle(qtbot, section)
    wood = found(desk, "wood.png")[0].path
    assert desk.form.excluded == (Exclusion(wood, "not in this shot"),)
    assert names(section, "Excluded") == ["wood.png"]
    choose(section, "wood.png")
    section.does.by_name["include"].trigger()
    settle(qtbot, section)
    assert not desk.form.excluded
    assert names(section, "Textures") == ["wood.png"]


def test_a_sequence_is_excluded_by_its_pattern(qtbot: Any, desk: Desk, section: FilesSection) -> None:
    """One exclusion for all frames, also those that other frames of the job need."""
    files = tuple(f"/job/a.{n:04}.exr" for n in range(1, 5))
    desk.report = ScanReport(desk.scene.path, "memory", (Dependency("a.####.exr", "/job/a.####.exr", files, "image", "Read1"),))
    desk.scan_changed.emit()
    settle(qtbot, section)
    choose(section, "a.####.exr")
    dialog = section.does.exclude()
    assert dialog is not None
    dialog.reason.setText("temp")
    dialog.accept()
    assert desk.form.excluded == (Exclusion("/job/a.####.exr", "temp"),)


def test_a_file_that_was_added_is_removed_without_a_question(qtbot: Any, desk: Desk, section: FilesSection) -> None:
    """The same key, since it means the same: do not send this."""
    desk.edit(added=(desk.scene.path,))
    qtbot.waitUntil(lambda: names(section, "Added by you") == ["shot.scene"])
    tree = section.view.tree
    group = next(tree.index(r, 0) for r in range(tree.rowCount()) if tree.data(tree.index(r, 0)) == "Added by you")
    section.view.setCurrentIndex(tree.index(0, 0, group))
    assert part(section, QPushButton, "exclude-button").text() == "Re&move"
    assert section.does.exclude() is None
    assert desk.form.added == ()


def test_a_folder_that_is_added_opens_to_its_files(qtbot: Any, desk: Desk, section: FilesSection, tmp_path: Path) -> None:
    """It is listed in a thread; what is not there is told as missing."""
    (tmp_path / "lib" / "deep").mkdir(parents=True)
    (tmp_path / "lib" / "a.txt").write_text("a")
    (tmp_path / "lib" / "deep" / "b.txt").write_text("b")
    section.adding.add([str(tmp_path / "lib"), str(tmp_path / "nowhere")])
    assert desk.form.added == (str(tmp_path / "lib"), str(tmp_path / "nowhere"))
    qtbot.waitUntil(lambda: names(section, "Added by you") == ["lib  (2)"])
    qtbot.waitUntil(lambda: names(section, "Missing") == ["nowhere"])


def test_dialogs_for_files_and_folders_do_not_wait(qtbot: Any, desk: Desk, section: FilesSection) -> None:
    """The call comes back at once, and what is chosen later is added."""
    for ask in (section.adding.ask_for_files, section.adding.ask_for_folder):
        dialog: QFileDialog = ask()
        dialog.filesSelected.emit([desk.scene.path])
        assert desk.form.added == (desk.scene.path,)
        desk.edit(added=())
        dialog.close()


def test_files_can_be_pasted_and_copied(qtbot: Any, desk: Desk, section: FilesSection) -> None:
    """As a file manager copies them; the path of a line goes to the clipboard."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(desk.scene.path)])
    assert section.adding.paste(data)
    assert desk.form.added == (desk.scene.path,)
    scanned(desk, "wood.png")
    settle(qtbot, section)
    choose(section, "wood.png")
    section.does.by_name["copy"].trigger()
    assert QApplication.clipboard().text() == found(desk, "wood.png")[0].path


def test_enter_shows_the_node_in_the_host(qtbot: Any, desk: Desk, section: FilesSection) -> None:
    """And one that is gone is said to be gone."""
    wood, said = found(desk, "wood.png")[0], []
    desk.said.connect(lambda text, bad: said.append((text, bad)))
    desk.report = ScanReport(
        desk.scene.path,
        "memory",
        (replace(wood, referrer="file1.ftn"),),
        (Missing("x", "/x.png", "texture", "file7.ftn", "gone"),),
    )
    desk.scan_changed.emit()
    settle(qtbot, section)
    choose(section, "wood.png")
    QTest.keyClick(section.view, Qt.Key.Key_Return)
    host = desk.host
    assert isinstance(host, MemoryHost)
    assert (host.revealed, said) == (["file1.ftn"], [])
    choose(section, "x.png")
    QTest.keyClick(section.view, Qt.Key.Key_Return)
    assert [bad for text, bad in said if "file7.ftn" in text] == [True]


def test_the_filter_is_above_the_tree_and_escape_empties_it(qtbot: Any, desk: Desk, section: FilesSection) -> None:
    """By text and by status."""
    scanned(desk, "wood.png", "iron.png")
    settle(qtbot, section)
    QTest.keyClicks(section.filter, "iron")
    assert names(section, "Textures") == ["iron.png"]
    QTest.keyClick(section.filter, Qt.Key.Key_Escape)
    assert names(section, "Textures") == ["wood.png", "iron.png"]
    section.status.setCurrentIndex(section.status.findData("missing"))
    assert section.view.tree.rowCount() == 0


def test_what_is_only_a_line_of_text_has_no_path_to_exclude(qtbot: Any, desk: Desk, section: FilesSection) -> None:
    """The scene itself cannot be left out either."""
    scanned(desk)
    settle(qtbot, section)
    choose(section, "shot.scene")
    assert not section.does.by_name["exclude"].isEnabled()
    assert section.does.by_name["copy"].isEnabled()


def test_the_list_of_sections_says_what_is_missing(desk: Desk) -> None:
    """Unless that is allowed."""
    desk.report = ScanReport(desk.scene.path, "memory", missing=(Missing("x", "/x.png", "texture", "n", "gone"),))
    assert FilesSection.summary(desk.situation()) == "1 missing"
    desk.edit(allow_missing=True)
    assert FilesSection.summary(desk.situation()) == ""


def test_five_thousand_dependencies_come_in_in_short_slices(
    qtbot: Any, desk: Desk, section: FilesSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tree itself does at a time holds the event loop for a few milliseconds of processor time, whatever comes at once."""
    held: list[float] = []
    step = Slices.step

    def measured(self: Slices) -> None:
        began = time.thread_time()
        step(self)
        held.append(time.thread_time() - began)

    monkeypatch.setattr(Slices, "step", measured)
    section.feed._slices._timer.timeout.disconnect()
    section.feed._slices._timer.timeout.connect(section.feed._slices.step)
    dependencies = [Dependency(str(n), f"/job/{n}.png", (f"/job/{n}.png",), "texture", f"n{n}") for n in range(4_980)]
    for n in range(20):
        files = tuple(f"/job/{n}.{f:04}.vdb" for f in range(5_000))
        dependencies.append(Dependency(str(n), f"/job/{n}.####.vdb", files, "volume", f"v{n}"))
    desk.entries_found.emit(dependencies)
    settle(qtbot, section)
    assert section.feed.totals.files == 4_980 + 100_000 + 1
    assert sorted(held)[-1 - len(held) // 20] < 0.05


def test_the_scan_can_be_stopped_and_begun_again(qtbot: Any, desk: Desk, section: FilesSection) -> None:
    """One button, and a line that says how far it is."""
    asked: list[str] = []
    desk.scan_unwanted.connect(lambda: asked.append("stop"))
    desk.scan_wanted.connect(lambda: asked.append("scan"))
    button = part(section, QPushButton, "scan")
    assert not button.isVisible()
    desk.scan = Scan("running", found=120)
    desk.scan_progressed.emit()
    assert totals(section).startswith("Looking for files … 120 so far")
    button.click()
    desk.scan = Scan("cancelled")
    desk.scan_changed.emit()
    assert "files may lack" in totals(section)
    button.click()
    assert asked == ["stop", "scan"]


def test_files_can_be_dropped_on_the_tree(qtbot: Any, desk: Desk, section: FilesSection) -> None:
    """The tree lets them through to the section, which adds them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(desk.scene.path)])
    middle, copy = section.rect().center(), Qt.DropAction.CopyAction
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    entering = QDragEnterEvent(middle, copy, data, buttons, keys)
    entering.ignore()
    QApplication.sendEvent(section.view.viewport(), entering)
    assert entering.isAccepted()
    section.dropEvent(QDropEvent(QPointF(middle), copy, data, buttons, keys))
    assert desk.form.added == (desk.scene.path,)


def test_an_exclusion_of_another_system_is_shown_and_can_be_taken_back(qtbot: Any, desk: Desk, section: FilesSection) -> None:
    """A preset may come from there; a path of there cannot be excluded here."""
    elsewhere = r"\\server\share\x.png" if desk.scene.path.startswith("/") else "/mnt/x.png"
    missing = Missing("x", elsewhere, "texture", "file1", "it is a path of another system")
    desk.report = ScanReport(desk.scene.path, "memory", missing=(missing,))
    desk.scan_changed.emit()
    settle(qtbot, section)
    choose(section, elsewhere.rpartition("/")[2])
    assert not section.does.by_name["exclude"].isEnabled()
    desk.edit(excluded=(Exclusion("relative.png", "retired"),))
    settle(qtbot, section)
    assert names(section, "Excluded") == ["relative.png"]
    choose(section, "relative.png")
    section.does.by_name["include"].trigger()
    assert not desk.form.excluded


def test_a_page_more_is_loaded_where_one_scrolls_and_not_before(qtbot: Any, desk: Desk, section: FilesSection) -> None:
    """However often the view is laid out, it lays out one page; the end of the list is reached by scrolling."""
    count = PAGE * 3
    desk.report = ScanReport(desk.scene.path, "memory", found(desk, *(f"{n:04}.png" for n in range(count))))
    desk.scan_changed.emit()
    settle(qtbot, section)
    for _ in range(10):
        section.view.doItemsLayout()
    assert len(names(section, "Textures")) == PAGE
    bar = section.view.verticalScrollBar()

    def at_the_end() -> bool:
        bar.setValue(bar.maximum())
        return len(names(section, "Textures")) == count

    qtbot.waitUntil(at_the_end)
