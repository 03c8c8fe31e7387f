# SPDX-License-Identifier: GPL-3.0-or-later
"""Find Blender's own window, above which the panel is to stay.

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
