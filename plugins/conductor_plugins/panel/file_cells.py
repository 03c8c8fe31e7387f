"""What the cells of the tree of files say."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QFont
from qtpy.QtWidgets import QApplication, QStyle

from conductor_plugins.panel.figures import count, size_text
from conductor_plugins.panel.file_ledger import FileLedger
from conductor_plugins.panel.file_rows import PROBLEM_GROUPS, STATUS_TEXT, FileRow, group_title
from conductor_plugins.panel.style import Tones

COLUMNS = ("File", "Status", "Size", "Wanted by", "Note", "Folder", "Kind")
NAME, STATUS, SIZE, WANTED_BY, NOTE, FOLDER, KIND = range(len(COLUMNS))

_DISPLAY, _DECORATION = int(Qt.ItemDataRole.DisplayRole), int(Qt.ItemDataRole.DecorationRole)
_TOOL_TIP, _FONT, _ALIGN = int(Qt.ItemDataRole.ToolTipRole), int(Qt.ItemDataRole.FontRole), int(Qt.ItemDataRole.TextAlignmentRole)
#: role under which a cell has its whole path; "" where it has none
PATH = int(Qt.ItemDataRole.UserRole)
_FOREGROUND = int(Qt.ItemDataRole.ForegroundRole)
#: columns that are read when one looks closer
_BY_THE_WAY = frozenset({WANTED_BY, FOLDER, KIND})
#: all roles that cells answer: a view asks for nine of each cell that it paints
ANSWERED = frozenset({_DISPLAY, _DECORATION, _TOOL_TIP, _FONT, _ALIGN, _FOREGROUND, PATH})
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(eq=False)
class FileGroup:
    """Lines that stand together."""

    key: str
    number: int
    #: all its lines, and those that the filter lets through
    rows: list[FileRow] = field(default_factory=list)
    visible: list[FileRow] = field(default_factory=list)
    #: of the visible, those that views know of, and up to how many they may
    loaded: int = 0
    limit: int = 0
    #: bytes of all its lines; None: to be added up again
    size: int | None = None

    def place(self, row: FileRow) -> int:
        """Return where a visible line stands."""
        if not (0 <= row.place < len(self.visible) and self.visible[row.place] is row):
            for place, other in enumerate(self.visible):
                other.place = place
        return row.place

    def bytes(self) -> int:
        """Return the size of its visible lines."""
        if self.size is None:
            self.size = sum(row.size for row in self.visible)
        return self.size


class FileCells:
    """Answer what a view asks about one cell of a group, a line or a file."""

    def __init__(self, ledger: FileLedger) -> None:
        self._ledger = ledger
        #: the panel's colours; None: those of the view
        self.tones: Tones | None = None
        self._bold, self._struck = QFont(), QFont()
        self._bold.setBold(True)
        self._struck.setStrikeOut(True)

    def is_left_out(self, path: str) -> bool:
        """Tell whether a file is excluded."""
        return self._ledger.is_left_out(path)

    def of_group(self, group: FileGroup, column: int, role: int) -> Any:
        """Return what a cell of a group says."""
        if role == _DISPLAY:
            if column == NAME:
                return group_title(group.key)
            if column == STATUS:
                return count(len(group.visible), "line") if group.key in _NO_FILES else count(_files(group), "file")
            return size_text(group.bytes()) if column == SIZE and group.bytes() else None
        if role == _FONT and column == NAME:
            return self._bold
        if role == _ALIGN and column == SIZE:
            return _RIGHT
        if role == _FOREGROUND and column != NAME:
            return self._tone("subtle")
        if role == _DECORATION and column == NAME and group.key in PROBLEM_GROUPS:
            return QApplication.style().standardIcon(QStyle.StandardPixmap.SP_MessageBoxWarning)
        return _GROUP_TIPS.get(group.key) if role == _TOOL_TIP else None

    def of_line(self, row: FileRow, column: int, role: int) -> Any:
        """Return what a cell of a line says."""
        if role == _DISPLAY:
            return _line_text(row, column)
        if role == _TOOL_TIP:
            return _line_tip(row)
        if role == _FONT:
            return self._struck if row.excluded and column == NAME else None
        if role == _ALIGN:
            return _RIGHT if column == SIZE else None
        if role == _FOREGROUND:
            return self._tone(_line_tone(row, column))
        return row.path if role == PATH else None

    def of_file(self, row: FileRow, number: int, column: int, role: int) -> Any:
        """Return what a cell of one file of a sequence says."""
        path = row.files[number]
        left_out = row.sendable and self._ledger.is_left_out(path)
        if role == _DISPLAY:
            return self._file_text(row, path, column, left_out)
        if role == _FONT:
            return self._struck if left_out and column == NAME else None
        if role == _ALIGN:
            return _RIGHT if column == SIZE else None
        if role == _FOREGROUND:
            return self._tone(self._file_tone(row, path, column, left_out))
        return path if role in (PATH, _TOOL_TIP) else None

    def _file_tone(self, row: FileRow, path: str, column: int, left_out: bool) -> str:
        if column == STATUS and not row.sendable:
            return "error"
        status = self._ledger.status(path)
        if column == STATUS and not left_out and status in ("new", "missing"):
            return "error" if status == "missing" else ""
        return "subtle" if left_out or column in (STATUS, *_BY_THE_WAY) else ""

    def _tone(self, name: str) -> QColor | None:
        return getattr(self.tones, name, None) if name else None

    def _file_text(self, row: FileRow, path: str, column: int, left_out: bool) -> str | None:
        if column == NAME:
            return os.path.basename(path)
        if column == STATUS:
            if left_out:
                return "excluded"
            return STATUS_TEXT[self._ledger.status(path)] if row.sendable else "missing"
        if column == SIZE and row.sendable:
            size = self._ledger.size(path)
            return "…" if size is None else size_text(size)
        return os.path.dirname(path) if column == FOLDER else None


#: groups whose lines are no files
_NO_FILES = frozenset({"unresolved", "ignored", "output"})
_GROUP_TIPS = {
    "missing": "The scene reads these, and they are not on disk.",
    "unresolved": "These look like paths, and nobody can tell which files they mean.",
    "excluded": "These stay here; the job shows why.",
    "ignored": "These are deliberately not sent; the note says why.",
    "output": "The scene writes these.",
}


def _line_tone(row: FileRow, column: int) -> str:
    """Return the name of a cell's colour: problems stand out, what needs no look stands back."""
    group = row.belongs()
    if column in _BY_THE_WAY or group in ("excluded", "ignored", "output"):
        return "subtle"
    if column == STATUS and group in PROBLEM_GROUPS:
        return "error" if group == "missing" else "warning"
    if column == NOTE:
        return "warning" if row.one_sided else "subtle"
    return "subtle" if column == STATUS and not row.counts.get("new") else ""


