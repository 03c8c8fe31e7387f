"""The panel in a part of Maya's own window: Maya shows, moves, closes and remembers it with its layout.

https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/CommandsPython/workspaceControl.html and, for putting a widget into it, the
page "Working with PySide in Maya" of Autodesk's guide for developers.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from conductor_plugins.host import Host

from maya import OpenMayaUI, cmds

if TYPE_CHECKING:
    from conductor_plugins.panel.docked import DockedWindow

NAME = "ConductorWorkspaceControl"
#: pixels at first; Maya keeps what the artist makes of it
_WIDTH, _HEIGHT = 900, 720
#: texts, since Maya keeps them with the layout of its windows; the stubs take these flags for functions alone
_FILL: Any = "import conductor_entry; conductor_entry.fill()"
_LEAVE: Any = "import conductor_entry; conductor_entry.leave()"

_panel: DockedWindow | None = None


def show(host: Host, section: str = "") -> None:
    """Bring the panel to the front, with the scene read anew and a section shown if one is named; make it where there is none.

    Raises:
        HostRefused: the host cannot say what is open.
    """
    was_filled = _panel is not None
    if _exists():
        # where the artist has docked it; what Maya has made and not shown yet it may fill itself when it is shown
        cmds.workspaceControl(NAME, edit=True, restore=True)
    else:
        cmds.workspaceControl(
            NAME,
            label="Submit to Conductor",
            retain=False,
            floating=True,
            initialWidth=_WIDTH,
            initialHeight=_HEIGHT,
            uiScript=_FILL,
            closeCommand=_LEAVE,
        )
    fill(host)
    if was_filled:
        scene_changed()
    if section and _panel is not None:
        _panel.show_section(section)


def fill(host: Host) -> None:
    """Put a panel into Conductor's part of the window, unless there is one in it.

    Raises:
        HostRefused: the host cannot say what is open.
    """
    global _panel
    pointer = OpenMayaUI.MQtUtil.findControl(NAME)
    if _panel is not None or not pointer:
        return
    from conductor_plugins.panel.opening import docked_panel

    panel = docked_panel(host, on_closed=_forget)
    _widget(pointer).layout().addWidget(panel)
    panel.show()
    _panel = panel


def leave() -> None:
    """Close the panel, since Maya closes what it lies in."""
    if _panel is not None:
        _panel.leave()


def close() -> None:
    """Take Conductor's part out of Maya's window."""
    leave()
    if _exists():
        cmds.deleteUI(NAME, control=True)


def shown() -> DockedWindow | None:
    """Return the panel that is there; None where there is none."""
    return _panel


def scene_changed() -> None:
    """Have the panel read the scene anew, where there is one."""
    if _panel is not None:
        _panel.read_scene()


def _forget() -> None:
    global _panel
    _panel = None


def _exists() -> bool:
    return bool(cmds.workspaceControl(NAME, query=True, exists=True))


def _widget(pointer: Any) -> Any:
    """Return Qt's widget for a pointer of Maya's, by whichever Qt this Maya has."""
    from qtpy import PYSIDE6
    from qtpy.QtWidgets import QWidget

    shiboken = importlib.import_module("shiboken6" if PYSIDE6 else "shiboken2")
    return shiboken.wrapInstance(int(pointer), QWidget)
