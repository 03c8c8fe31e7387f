"""The panel within a host's own window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.user_folders import user_folders
from conductor_plugins.memory_host import MemoryHost
from conductor_plugins.panel.docked import DockedWindow
from conductor_plugins.panel.opening import docked_panel, open_panel
from conductor_plugins.panel.remembered import Remembered, keep, recall
from plugins.answering_agent import OFFER, AnsweringAgent
from plugins.panel_desk import make_desk
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))


@pytest.fixture
def host(qtbot: Any, scene: Path) -> MemoryHost:
    host = make_desk(scene).host
    assert isinstance(host, MemoryHost)
    return host


@pytest.fixture
def pane(qtbot: Any) -> Iterator[QWidget]:
    """A part of a host's window."""
    pane = QWidget()
    QVBoxLayout(pane)
    pane.show()
    yield pane
    pane.close()


def docked(host: MemoryHost, pane: QWidget, gone: list[int] | None = None) -> DockedWindow:
    heard = gone if gone is not None else []
    panel = docked_panel(host, AnsweringAgent(), on_closed=lambda: heard.append(1))
    layout = pane.layout()
    assert layout is not None
    layout.addWidget(panel)
    panel.show()
    return panel


def test_it_lies_in_the_hosts_part(host: MemoryHost, pane: QWidget) -> None:
    """It is no window of its own, and shows with the part that it lies in."""
    panel = docked(host, pane)
    assert not panel.isWindow()
    assert panel.isVisible()
    assert panel.window() is pane


def test_it_fills_itself(host: MemoryHost, pane: QWidget, qtbot: Any) -> None:
    """What the farm has comes by itself, as in the window."""
    panel = docked(host, pane)
    qtbot.waitUntil(lambda: panel.desk.offer == OFFER)


def test_it_takes_the_colours_of_where_it_lies(host: MemoryHost, pane: QWidget) -> None:
    """The host's part is dark, the panel is, too."""
    dark = QPalette(QApplication.palette())
    dark.setColor(QPalette.ColorRole.Window, QColor("#123456"))
    pane.setPalette(dark)
    assert docked(host, pane).panel_tones.window == QColor("#123456")


def test_escape_leaves_it_there(host: MemoryHost, pane: QWidget, qtbot: Any) -> None:
    """It puts away what is open in the panel, never the panel: an empty part of the host would be left."""
    panel = docked(host, pane)
    panel.message.say("Something", True)
    for _ in range(3):
        qtbot.keyClick(panel, Qt.Key.Key_Escape)
    assert not panel.message.isVisible()
    assert panel.isVisible()


def test_who_docked_it_hears_once_that_it_is_gone(host: MemoryHost, pane: QWidget, qtbot: Any) -> None:
    """Closed by the host, it says so, and is destroyed."""
    gone: list[int] = []
    panel = docked(host, pane, gone)
    destroyed: list[int] = []
    panel.destroyed.connect(lambda *_: destroyed.append(1))
    panel.leave()
    qtbot.waitUntil(lambda: bool(destroyed))
    assert gone == [1]


def test_a_part_that_is_destroyed_takes_it_along(host: MemoryHost, qtbot: Any) -> None:
    """A host that asks nobody before it destroys its part is answered in order, too."""
    gone: list[int] = []
    pane = QWidget()
    QVBoxLayout(pane)
    docked(host, pane, gone)
    pane.deleteLater()
    qtbot.waitUntil(lambda: gone == [1])


def test_what_is_handed_over_is_waited_for(host: MemoryHost, pane: QWidget, qtbot: Any) -> None:
    """The part is closed while a job is on its way to the agent: the panel stays as a window until that is done."""
    gone: list[int] = []
    panel = docked(host, pane, gone)
    panel.desk.be_busy("submitting")
    panel.leave()
    assert panel.isVisible()
    assert panel.isWindow()
    assert "closes by itself" in panel.message.text()
    panel.desk.be_busy("")
    qtbot.waitUntil(lambda: gone == [1])


def test_the_section_is_remembered_and_the_windows_place_kept(host: MemoryHost, pane: QWidget, qtbot: Any) -> None:
    """The next panel shows the same section; where the floating window was is not forgotten."""
    keep(Remembered("00ff", "Job"))
    panel = docked(host, pane)
    panel.show_section("Machines")
    panel.leave()
    assert recall() == Remembered("00ff", "Machines")
    assert (user_folders().config / "panel.json").is_file()


def test_it_lives_beside_the_window(host: MemoryHost, pane: QWidget, qtbot: Any) -> None:
    """The menu's window is another one."""
    panel = docked(host, pane)
    window = open_panel(host, agent=AnsweringAgent())
    assert window is not panel
    window.close()
    assert panel.isVisible()
