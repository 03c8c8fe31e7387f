"""Presets called default: they apply by themselves, below what a scene remembers and what is chosen by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_answers import Preset
from conductor_core.errors import AgentError
from conductor_plugins.defaults import Defaults, moved
from conductor_plugins.desk import Desk
from conductor_plugins.form.model import Form
from conductor_plugins.form.sticky import from_text, to_text
from plugins.answering_agent import OFFER, AnsweringAgent
from plugins.panel_desk import make_desk

STUDIO = Preset("default", "studio", {"preemptible": True, "priority": 30, "chunk_size": 4})
MINE = Preset("default", "personal", {"priority": 60})


@pytest.fixture
def desk(qtbot: Any, scene: Path) -> Iterator[Desk]:
    desk = make_desk(scene)
    assert isinstance(desk.agent, AnsweringAgent)
    desk.agent.kept += [MINE, STUDIO, Preset("other", "personal", {"priority": 1})]
    yield desk
    desk.close()


def test_what_nobody_touched_is_the_default(desk: Desk, qtbot: Any) -> None:
    """The artist's own default stands on the studio's; what was chosen by hand meanwhile stays."""
    defaults = Defaults(desk)
    defaults.look()
    desk.edit(chunk_size=9)
    wanted = replace(Form(), preemptible=True, priority=60, chunk_size=9)
    qtbot.waitUntil(lambda: desk.form == wanted)
    assert desk.defaults == replace(Form(), preemptible=True, priority=60, chunk_size=4)


def test_what_a_scene_remembers_stands_on_the_default(qtbot: Any, desk: Desk) -> None:
    """Also where the artist chose there what Conductor has by itself: no preemptible machines in this scene."""
    defaults = replace(Form(), preemptible=True)
    text = to_text(replace(defaults, preemptible=False, frames="1-3"), defaults=defaults)
    desk.scene = replace(desk.scene, settings=text)
    desk.form = from_text(text)
    Defaults(desk).look()
    qtbot.waitUntil(lambda: desk.form.priority == 60)
    assert (desk.form.preemptible, desk.form.frames) == (False, "1-3")


def test_without_an_agent_there_are_none_until_it_is_there(desk: Desk, qtbot: Any) -> None:
    """The offer that comes at last brings them along."""
    assert isinstance(desk.agent, AnsweringAgent)
    desk.agent.broken = AgentError("The agent does not run.")
    defaults = Defaults(desk)
    defaults.look()
    assert defaults._project is not None
    qtbot.waitUntil(lambda: defaults._project is None)
    assert desk.form == Form()
    desk.agent.broken = None
    desk.offer = OFFER
    desk.offer_changed.emit()
    qtbot.waitUntil(lambda: desk.form.priority == 60)


def test_a_mistake_in_a_default_is_said(desk: Desk, qtbot: Any) -> None:
    """The rest of it applies."""
    assert isinstance(desk.agent, AnsweringAgent)
    desk.agent.kept[:] = [replace(STUDIO, values={"priority": "high", "chunk_size": 4}, file="/studio/default.yaml")]
    said: list[str] = []
    desk.said.connect(lambda text, _: said.append(text))
    Defaults(desk).look()
    qtbot.waitUntil(lambda: desk.form.chunk_size == 4)
    assert "/studio/default.yaml" in said[0]


def test_moved_touches_only_what_is_as_before() -> None:
    """Field by field."""
    before, after = Form(), replace(Form(), priority=10, chunk_size=2)
    assert moved(replace(before, chunk_size=5), before, after) == replace(before, chunk_size=5, priority=10)
