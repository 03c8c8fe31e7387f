# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the panel above Blender's window, and below those of other programs, as a dialog of Blender's own would be.

Blender does not tell the system's number of its window; it is the one that has the keyboard when a menu entry is chosen. Where
that cannot be told (Wayland), the panel is a window like any other.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

#: X11's words for "no window" and "whichever is under the pointer"
_NOBODY = (0, 1)


def focused_window() -> int:
    """Return the system's number of the window that has the keyboard, where it is this process's own; 0 otherwise."""
    if sys.platform == "win32":
        return int(ctypes.windll.user32.GetActiveWindow() or 0)
    if sys.platform == "linux" and os.environ.get("DISPLAY"):
        return _focused_on_x11()
    return 0


def put_above(window: Any, owner: int) -> None:
    """Have a Qt window that is shown stay above the window of this number; nothing happens for 0."""
    from qtpy.QtCore import Qt
    from qtpy.QtGui import QGuiApplication, QWindow

    if not owner or QGuiApplication.platformName() not in ("xcb", "windows"):
        return
    # X11 has owners for dialogs alone; the window is hidden by this, and told of its owner when it is shown again
    hints = Qt.WindowType.WindowMinMaxButtonsHint | Qt.WindowType.WindowCloseButtonHint
    window.setWindowFlags(Qt.WindowType.Dialog | hints)
    window.winId()
    owning = QWindow.fromWinId(owner)
    if owning is not None and window.windowHandle() is not None:
        window.windowHandle().setTransientParent(owning)
        window.conductor_owner = owning  # kept as long as the window is
    window.show()


def _focused_on_x11() -> int:
    try:
        x11: Any = ctypes.CDLL("libX11.so.6")
    except OSError:
        return 0
    x11.XOpenDisplay.restype = ctypes.c_void_p
    display = ctypes.c_void_p(x11.XOpenDisplay(None))
    if not display.value:
        return 0
    try:
        window, revert = ctypes.c_ulong(0), ctypes.c_int(0)
        x11.XGetInputFocus(display, ctypes.byref(window), ctypes.byref(revert))
        return window.value if window.value not in _NOBODY and _process_of(x11, display, window) == os.getpid() else 0
    finally:
        x11.XCloseDisplay(display)


def _process_of(x11: Any, display: ctypes.c_void_p, window: ctypes.c_ulong) -> int:
    """Return the process that made a window, as it says itself (`_NET_WM_PID`); 0 where it does not."""
    x11.XInternAtom.restype = ctypes.c_ulong
    atom = ctypes.c_ulong(x11.XInternAtom(display, b"_NET_WM_PID", 1))
    kind, form = ctypes.c_ulong(0), ctypes.c_int(0)
    count, rest = ctypes.c_ulong(0), ctypes.c_ulong(0)
    value = ctypes.POINTER(ctypes.c_ulong)()
    ends = (ctypes.c_long(0), ctypes.c_long(1), ctypes.c_int(0), ctypes.c_ulong(0))
    answers = (kind, form, count, rest, value)
    failed = x11.XGetWindowProperty(display, window, atom, *ends, *map(ctypes.byref, answers))
    if failed or not count.value:
        return 0
    process = int(value[0])
    x11.XFree(value)
    return process
