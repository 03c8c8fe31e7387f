"""The tree of files as a model: how lines come, change their group and go, what the filter lets through, how they are sorted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from qtpy.QtCore import QModelIndex, QObject, Qt

from conductor_plugins.panel.file_cells import KIND, FileCells, FileGroup, sort_key
from conductor_plugins.panel.file_ledger import FileLedger
from conductor_plugins.panel.file_rows import FileRow, group_order
from conductor_plugins.panel.file_tree_shape import PAGE, FileTreeShape


class FileTree(FileTreeShape):
    """Groups, lines and files; what there is to show comes from a `FileFeed`."""

    def __init__(self, ledger: FileLedger, parent: QObject | None = None) -> None:
        super().__init__(ledger, parent)
        self._words: tuple[str, ...] = ()
        self._status = ""
        self._column, self._order = -1, Qt.SortOrder.AscendingOrder

    def use(self, ledger: FileLedger) -> None:
        """Forget all lines, and show those of another ledger."""
        self.beginResetModel()
        tones, self._cells = self._cells.tones, FileCells(ledger)
        self._cells.tones = tones
        self._by_key, self._numbered, self._shown, self._rows = {}, [], [], {}
        self.endResetModel()

    def put(self, rows: Sequence[FileRow]) -> None:
        """Take new lines in, those of one group at once."""
        for row in rows:
            self._rows[row.number] = row
            self._join(row)
        self._expose()

    def remove(self, rows: Iterable[FileRow]) -> None:
        """Take lines out."""
        gone = [row for row in rows if row.number in self._rows]
        self._leave(gone)
        for row in gone:
            del self._rows[row.number]
        self._expose()

    def touch(self, rows: Iterable[FileRow]) -> None:
        """Show what has changed of some lines: in another group, where they belong to another now."""
        spans: dict[int, list[int]] = {}
        moving: list[FileRow] = []
        for row in rows:
            if row.number not in self._rows:
                continue
            group = self._by_key[row.group]
            if row.belongs() != row.group or self._fits(row) != (row.place >= 0):
                moving.append(row)
            elif row.place >= 0 and (place := group.place(row)) < group.loaded:
                spans.setdefault(group.number, []).append(place)
                self._tell_files(row)
        for number, places in spans.items():
            self._numbered[number].size = None
            parent = self._group_index(self._numbered[number])
            self.dataChanged.emit(self.index(min(places), 0, parent), self.index(max(places), KIND, parent))
        self._leave(moving)
        for row in moving:
            self._join(row)
        self._expose()
        if self._shown:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._shown) - 1, KIND))

    def grown(self, row: FileRow) -> None:
        """Show a line anew that has become a sequence: views draw what opens it only when they see it first."""
        if row.number in self._rows and row.place >= 0 and row.loaded == 0:
            self._leave([row])
            self._join(row)
            self._expose()

    def set_filter(self, text: str, status: str) -> None:
        """Show only lines that have all words of `text` and the status of a filter."""
        words = tuple(text.casefold().split())
        if (words, status) == (self._words, self._status):
            return
        self._words, self._status = words, status
        for group in self._numbered:
            visible = [row for row in group.rows if self._fits(row)]
            if visible != group.visible:
                self._replace(group, visible)
        self._expose()

    def _fits(self, row: FileRow) -> bool:
        return not (self._words or self._status) or row.fits(self._words, self._status)

    def _group(self, key: str) -> FileGroup:
        if key not in self._by_key:
            self._by_key[key] = group = FileGroup(key, len(self._numbered), limit=PAGE)
            self._numbered.append(group)
        return self._by_key[key]

    def _join(self, row: FileRow) -> None:
        row.group, row.place, row.loaded = row.belongs(), -1, 0
        group = self._group(row.group)
        group.rows.append(row)
        group.size = None
        if self._fits(row):
            row.place = len(group.visible)
            group.visible.append(row)

    def _leave(self, rows: Sequence[FileRow]) -> None:
        """Take lines out of their groups, neighbours at once: a view lays all of its rows out anew with each removal."""
        by_group: dict[str, list[FileRow]] = {}
        for row in rows:
            by_group.setdefault(row.group, []).append(row)
        for key, leaving in by_group.items():
            group, gone = self._by_key[key], {row.number for row in leaving}
            group.rows = [row for row in group.rows if row.number not in gone]
            group.size = None
            places = sorted(group.place(row) for row in leaving if row.place >= 0)
            for first, last in reversed(_runs(places)):
                self._cut(group, first, last)
            for row in leaving:
                row.place, row.loaded = -1, 0

    def _cut(self, group: FileGroup, first: int, last: int) -> None:
        """Take visible lines out, of which views may know all, some or none."""
        known = min(last, group.loaded - 1)
        if first > known:
            del group.visible[first : last + 1]
            return
        self.beginRemoveRows(self._group_index(group), first, known)
        del group.visible[first : last + 1]
        group.loaded -= known - first + 1
        self.endRemoveRows()

    def _replace(self, group: FileGroup, visible: list[FileRow]) -> None:
        if group.loaded:
            self.beginRemoveRows(self._group_index(group), 0, group.loaded - 1)
        for row in group.visible:
            row.place, row.loaded = -1, 0
        group.visible, loaded = visible, group.loaded
        group.loaded, group.limit, group.size = 0, PAGE, None
        for place, row in enumerate(visible):
            row.place = place
        if loaded:
            self.endRemoveRows()

    def _expose(self) -> None:
        """Tell views of lines that they may know of, and of groups that have come or gone."""
        for group in [g for g in self._shown if not g.visible]:
            at = self._shown.index(group)
            self.beginRemoveRows(QModelIndex(), at, at)
            del self._shown[at]
            self.endRemoveRows()
        for group in self._numbered:
            if not group.visible:
                continue
            if group not in self._shown:
                at = sum(group_order(g.key) < group_order(group.key) for g in self._shown)
                self.beginInsertRows(QModelIndex(), at, at)
                self._shown.insert(at, group)
                self.endInsertRows()
            self._load(group)

    def _tell_files(self, row: FileRow) -> None:
        if row.loaded:
            parent = self.index_of(row)
            self.dataChanged.emit(self.index(0, 0, parent), self.index(row.loaded - 1, KIND, parent))

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort the lines of each group; column -1: as they were found."""
        self._column, self._order = column, order
        self.sort_again()

    def sort_again(self) -> None:
        """Sort lines that came after the last sort into their places."""
        self.layoutAboutToBeChanged.emit()
        kept = [(old, self.row_at(old)) for old in self.persistentIndexList() if old.internalId() % 2]
        descending = self._order == Qt.SortOrder.DescendingOrder and self._column >= 0
        for group in self._numbered:
            group.rows.sort(key=self._key, reverse=descending)
            group.visible.sort(key=self._key, reverse=descending)
            for place, row in enumerate(group.visible):
                row.place = place
        for old, line in kept:
            new = self.index_of(line) if line is not None else QModelIndex()
            self.changePersistentIndex(old, new.sibling(new.row(), old.column()))
        self.layoutChanged.emit()

    @property
    def is_sorted(self) -> bool:
        """Whether lines stand in another order than they were found in."""
        return self._column >= 0

    def _key(self, row: FileRow) -> tuple[Any, ...]:
        return sort_key(row, self._column)


def _runs(places: Sequence[int]) -> list[tuple[int, int]]:
    """Return sorted places as runs of neighbours: first and last of each."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and place == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return runs
