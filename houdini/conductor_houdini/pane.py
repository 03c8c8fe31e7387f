"""What the Python panel `conductor` shows: Houdini calls `create` for each pane tab of it and `leave` before one goes.

https://www.sidefx.com/docs/houdini/ref/windows/pythonpaneleditor.html (onCreateInterface, onDestroyInterface)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conductor_houdini.bootstrap import add_packages

if TYPE_CHECKING:
    from conductor_plugins.panel.docked import DockedWindow
    from qtpy.QtWidgets import QWidget


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel, and what it lies in: the panel takes its colours from there."""

    holder: QWidget
    window: DockedWindow


_shown: list[Shown] = []


def create() -> QWidget:
    """Return a panel on the open scene, in Houdini's colours."""
    add_packages()
    from conductor_plugins.panel.opening import docked_panel
    from qtpy.QtWidgets import QVBoxLayout, QWidget

    from conductor_houdini.changes import watch_scene
    from conductor_houdini.host import HoudiniHost
    from conductor_houdini.palette import dress

    holder = QWidget()
    dress(holder)
    layout = QVBoxLayout(holder)
    layout.setContentsMargins(0, 0, 0, 0)
    window = docked_panel(HoudiniHost(), on_closed=lambda: _forget(window))
    layout.addWidget(window)
    _shown.append(Shown(holder, window))
    watch_scene(read_scene)
    return holder


def leave(holder: QWidget | None) -> None:
    """Let go of a panel whose pane tab is about to be closed."""
    for one in [one for one in _shown if one.holder is holder]:
        one.window.leave()


def read_scene() -> None:
    """Have each panel look at the scene again: another one is open, or it was saved."""
    for one in tuple(_shown):
        one.window.read_scene()


def show_section(title: str) -> None:
    """Show a section of each panel."""
    for one in tuple(_shown):
        one.window.show_section(title)


def _forget(window: DockedWindow) -> None:
    _shown[:] = [one for one in _shown if one.window is not window]
    if not _shown:
        from conductor_houdini.changes import stop_watching

        stop_watching()
