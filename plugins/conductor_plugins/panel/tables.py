"""Tables of cells that are values: what a section shows is made anew from the desk, and what is edited goes back to the section."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractItemModel, QAbstractTableModel, QModelIndex, QObject, Qt, Signal
from qtpy.QtGui import QFont, QKeyEvent, QPainter
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from conductor_plugins.panel.style import Tones

if TYPE_CHECKING:
    from qtpy.QtCore import QPersistentModelIndex

    Index = QModelIndex | QPersistentModelIndex

_CHOICES = int(Qt.ItemDataRole.UserRole) + 7


@dataclass(frozen=True)
class Cell:
    """What one cell shows, and how it is edited."""

    text: str = ""
    #: a colour of `Tones` by name; "": plain text
    tone: str = ""
    tip: str = ""
    #: at the right, so that digits stand below digits
    number: bool = False
    #: a box with or without a tick; None: no box
    tick: bool | None = None
    #: what stands in the editor at first; None: it cannot be edited
    edit: str | None = None
    #: what the editor offers; (): anything can be typed
    choices: tuple[str, ...] = ()
    #: the name of a group of rows, across all columns; nothing to be chosen
    heading: bool = False


class CellModel(QAbstractTableModel):
    """Rows of cells."""

    #: row, column and the text that was typed or chosen
    edited = Signal(int, int, str)
    #: rows and column of a box that was ticked (or not)
    ticked = Signal(int, int, bool)

    def __init__(self, columns: Sequence[str], tones: Callable[[], Tones], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._columns = tuple(columns)
        self.tones = tones
        self.cells: list[tuple[Cell, ...]] = []

    def show_cells(self, cells: Sequence[tuple[Cell, ...]]) -> None:
        """Show these rows; selection and editor stay where the number of rows does."""
        if len(cells) != len(self.cells):
            self.beginResetModel()
            self.cells = list(cells)
            self.endResetModel()
            return
        changed = [row for row, pair in enumerate(zip(cells, self.cells, strict=True)) if pair[0] != pair[1]]
        self.cells = list(cells)
        if changed:
            self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], len(self._columns) - 1))

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        """Return the number of rows."""
        return 0 if parent is not None and parent.isValid() else len(self.cells)

    def columnCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(self._columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:  # noqa: N802
        """Return a column's name."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            number = bool(self.cells) and self._cell_of_column(section).number
            return int((Qt.AlignmentFlag.AlignRight if number else Qt.AlignmentFlag.AlignLeft) | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _cell_of_column(self, column: int) -> Cell:
        return next((row[column] for row in self.cells if not row[0].heading), Cell())

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """Return what a cell shows in a role."""
        if not index.isValid():
            return None
        cell = self.cells[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return cell.text
        if role == Qt.ItemDataRole.EditRole:
            return cell.edit
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            return cell.tip or None
        if role == Qt.ItemDataRole.CheckStateRole and cell.tick is not None:
            return int(_STATE[cell.tick])
        if role == _CHOICES:
            return cell.choices
        return self._look(cell, role)

    def _look(self, cell: Cell, role: int) -> Any:
        if role == Qt.ItemDataRole.ForegroundRole and (cell.tone or cell.heading):
            return getattr(self.tones(), cell.tone or "subtle")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if cell.number else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.FontRole and cell.heading:
            font = QFont()
            font.setWeight(QFont.Weight.DemiBold)
            return font
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Return what can be done with a cell."""
        cell = self.cells[index.row()][index.column()]
        if cell.heading or self.cells[index.row()][0].heading:
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if cell.edit is not None:
            flags |= Qt.ItemFlag.ItemIsEditable
        if cell.tick is not None:
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        return flags

    def setData(self, index: Index, value: Any, role: int = int(Qt.ItemDataRole.EditRole)) -> bool:  # noqa: N802 - Qt's name
        """Tell what was edited; the section changes the form, and the form the cell."""
        if role == Qt.ItemDataRole.CheckStateRole:
            self.ticked.emit(index.row(), index.column(), value in (Qt.CheckState.Checked, int(_STATE[True])))
            return True
        if role == Qt.ItemDataRole.EditRole and str(value) != self.cells[index.row()][index.column()].edit:
            self.edited.emit(index.row(), index.column(), str(value).strip())
        return True


#: as numbers: PySide6 has an enum, PySide2 none that it takes from `data`
_STATE = {True: 2, False: 0}


class CellTable(QTableView):
    """A table for such a model: whole rows are chosen, Space ticks, F2 or typing edits."""

    def __init__(self, model: CellModel, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setModel(model)
        self.cells = model
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setItemDelegate(_Editor(self, model))
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        em = self.fontMetrics().height()
        self.verticalHeader().setDefaultSectionSize(round(em * 1.7))
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setResizeContentsPrecision(60)  # rows that a column is fitted to; of a thousand the rest take 0.2 s
        head.setMinimumSectionSize(em * 2)
        head.setStretchLastSection(True)
        self._widest: tuple[int, ...] = ()
        model.modelReset.connect(self.span_headings)
        model.modelReset.connect(self.fit)

    def set_widths(self, *characters: int) -> None:
        """Fit the columns to what is in them, up to so many characters each; the last takes what is left."""
        self._widest = characters
        self.fit()

    def fit(self) -> None:
        """Give each column the room that its name and its cells need."""
        em = self.fontMetrics().height()
        each, head = self.fontMetrics().averageCharWidth(), self.horizontalHeader()
        for column, most in enumerate(self._widest):
            box = em if any(cells[column].tick is not None for cells in self.cells.cells[:1]) else 0
            needed = max(self.sizeHintForColumn(column) + box, head.sectionSizeHint(column)) + em // 2
            self.setColumnWidth(column, min(needed, max(most * each, head.sectionSizeHint(column))))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Tick with the space bar wherever in a row one stands; anything else is as in every table."""
        current = self.currentIndex()
        boxes = (
            [column for column, cell in enumerate(self.cells.cells[current.row()]) if cell.tick is not None]
            if current.isValid()
            else []
        )
        if event.key() == Qt.Key.Key_Space and boxes:
            self.cells.ticked.emit(current.row(), boxes[0], not self.cells.cells[current.row()][boxes[0]].tick)
        else:
            super().keyPressEvent(event)

    def span_headings(self) -> None:
        """Let names of groups run across."""
        self.clearSpans()
        for row, cells in enumerate(self.cells.cells):
            if cells[0].heading:
                self.setSpan(row, 0, 1, len(cells))

    def height_of(self, rows: int) -> int:
        """Return the height at which so many rows can be seen."""
        return self.verticalHeader().defaultSectionSize() * rows + self.horizontalHeader().sizeHint().height() + 4


class _Editor(QStyledItemDelegate):
    """Edit in a line, or in a menu where the cell has choices; frame the cell that F2 edits."""

    def __init__(self, table: CellTable, model: CellModel) -> None:
        super().__init__(table)
        self._model = model

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        if option.state & QStyle.StateFlag.State_HasFocus and self._model.flags(index) & Qt.ItemFlag.ItemIsEditable:
            painter.save()
            painter.setPen(self._model.tones().focus)
            painter.drawRect(option.rect.adjusted(0, 0, -1, -1))
            painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:  # noqa: N802 - Qt's name
        choices = index.data(_CHOICES)
        if not choices:
            return super().createEditor(parent, option, index)
        menu = QComboBox(parent)
        menu.addItems(list(choices))
        menu.activated.connect(lambda *_: self.commitData.emit(menu))
        return menu

    def setEditorData(self, editor: QWidget, index: Index) -> None:  # noqa: N802 - Qt's name
        if isinstance(editor, QComboBox):
            editor.setCurrentText(str(index.data(Qt.ItemDataRole.EditRole)))
        else:
            super().setEditorData(editor, index)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:  # noqa: N802 - Qt's name
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentText())
        else:
            super().setModelData(editor, model, index)
