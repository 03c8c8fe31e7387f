"""The panel's window: sections, badges, the bar at the foot, the drawer of problems, and what keys do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_answers import Check, Estimate
from conductor_plugins.desk import Desk
from conductor_plugins.form.model import SECTIONS as FIELDS
from conductor_plugins.form.totals import Totals
from conductor_plugins.host import HostRefused
from conductor_plugins.memory_host import MemoryHost
from conductor_plugins.panel.help_page import HelpPage
from conductor_plugins.panel.presets_menu import PresetsMenu
from conductor_plugins.panel.sections import SECTIONS
from conductor_plugins.panel.tables import CellTable
from conductor_plugins.panel.window import Window, section_of
from conductor_plugins.panel.words import WORDS
from conductor_plugins.validators.validator import ERROR, WARNING, Fix, Problem
from plugins.answering_agent import ESTIMATE
from plugins.panel_desk import make_desk, only_these
from qtpy.QtCore import Qt
from qtpy.QtGui import QFont, QKeyEvent
from qtpy.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QPushButton, QWidget

NO_MODIFIER = Qt.KeyboardModifier.NoModifier
CTRL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
ODD = Problem(WARNING, "Frames are odd.", "Look at them.", field="frames")
BAD = Problem(ERROR, "Frames are wrong.", "Write others.", field="frames")
for listed in SECTIONS:
    listed.load()  # as in a window that was there for a moment


@pytest.fixture
def problems() -> Iterator[list[Problem]]:
    with only_these([]) as found:
        yield found


@pytest.fixture
def desk(qtbot: Any, scene: Path, problems: list[Problem]) -> Desk:
    return make_desk(scene)


@pytest.fixture
def window(qtbot: Any, desk: Desk) -> Iterator[Window]:
    window = Window(desk)
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    yield window
    window.close()


@pytest.fixture
def submissions(window: Window) -> list[int]:
    wanted: list[int] = []
    window.submit_wanted.connect(lambda: wanted.append(1))
    return wanted


def press(qtbot: Any, window: Window, key: Qt.Key, modifier: Qt.KeyboardModifier = NO_MODIFIER) -> None:
    qtbot.keyClick(window.focusWidget() or window, key, modifier)


def button(window: QWidget, name: str) -> QPushButton:
    found = window.findChild(QPushButton, name)
    assert found is not None, name
    return found


def texts(widget: QWidget) -> list[str]:
    return [label.text() for label in widget.findChildren(QLabel) if label.isVisible()]


def test_each_section_can_be_shown(window: Window) -> None:
    """Choosing a row of the list makes the section and shows it."""
    for row, kind in enumerate(SECTIONS):
        window.list.setCurrentRow(row)
        assert window.sections[kind.title].isVisible()


def test_a_section_is_made_when_it_is_shown(window: Window) -> None:
    """Opening the panel costs one section, not all of them."""
    assert list(window.sections) == [SECTIONS[0].title]


def test_sections_come_in_the_forms_order() -> None:
    """Those that show fields stand in the order of the form schema, each once."""
    titles = [kind.title for kind in SECTIONS]
    assert len(titles) == len(set(titles))
    known = [title for title in FIELDS if title in titles]
    assert [title for title in titles if title in FIELDS] == known


def test_problems_are_counted_at_their_section(window: Window, desk: Desk, problems: list[Problem]) -> None:
    """Errors and warnings of a section's fields; what is about no field is the job's."""
    problems += [BAD, ODD, replace(ODD, what="Again"), replace(ODD, field="", what="The scene is modified.")]
    desk.look_for_problems()
    assert window.list.badge("Frames") == (1, 2)
    assert window.list.badge("Job") == (0, 1)
    assert "1 error, 3 warnings" in window.foot.problems.text()


def test_a_screen_reader_hears_the_problems_of_a_section(window: Window, desk: Desk, problems: list[Problem]) -> None:
    """The badge is a picture; its number is in the row's accessible text."""
    problems += [BAD]
    desk.look_for_problems()
    row = [kind.title for kind in SECTIONS].index("Frames")
    assert window.list.item(row).data(int(Qt.ItemDataRole.AccessibleTextRole)) == "Frames, 1-10, 1 error"


