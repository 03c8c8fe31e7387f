"""What can be done with lines of the tree of files: by button, key and context menu alike."""

from __future__ import annotations

import os
from collections.abc import Callable

from conductor_core.submission import Exclusion
from qtpy.QtCore import QObject, QPoint, Qt, QUrl, Signal
from qtpy.QtGui import QDesktopServices, QKeySequence
from qtpy.QtWidgets import QAction, QApplication, QHBoxLayout, QMenu, QPushButton, QWidget  # type: ignore[attr-defined]

from conductor_plugins.desk import Desk
from conductor_plugins.host import HostRefused
from conductor_plugins.panel.adding import Adding
from conductor_plugins.panel.excluding import exclusions_of, is_excludable, with_exclusions, without_exclusions
from conductor_plugins.panel.figures import count
from conductor_plugins.panel.files_view import Chosen, FilesView
from conductor_plugins.panel.reason_dialog import ReasonDialog

#: action → its text, its key, its hint
_ACTIONS = {
    "reveal": ("&Reveal in the scene", "", "Select the node that wants this file, in the host (Enter)"),
    "add-files": ("&Add files…", "Ins", "Send further files; dropping or pasting them does it, too (Ins)"),
    "add-folder": ("Add f&older…", "Shift+Ins", "Send a folder with all that is in it (Shift+Ins)"),
    "exclude": ("E&xclude…", "Del", "Leave this at home, for a reason (Del); what you added is removed"),
    "include": ("Take &back", "Shift+Del", "Send what was excluded after all (Shift+Del)"),
    "copy": ("&Copy path", "Ctrl+C", "Copy the whole path (Ctrl+C)"),
    "paste": ("&Paste files", "Ctrl+V", "Add files that were copied in a file manager (Ctrl+V)"),
    "open-folder": ("Open &folder", "Ctrl+Shift+O", "Show the folder in the file manager (Ctrl+Shift+O)"),
    "find": ("F&ilter", "Ctrl+F", "Go to the filter (Ctrl+F)"),
}
_BUTTONS = ("add-files", "add-folder", "exclude", "include", "reveal")
_MENU = ("reveal", "open-folder", "copy", "", "exclude", "include", "", "add-files", "add-folder", "paste")
#: selected lines that are asked what can be done with them
_LOOKED_AT = 200
#: nodes that want one file and are offered to be revealed
_MOST_NODES = 20


