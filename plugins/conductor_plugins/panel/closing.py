"""Closing the panel while a job is handed over: it waits for that, and closes by itself.

What the agent does not have yet would be lost where the panel is a process of its own. Who closes a second time means it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from conductor_plugins.panel.window import Window


def waits(window: Window) -> bool:
    """Tell whether a window that is to be closed waits for the agent to have the job; then it will close by itself."""
    if not window.desk.busy or window.findChild(_Closing) is not None:
        return False
    _Closing(window)
    window.message.say("The job is being handed over. The panel closes by itself when that is done.", False)
    return True


class _Closing(QObject):
    """Close a window as soon as nothing is under way in it."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._close)
        window.desk.busy_changed.connect(self._soon.start)

    def _close(self) -> None:
        """Close, unless what was submitted was refused: that is to be read."""
        if self._window.desk.busy:
            return
        if not self._window.drawer.isVisible() and not self._window.message.is_bad():
            self._window.close()
            return
        self.setParent(None)
        self.deleteLater()
