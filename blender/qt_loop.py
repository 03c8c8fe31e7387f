# SPDX-License-Identifier: GPL-3.0-or-later
"""Qt in Blender's process: Blender's own loop calls Qt's, some forty times a second, and only while a window of ours is open.

https://docs.blender.org/api/current/bpy.app.timers.html. Not on macOS, where Qt and Blender both want to own the main loop.
"""

from __future__ import annotations

import locale
import sys
from collections.abc import Callable
from typing import Any

from .palette import blender_colours

#: seconds between two turns
INTERVAL = 1 / 40
#: milliseconds that one turn may take, as far as Qt can tell
_TURN = 15


def application() -> Any:
    """Return Qt's application, made if there is none yet."""
    from conductor_plugins.palette import dress
    from qtpy.QtWidgets import QApplication

    app = QApplication.instance()
    if app is None:
        app = QApplication(["conductor"])
        app.setQuitOnLastWindowClosed(False)
        dress(app, blender_colours())
        # Qt takes the user's locale; a decimal comma would then reach whatever in Blender reads numbers by C
        locale.setlocale(locale.LC_NUMERIC, "C")
    return app


def run(window: Any) -> None:
    """Show a window and turn Qt's loop until all windows are closed."""
    import bpy

    raise_window(window)
    if not bpy.app.timers.is_registered(turn):
        # persistent: opening another file would take the timer away
        bpy.app.timers.register(turn, first_interval=0.0, persistent=True)


def raise_window(window: Any) -> None:
    """Bring a window to the front."""
    if window.isMinimized():
        window.showNormal()
    window.show()
    window.raise_()
    window.activateWindow()


def turn() -> float | None:
    """Let Qt do what it has to do; return when to come again, None once no window is open."""
    from qtpy.QtCore import QEvent, QEventLoop

    app = application()
    app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, _TURN)
    app.sendPostedEvents(None, int(QEvent.Type.DeferredDelete.value))
    return INTERVAL if any(w.isVisible() for w in app.topLevelWidgets()) else None


def stop() -> None:
    """Close every window of ours and take the timer out; nothing happens where Qt was never there."""
    import bpy

    if "qtpy.QtWidgets" not in sys.modules:
        return
    from qtpy.QtWidgets import QApplication

    app = QApplication.instance()
    if app is not None:
        app.closeAllWindows()  # type: ignore[attr-defined]
        _settle(app.processEvents)
    if bpy.app.timers.is_registered(turn):
        bpy.app.timers.unregister(turn)


def _settle(process: Callable[[], None]) -> None:
    """Let windows that are closed go away."""
    for _ in range(3):
        process()
