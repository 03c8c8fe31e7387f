"""The tasks of the preview as a table; a row's texts are made when it is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conductor_core.frames import format_frames
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

if TYPE_CHECKING:
    from conductor_plugins.panel.previewing import Task

_COLUMNS = ("Task", "Step", "Frames", "When")
Index = QModelIndex | QPersistentModelIndex


class TasksModel(QAbstractTableModel):
    """Scouts first, then the others in the order of steps and frames."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks: tuple[Task, ...] = ()
        self._held = False

    def show_tasks(self, tasks: tuple[Task, ...]) -> None:
        """Show these tasks."""
        self.beginResetModel()
        self._tasks = tasks
        self._held = any(task.scout for task in tasks)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802 - Qt's name
        """Return the number of tasks."""
        return 0 if parent.isValid() else len(self._tasks)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802 - Qt's name
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802 - Qt's name
        """Return a column's name."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _COLUMNS[section]
        return (
            int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter) if role == Qt.ItemDataRole.TextAlignmentRole else None
        )

    def data(self, index: Index, role: int = 0) -> Any:
        """Return what a cell says."""
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        task = self._tasks[index.row()]
        when = "first, as a scout" if task.scout else "held until released" if self._held else ""
        return (f"{index.row() + 1:,}", task.step, format_frames(task.frames), when)[index.column()]