def test_the_list_says_what_is_chosen(window: Window, desk: Desk, qtbot: Any) -> None:
    """One sees the whole job without opening each section."""
    desk.edit(frames="1-5", chunk_size=2, instance_type="large", preemptible=True)
    said = {kind.title: "" for kind in SECTIONS}

    def there() -> bool:
        for row, kind in enumerate(SECTIONS):
            said[kind.title] = window.list.item(row).data(int(Qt.ItemDataRole.UserRole)) or ""
        return said["Frames"] == "1-5 · 2 per task"

    qtbot.waitUntil(there)
    assert said["Job"] == "2 of 3 steps"
    assert said["Machines"] == "large · preemptible"
    assert said["Software"] == "Memory 1.0"


def test_the_foot_says_what_the_job_comes_to(window: Window, desk: Desk, qtbot: Any) -> None:
    """Frames and tasks of all steps, bytes after dedupe, cost and finish."""
    desk.edit(chunk_size=4)
    desk.check = Check("c", True, 3, 3, 5_000_000_000, 1_250_000_000)
    desk.estimate = ESTIMATE
    desk.check_changed.emit()
    figures = window.foot.figures
    qtbot.waitUntil(lambda: figures["tasks"].text() == "6")
    assert figures["frames"].text() == "20"
    assert figures["send"].text() == "1.25 GB"
    assert figures["cost"].text() == "≈ €0.40"
    assert figures["finish"].text().startswith("≈ ")


@pytest.mark.parametrize(
    ("check", "shown"),
    [
        (None, "–"),
        (Check("c", False, 9, 3, 900, 300), "300 B …"),
        (Check("c", True, 9, 9, 900, 0), "nothing"),
    ],
    ids=["not known", "under way", "all there"],
)
def test_bytes_to_send(check: Check | None, shown: str, window: Window, desk: Desk) -> None:
    """What is not known is not shown as a number; what is counted still says so."""
    desk.check = check
    window.foot.show_figures()
    assert window.foot.figures["send"].text() == shown


def test_no_estimate_is_no_number(window: Window, desk: Desk) -> None:
    """Where nothing is known of such frames, the panel does not guess."""
    desk.estimate = Estimate(0.0, "none", 0, "", "EUR", 0.0, 1, 10)
    window.foot.show_figures()
    assert window.foot.figures["cost"].text() == "–"


def test_errors_block(window: Window, problems: list[Problem], submissions: list[int]) -> None:
    """Submit shows what is wrong instead."""
    problems += [BAD, ODD]
    window.foot.submit.click()
    assert submissions == []
    assert window.drawer.isVisible()
    assert not window.drawer.anyway.isVisible()
    assert {BAD.what, BAD.next_step, ODD.what} <= set(texts(window.drawer))


def test_warnings_ask_once(window: Window, problems: list[Problem], submissions: list[int]) -> None:
    """What was accepted is not asked about again; a new warning is."""
    problems += [ODD]
    window.foot.submit.click()
    assert submissions == []
    assert "Submit with this warning?" in texts(window.drawer)
    window.drawer.anyway.click()
    assert submissions == [1]
    window.foot.submit.click()
    assert submissions == [1, 1]
    problems += [replace(ODD, what="Something else is odd.")]
    window.foot.submit.click()
    assert submissions == [1, 1]
    assert window.drawer.isVisible()


def test_accepting_warnings_does_not_pass_a_new_error(window: Window, problems: list[Problem], submissions: list[int]) -> None:
    """The scene may change while the question stands."""
    problems += [ODD]
    window.foot.submit.click()
    problems += [BAD]
    window.drawer.anyway.click()
    assert submissions == []
    assert BAD.what in texts(window.drawer)


def test_a_fix_changes_the_form(window: Window, desk: Desk, problems: list[Problem]) -> None:
    """One click mends it, and the problem is gone."""
    problems += [replace(BAD, fix=Fix("Take 1-5", lambda form: replace(form, frames="1-5")))]
    desk.look_for_problems()
    window.drawer.open()
    fix = button(window.drawer, "fix")
    assert fix.text() == "Take 1-5"
    problems.clear()
    fix.click()
    assert desk.form.frames == "1-5"
    assert not window.drawer.isVisible()
    assert window.foot.problems.text() == "No problems"


