"""What is wrong, in a drawer above the bar at the foot: each problem with the buttons that mend or show it.

Warnings are asked about here as well, once: the drawer opens with *Submit anyway*, and what was accepted is not asked again.
"""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.host import HostRefused
from conductor_plugins.panel.figures import count
from conductor_plugins.validators.validator import ERROR, Problem

#: problems that get a row; a scene with ten thousand missing files has one problem as a rule, but studios write validators too
_SHOWN = 60


class ProblemDrawer(QFrame):
    """The list of problems."""

    #: the field of a problem whose text was clicked
    field_wanted = Signal(str)
    #: the warnings that are shown are accepted
    accepted = Signal()
    closed = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.setObjectName("drawer")
        em = self.fontMetrics().height()
        column = QVBoxLayout(self)
        column.setContentsMargins(em * 3 // 4, em // 2, em * 3 // 4, em // 4)
        column.setSpacing(em // 3)
        column.addLayout(self._head())
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column.addWidget(self._area)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()
        desk.problems_changed.connect(self._follow)

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self._question = QLabel()
        self.anyway = _button("Submit &anyway", "anyway", self.accepted.emit)
        self.anyway.setToolTip("Accept these warnings; they are not asked about again")
        close = _button("Close", "close-drawer", self.closed.emit)
        row.addWidget(self._question, 1)
        row.addWidget(self.anyway)
        row.addWidget(close)
        return row

    def open(self, *, ask: bool = False) -> None:
        """Show the problems; `ask`: whether to submit with these warnings."""
        self._ask = ask
        self._fill()
        self.show()
        first = self.anyway if ask else self._first_button()
        if first is not None:
            first.setFocus(Qt.FocusReason.OtherFocusReason)

    def _follow(self) -> None:
        if not self.isVisible():
            return
        if self.desk.problems:
            had_focus = self.isAncestorOf(self.focusWidget() or self)
            self._fill()
            first = self._first_button()
            if had_focus and first is not None:
                first.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.closed.emit()

    def _fill(self) -> None:
        problems = self.desk.problems
        errors = sum(problem.severity == ERROR for problem in problems)
        warnings = len(problems) - errors
        asks = self._ask and not errors
        self.anyway.setVisible(asks)
        self._question.setText(_heading(errors, warnings, asks=asks))
        before = self._area.takeWidget()
        if before is not None:
            before.deleteLater()  # not at once: the button that led here is in it
        inside = self._list(problems)
        self._area.setWidget(inside)
        em = self.fontMetrics().height()
        across = self.parentWidget() or self
        wanted = inside.heightForWidth(across.width() - em * 2) + em // 4
        self._area.setFixedHeight(min(wanted, em * 11))

    def _list(self, problems: Sequence[Problem]) -> QWidget:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for problem in problems[:_SHOWN]:
            column.addWidget(_Row(self, problem))
        if len(problems) > _SHOWN:
            column.addWidget(QLabel(f"and {count(len(problems) - _SHOWN, 'more problem')}"))
        column.addStretch(1)
        return inside

    def _first_button(self) -> QPushButton | None:
        inside = self._area.widget()
        buttons = inside.findChildren(QPushButton) if inside is not None else []
        return buttons[0] if buttons else self.findChild(QPushButton, "close-drawer")

    def fix(self, problem: Problem) -> None:
        """Do what mends a problem: change the form, or have the host do it."""
        fix = problem.fix
        if fix is None:
            return
        try:
            if fix.host == "save":
                self.desk.host.save()
                self.desk.read_scene()
        except HostRefused as exc:
            self.desk.said.emit(str(exc), True)
            return
        if fix.form is not None:
            self.desk.edit(fix.form)
        self.desk.look_for_problems()

    def select(self, problem: Problem) -> None:
        """Show in the host what a problem is about: the first of it that is there."""
        try:
            found = any(self.desk.host.reveal(referrer) for referrer in problem.select)
        except HostRefused as exc:
            self.desk.said.emit(str(exc), True)
            return
        if not found:
            self.desk.said.emit(f"{problem.select[0]} is not in the scene any more. Read the scene again (F5).", True)


class _Row(QFrame):
    """One problem: what is wrong, what to do, and the buttons that do it."""

    def __init__(self, drawer: ProblemDrawer, problem: Problem) -> None:
        super().__init__()
        em = self.fontMetrics().height()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, em // 4, em // 2, em // 4)
        row.setSpacing(em // 2)
        bad = problem.severity == ERROR
        mark = QLabel("Error" if bad else "Warning")
        mark.setProperty("tone", "error" if bad else "warning")
        mark.setMinimumWidth(self.fontMetrics().horizontalAdvance("Warning") + em // 2)
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        text = self._text(problem)
        text.addStretch(1)
        row.addLayout(text, 1)
        if problem.fix is not None:
            row.addWidget(_button(problem.fix.label, "fix", lambda: drawer.fix(problem)), 0, Qt.AlignmentFlag.AlignTop)
        if problem.select:
            row.addWidget(_button("Select", "select", lambda: drawer.select(problem)), 0, Qt.AlignmentFlag.AlignTop)
        if problem.field:
            show = _button("Show", "show", lambda: drawer.field_wanted.emit(problem.field))
            row.addWidget(show, 0, Qt.AlignmentFlag.AlignTop)

    def _text(self, problem: Problem) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(0)
        for text, tone in ((problem.what, ""), (problem.next_step, "subtle")):
            if not text:
                continue
            label = QLabel(text)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setProperty("tone", tone)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(label)
        return column


def _heading(errors: int, warnings: int, *, asks: bool) -> str:
    if asks:
        return f"Submit with {'this warning' if warnings == 1 else f'these {warnings} warnings'}?"
    if errors:
        them = "this error is" if errors == 1 else f"these {errors} errors are"
        return f"Nothing can be submitted until {them} mended."
    return "These warnings do not keep you from submitting."


def _button(text: str, name: str, clicked: object) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAutoDefault(True)  # Return presses it where the keyboard is
    button.clicked.connect(lambda *_: clicked())  # type: ignore[operator]
    return button
