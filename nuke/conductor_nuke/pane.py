"""What the panel lies in within a pane of Nuke's: it closes the panel before Nuke destroys the two of them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QStackedWidget, QTabWidget, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from conductor_plugins.panel.docked import DockedWindow

#: what a widget is told before it goes; its children are told nothing
_LAST = (QEvent.Type.Close, QEvent.Type.DeferredDelete)


class Pane(QWidget):
    """Holds a panel. Nuke knows no word for a pane that closes, so the widgets around it are watched for their end."""

    def __init__(self, panel: DockedWindow) -> None:
        super().__init__()
        self._panel: DockedWindow | None = panel
        self._watched: list[QObject] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(panel)
        panel.show()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Watch what it lies in now: Nuke moves panels from pane to pane."""
        super().showEvent(event)
        for widget in self._watched:
            with contextlib.suppress(RuntimeError):  # it is gone
                widget.removeEventFilter(self)
        self._watched = [self, *around(self)]
        for widget in self._watched:
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Close the panel with whatever it lies in."""
        # Nuke's own window may be asked to close and stay
        ends = event.type() in _LAST and not (event.type() == QEvent.Type.Close and _is_window(watched))
        if ends and self._panel is not None:
            panel, self._panel = self._panel, None
            panel.leave()
        return super().eventFilter(watched, event)


def around(widget: QWidget) -> list[QWidget]:
    """Return the widgets that one lies in, the nearest first."""
    found: list[QWidget] = []
    parent = widget.parentWidget()
    while parent is not None:
        found.append(parent)
        parent = parent.parentWidget()
    return found


def _is_window(watched: QObject) -> bool:
    return isinstance(watched, QWidget) and watched.isWindow()


def bring_to_front(widget: QWidget) -> None:
    """Show a widget that may lie behind others in tabs, and raise its window."""
    inner = widget
    for outer in around(widget):
        if isinstance(outer, (QStackedWidget, QTabWidget)) and outer.indexOf(inner) >= 0:
            outer.setCurrentWidget(inner)
        inner = outer
    widget.show()
    widget.window().raise_()
    widget.window().activateWindow()