def test_a_fix_saves_the_scene(window: Window, desk: Desk, problems: list[Problem]) -> None:
    """What only the host can do is done by the host, and the scene is read anew."""
    assert isinstance(desk.host, MemoryHost)
    desk.host.current = replace(desk.host.current, modified=True)
    desk.read_scene()
    problems += [replace(ODD, fix=Fix("Save", host="save"))]
    desk.look_for_problems()
    window.drawer.open()
    button(window.drawer, "fix").click()
    assert not desk.host.current.modified
    assert not desk.scene.modified


def test_what_the_host_refuses_is_said(window: Window, desk: Desk, problems: list[Problem]) -> None:
    """Its sentence is shown as it is."""
    assert isinstance(desk.host, MemoryHost)
    desk.host.current = replace(desk.host.current, path="")
    problems += [replace(ODD, fix=Fix("Save", host="save"))]
    desk.look_for_problems()
    window.drawer.open()
    button(window.drawer, "fix").click()
    assert window.message.text() == "The scene has no name yet. Save it under one first."


def test_select_shows_it_in_the_host(window: Window, desk: Desk, problems: list[Problem]) -> None:
    """The first of what a problem is about that is still there."""
    assert isinstance(desk.host, MemoryHost)
    problems += [replace(ODD, select=("gone", "fog"))]
    desk.look_for_problems()
    window.drawer.open()
    button(window.drawer, "select").click()
    assert desk.host.revealed == ["fog"]
    problems[:] = [replace(ODD, select=("gone",))]
    desk.look_for_problems()
    button(window.drawer, "select").click()
    assert "gone is not in the scene any more" in window.message.text()


