"""A list of paths whose order counts: add, remove, move, and see which is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton

from conductor_plugins.panel.lines_table import LinesTable
from conductor_plugins.panel.paths_dialog import ask_for_paths
from conductor_plugins.panel.style import Tones
from conductor_plugins.panel.tables import Cell


class PathsTable(LinesTable):
    """One path a row; Alt+Up and Alt+Down move it."""

    #: the paths as they are to be
    changed = Signal(object)

    def __init__(self, tones: Callable[[], Tones], name: str, *, folders: bool, dialog_title: str) -> None:
        super().__init__(("Path", ""), tones, name)
        self.set_widths(70)
        self.paths: tuple[str, ...] = ()
        self._folders, self._dialog_title = folders, dialog_title
        self.cells.edited.connect(self._edit)
        self.remove_wanted.connect(self._remove)
        self.pasted.connect(lambda text: self.add_paths(line.strip().strip('"') for line in text.splitlines()))

    def show_paths(self, paths: Sequence[str], there: Mapping[str, bool]) -> None:
        """Show paths, and which of them are known not to be there."""
        self.paths = tuple(paths)
        what = "the folder" if self._folders else "the file"
        rows = [
            (Cell(p, tip=p, edit=p), Cell() if there.get(p, True) else Cell(f"{what} is not there", "error")) for p in self.paths
        ]
        self.cells.show_cells([*rows, (Cell("type or paste a path …", "faint", edit=""), Cell())])

    def add_paths(self, paths: Iterable[str]) -> None:
        """Add paths, each once."""
        self.changed.emit(tuple(dict.fromkeys((*self.paths, *filter(None, paths)))))

    def browse(self) -> QFileDialog:
        """Let paths be chosen."""
        start = self.paths[-1] if self.paths else ""
        return ask_for_paths(self, self._dialog_title, self.add_paths, start=start, folder=self._folders)

    def move_selected(self, by: int) -> None:
        """Move the selected row up or down."""
        rows = self.selected()
        if len(rows) != 1 or not 0 <= rows[0] + by < len(self.paths):
            return
        paths = list(self.paths)
        paths.insert(rows[0] + by, paths.pop(rows[0]))
        self.changed.emit(tuple(paths))
        self.setCurrentIndex(self.cells.index(rows[0] + by, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Move by Alt and an arrow."""
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and event.key() in steps:
            self.move_selected(steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def path_heading(self, text: str, tip: str) -> QHBoxLayout:
        """Return a row with the table's name and its buttons."""
        buttons = []
        for name, label, call, hint in (
            ("browse", "Browse…", self.browse, "Choose from the disk"),
            ("up", "Up", lambda: self.move_selected(-1), "Move up (Alt+Up)"),
            ("down", "Down", lambda: self.move_selected(1), "Move down (Alt+Down)"),
        ):
            button = QPushButton(label)
            button.setObjectName(f"{self.objectName()}-{name}")
            button.setProperty("flat", True)
            button.setToolTip(hint)
            button.clicked.connect(lambda *_, call=call: call())
            if name != "browse":
                self.follow_selection(button)
            buttons.append(button)
        return self.heading(text, tip, *buttons)

    def _edit(self, row: int, _column: int, text: str) -> None:
        if row == len(self.paths):
            self.add_paths([text])
        elif text:
            self.changed.emit((*self.paths[:row], text, *self.paths[row + 1 :]))

    def _remove(self, rows: list[int]) -> None:
        self.changed.emit(tuple(path for number, path in enumerate(self.paths) if number not in rows))
