"""Open the panel on a host's scene: the one entry for every host's menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QWidget

from conductor_plugins.checking import Checking
from conductor_plugins.defaults import Defaults
from conductor_plugins.desk import Desk
from conductor_plugins.host import Host
from conductor_plugins.jobs import Jobs
from conductor_plugins.lazy_agent import LazyAgent
from conductor_plugins.panel.jobs_view import JobsView
from conductor_plugins.panel.remembered import keep, recall
from conductor_plugins.panel.submitting import Submitting
from conductor_plugins.panel.window import Window
from conductor_plugins.remembering import Remembering
from conductor_plugins.scanning import Scanner

if TYPE_CHECKING:
    from conductor_plugins.agent import Agent

_open: list[Window] = []


def open_panel(host: Host, parent: QWidget | None = None, agent: Agent | None = None) -> Window:
    """Show the panel, or bring the one that is open to the front with the scene read anew.

    Closing it stops nothing that the agent does.
    """
    if _open:
        window = _open[0]
        window.read_scene()
    else:
        window = Window(Desk(host, agent or LazyAgent()), parent, recall())
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        window.closed.connect(lambda: _forget(window))
        window.destroyed.connect(lambda *_: _lose(window))
        _open.append(window)
        _begin(window)
    window.show()
    window.raise_()
    window.activateWindow()
    return window


def _begin(window: Window) -> None:
    """Ask what takes time, once the window is there: it is shown before anybody is asked anything."""
    desk = window.desk
    remembering, scanner, checking, jobs = Remembering(desk), Scanner(desk), Checking(desk), Jobs(desk)
    submitting = Submitting(desk, remembering)
    window.submit_wanted.connect(submitting.start)
    submitting.refused.connect(window.show_problems)
    submitting.submitted.connect(lambda _: window.show_section(JobsView.title))
    remembering.recall()
    defaults = Defaults(desk)
    for first in (scanner.start, checking.load_offer, defaults.look, jobs.look, desk.settle):
        QTimer.singleShot(0, first)


def _forget(window: Window) -> None:
    keep(window.left())
    _lose(window)


def _lose(window: Window) -> None:
    """Know a window no more that is closed, or was destroyed with the host's own."""
    _open[:] = [other for other in _open if other is not window]
