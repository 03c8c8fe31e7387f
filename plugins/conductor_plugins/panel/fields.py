"""Widgets that are one field of the form: what is typed goes into it, and they follow it when something else changes it."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QCheckBox, QLineEdit, QSpinBox, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.panel.words import WORDS


def named(widget: QWidget, name: str) -> None:
    """Give a widget the name of its field, and the words for tool tip and screen reader."""
    words = WORDS[name]
    widget.setObjectName(name)
    widget.setToolTip(words.tip)
    widget.setAccessibleName(words.name)
    widget.setAccessibleDescription(words.tip)


def change_field(desk: Desk, name: str, value: Any) -> None:
    """Give a field of the form a value."""
    change: dict[str, Any] = {name: value}
    desk.edit(**change)


class TextField(QLineEdit):
    """A text of the form, told with every letter."""

    def __init__(self, desk: Desk, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, name)
        self._desk, self._name = desk, name
        self.textEdited.connect(self._edit)
        desk.form_changed.connect(self.follow)
        self.follow()

    def follow(self) -> None:
        """Show what the form says; the cursor stays where one types."""
        text = str(getattr(self._desk.form, self._name))
        if text != self.text():
            self.setText(text)

    def _edit(self, text: str) -> None:
        change_field(self._desk, self._name, text)


class NumberField(QSpinBox):
    """A whole number of the form."""

    def __init__(self, desk: Desk, name: str, *, low: int = 0, high: int = 1_000_000, zero: str = "", unit: str = "") -> None:
        super().__init__()
        named(self, name)
        self._desk, self._name = desk, name
        self.setRange(low, high)
        self.setSpecialValueText(zero)
        self.setSuffix(f" {unit}" if unit else "")
        self.lineEdit().setTextMargins(self.fontMetrics().height() // 4, 0, 0, 0)
        self.setFixedWidth(self.fontMetrics().averageCharWidth() * 16)
        self.valueChanged.connect(self._edit)
        desk.form_changed.connect(self.follow)
        self.follow()

    def follow(self) -> None:
        """Show what the form says."""
        number: Any = getattr(self._desk.form, self._name)
        if number != self.value():
            with_silence = QSignalBlocker(self)
            self.setValue(int(number))
            with_silence.unblock()

    def _edit(self, number: int) -> None:
        change_field(self._desk, self._name, number)


class TickField(QCheckBox):
    """A yes or no of the form."""

    def __init__(self, desk: Desk, name: str, text: str = "") -> None:
        super().__init__(text or WORDS[name].label)
        named(self, name)
        self._desk, self._name = desk, name
        self.toggled.connect(self._edit)
        desk.form_changed.connect(self.follow)
        self.follow()

    def follow(self) -> None:
        """Show what the form says."""
        ticked = bool(getattr(self._desk.form, self._name))
        if ticked != self.isChecked():
            with_silence = QSignalBlocker(self)
            self.setChecked(ticked)
            with_silence.unblock()

    def _edit(self, ticked: bool) -> None:
        change_field(self._desk, self._name, ticked)
