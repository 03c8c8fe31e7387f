"""Keep the panel above the window of a host that is no Qt program, and below those of other programs."""

from __future__ import annotations

from typing import Any


def put_above(window: Any, owner: int) -> None:
    """Have a window that was not shown yet stay above the one that the system numbers so; nothing happens on Wayland.

    Not yet shown: the owner is told when a window is shown, and to hide one and show it again is a race with the window manager.
    """
    from qtpy.QtCore import Qt
    from qtpy.QtGui import QGuiApplication, QWindow

    if QGuiApplication.platformName() not in ("xcb", "windows"):
        return
    # X11 has owners for dialogs alone
    hints = Qt.WindowType.WindowMinMaxButtonsHint | Qt.WindowType.WindowCloseButtonHint
    window.setWindowFlags(Qt.WindowType.Dialog | hints)
    window.winId()
    owning = QWindow.fromWinId(owner)
    if owning is not None and window.windowHandle() is not None:
        window.windowHandle().setTransientParent(owning)
        window.conductor_owner = owning  # kept as long as the window is
