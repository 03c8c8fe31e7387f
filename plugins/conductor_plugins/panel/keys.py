"""Keys that do something wherever the keyboard is in the panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QShortcut, QWidget  # type: ignore[attr-defined]


def bind_keys(widget: QWidget, keys: Mapping[str, Callable[[], object]]) -> None:
    """Have each key, written as Qt names it, call a function while `widget` is the active window."""
    for key, action in keys.items():
        QShortcut(QKeySequence(key), widget).activated.connect(lambda action=action: action())
