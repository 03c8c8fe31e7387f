"""The panel's window: sections at the left, the one that is shown, and the bar at the foot."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QByteArray, QEvent, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import (
    QApplication,
    QGridLayout,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from conductor_plugins.desk import Desk
from conductor_plugins.form.model import SECTIONS as FIELDS
from conductor_plugins.host import HostRefused
from conductor_plugins.panel.foot_bar import FootBar
from conductor_plugins.panel.head_bar import HeadBar
from conductor_plugins.panel.help_page import HelpPage
from conductor_plugins.panel.keys import bind_keys
from conductor_plugins.panel.message_bar import MessageBar
from conductor_plugins.panel.problem_drawer import ProblemDrawer
from conductor_plugins.panel.remembered import Remembered
from conductor_plugins.panel.section import Section
from conductor_plugins.panel.section_list import SectionList
from conductor_plugins.panel.sections import SECTIONS
from conductor_plugins.panel.style import style_sheet, tones
from conductor_plugins.panel.trouble_bar import TroubleBar
from conductor_plugins.validators.validator import ERROR

#: milliseconds between a change and what the list says of it
_SOON = 60
#: entries of a scan whose problems are found before anybody notices
_AT_ONCE = 500


class Window(QWidget):
    """The panel. It knows the sections by their titles only, and they do not know it."""

    #: the artist wants the job as it stands, there are no errors, and the warnings are accepted
    submit_wanted = Signal()
    closed = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None, left: Remembered | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.desk = desk
        desk.setParent(self)
        self.setObjectName("conductor")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle("Submit to Conductor")
        self.sections: dict[str, Section] = {}
        self._is_closed = False
        self._build()
        self._connect()
        self._dress()
        self._settle_in(left or Remembered())
        self._load = QTimer(self)
        self._load.setInterval(0)
        self._load.timeout.connect(self._load_one)
        self._load.start()

    # what others may ask for

    def section(self, title: str) -> Section:
        """Return a section, made if it was not shown yet."""
        if title not in self.sections:
            kind = next(kind for kind in SECTIONS if kind.title == title)
            section = kind(self.desk)
            self.sections[title] = section
            self._pages[title].setWidget(section)
        return self.sections[title]

    def show_section(self, title: str) -> None:
        """Show a section by its title; one that there is not is no fault (it may be remembered from another version)."""
        titles = [kind.title for kind in SECTIONS]
        if title in titles:
            self.list.setCurrentRow(titles.index(title))
            self._show_row(titles.index(title))  # the page of help may lie over it

    def shown_section(self) -> str:
        """Return the title of the section that is shown."""
        return SECTIONS[max(0, self.list.currentRow())].title

    def show_field(self, field: str) -> None:
        """Show the section that has a field of the form, and put the keyboard there."""
        title = section_of(field)
        self.show_section(title)
        self.section(title).focus_field(field)

    def submit(self) -> None:
        """Submit, unless there are errors; warnings are asked about once."""
        if self.desk.busy:
            return
        self.foot.submit.setFocus()  # what is being typed into a cell is in the form once the cell is left
        if len(self.desk.entries) <= _AT_ONCE:
            self.desk.look_for_problems()  # a larger scene is looked at in a thread, once Submit goes on
        if not self.show_problems():
            self.drawer.hide()
            self.submit_wanted.emit()

    def show_problems(self) -> bool:
        """Show what keeps the job from being submitted, or ask about it; tell whether there is anything."""
        problems = self.desk.problems
        errors = any(problem.severity == ERROR for problem in problems)
        if errors or any(problem.key() not in self.desk.accepted for problem in problems):
            self.drawer.open(ask=not errors)
            return True
        return False

    def read_scene(self) -> None:
        """Ask the host anew what is open; a host that cannot answer says why."""
        try:
            self.desk.read_scene()
        except HostRefused as exc:
            self.desk.said.emit(str(exc), True)

    # what happens inside

    def _build(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(0)
        self.head = HeadBar(self.desk)
        self.list = SectionList([kind.title for kind in SECTIONS])
        self.stack = QStackedWidget()
        self._pages: dict[str, QScrollArea] = {kind.title: _page() for kind in SECTIONS}
        for page in self._pages.values():
            self.stack.addWidget(page)
        self.help = HelpPage()
        self.stack.addWidget(self.help)
        self.message = MessageBar()
        self.trouble = TroubleBar(self.desk)
        self.drawer = ProblemDrawer(self.desk)
        self.foot = FootBar(self.desk)
        grid.addWidget(self.head, 0, 0, 1, 2)
        grid.addWidget(self.list, 1, 0)
        grid.addWidget(self.stack, 1, 1)
        below = QVBoxLayout()
        below.setSpacing(0)
        for widget in (self.trouble, self.message, self.drawer, self.foot):
            below.addWidget(widget)
        grid.addLayout(below, 2, 0, 1, 2)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(1, 1)

    def _connect(self) -> None:
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON)
        self._soon.timeout.connect(self._describe)
        desk = self.desk
        for signal in (desk.form_changed, desk.scene_changed, desk.offer_changed, desk.scan_changed, desk.check_changed):
            signal.connect(self._soon.start)
        desk.jobs_changed.connect(self._soon.start)
        desk.problems_changed.connect(self._describe)
        desk.said.connect(self.message.say)
        self.list.currentRowChanged.connect(self._show_row)
        self.list.itemClicked.connect(lambda item: self._show_row(self.list.row(item)))
        self.foot.submit_clicked.connect(self.submit)
        self.foot.problems_clicked.connect(self._toggle_problems)
        self.drawer.field_wanted.connect(self.show_field)
        self.drawer.accepted.connect(self._accept)
        self.drawer.closed.connect(self._close_drawer)
        self.head.help_clicked.connect(self._toggle_help)
        self.help.close_button.clicked.connect(self._toggle_help)
        self._keys()

    def _keys(self) -> None:
        keys = {
            "Ctrl+Return": self.submit,
            "Ctrl+Enter": self.submit,
            "Esc": self._escape,
            "F1": self._toggle_help,
            "?": self._toggle_help,
            "F4": self.head.open_presets,
            "F5": self.read_scene,
            "F8": self._toggle_problems,
            "Ctrl+PgDown": lambda: self._step(1),
            "Ctrl+PgUp": lambda: self._step(-1),
        }
        bind_keys(self, keys)
        bind_keys(self, {f"Alt+{(row + 1) % 10}": partial(self._go_to, row) for row in range(min(10, len(SECTIONS)))})

    def _settle_in(self, left: Remembered) -> None:
        em = self.fontMetrics().height()
        self.setMinimumHeight(em * 20)  # the least width is what the bars need, which changes with their figures
        self.resize(QSize(em * 56, em * 38))
        if left.geometry:
            self.restoreGeometry(QByteArray.fromHex(left.geometry.encode("ascii", "replace")))
        self.list.setCurrentRow(0)
        self.show_section(left.section)
        self._describe()
        self.list.setFocus()

    def left(self) -> Remembered:
        """Return how the window stands now."""
        return Remembered(bytes(self.saveGeometry().toHex().data()).decode("ascii"), self.shown_section())

    def _go_to(self, row: int) -> None:
        self.list.setCurrentRow(row)
        self._show_row(row)
        self.list.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _step(self, by: int) -> None:
        self._go_to((self.list.currentRow() + by) % len(SECTIONS))

    def _show_row(self, row: int) -> None:
        title = SECTIONS[row].title
        self.section(title)
        self.stack.setCurrentWidget(self._pages[title])

    def _load_one(self) -> None:
        """Load the code of one section that was not shown yet: the list says then what is chosen there."""
        waiting = next((kind for kind in SECTIONS if not kind.is_loaded()), None)
        if waiting is not None:
            waiting.load()
        else:
            self._load.stop()
            self._describe()

    def _describe(self) -> None:
        now = self.desk.situation()
        counts: dict[str, list[int]] = {kind.title: [0, 0] for kind in SECTIONS}
        for problem in self.desk.problems:
            counts[section_of(problem.field)][problem.severity != ERROR] += 1
        for row, kind in enumerate(SECTIONS):
            self.list.describe(row, kind.summary(now), *counts[kind.title])

    def _toggle_problems(self) -> None:
        if self.drawer.isVisible():
            self._close_drawer()
        elif self.desk.problems:
            self.drawer.open()

    def _close_drawer(self) -> None:
        self.drawer.hide()
        self.foot.submit.setFocus()

    def _accept(self) -> None:
        self.desk.accepted.update(problem.key() for problem in self.desk.problems if problem.severity != ERROR)
        self.drawer.hide()
        self.submit()

    def _toggle_help(self) -> None:
        if self.stack.currentWidget() is self.help:
            self._show_row(max(0, self.list.currentRow()))
            self.list.setFocus()
        else:
            self.help.tell(self.shown_section())
            self.stack.setCurrentWidget(self.help)
            self.help.close_button.setFocus()

    def _escape(self) -> None:
        if self.drawer.isVisible():
            self._close_drawer()
        elif self.stack.currentWidget() is self.help:
            self._toggle_help()
        elif self.message.isVisible():
            self.message.hide()
        else:
            self.close()

    def _dress(self) -> None:
        """Put on the style sheet of the host's palette; the same one is not put on twice, since that is a change of style again."""
        outside = self.parentWidget()
        palette = outside.palette() if outside is not None else QApplication.palette()
        sheet = style_sheet(palette, self.font())
        if sheet != self.styleSheet():
            self.panel_tones = self.list.tones = tones(palette)
            self.setStyleSheet(sheet)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the host's palette and font."""
        super().changeEvent(event)
        kinds = (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.ApplicationPaletteChange)
        if event.type() in kinds and hasattr(self, "foot"):
            self._dress()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Close the panel; what the agent does goes on."""
        if self.desk.busy:
            from conductor_plugins.panel.closing import waits  # seldom needed

            if waits(self):
                event.ignore()
                return
        super().closeEvent(event)
        if not self._is_closed:
            self._is_closed = True
            self.desk.close()
            self.closed.emit()


def section_of(field: str) -> str:
    """Return the title of the section that shows a field; what is about no field is the job's."""
    titles = {kind.title for kind in SECTIONS}
    found = next((title for title, fields in FIELDS.items() if field in fields), SECTIONS[0].title)
    return found if found in titles else SECTIONS[0].title


def _page() -> QScrollArea:
    page = QScrollArea()
    page.setWidgetResizable(True)
    page.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return page
