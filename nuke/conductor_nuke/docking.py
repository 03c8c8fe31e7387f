"""The panel in a pane of Nuke's window: Nuke shows, moves, closes and remembers it with its layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conductor_nuke import bootstrap, panels

if TYPE_CHECKING:
    from conductor_plugins.panel.docked import DockedWindow
    from qtpy.QtWidgets import QWidget

#: by it Nuke finds the panel again in a layout that was saved: never to change
ID = "org.conductor.submit"
NAME = "Submit to Conductor"
_MAKE = "__import__('conductor_nuke.docking', fromlist=['make']).make"

_shown: list[DockedWindow] = []


def register() -> None:
    """Offer the panel in the panes' menu."""
    panels.register(_MAKE, NAME, ID)


def show(section: str = "") -> None:
    """Bring the panel to the front, with the script read anew; make it where there is none.

    Raises:
        ImportError: what it needs is not installed.
        HostRefused: Nuke cannot say what is open.
    """
    bootstrap.add_panel_packages()
    if _shown:
        from conductor_nuke.pane import bring_to_front

        _shown[-1].read_scene()
        bring_to_front(_shown[-1])
    else:
        panels.add(_MAKE, NAME, ID)
    if section and _shown:
        _shown[-1].show_section(section)


def make() -> QWidget:
    """Return the widget that Nuke puts into a pane; called by Nuke, also when it restores a layout."""
    bootstrap.add_panel_packages()
    from conductor_plugins.panel.opening import docked_panel

    from conductor_nuke.host import NukeHost
    from conductor_nuke.pane import Pane

    panel = docked_panel(NukeHost(), on_closed=lambda: _forget(panel))
    _shown.append(panel)
    return Pane(panel)


def script_changed() -> None:
    """Have the panel read the script anew, once Nuke is done with what it does now."""
    if _shown:
        from qtpy.QtCore import QTimer

        QTimer.singleShot(0, _read_anew)


def _read_anew() -> None:
    for panel in _shown:
        panel.read_scene()


def _forget(panel: DockedWindow) -> None:
    _shown[:] = [other for other in _shown if other is not panel]
