"""The line above the bar at the foot in which the panel says what is about no field."""

from __future__ import annotations

from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QLabel

#: milliseconds after which good news are taken as read
_READ = 8_000


class MessageBar(QLabel):
    """One sentence for the artist, until it is read or another comes."""

    def __init__(self) -> None:
        super().__init__()
        em = self.fontMetrics().height()
        self.setObjectName("message")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setContentsMargins(em * 3 // 4, em // 2, em * 3 // 4, em // 2)
        self.setToolTip("Click, or press Esc, to hide this")
        self._read = QTimer(self)
        self._read.setSingleShot(True)
        self._read.setInterval(_READ)
        self._read.timeout.connect(self.hide)
        self.hide()

    def say(self, text: str, bad: bool) -> None:
        """Show a sentence; an empty one takes the last away. Good news go by themselves."""
        self._read.stop()
        if not bad:
            self._read.start()
        self.setText(text)
        self.setProperty("tone", "error" if bad else "")
        self.style().unpolish(self)
        self.style().polish(self)
        self.setVisible(bool(text))

    def is_bad(self) -> bool:
        """Tell whether bad news are shown."""
        return not self.isHidden() and self.property("tone") == "error"

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Hide what was read."""
        super().mousePressEvent(event)
        self.hide()
