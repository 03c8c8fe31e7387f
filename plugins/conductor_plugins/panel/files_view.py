"""The view of the tree of files: opens problems by itself, asks for the next page where one scrolls, knows what is chosen."""

from __future__ import annotations

from typing import NamedTuple

from qtpy.QtCore import QModelIndex, QPersistentModelIndex, QRect, Qt, QTimer, Signal
from qtpy.QtGui import QKeyEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QAbstractItemView, QTreeView, QWidget

from conductor_plugins.panel.file_cells import FOLDER, KIND, NAME, NOTE, SIZE, STATUS, WANTED_BY
from conductor_plugins.panel.file_rows import QUIET_GROUPS, FileRow
from conductor_plugins.panel.file_tree import FileTree

_WIDTHS = {NAME: 40, STATUS: 22, SIZE: 12, WANTED_BY: 22, NOTE: 28, FOLDER: 40, KIND: 10}
#: rows before the end at which the next page is asked for
_AHEAD = 40


class Chosen(NamedTuple):
    """A line that is selected, or one file of it (`file`)."""

    row: FileRow
    file: str

    @property
    def path(self) -> str:
        """Return its path; "" where nobody knows."""
        return self.file or self.row.path


class FilesView(QTreeView):
    """A tree of files."""

    #: Enter, or a double click on a line
    opened = Signal()

    def __init__(self, tree: FileTree, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tree = tree
        #: what is said where there is nothing to show
        self.hint = ""
        self.setObjectName("files")
        self.setAccessibleName("Files of the scene")
        self.setUniformRowHeights(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setAllColumnsShowFocus(True)
        self.setExpandsOnDoubleClick(False)
        self.setAcceptDrops(False)  # what is dropped here is the section's
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setModel(tree)
        self.header().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.header().setStretchLastSection(True)
        each = self.fontMetrics().averageCharWidth()
        for column, characters in _WIDTHS.items():
            self.setColumnWidth(column, each * characters)
        self.doubleClicked.connect(self._double_clicked)
        self.verticalScrollBar().valueChanged.connect(self._fetch_ahead)
        tree.rowsInserted.connect(self._open_groups)
        self._waiting: list[QPersistentModelIndex] = []
        self._open_soon = QTimer(self)
        self._open_soon.setSingleShot(True)
        self._open_soon.setInterval(0)
        self._open_soon.timeout.connect(self._open_waiting)

    def chosen(self, most: int | None = None) -> list[Chosen]:
        """Return what is selected (of very much only so many), in the order of the tree; groups cannot be chosen."""
        found: list[Chosen] = []
        for index in sorted(self.selectionModel().selectedRows()[:most], key=lambda i: (i.parent().row(), i.row())):
            row = self.tree.row_at(index)
            if row is not None:
                found.append(Chosen(row, self.tree.file_at(index)))
        return found

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Reveal by Enter; a group opens and closes by it."""
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and plain:
            self._open(self.currentIndex())
            event.accept()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Say why there is nothing to see."""
        super().paintEvent(event)
        if self.hint and not self.tree.rowCount():
            painter = QPainter(self.viewport())
            painter.setOpacity(0.7)
            margin = self.fontMetrics().height()
            place = QRect(self.viewport().rect()).adjusted(margin, margin, -margin, -margin)
            painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self.hint)
            painter.end()

    def _double_clicked(self, index: QModelIndex) -> None:
        self._open(index)

    def _open(self, index: QModelIndex) -> None:
        if self.tree.group_at(index):
            first = index.sibling(index.row(), 0)
            self.setExpanded(first, not self.isExpanded(first))
        elif index.isValid():
            self.opened.emit()

    def _open_groups(self, parent: QModelIndex, first: int, last: int) -> None:
        """Open groups that have come, once their lines are there."""
        if not parent.isValid():
            self._waiting += [QPersistentModelIndex(self.tree.index(row, 0)) for row in range(first, last + 1)]
            self._open_soon.start()

    def _open_waiting(self) -> None:
        for kept in self._waiting:
            index = self.tree.index(kept.row(), 0) if kept.isValid() else QModelIndex()
            if index.isValid() and self.tree.group_at(index) not in QUIET_GROUPS:
                self.expand(index)
        self._waiting = []

    def _fetch_ahead(self) -> None:
        """Load the next page of whatever ends near the lower edge."""
        height = max(1, self.sizeHintForRow(0))
        index = self.indexAt(self.viewport().rect().bottomLeft())
        while index.isValid():
            parent = index.parent()
            loaded = self.tree.rowCount(parent)
            if loaded - index.row() < _AHEAD + self.viewport().height() // height and self.tree.has_more(parent):
                self.tree.load_more(parent)
            index = parent
