"""The shape of the tree of files: groups, in them lines (`FileRow`), in these the files of a sequence; what views ask of it.

What a view asks costs a look into a list. Groups and sequences show their lines page by page (`load_more`), so that a view lays
out a few hundred lines, not a hundred thousand; an index holds a number and no Python object: 0 for a group, odd for a line
(which group), even for a file (which line).
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from conductor_plugins.panel.file_cells import ANSWERED, COLUMNS, FileCells, FileGroup
from conductor_plugins.panel.file_ledger import FileLedger
from conductor_plugins.panel.file_rows import FileRow
from conductor_plugins.panel.style import Tones

#: lines that a group, or files that a sequence shows at a time
PAGE = 100

Index = QModelIndex | QPersistentModelIndex

#: made once: a view asks for the flags of every row that it lays out
_NOTHING = Qt.ItemFlag.NoItemFlags
_OPENS = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
_LEAF = _OPENS | Qt.ItemFlag.ItemNeverHasChildren


class FileTreeShape(QAbstractItemModel):
    """Where each group, line and file stands."""

    def __init__(self, ledger: FileLedger, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cells = FileCells(ledger)
        self._by_key: dict[str, FileGroup] = {}
        self._numbered: list[FileGroup] = []
        #: those with visible lines, in their order
        self._shown: list[FileGroup] = []
        self._rows: dict[int, FileRow] = {}

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:
        """Return the index of a cell."""
        if not (0 <= column < len(COLUMNS) and 0 <= row < self.rowCount(parent)):
            return QModelIndex()
        if not parent.isValid():
            return self.createIndex(row, column, 0)
        if parent.internalId() == 0:
            return self.createIndex(row, column, self._shown[parent.row()].number * 2 + 1)
        line = self.row_at(parent)
        assert line is not None
        return self.createIndex(row, column, line.number * 2)

    def parent(self, index: Index = QModelIndex()) -> QModelIndex:  # type: ignore[override]
        """Return the index that a cell hangs on."""
        identity = index.internalId() if index.isValid() else 0
        if not identity:
            return QModelIndex()
        if identity % 2:
            return self._group_index(self._numbered[identity // 2])
        row = self._rows.get(identity // 2)
        return self.index_of(row) if row is not None else QModelIndex()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802 - Qt's name
        """Return how many rows views know of."""
        if not parent.isValid():
            return len(self._shown)
        identity = parent.internalId()
        if parent.column() > 0 or (identity and identity % 2 == 0):
            return 0
        if identity == 0:
            return self._shown[parent.row()].loaded
        return self._line(parent).loaded

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, ARG002 - Qt's name; the same everywhere
        """Return how many columns there are."""
        return len(COLUMNS)

    def hasChildren(self, parent: Index = QModelIndex()) -> bool:  # noqa: N802 - Qt's name
        """Tell whether a row can be opened, its rows loaded or not."""
        identity = parent.internalId() if parent.isValid() else 0
        if identity % 2:
            return parent.column() == 0 and len(self._line(parent).files) > 1
        return identity == 0 and parent.column() <= 0

    def canFetchMore(self, parent: Index) -> bool:  # noqa: N802 - Qt's name
        """Tell whether a row that is opened has its first page still to come.

        A view fetches with each layout: were this true for further pages, a hundred layouts would load all of them.
        """
        return self.rowCount(parent) == 0 and self.has_more(parent)

    def fetchMore(self, parent: Index) -> None:  # noqa: N802 - Qt's name
        """Show the first page."""
        if self.canFetchMore(parent):
            self.load_more(parent)

    def has_more(self, parent: Index) -> bool:
        """Tell whether a group or sequence has more than views know of."""
        identity = parent.internalId() if parent.isValid() else -1
        if identity < 0 or parent.column() > 0 or (identity and identity % 2 == 0):
            return False
        if identity == 0:
            group = self._shown[parent.row()]
            return group.loaded < len(group.visible)
        line = self._line(parent)
        return len(line.files) > 1 and line.loaded < len(line.files)

    def load_more(self, parent: Index) -> None:
        """Show one page more."""
        if not self.has_more(parent):
            return
        if parent.internalId() == 0:
            group = self._shown[parent.row()]
            group.limit = group.loaded + PAGE
            self._load(group)
            return
        line = self._line(parent)
        end = min(line.loaded + PAGE, len(line.files))
        self.beginInsertRows(self.index_of(line), line.loaded, end - 1)
        line.loaded = end
        self.endInsertRows()

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Return what can be done with a cell; a view asks no more of a row that never has rows in it."""
        if not index.isValid():
            return _NOTHING
        identity = index.internalId()
        if identity % 2:
            return _OPENS if len(self._line(index).files) > 1 else _LEAF
        return _LEAF if identity else _OPENS

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802 - Qt's name
        """Return the name of a column."""
        if orientation == Qt.Orientation.Horizontal and role == int(Qt.ItemDataRole.DisplayRole) and section < len(COLUMNS):
            return COLUMNS[section]
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        """Return what a cell says."""
        if role not in ANSWERED or not index.isValid():
            return None
        identity, column, role = index.internalId(), index.column(), int(role)
        if identity == 0:
            return self._cells.of_group(self._shown[index.row()], column, role)
        if identity % 2:
            return self._cells.of_line(self._line(index), column, role)
        row = self._rows.get(identity // 2)
        return self._cells.of_file(row, index.row(), column, role) if row is not None else None

    def row_at(self, index: Index) -> FileRow | None:
        """Return the line of an index, of a file the line that it belongs to; None for a group."""
        identity = index.internalId() if index.isValid() else 0
        if not identity:
            return None
        return self._line(index) if identity % 2 else self._rows.get(identity // 2)

    def group_at(self, index: Index) -> str:
        """Return the key of the group that an index is, "" where it is none."""
        return self._shown[index.row()].key if index.isValid() and not index.internalId() else ""

    def file_at(self, index: Index) -> str:
        """Return the path of one file of a sequence; "" for whatever else."""
        identity = index.internalId() if index.isValid() else 0
        row = self._rows.get(identity // 2) if identity and identity % 2 == 0 else None
        return row.files[index.row()] if row is not None else ""

    def set_tones(self, tones: Tones) -> None:
        """Show texts in the panel's colours."""
        self._cells.tones = tones

    def is_left_out(self, path: str) -> bool:
        """Tell whether a file is excluded."""
        return self._cells.is_left_out(path)

    def index_of(self, row: FileRow) -> QModelIndex:
        """Return where a line is; an invalid index where the filter or the page hides it."""
        group = self._by_key.get(row.group)
        if group is None or row.place < 0 or (place := group.place(row)) >= group.loaded:
            return QModelIndex()
        return self.createIndex(place, 0, group.number * 2 + 1)

    def _line(self, index: Index) -> FileRow:
        return self._numbered[index.internalId() // 2].visible[index.row()]

    def _group_index(self, group: FileGroup) -> QModelIndex:
        return self.createIndex(self._shown.index(group), 0, 0) if group in self._shown else QModelIndex()

    def _load(self, group: FileGroup) -> None:
        end = min(group.limit, len(group.visible))
        if end > group.loaded:
            self.beginInsertRows(self._group_index(group), group.loaded, end - 1)
            group.loaded = end
            self.endInsertRows()
