"""The desk: one change of the form, one signal; problems once the artist pauses; errands of which the newest counts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.errors import AgentError
from conductor_core.submission import Software
from conductor_plugins.desk import Desk
from conductor_plugins.errands import Errands
from conductor_plugins.host import HostScene
from conductor_plugins.memory_host import MemoryHost
from plugins.answering_agent import AnsweringAgent
from qtpy.QtCore import QCoreApplication


@pytest.fixture
def desk(qtbot: Any, scene: Path) -> Iterator[Desk]:
    host = MemoryHost(HostScene(str(scene), modified=False, software=Software("memory", "1.0"), frames="1-10"))
    desk = Desk(host, AnsweringAgent())
    yield desk
    desk.close()


def test_a_change_is_told_once_and_no_change_not_at_all(desk: Desk, qtbot: Any) -> None:
    told: list[str] = []
    desk.form_changed.connect(lambda: told.append(desk.form.frames))
    desk.edit(frames="1-5")
    desk.edit(frames="1-5")
    assert told == ["1-5"]


def test_the_newest_errand_of_a_name_counts(qtbot: Any) -> None:
    """An answer that comes late, of a call that was overtaken, is dropped."""
    came: list[Any] = []
    errands, gate = Errands(), threading.Event()
    errands.run("look", lambda: gate.wait(10), lambda _: came.append("first"), came.append)
    errands.run("look", lambda: "second", came.append, came.append)
    qtbot.waitUntil(lambda: came == ["second"])
    gate.set()
    qtbot.wait(50)
    assert came == ["second"]


def test_what_an_errand_raises_comes_back(qtbot: Any) -> None:
    """The agent's sentence reaches who asked."""
    came: list[Any] = []
    errands = Errands()
    agent = AnsweringAgent(broken=AgentError("The agent does not run.", "Start it."))
    errands.run("offer", agent.offer, lambda _: None, came.append)
    qtbot.waitUntil(lambda: bool(came))
    assert [e.what for e in came] == ["The agent does not run."]


def test_a_mistake_of_ours_is_told_as_such(qtbot: Any, capsys: Any) -> None:
    """Whoever waits hears that nothing will come, and the console has the place."""
    came: list[Any] = []
    errands = Errands()
    errands.run("sum", lambda: 1 // 0, lambda _: None, came.append)
    qtbot.waitUntil(lambda: bool(came))
    assert "ZeroDivisionError" in came[0].what
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_panel_that_is_deleted_takes_nothing_down(qtbot: Any, scene: Path) -> None:
    """Answers that come as the panel goes are dropped, and so is what is asked afterwards."""
    for _ in range(200):
        gate = threading.Event()
        errands = Errands()
        for name in "abc":
            errands.run(name, gate.wait, lambda _: None, lambda _: None)
        gate.set()
        errands.close()
        errands.deleteLater()
        QCoreApplication.sendPostedEvents(errands, 52)  # QEvent.DeferredDelete
        del errands
    closed = Errands()
    closed.close()
    closed.run("late", lambda: 1, lambda _: None, lambda _: None)
