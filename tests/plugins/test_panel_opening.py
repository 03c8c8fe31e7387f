"""Opening and closing the panel: one at a time, where it was, and without stopping what the agent does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_answers import Offer
from conductor_core.errors import AgentError
from conductor_core.user_folders import user_folders
from conductor_plugins.memory_host import MemoryHost
from conductor_plugins.panel.opening import open_panel
from conductor_plugins.panel.remembered import Remembered, keep, recall
from conductor_plugins.panel.window import Window
from plugins.answering_agent import OFFER, AnsweringAgent
from plugins.panel_desk import make_desk
from qtpy.QtWidgets import QWidget


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def host(qtbot: Any, scene: Path) -> MemoryHost:
    host = make_desk(scene).host
    assert isinstance(host, MemoryHost)
    return host


_alive: list[Window] = []


@pytest.fixture
def panel(host: MemoryHost) -> Iterator[Any]:
    """Open panels, all closed in the end."""

    def open_(agent: AnsweringAgent | None = None) -> Window:
        window = open_panel(host, agent=agent or AnsweringAgent())
        if window not in _alive:
            _alive.append(window)
            window.closed.connect(lambda: _alive.remove(window))
        return window

    yield open_
    for window in list(_alive):
        window.close()


def test_there_is_one_panel(panel: Any, host: MemoryHost) -> None:
    """Opened again, it is the same one, with the scene as it is by now."""
    window = panel()
    host.current = replace(host.current, path="/job/other.scene")
    assert panel() is window
    assert window.desk.scene.path == "/job/other.scene"


def test_a_closed_panel_is_opened_anew(panel: Any, qtbot: Any) -> None:
    """After it was closed, the menu opens another."""
    window = panel()
    window.close()
    again = panel()
    assert again is not window
    assert again.isVisible()


def test_a_panel_that_went_with_the_hosts_window_is_opened_anew(host: MemoryHost, panel: Any, qtbot: Any) -> None:
    """A host that destroys its main window takes the panel along without closing it."""
    main = QWidget()
    lost = open_panel(host, main, agent=AnsweringAgent())
    gone: list[int] = []
    lost.destroyed.connect(lambda *_: gone.append(1))
    main.deleteLater()
    qtbot.waitUntil(lambda: bool(gone))
    assert panel().isVisible()


def test_the_section_and_place_are_remembered(panel: Any) -> None:
    """In Conductor's own folder, none of the host's."""
    window = panel()
    window.show_section("Machines")
    window.resize(760, 560)
    window.close()
    assert json.loads((user_folders().config / "panel.json").read_text())["section"] == "Machines"
    again = panel()
    assert again.shown_section() == "Machines"
    assert (again.width(), again.height()) == (760, 560)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"geometry": "zz", "section": "Gone"}', '{"geometry": 3}'], ids=str)
def test_a_spoilt_memory_is_none(content: str, panel: Any) -> None:
    """The panel opens in its first place."""
    file = user_folders().config / "panel.json"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    assert panel().shown_section() == "Job"


def test_a_memory_that_cannot_be_kept_is_no_fault(home: Path) -> None:
    """A home that cannot be written closes the panel all the same."""
    home.write_text("a file where the folder should be")
    keep(Remembered("00", "Job"))
    assert recall() == Remembered()


def test_the_offer_is_asked_for(panel: Any, qtbot: Any) -> None:
    """What the farm has comes after the window is there."""
    window = panel()
    qtbot.waitUntil(lambda: window.desk.offer == OFFER)


def test_an_agent_that_does_not_answer_is_said(panel: Any, qtbot: Any) -> None:
    """The panel is there, with the sentence on what to do."""
    window = panel(AnsweringAgent(broken=AgentError("The agent does not run.", "Start it.")))
    qtbot.waitUntil(lambda: "The agent does not run. Start it." in window.message.text())


def test_an_answer_that_comes_after_closing_is_dropped(panel: Any, qtbot: Any) -> None:
    """Closing the panel while the agent still thinks harms nothing, and stops nothing."""
    asked, gate = threading.Event(), threading.Event()

    class Slow(AnsweringAgent):
        def offer(self) -> Offer:
            asked.set()
            gate.wait(10)
            answered.append(1)
            return OFFER

    answered: list[int] = []
    window = panel(Slow())
    qtbot.waitUntil(asked.is_set)
    window.close()
    gate.set()
    qtbot.waitUntil(lambda: answered == [1])
