"""Ask for the reason of an exclusion; nothing waits for the answer."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget


class ReasonDialog(QDialog):
    """One line for a reason, which must be there."""

    given = Signal(str)

    def __init__(self, what: str, suggestion: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("exclusion-reason")
        self.setWindowTitle("Exclude")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.reason = QLineEdit(suggestion)
        self.reason.setObjectName("reason")
        self.reason.setPlaceholderText("e.g. not seen in this shot")
        self.reason.selectAll()
        question = QLabel(f"&Why is {what.replace('&', '&&')} not sent? The job shows the reason to whoever wonders.")
        question.setWordWrap(True)
        question.setBuddy(self.reason)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.ok.setText("Exclude")
        column = QVBoxLayout(self)
        for widget in (question, self.reason, self.buttons):
            column.addWidget(widget)
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * 60)
        self.reason.textChanged.connect(self._look)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.accepted.connect(lambda: self.given.emit(self.reason.text().strip()))
        self._look(suggestion)

    def _look(self, text: str) -> None:
        self.ok.setEnabled(bool(text.strip()))
