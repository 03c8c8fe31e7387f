"""A line above the foot while the agent or the service does not answer: why, and a button to try again."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from conductor_plugins.desk import Desk


class TroubleBar(QFrame):
    """Shown as long as there is an `offer_problem`."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.setObjectName("trouble")
        em = self.fontMetrics().height()
        row = QHBoxLayout(self)
        row.setContentsMargins(em * 3 // 4, em // 4, em * 3 // 4, em // 4)
        self.sentence = QLabel()
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setWordWrap(True)
        self.sentence.setProperty("tone", "error")
        self.retry = QPushButton("&Retry")
        self.retry.setObjectName("retry-offer")
        self.retry.setToolTip("Ask again now; it is asked again by itself every few seconds")
        self.retry.clicked.connect(lambda: desk.offer_wanted.emit())
        row.addWidget(self.sentence, 1)
        row.addWidget(self.retry)
        desk.offer_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        self.sentence.setText(self._desk.offer_problem)
        self.setVisible(bool(self._desk.offer_problem))
