"""Open the panel on a host's scene: the one entry for every host's menu."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.host import Host
from conductor_plugins.lazy_agent import LazyAgent
from conductor_plugins.panel.above import put_above
from conductor_plugins.panel.remembered import keep, recall
from conductor_plugins.panel.window import Window
from conductor_plugins.remembering import Remembering

if TYPE_CHECKING:
    from conductor_plugins.agent import Agent
    from conductor_plugins.panel.docked import DockedWindow

_open: list[Window] = []
#: those in the host's own window: nobody else holds them
_docked: list[DockedWindow] = []


def open_panel(host: Host, parent: QWidget | None = None, agent: Agent | None = None, *, above: int = 0) -> Window:
    """Show the panel, or bring the one that is open to the front with the scene read anew.

    It stays above its parent; for a host that is no Qt program, above the window that the system numbers `above`. Closing it
    stops nothing that the agent does.
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
        if above:
            put_above(window, above)
        _begin(window)
    window.show()
    window.raise_()
    window.activateWindow()
    return window


def docked_panel(host: Host, agent: Agent | None = None, *, on_closed: Callable[[], None] = lambda: None) -> DockedWindow:
    """Return a panel to put into the host's own window, which fills itself; `on_closed` is called once, when it is no more.

    It is shown by whoever puts it there, who calls its `leave()` before what it lies in is destroyed. It lives with the one of
    `open_panel` and with others of its kind; which of them an artist sees is the host's affair.

    Raises:
        HostRefused: the host cannot say what is open.
    """
    from conductor_plugins.panel.docked import DockedWindow

    window = DockedWindow(Desk(host, agent or LazyAgent()), recall())
    window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    _docked.append(window)

    def gone() -> None:
        if window in _docked:
            _docked.remove(window)
            on_closed()

    window.closed.connect(lambda: keep(replace(recall(), section=window.shown_section())))
    window.closed.connect(gone)
    window.destroyed.connect(lambda *_: gone())
    _begin(window)
    return window


def _begin(window: Window) -> None:
    """Set going what fills the window, part by part once it is there: each loads code that the window itself does without."""
    remembering = Remembering(window.desk)
    remembering.recall()
    parts: list[Callable[[], None]] = [
        lambda: _scan(window.desk),
        lambda: _check(window.desk),
        lambda: _take_defaults(window.desk),
        lambda: _submit(window, remembering),
        lambda: _follow_jobs(window.desk),
        window.desk.settle,
    ]

    def go_on() -> None:
        part = parts.pop(0)
        if parts:
            timer.start()
        part()

    timer = QTimer(window)
    timer.setSingleShot(True)
    timer.setInterval(0)
    timer.timeout.connect(go_on)
    timer.start()


def _scan(desk: Desk) -> None:
    from conductor_plugins.scanning import Scanner

    Scanner(desk).start()


def _check(desk: Desk) -> None:
    from conductor_plugins.checking import Checking

    Checking(desk).load_offer()


def _take_defaults(desk: Desk) -> None:
    from conductor_plugins.defaults import Defaults

    Defaults(desk).look()


def _submit(window: Window, remembering: Remembering) -> None:
    from conductor_plugins.panel.submitting import Submitting

    submitting = Submitting(window.desk, remembering)
    window.submit_wanted.connect(submitting.start)
    submitting.refused.connect(window.show_problems)
    submitting.submitted.connect(lambda _: window.show_section("Jobs"))


def _follow_jobs(desk: Desk) -> None:
    from conductor_plugins.jobs import Jobs

    Jobs.of(desk).look()


def _forget(window: Window) -> None:
    keep(window.left())
    _lose(window)


def _lose(window: Window) -> None:
    """Know a window no more that is closed, or was destroyed with the host's own."""
    _open[:] = [other for other in _open if other is not window]