def sort_key(row: FileRow, column: int) -> tuple[Any, ...]:
    """Return by what lines are sorted; column -1: as they were found."""
    key: Any = 0
    if column == NAME:
        key = row.name.casefold()
    elif column == STATUS:
        key = row.status()
    elif column == SIZE:
        key = row.size
    elif column == WANTED_BY:
        key = row.referrers
    elif column >= 0:
        key = {NOTE: row.note(), FOLDER: row.folder.casefold(), KIND: row.kind}[column]
    return key, row.number


def _files(group: FileGroup) -> int:
    return sum(len(row.files) for row in group.visible)


def _line_text(row: FileRow, column: int) -> str | None:
    if column == NAME:
        return f"{row.name}  ({len(row.files):,})" if len(row.files) > 1 else row.name
    if column == STATUS:
        return row.status()
    if column == SIZE:
        return line_size(row)
    if column == WANTED_BY:
        more = f"  +{len(row.referrers) - 1}" if len(row.referrers) > 1 else ""
        return f"{row.referrers[0]}{more}" if row.referrers else None
    return row.note() if column == NOTE else row.folder if column == FOLDER else row.kind


def line_size(row: FileRow) -> str | None:
    """Return the size of a line; `…` while none of its files is known."""
    if not row.sendable:
        return None
    return size_text(row.size) if row.counts else "…" if row.files else None


def _line_tip(row: FileRow) -> str:
    parts = [row.path or row.as_written]
    if row.as_written and row.as_written != row.path:
        parts.append(f"written as {row.as_written}")
    parts += [f"wanted by {name}" for name in row.referrers[:12]]
    if len(row.referrers) > 12:
        parts.append(f"and {len(row.referrers) - 12:,} more")
    return "\n".join([*parts, *filter(None, [row.note()])])
