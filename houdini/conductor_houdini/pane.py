"""What the Python panel `conductor` shows: Houdini calls `create` for each pane tab of it and `leave` before one goes.

The panel takes its colours from the palette of what it lies in; Houdini is a Qt program whose style sheet sets them:
https://www.sidefx.com/docs/houdini/hom/hou/qt/styleSheet.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conductor_houdini.bootstrap import add_packages

if TYPE_CHECKING:
    from conductor_plugins.panel.docked import DockedWindow

_shown: list[DockedWindow] = []


def create() -> DockedWindow:
    """Return a panel on the open scene."""
    add_packages()
    from conductor_plugins.panel.opening import docked_panel

    from conductor_houdini.changes import watch_scene
    from conductor_houdini.host import HoudiniHost
    from conductor_houdini.palette import dress

    window = docked_panel(HoudiniHost(), on_closed=lambda: _forget(window))
    dress(window)
    _shown.append(window)
    watch_scene(read_scene)
    return window


def leave() -> None:
    """Let go of the panel whose pane tab is about to be closed: the last that was made."""
    if _shown:
        _shown[-1].leave()


def read_scene() -> None:
    """Have each panel look at the scene again: another one is open, or it was saved."""
    for window in tuple(_shown):
        window.read_scene()


def _forget(window: DockedWindow) -> None:
    if window in _shown:
        _shown.remove(window)
    if not _shown:
        from conductor_houdini.changes import stop_watching

        stop_watching()
