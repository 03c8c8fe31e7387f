"""Files and folders that the artist adds: chosen in a dialog that nothing waits for, dropped, or pasted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from conductor_core.agent_answers import CheckedFile
from conductor_core.errors import ConductorError
from qtpy.QtCore import QMimeData, QObject
from qtpy.QtWidgets import QFileDialog, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.form.model import Form
from conductor_plugins.panel.added_files import files_at
from conductor_plugins.panel.file_feed import FileFeed
from conductor_plugins.panel.paths_dialog import ask_for_paths


class Adding(QObject):
    """Keeps the lines of what was added as the form has them."""

    def __init__(self, desk: Desk, feed: FileFeed, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk, self._feed, self._parent = desk, feed, parent
        #: path → its files; None while they are being listed
        self._listed: dict[str, tuple[str, ...] | None] = {}
        self._shown: tuple[str, ...] = ()
        desk.form_changed.connect(self._follow)

    def add(self, paths: Iterable[str]) -> None:
        """Add paths to the form, each once."""
        new = tuple(os.path.normpath(path) for path in paths if path)
        self._desk.edit(lambda form: _with_added(form, new))

    def remove(self, paths: Iterable[str]) -> None:
        """Take paths out of the form."""
        gone = frozenset(paths)
        self._desk.edit(added=tuple(path for path in self._desk.form.added if path not in gone))

    def ask_for_files(self) -> QFileDialog:
        """Let files be chosen."""
        return ask_for_paths(self._parent, "Add files", self.add, start=self._start())

    def ask_for_folder(self) -> QFileDialog:
        """Let a folder be chosen."""
        return ask_for_paths(self._parent, "Add a folder with all that is in it", self.add, start=self._start(), folder=True)

    def paste(self, data: QMimeData) -> bool:
        """Add files that were copied in a file manager; tell whether there were any."""
        paths = [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
        self.add(paths)
        return bool(paths)

    def show(self) -> None:
        """Show what is in the form; folders are listed in a thread."""
        self._shown = self._desk.form.added
        for path in self._shown:
            if path not in self._listed:
                self._listed[path] = None
                came = partial(self._came, path)
                self._desk.errands.run(f"added {path}", _listing(path), came, self._failed)
        self._feed.show_added({path: self._listed[path] for path in self._shown})

    def look_again(self) -> None:
        """List anew what was added: it may have changed since."""
        self._listed = {}
        self.show()

    def _follow(self) -> None:
        if self._desk.form.added != self._shown:
            self.show()

    def _came(self, path: str, files: tuple[str, ...] | None) -> None:
        self._listed[path] = (path,) if files is None else files
        if files is None:
            self._feed.check((CheckedFile(path, 0, "missing"),))
        self.show()

    def _failed(self, error: ConductorError) -> None:
        self._desk.said.emit(str(error), True)

    def _start(self) -> str:
        added = self._desk.form.added
        return os.path.dirname(added[-1] if added else self._desk.scene.path)


def _with_added(form: Form, paths: tuple[str, ...]) -> Form:
    return replace(form, added=tuple(dict.fromkeys((*form.added, *paths))))


def _listing(path: str) -> Callable[[], tuple[str, ...] | None]:
    return lambda: files_at(path)
