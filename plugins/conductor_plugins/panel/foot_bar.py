"""The bar at the foot, always there: what would be rendered and sent, what it costs, when it is done, what is wrong; Submit."""

from __future__ import annotations

import time

from qtpy.QtCore import QTimer, Signal
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.form.totals import totals
from conductor_plugins.panel.figures import UNKNOWN, count, moment_text, money_text, size_text, span_text
from conductor_plugins.validators.validator import ERROR

#: milliseconds after which the finish time is told anew, and between a change and the figures it leads to
_MINUTE, _SOON = 30_000, 60
_FIGURES = (
    ("frames", "Frames", "Frames of all steps together."),
    ("tasks", "Tasks", "What instances take one by one: each is one chunk of a step's frames."),
    ("send", "To send", "Bytes that the store does not have yet, of all that the scene needs."),
    ("cost", "Cost", "An estimate: what instances cost for as long as they are expected to run, the least billed time included."),
    ("finish", "Done at", "An estimate: when the last frame is there, were it submitted now."),
)
_BASIS = {"scene": "frames of this scene", "project": "frames of this project"}


class FootBar(QFrame):
    """The figures of the job to be, and the button that makes it one."""

    submit_clicked = Signal()
    problems_clicked = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.setObjectName("foot")
        self.figures: dict[str, QLabel] = {}
        row = QHBoxLayout(self)
        em = self.fontMetrics().height()
        row.setContentsMargins(em * 3 // 4, em // 2, em * 3 // 4, em // 2)
        row.setSpacing(em * 5 // 4)
        for name, label, tip in _FIGURES:
            row.addLayout(self._figure(name, label, tip))
        row.addStretch(1)
        self.problems = QPushButton()
        self.problems.setObjectName("problems")
        self.problems.setProperty("flat", True)
        self.problems.clicked.connect(self.problems_clicked)
        self.submit = _Once("Submit")
        self.submit.setObjectName("submit")
        self.submit.setProperty("primary", True)
        self.submit.setAutoDefault(True)  # Return presses it where the keyboard is
        self.problems.setAutoDefault(True)
        self.submit.setToolTip("Submit the job (Ctrl+Enter)")
        self.submit.clicked.connect(self.submit_clicked)
        row.addWidget(self.problems)
        row.addWidget(self.submit)
        self._follow()

    def _figure(self, name: str, label: str, tip: str) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(0)
        above, value = QLabel(label), QLabel(UNKNOWN)
        above.setProperty("tone", "subtle")
        value.setProperty("figure", True)
        value.setObjectName(f"figure-{name}")
        value.setAccessibleName(label)
        for widget in (above, value):
            widget.setToolTip(tip)
            column.addWidget(widget)
        self.figures[name] = value
        return column

    def _follow(self) -> None:
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON)
        self._soon.timeout.connect(self.show_figures)
        self._clock = QTimer(self)
        self._clock.setInterval(_MINUTE)
        self._clock.timeout.connect(self.show_estimate)
        self._clock.start()
        for signal in (self.desk.form_changed, self.desk.scene_changed, self.desk.check_changed, self.desk.estimate_changed):
            signal.connect(self._soon.start)
        self.desk.problems_changed.connect(self.show_problems)
        self.desk.offer_changed.connect(self.show_problems)
        self.desk.busy_changed.connect(self._show_busy)
        self.show_figures()
        self.show_problems()

    def _show_busy(self) -> None:
        """Let nobody submit twice; the button says what goes on."""
        busy = self.desk.busy
        self.submit.setEnabled(not busy)
        self.submit.setText("Submitting …" if busy else "Submit")
        self.submit.setToolTip(busy or "Submit the job (Ctrl+Enter)")

    def show_figures(self) -> None:
        """Show what is known now."""
        now = totals(self.desk.situation())
        self.figures["frames"].setText(f"{now.frames:,}")
        self.figures["tasks"].setText(f"{now.tasks:,}")
        self._show_check()
        self.show_estimate()

    def _show_check(self) -> None:
        check, label = self.desk.check, self.figures["send"]
        if check is None:
            label.setText(UNKNOWN)
            return
        text = size_text(check.bytes_to_send) if check.bytes_to_send else "nothing"
        label.setText(text if check.done else f"{text} …")
        known = f"{size_text(check.bytes_to_send)} of {size_text(check.bytes_total)} in {count(check.files_total, 'file')}"
        label.setToolTip(check.problem or f"{known} must be sent; the store has the rest.")

    def show_estimate(self) -> None:
        """Show cost and finish time, counted from this minute."""
        estimate, cost, finish = self.desk.estimate, self.figures["cost"], self.figures["finish"]
        known = estimate is not None and estimate.cost != "" and estimate.basis != "none"
        if estimate is None or not known:
            cost.setText(UNKNOWN)
            finish.setText(UNKNOWN)
            cost.setToolTip("Nothing is known yet of how long frames of this scene take. Scout frames will tell.")
            return
        cost.setText(f"≈ {money_text(estimate.cost, estimate.currency)}")
        minutes = count(estimate.billed_minutes, "billed minute")
        basis = f"from {count(estimate.samples, 'frame')} rendered before, {_BASIS.get(estimate.basis, '')}"
        cost.setToolTip(f"{minutes} on {count(estimate.instances, 'instance')}, {basis}: {estimate.frame_seconds:.0f} s a frame.")
        finish.setText(f"≈ {moment_text(estimate.wall_seconds, time.time())}")
        finish.setToolTip(f"In {span_text(estimate.wall_seconds)}, once the files are there.")

    def show_problems(self) -> None:
        """Show how many errors and warnings there are."""
        errors = sum(problem.severity == ERROR for problem in self.desk.problems)
        warnings = len(self.desk.problems) - errors
        parts = [count(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
        asked = self.desk.offer is not None  # without it most of what could be wrong is not known
        self.problems.setText(", ".join(parts) or ("No problems" if asked else "Not checked yet"))
        self.problems.setProperty("tone", "error" if errors else "warning" if warnings else "ok" if asked else "subtle")
        self.problems.setToolTip("Show what is wrong and how to mend it (F8)" if parts else "")
        self.problems.setEnabled(bool(parts))
        self.problems.style().unpolish(self.problems)
        self.problems.style().polish(self.problems)


class _Once(QPushButton):
    """A button for which a double click is one click."""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take the second press of a double click for none."""
        event.accept()
