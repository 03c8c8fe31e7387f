"""Choosing files and folders in the system's own dialog; nothing waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QWidget


def ask_for_paths(
    parent: QWidget, title: str, then: Callable[[Iterable[str]], object], *, start: str = "", folder: bool = False
) -> QFileDialog:
    """Open a dialog and return at once; `then` gets what is chosen."""
    dialog = QFileDialog(parent, title, start)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setFileMode(QFileDialog.FileMode.Directory if folder else QFileDialog.FileMode.ExistingFiles)
    dialog.filesSelected.connect(lambda paths: then(list(paths)))
    dialog.open()
    return dialog
