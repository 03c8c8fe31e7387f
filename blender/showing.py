# SPDX-License-Identifier: GPL-3.0-or-later
"""Show the panel: in Blender's process where Qt is usable there, otherwise in a process of its own.

The choice is made in a child process (`qt_check`) and never waits: Blender goes on until the answer is there.
`CONDUCTOR_PANEL=process` or `=inside` in the environment makes it by hand.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from conductor_core.errors import ConductorError
from conductor_core.user_folders import qt_folder

from . import bootstrap, panel_process, qt_check, qt_loop
from .window_owner import focused_window

#: seconds between two looks at the check
_LOOK = 0.05
CHOICE = "CONDUCTOR_PANEL"

_check: qt_check.QtCheck | None = None
_checked_since = 0.0
_window: Any = None
#: Blender's own window, as the system numbers it
_owner = 0


def show(say: Callable[[str], None]) -> None:
    """Open the panel, or raise the one that is open; what keeps it from that is said by `say`."""
    import bpy

    global _check, _checked_since, _owner
    _owner = focused_window()
    if panel_process.is_open():
        panel_process.raise_panel()
        return
    choice = os.environ.get(CHOICE, "")
    if choice == "process" or (sys.platform == "darwin" and choice != "inside"):
        _in_own_process(say, "")
        return
    if choice == "inside" or "PySide6.QtWidgets" in sys.modules:
        _inside(say)
        return
    if _check is None:
        _check, _checked_since = qt_check.QtCheck(_qt_place(), qt_check.own_python()), time.monotonic()
    if bpy.app.background or _check.verdict() is not None:
        _go_on(_check.wait(), say)
    elif not bpy.app.timers.is_registered(_look):
        _sayer[:] = [say]
        bpy.app.timers.register(_look, first_interval=_LOOK, persistent=True)


def close() -> None:
    """Close the panel, wherever it is."""
    import bpy

    global _check, _window
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)
    if _check is not None and _check.verdict() is None:
        _check.give_up()
    _check = None
    panel_process.close()
    qt_loop.stop()
    _window = None


def scene_changed(*_: Any) -> None:
    """Tell an open panel that another file is open, or that this one was saved."""
    panel_process.scene_changed()
    if _window is not None:
        _window.read_scene()


_sayer: list[Callable[[str], None]] = []


def _look() -> float | None:
    if _check is None:
        return None
    verdict = _check.verdict()
    if verdict is None:
        if time.monotonic() - _checked_since < qt_check.PATIENCE:
            return _LOOK
        _check.give_up()
    _go_on(_check.wait(), _sayer[0])
    return None


def _go_on(verdict: qt_check.Verdict, say: Callable[[str], None]) -> None:
    global _check
    _check = None
    if verdict.usable:
        _inside(say)
    else:
        _in_own_process(say, verdict.reason)


def _inside(say: Callable[[str], None]) -> None:
    global _window
    try:
        _add_qt()
        qt_loop.application()
        from conductor_plugins.panel.opening import open_panel

        from .host import BlenderHost

        window = open_panel(BlenderHost(), above=_owner)
    except (ConductorError, ImportError) as exc:
        say(str(exc))
        return
    if window is not _window:
        _window = window
        window.closed.connect(_forget)
    qt_loop.run(window)


def _forget() -> None:
    global _window
    _window = None


def _in_own_process(say: Callable[[str], None], why: str) -> None:
    try:
        panel_process.start(say, _owner)
    except ConductorError as exc:
        say(f"{exc} (Qt is not usable inside of Blender: {why})" if why else str(exc))


def _add_qt() -> None:
    """Make PySide6 importable and have qtpy take it."""
    folder = _qt_place()
    if folder is not None and str(folder) not in sys.path:
        sys.path.append(str(folder))
    os.environ.setdefault("QT_API", "pyside6")
    bootstrap.add_packages()


def _qt_place() -> Any:
    """Return the folder that PySide6 comes from, None where Blender's Python has it itself."""
    return None if importlib.util.find_spec("PySide6") is not None else qt_folder()
