"""Open the panel on a host's scene: the one entry for every host's menu."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QWidget

from conductor_plugins.agent import Agent
from conductor_plugins.desk import Desk
from conductor_plugins.host import Host
from conductor_plugins.lazy_agent import LazyAgent
from conductor_plugins.panel.remembered import keep, recall
from conductor_plugins.panel.window import Window

_open: list[Window] = []


def open_panel(host: Host, parent: QWidget | None = None, agent: Agent | None = None) -> Window:
    """Show the panel, or bring the one that is open to the front with the scene read anew.

    Closing it stops nothing that the agent does.
    """
    if _open:
        window = _open[0]
        window.desk.read_scene()
    else:
        window = Window(Desk(host, agent or LazyAgent()), parent, recall())
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        window.closed.connect(lambda: _forget(window))
        _open.append(window)
        _begin(window)
    window.show()
    window.raise_()
    window.activateWindow()
    return window


def _begin(window: Window) -> None:
    """Ask what takes time, now that the window is there."""
    desk = window.desk

    def offered(offer: object) -> None:
        desk.offer = offer  # type: ignore[assignment]
        desk.offer_changed.emit()
        desk.settle()

    desk.errands.run("offer", desk.agent.offer, offered, lambda error: desk.said.emit(str(error), True))
    desk.settle()


def _forget(window: Window) -> None:
    keep(window.left())
    _open.remove(window)