class FileActions(QObject):
    """The actions of the section *Files*."""

    filter_wanted = Signal()

    def __init__(self, desk: Desk, view: FilesView, adding: Adding, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk, self._view, self._adding, self._parent = desk, view, adding, parent
        self._last_reason = ""
        does: dict[str, Callable[[], object]] = {
            "reveal": self.reveal,
            "add-files": adding.ask_for_files,
            "add-folder": adding.ask_for_folder,
            "exclude": self.exclude,
            "include": self.include,
            "copy": self.copy,
            "paste": self.paste,
            "open-folder": self.open_folder,
            "find": self.filter_wanted.emit,
        }
        self.by_name = {name: self._action(name, call) for name, call in does.items()}
        view.opened.connect(self.reveal)
        view.customContextMenuRequested.connect(self._menu)
        view.selectionModel().selectionChanged.connect(lambda *_: self.refresh())
        self.refresh()

    def buttons(self) -> QHBoxLayout:
        """Return buttons for what is done most."""
        row = QHBoxLayout()
        row.setSpacing(self._parent.fontMetrics().height() // 3)
        for name in _BUTTONS:
            action = self.by_name[name]
            button = QPushButton(action.text())
            button.setObjectName(f"{name}-button")
            button.setToolTip(action.toolTip())
            button.clicked.connect(action.trigger)
            button.setEnabled(action.isEnabled())
            action.changed.connect(lambda button=button, action=action: _like(button, action))
            row.addWidget(button)
            if name == "add-folder":
                row.addStretch(1)
        return row

    def refresh(self) -> None:
        """Allow what can be done with what is selected."""
        chosen = self._view.chosen(_LOOKED_AT)
        allowed = {
            "reveal": any(c.row.referrers and c.row.source not in ("scene", "added", "exclusion") for c in chosen),
            "exclude": any(_can_go(c) for c in chosen),
            "include": any(self._is_out(c) for c in chosen),
            "copy": bool(chosen),
            "open-folder": any(c.path for c in chosen),
        }
        for name, whether in allowed.items():
            self.by_name[name].setEnabled(whether)
        only_added = bool(chosen) and all(c.row.source == "added" and not c.file for c in chosen)
        self.by_name["exclude"].setText("Re&move" if only_added else _ACTIONS["exclude"][0])

    def reveal(self, referrer: str = "") -> None:
        """Select the node in the host; of several the first that is there."""
        names = [referrer] if referrer else [name for c in self._view.chosen()[:1] for name in c.row.referrers[:_MOST_NODES]]
        try:
            if names and not any(self._desk.host.reveal(name) for name in names):
                self._desk.said.emit(f"The scene has no {names[0]} that could be shown. Press F5 to read it again.", True)
        except HostRefused as exc:
            self._desk.said.emit(str(exc), True)

    def exclude(self) -> ReasonDialog | None:
        """Remove what was added; for the rest ask why it stays at home."""
        chosen = [c for c in self._view.chosen() if _can_go(c)]
        self._adding.remove([c.row.path for c in chosen if c.row.source == "added" and not c.file])
        rest = [c for c in chosen if c.row.source != "added" or c.file]
        if not rest:
            return None
        name = os.path.basename(rest[0].path) or rest[0].path
        dialog = ReasonDialog(name if len(rest) == 1 else count(len(rest), "line"), self._last_reason, self._parent)
        dialog.given.connect(lambda reason: self._exclude(rest, reason))
        dialog.open()
        return dialog

    def include(self) -> None:
        """Take exclusions back that cover what is selected."""
        paths = {path for c in self._view.chosen() if self._is_out(c) for path in (c.path, *(() if c.file else c.row.files[:1]))}
        now = self._desk.form.excluded
        kept = without_exclusions(now, filter(None, paths))
        self._desk.edit(excluded=kept)
        folders = [e.path for e in now if e not in kept and e.path not in paths]
        if folders:
            self._desk.said.emit(f"All that was excluded by {folders[0]} goes along again.", False)

    def copy(self) -> None:
        """Copy paths, one a line; where there is none, the text of the scene."""
        QApplication.clipboard().setText("\n".join(c.path or c.row.as_written for c in self._view.chosen()))

    def paste(self) -> None:
        """Add files that were copied elsewhere."""
        if not self._adding.paste(QApplication.clipboard().mimeData()):
            self._desk.said.emit("There are no files in the clipboard. Copy some in a file manager first.", False)

    def open_folder(self) -> None:
        """Show the folder in the file manager."""
        folder = next((os.path.dirname(c.path) for c in self._view.chosen() if c.path), "")
        if folder and not QDesktopServices.openUrl(QUrl.fromLocalFile(folder)):
            self._desk.said.emit(f"The system opens no folder {folder}.", True)

    def menu(self) -> QMenu:
        """Return the context menu for what is selected."""
        menu = QMenu(self._parent)
        menu.setObjectName("conductor-menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for name in _MENU:
            menu.addAction(self.by_name[name]) if name else menu.addSeparator()
        chosen = self._view.chosen()
        names = chosen[0].row.referrers if len(chosen) == 1 else ()
        if len(names) > 1:
            nodes = QMenu("Reveal &one of its nodes", menu)
            for name in names[:_MOST_NODES]:
                nodes.addAction(name).triggered.connect(lambda *_, name=name: self.reveal(name))
            menu.insertMenu(self.by_name["open-folder"], nodes)
        return menu

    def _menu(self, place: QPoint) -> None:
        self.menu().popup(self._view.viewport().mapToGlobal(place))

    def _action(self, name: str, call: Callable[[], object]) -> QAction:
        text, key, tip = _ACTIONS[name]
        action = QAction(text, self._parent)
        action.setObjectName(name)
        action.setToolTip(tip)
        keys = (key, "Backspace") if name == "exclude" else (key,)  # what Del is on a Mac
        action.setShortcuts([QKeySequence(each) for each in keys if each])
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda *_: call())
        (self._parent if name in ("find", "add-files", "add-folder") else self._view).addAction(action)
        return action

    def _exclude(self, chosen: list[Chosen], reason: str) -> None:
        self._last_reason = reason
        new = [e for c in chosen for e in ((Exclusion(c.file, reason),) if c.file else exclusions_of(c.row, reason))]
        self._desk.edit(excluded=with_exclusions(self._desk.form.excluded, new))

    def _is_out(self, chosen: Chosen) -> bool:
        return bool(chosen.row.excluded) or (bool(chosen.file) and self._view.tree.is_left_out(chosen.file))


def _can_go(chosen: Chosen) -> bool:
    wanted = chosen.row.source in ("dependency", "missing", "added") and not chosen.row.excluded
    return wanted and is_excludable(chosen.path)


def _like(button: QPushButton, action: QAction) -> None:
    button.setEnabled(action.isEnabled())
    button.setText(action.text())
