"""A table to which one adds lines: the last row is empty, and what is typed there is a new one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import (
    QApplication,
    QCompleter,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from conductor_plugins.panel.style import Tones
from conductor_plugins.panel.tables import CellModel, CellTable

Index = QModelIndex | QPersistentModelIndex


class LinesTable(CellTable):
    """Del removes what is selected, Ins begins a new line, Ctrl+V takes lines of text in."""

    #: numbers of the rows to take away
    remove_wanted = Signal(object)
    #: text that was pasted
    pasted = Signal(str)

    def __init__(self, columns: Sequence[str], tones: Callable[[], Tones], name: str) -> None:
        super().__init__(CellModel(columns, tones), name)
        self.setMinimumHeight(self.height_of(3))
        self._next = (0, 0)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(lambda: self.edit_cell(*self._next))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Remove, add or paste."""
        if event.matches(QKeySequence.StandardKey.Paste):
            self.pasted.emit(QApplication.clipboard().text())
        elif event.matches(QKeySequence.StandardKey.Delete):
            self.remove_selected()
        elif event.key() == Qt.Key.Key_Insert:
            self.add_line()
        else:
            super().keyPressEvent(event)

    def selected(self) -> list[int]:
        """Return the numbers of the rows that are selected, without the empty one at the end."""
        last = len(self.cells.cells) - 1
        return sorted(index.row() for index in self.selectionModel().selectedRows() if index.row() < last)

    def remove_selected(self) -> None:
        """Have what is selected removed."""
        if rows := self.selected():
            self.remove_wanted.emit(rows)

    def add_line(self) -> None:
        """Begin a new line."""
        self.edit_cell(len(self.cells.cells) - 1, 0)

    def edit_soon(self, row: int, column: int) -> None:
        """Edit a cell once the editor of another is gone."""
        self._next = (row, column)
        self._soon.start()

    def edit_cell(self, row: int, column: int) -> None:
        """Put the keyboard into a cell's editor."""
        index = self.cells.index(row, column)
        if index.isValid():
            self.setFocus()
            self.setCurrentIndex(index)
            self.edit(index)

    def heading(self, text: str, tip: str, *further: QWidget) -> QHBoxLayout:
        """Return a row with the table's name and its buttons."""
        row = QHBoxLayout()
        label = QLabel(text)
        label.setBuddy(self)
        label.setToolTip(tip)
        row.addWidget(label)
        row.addStretch(1)
        for widget in further:
            row.addWidget(widget)
        for name, button_text, call, hint in (
            ("add", "Add", self.add_line, "Begin a new line (Ins)"),
            ("remove", "Remove", self.remove_selected, "Remove what is selected (Del)"),
        ):
            button = QPushButton(button_text)
            button.setObjectName(f"{self.objectName()}-{name}")
            button.setProperty("flat", True)
            button.setToolTip(hint)
            button.clicked.connect(lambda *_, call=call: call())
            row.addWidget(button)
            if name == "remove":
                self.follow_selection(button)
        return row

    def follow_selection(self, button: QPushButton) -> None:
        """Enable a button while something is selected."""

        def look(*_: object) -> None:
            button.setEnabled(bool(self.selected()))

        self.selectionModel().selectionChanged.connect(look)
        self.cells.modelReset.connect(look)
        look()


class Offering(QStyledItemDelegate):
    """Edit in a line that completes what is typed by what was used before."""

    def __init__(self, offered: Callable[[int, int], Sequence[str]], parent: QObject) -> None:
        super().__init__(parent)
        self._offered = offered

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:  # noqa: N802 - Qt's name
        """Return the editor of a cell."""
        editor = super().createEditor(parent, option, index)
        words = self._offered(index.row(), index.column())
        if words and isinstance(editor, QLineEdit):
            completer = QCompleter(list(words), editor)
            completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            completer.setFilterMode(Qt.MatchFlag.MatchContains)
            editor.setCompleter(completer)
        return editor


def pairs_in(text: str) -> list[tuple[str, str]]:
    """Return keys and values of lines like `key = value`, `key: value` or two cells of a table; empty lines are nothing."""
    pairs: list[tuple[str, str]] = []
    for line in filter(str.strip, text.splitlines()):
        at = min((place for sign in "\t=:" if (place := line.find(sign)) >= 0), default=len(line))
        pairs.append((line[:at].strip(), line[at + 1 :].strip()))
    return pairs
