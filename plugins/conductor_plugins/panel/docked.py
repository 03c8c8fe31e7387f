"""The panel as a part of the host's own window: the host shows, moves and closes what it lies in."""

from __future__ import annotations

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QCloseEvent

from conductor_plugins.desk import Desk
from conductor_plugins.panel.remembered import Remembered
from conductor_plugins.panel.window import Window


class DockedWindow(Window):
    """A panel that is no window by itself. Its owner puts it into the host's layout, and calls `leave` before that goes."""

    def __init__(self, desk: Desk, left: Remembered) -> None:
        super().__init__(desk, None, Remembered(section=left.section))  # its place is the host's affair
        self.setWindowFlags(Qt.WindowType.Widget)

    def leave(self) -> None:
        """Close, because the part of the host that it lies in is closed; what is being handed over is waited for in a window.

        Taken out of the host first: with the host's part everything in it is destroyed.
        """
        busy = bool(self.desk.busy)
        self.hide()
        self.setParent(None)
        if busy:
            self.show()
        self.close()

    def event(self, event: QEvent) -> bool:
        """Take the palette of what it was put into."""
        if event.type() == QEvent.Type.ParentChange and hasattr(self, "foot"):
            self._dress()
        return super().event(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Close; within the host there is nothing to wait in, so that its part is not kept open."""
        if self.desk.busy and self.parentWidget() is not None:
            self.leave()
            event.accept()
            return
        super().closeEvent(event)

    def _escape(self) -> None:
        if self.drawer.isVisible() or self.message.isVisible() or self.stack.currentWidget() is self.help:
            super()._escape()  # it goes no further: a pane without its panel would be left