def test_select_in_a_host_that_is_busy_is_said(
    window: Window, desk: Desk, problems: list[Problem], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host in another process that does not answer says so in the panel."""

    def busy(_: str) -> bool:
        raise HostRefused("The application does not answer.")

    monkeypatch.setattr(desk.host, "reveal", busy)
    problems += [replace(ODD, select=("fog",))]
    window.submit()
    button(window.drawer, "select").click()
    assert window.message.text() == "The application does not answer."


def test_a_double_click_is_one_click(window: Window, qtbot: Any) -> None:
    """Whoever clicks twice out of habit gets one job, even where the first is with the agent before the second click."""
    clicks: list[None] = []
    window.foot.submit_clicked.connect(lambda: clicks.append(None))
    button, left = window.foot.submit, Qt.MouseButton.LeftButton
    for event in (qtbot.mousePress, qtbot.mouseRelease, qtbot.mouseDClick, qtbot.mouseRelease):
        event(button, left)
    assert len(clicks) == 1


def test_without_an_answer_of_the_farm_nothing_is_called_right(window: Window, desk: Desk) -> None:
    """Who is not logged in is not told that there are no problems."""
    offer, desk.offer = desk.offer, None
    desk.offer_changed.emit()
    assert window.foot.problems.text() == "Not checked yet"
    desk.offer = offer
    desk.offer_changed.emit()
    assert window.foot.problems.text() == "No problems"


def test_show_goes_to_the_field(window: Window, desk: Desk, problems: list[Problem]) -> None:
    """From a problem to the widget that it is about."""
    problems += [BAD]
    desk.look_for_problems()
    window.drawer.open()
    button(window.drawer, "show").click()
    assert window.shown_section() == "Frames"
    assert window.focusWidget() is window.section("Frames").findChild(QLineEdit, "frames")


@pytest.mark.parametrize("field", ["frames", "priority", "plug_ins", ""], ids=lambda field: field or "none")
def test_section_of_a_field(field: str) -> None:
    """Each field has its section, and the scene the first."""
    assert field in FIELDS[section_of(field)] or (field == "" and section_of(field) == SECTIONS[0].title)


def test_from_opening_to_submit_without_the_mouse(window: Window, desk: Desk, submissions: list[int], qtbot: Any) -> None:
    """Go to Frames, into the range by its letter, type, on to the machines, choose one, submit."""
    press(qtbot, window, Qt.Key.Key_2, ALT)
    assert window.shown_section() == "Frames"
    press(qtbot, window, Qt.Key.Key_C, ALT)
    qtbot.waitUntil(lambda: isinstance(window.focusWidget(), QLineEdit))
    qtbot.keyClicks(window.focusWidget(), "1-4")
    press(qtbot, window, Qt.Key.Key_PageDown, CTRL)
    assert window.shown_section() == "Machines"
    press(qtbot, window, Qt.Key.Key_T, ALT)
    press(qtbot, window, Qt.Key.Key_Down)
    press(qtbot, window, Qt.Key.Key_Down)
    press(qtbot, window, Qt.Key.Key_Return, CTRL)
    assert (desk.form.frames, desk.form.instance_type) == ("1-4", "large")
    assert submissions == [1]


def test_what_is_typed_into_a_cell_is_submitted(window: Window, desk: Desk, submissions: list[int], qtbot: Any) -> None:
    """Ctrl+Enter while a cell is still edited takes what stands in it."""
    window.show_section("Job")
    table = window.section("Job").findChild(CellTable, "steps")
    assert table is not None
    table.setCurrentIndex(table.cells.index(0, 1))
    table.edit(table.cells.index(0, 1))
    editor = table.viewport().findChild(QLineEdit)
    assert editor is not None
    qtbot.keyClicks(editor, "3-4")
    qtbot.keyClick(editor, Qt.Key.Key_Return, CTRL)
    assert submissions == [1]
    assert desk.form.steps[0].frames == "3-4"


def test_a_letter_costs_next_to_nothing(window: Window, desk: Desk, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes longer waits until the artist pauses: validators, counts, the list of sections."""
    asked: list[str] = []
    desk._settle.timeout.disconnect()
    desk._settle.timeout.connect(lambda: asked.append("problems"))

    def counted(_: object) -> Totals:
        asked.append("totals")
        return Totals(1, 1)

    monkeypatch.setattr("conductor_plugins.panel.foot_bar.totals", counted)
    window.show_section("Job")
    field = window.section("Job").findChild(QLineEdit, "title")
    assert field is not None
    for letter in "a title of a job":
        QApplication.sendEvent(field, QKeyEvent(QKeyEvent.Type.KeyPress, 0, NO_MODIFIER, letter))
    assert desk.form.title == "a title of a job"
    assert asked == []
    qtbot.waitUntil(lambda: {"problems", "totals"} <= set(asked))


@pytest.mark.parametrize("key", [Qt.Key.Key_Space, Qt.Key.Key_Return], ids=["space", "return"])
def test_warnings_are_accepted_without_the_mouse(
    key: Qt.Key, window: Window, problems: list[Problem], submissions: list[int], qtbot: Any
) -> None:
    """The keyboard is at *Submit anyway* when the question is asked; Space and Return press it."""
    problems += [ODD]
    press(qtbot, window, Qt.Key.Key_Return, CTRL)
    assert window.focusWidget() is window.drawer.anyway
    press(qtbot, window, key)
    assert submissions == [1]


@pytest.mark.parametrize("title", [kind.title for kind in SECTIONS])
def test_tab_reaches_every_field(title: str, window: Window, desk: Desk, qtbot: Any) -> None:
    """From the list, Tab goes to each field of the section that can be used, then to the foot, and round again."""
    desk.edit(instance_type="small")
    window.show_section(title)
    window.list.setFocus()
    reached: list[str] = []
    for _ in range(120):
        press(qtbot, window, Qt.Key.Key_Tab)
        widget = window.focusWidget()
        assert widget is not None
        if widget is window.list:
            break
        reached.append(widget.objectName())
    assert "submit" in reached
    section = window.section(title)
    usable = [w for name in FIELDS.get(title, ()) if (w := section.findChild(QWidget, name)) is not None and w.isEnabled()]
    assert {w.objectName() for w in usable} <= set(reached)


@pytest.mark.parametrize("title", [kind.title for kind in SECTIONS])
def test_no_letter_is_given_twice(title: str, window: Window) -> None:
    """Alt and a letter go to one thing in each section."""
    window.show_section(title)
    labelled: list[QLabel | QAbstractButton] = [*window.findChildren(QLabel), *window.findChildren(QAbstractButton)]
    names = [widget.text().replace("&&", "") for widget in labelled if widget.isVisibleTo(window)]
    letters = [name[name.index("&") + 1].lower() for name in names if "&" in name]
    assert sorted(letters) == sorted(set(letters))


def test_escape_closes_what_is_on_top(window: Window, desk: Desk, problems: list[Problem], qtbot: Any) -> None:
    """First the drawer, then the page of help, then the panel."""
    problems += [ODD]
    desk.look_for_problems()
    press(qtbot, window, Qt.Key.Key_F1)
    press(qtbot, window, Qt.Key.Key_F8)
    assert window.drawer.isVisible()
    press(qtbot, window, Qt.Key.Key_Escape)
    assert not window.drawer.isVisible()
    assert window.help.isVisible()
    press(qtbot, window, Qt.Key.Key_Escape)
    assert not window.help.isVisible()
    press(qtbot, window, Qt.Key.Key_Escape)
    assert not window.isVisible()


def test_presets_open_by_a_key(window: Window, qtbot: Any) -> None:
    """F4, since every letter may be a field's."""
    press(qtbot, window, Qt.Key.Key_F4)
    menu = window.head.presets.menu()
    assert isinstance(menu, PresetsMenu)
    qtbot.waitUntil(menu.isVisible)
    menu.close()


def test_help_is_about_the_section(window: Window, qtbot: Any) -> None:
    """F1 tells what its fields mean; a question mark in a field is just typed."""
    press(qtbot, window, Qt.Key.Key_2, ALT)
    press(qtbot, window, Qt.Key.Key_F1)
    assert window.help.isVisible()
    page = "".join(texts(window.help))
    assert all(WORDS[name].name in page for name in FIELDS["Frames"])
    press(qtbot, window, Qt.Key.Key_F1)
    field = window.section("Frames").findChild(QLineEdit, "frames")
    assert field is not None
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_Question)
    assert not window.help.isVisible()
    assert field.text() == "?"


