"""The page that F1 opens: what the fields of the section mean, and the keys."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from conductor_plugins.form.model import SECTIONS as FIELDS
from conductor_plugins.panel.words import KEYS, WORDS


class HelpPage(QFrame):
    """What there is to know, over the section that it is about."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("help-page")
        em = self.fontMetrics().height()
        column = QVBoxLayout(self)
        column.setContentsMargins(em, em * 3 // 4, em, em * 3 // 4)
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.RichText)
        self._text.setAlignment(Qt.AlignmentFlag.AlignTop)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(self._text)
        column.addWidget(area)
        row = QHBoxLayout()
        row.addStretch(1)
        self.close_button = QPushButton("Close")
        self.close_button.setAutoDefault(True)  # Return presses it where the keyboard is
        row.addWidget(self.close_button)
        column.addLayout(row)

    def tell(self, title: str) -> None:
        """Show the page about a section."""
        fields = "".join(_line(WORDS[name].name, WORDS[name].tip) for name in FIELDS.get(title, ()) if name in WORDS)
        keys = "".join(_line(key, what) for key, what in KEYS)
        about = f"<h3>{_escaped(title)}</h3><table cellpadding='4'>{fields}</table>" if fields else ""
        self._text.setText(f"{about}<h3>Keys</h3><table cellpadding='4'>{keys}</table>")


def _line(name: str, text: str) -> str:
    return f"<tr><td style='white-space:pre'><b>{_escaped(name)}</b></td><td>{_escaped(text)}</td></tr>"


def _escaped(text: str) -> str:
    """Return a text as it stands in HTML; `html` would load two thousand names of letters with it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
