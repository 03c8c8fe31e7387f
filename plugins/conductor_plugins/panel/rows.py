"""Fields one under another with their names at the left, aligned across all sections, each with room for a sentence below."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QWidget

from conductor_plugins.panel.words import WORDS


class Note(QLabel):
    """A sentence below a field: by the way, or on what is wrong with it. Its line is kept free while it says nothing."""

    def __init__(self, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"{name}-note" if name else "")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.setProperty("tone", "subtle")
        self.setMinimumHeight(self.fontMetrics().height())

    def say(self, text: str, tone: str = "subtle") -> None:
        """Show a sentence in a tone of the style sheet: `subtle`, `error`, `warning` or `ok`."""
        if self.text() != text:
            self.setText(text)
        if self.property("tone") != tone:
            self.setProperty("tone", tone)
            repolish(self)


class Rows(QGridLayout):
    """A column of names and one of fields."""

    def __init__(self, like: QWidget | None = None) -> None:
        """Measure by the font of `like`; the layout is put where the caller wants it."""
        super().__init__()
        widget = like or QLabel()
        em = widget.fontMetrics().height()
        self.setContentsMargins(0, 0, 0, 0)
        self.setHorizontalSpacing(em * 2 // 3)
        self.setVerticalSpacing(em // 3)
        self.setColumnMinimumWidth(0, widget.fontMetrics().averageCharWidth() * 19)
        self.setColumnStretch(1, 1)

    def add(self, name: str, *fields: QWidget, note: Note | None = None, stretch: bool = False) -> QLabel:
        """Add a field of the form by its name, with what belongs beside it; `stretch`: the field takes all of the width."""
        words = WORDS[name]
        label = QLabel(words.label)
        label.setBuddy(next((field for field in fields if field.objectName() == name), fields[0]))
        label.setToolTip(words.tip)
        self.add_row(label, *fields, note=note, stretch=stretch)
        return label

    def add_row(self, label: QWidget, *fields: QWidget, note: Note | None = None, stretch: bool = False) -> None:
        """Add fields with a name of any kind."""
        row = self.rowCount()
        self.addWidget(label, row, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        line = QHBoxLayout()
        line.setSpacing(self.horizontalSpacing())
        for field in fields:
            line.addWidget(field, 1 if stretch and field is fields[0] else 0)
        if not stretch:
            line.addStretch(1)
        self.addLayout(line, row, 1)
        if note is not None:
            self.addWidget(note, row + 1, 1)


def repolish(widget: QWidget) -> None:
    """Have the style sheet look at a widget's properties again."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def section_margin(widget: QWidget) -> tuple[int, int, int, int]:
    """Return the room around a section's content."""
    em = widget.fontMetrics().height()
    return em, em * 3 // 4, em, em * 3 // 4