def test_a_section_is_shown_over_the_page_of_help(window: Window, desk: Desk, problems: list[Problem], qtbot: Any) -> None:
    """From a problem to its field, also where help of that very section is open; the same by a click on its name."""
    window.show_section("Frames")
    press(qtbot, window, Qt.Key.Key_F1)
    window.show_field("frames")
    assert window.section("Frames").isVisible()
    press(qtbot, window, Qt.Key.Key_F1)
    row = window.list.visualItemRect(window.list.currentItem())
    qtbot.mouseClick(window.list.viewport(), Qt.MouseButton.LeftButton, pos=row.center())
    assert window.section("Frames").isVisible()


def test_every_section_has_a_page_of_help(qtbot: Any) -> None:
    """Whatever is added later has one, too: at least the keys."""
    page = HelpPage()
    qtbot.addWidget(page)
    for kind in SECTIONS:
        page.tell(kind.title)
        assert any("Ctrl+Enter" in label.text() for label in page.findChildren(QLabel))


def test_a_message_is_shown_and_taken_away(window: Window, desk: Desk, qtbot: Any) -> None:
    """Esc takes it away before it closes anything."""
    desk.said.emit("The agent does not run.", True)
    assert window.message.isVisible()
    press(qtbot, window, Qt.Key.Key_Escape)
    assert not window.message.isVisible()
    assert window.isVisible()


def test_a_message_is_hidden_by_a_click(window: Window, desk: Desk, qtbot: Any) -> None:
    """Whoever uses the mouse gets rid of it, too."""
    desk.said.emit("The agent does not run.", True)
    qtbot.mouseClick(window.message, Qt.MouseButton.LeftButton)
    assert not window.message.isVisible()


