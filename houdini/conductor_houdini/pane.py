"""What the Python panel `conductor` shows: Houdini calls `create` for each pane tab of it and `leave` before one goes.

https://www.sidefx.com/docs/houdini/ref/windows/pythonpaneleditor.html (onCreateInterface, onDestroyInterface)
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


def leave(window: DockedWindow | None) -> None:
    """Let go of a panel whose pane tab is about to be closed."""
    if window in _shown and window is not None:
        window.leave()


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
