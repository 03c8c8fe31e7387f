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