def test_a_host_that_cannot_answer_says_why(window: Window, desk: Desk, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading the scene again (F5) where the host is gone."""

    def gone() -> None:
        raise HostRefused("Blender was closed. Open the panel from the one that runs.")

    monkeypatch.setattr(desk.host, "scene", gone)
    press(qtbot, window, Qt.Key.Key_F5)
    assert window.message.text().startswith("Blender was closed.")


@pytest.mark.parametrize("size", [(720, 480), (980, 640), (1900, 1200)], ids=str)
@pytest.mark.parametrize("title", [kind.title for kind in SECTIONS])
def test_nothing_is_cut_off(title: str, size: tuple[int, int], window: Window, desk: Desk, problems: list[Problem]) -> None:
    """From a small window to a large one, every name and every button has the room that its text needs."""
    problems += [BAD, ODD]
    desk.look_for_problems()
    window.show_section(title)
    window.resize(*size)
    QApplication.processEvents()
    window.grab()
    assert window.width() >= size[0]
    assert window.height() >= size[1]
    widgets: list[QLabel | QAbstractButton] = [*window.findChildren(QLabel), *window.findChildren(QAbstractButton)]
    for widget in widgets:
        wraps = isinstance(widget, QLabel) and widget.wordWrap()
        if widget.isVisible() and not wraps:
            assert widget.width() >= widget.minimumSizeHint().width(), widget.text()
    right = window.foot.submit.mapTo(window, window.foot.submit.rect().topRight()).x()
    assert right <= window.width()


def test_all_sections_are_in_sight_in_a_small_window(window: Window, qapp: Any) -> None:
    """In 720 × 480 and a font of twelve pixels the list needs not be scrolled; in a large window its rows have more room."""
    before = qapp.font()
    font = QFont("DejaVu Sans")
    font.setPixelSize(12)
    try:
        qapp.setFont(font)
        heights = []
        for size in ((720, 480), (980, 700)):
            window.resize(*size)
            QApplication.processEvents()
            window.grab()
            last = window.list.visualItemRect(window.list.item(window.list.count() - 1))
            assert last.bottom() <= window.list.viewport().height()
            heights.append(last.height())
    finally:
        qapp.setFont(before)
    assert heights[0] < heights[1]


def test_the_panel_fits_a_small_window(window: Window, desk: Desk, problems: list[Problem], qapp: Any) -> None:
    """In a font of twelve pixels, as hosts have it, 720 × 480 is enough for everything, with large figures, too."""
    problems += [BAD, ODD]
    desk.look_for_problems()
    desk.edit(frames="1-500000")
    desk.check = Check("c", False, 100_000, 3, 9_000_000_000_000, 888_000_000_000)
    desk.estimate = replace(ESTIMATE, cost="12345.00", wall_seconds=400_000.0)
    window.foot.show_figures()
    before = qapp.font()
    font = QFont("DejaVu Sans")
    font.setPixelSize(12)
    try:
        qapp.setFont(font)
        least = window.minimumSizeHint()
    finally:
        qapp.setFont(before)
    assert (least.width() <= 720, least.height() <= 480) == (True, True), least


SCALED = """
import sys
from pathlib import Path
from plugins.panel_desk import make_desk
from conductor_plugins.panel.presets_menu import PresetsMenu
from conductor_plugins.panel.tables import CellTable
from conductor_plugins.panel.sections import SECTIONS
from conductor_plugins.panel.window import Window
from qtpy.QtWidgets import QApplication
application = QApplication([])
window = Window(make_desk(Path("/job/shot.scene")))
window.resize(720, 480)
window.show()
for kind in SECTIONS:
    window.show_section(kind.title)
    picture = window.grab()
    image = picture.toImage()
    colours = {image.pixelColor(x, y).name() for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)}
    assert len(colours) > 5, (kind.title, colours)
    print(picture.width(), picture.height(), picture.devicePixelRatio())
window.close()
"""


@pytest.mark.parametrize("factor", ["1", "1.5", "2"])
def test_the_panel_is_drawn_at_every_density(factor: str, tmp_path: Path) -> None:
    """At a scale factor each picture has as many pixels more: lengths are the font's, not the screen's."""
    variables = {**os.environ, "QT_SCALE_FACTOR": factor, "QT_QPA_PLATFORM": "offscreen", "CONDUCTOR_HOME": str(tmp_path)}
    variables["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run([sys.executable, "-c", SCALED], env=variables, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    drawn = [tuple(float(number) for number in line.split()) for line in done.stdout.splitlines()]
    assert len(drawn) == len(SECTIONS)
    for width, height, ratio in drawn:
        assert ratio == float(factor)
        assert (width >= 720 * ratio, height >= 480 * ratio) == (True, True)
