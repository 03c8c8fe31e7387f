"""The menu of presets: what there is, loading, saving, removing, and back to the defaults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_answers import Preset
from conductor_core.errors import AgentError
from conductor_plugins.desk import Desk
from conductor_plugins.form.model import Form
from conductor_plugins.panel.preset_saving import PresetSaving
from conductor_plugins.panel.presets_menu import PresetsMenu
from plugins.answering_agent import AnsweringAgent
from plugins.panel_desk import make_desk
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialogButtonBox, QPushButton

FINAL = Preset("final", "studio", {"instance_type": "large", "priority": 80}, "/studio/final.yaml")
QUICK = Preset("quick", "personal", {"chunk_size": 4})


@pytest.fixture
def desk(qtbot: Any, scene: Path) -> Iterator[Desk]:
    desk = make_desk(scene)
    assert isinstance(desk.agent, AnsweringAgent)
    desk.agent.kept += [FINAL, QUICK]
    yield desk
    desk.close()


@pytest.fixture
def menu(qtbot: Any, desk: Desk) -> PresetsMenu:
    menu = PresetsMenu(desk)
    qtbot.addWidget(menu)
    menu.ask()
    qtbot.waitUntil(lambda: menu.presets == [FINAL, QUICK])
    return menu


def entries(menu: PresetsMenu) -> list[str]:
    return [action.text() for action in menu.actions() if action.text()]


def choose(menu: PresetsMenu, text: str) -> None:
    next(action for action in menu.actions() if action.text() == text).trigger()


def test_presets_are_listed_by_whose_they_are(menu: PresetsMenu) -> None:
    """The studio's first, then the artist's own."""
    assert entries(menu) == ["Studio", "final", "Yours", "quick", "&Save as …", "Re&move", "&Reset to defaults"]


def test_a_preset_is_loaded_on_top_of_what_is_chosen(menu: PresetsMenu, desk: Desk) -> None:
    """It says what it has to say and no more."""
    desk.edit(frames="1-5", priority=10)
    choose(menu, "final")
    assert desk.form == replace(Form(), frames="1-5", priority=80, instance_type="large")


def test_a_preset_with_a_mistake_changes_nothing(menu: PresetsMenu, desk: Desk) -> None:
    """What is wrong in which file is said."""
    said: list[str] = []
    desk.said.connect(lambda text, _: said.append(text))
    menu.load(replace(FINAL, values={"priority": "high"}))
    assert desk.form == Form()
    assert "/studio/final.yaml" in said[0]


def test_reset_to_defaults(menu: PresetsMenu, desk: Desk) -> None:
    """What is left is what the presets called default say."""
    desk.defaults = replace(Form(), chunk_size=3)
    desk.edit(frames="1-5")
    choose(menu, "&Reset to defaults")
    assert desk.form == desk.defaults


def test_no_agent_is_said_in_the_menu(desk: Desk, qtbot: Any) -> None:
    """The menu opens all the same."""
    assert isinstance(desk.agent, AnsweringAgent)
    desk.agent.broken = AgentError("The agent does not run.", "Start it.")
    menu = PresetsMenu(desk)
    qtbot.addWidget(menu)
    menu.ask()
    qtbot.waitUntil(lambda: "The agent does not run. Start it." in entries(menu))


def test_a_preset_is_removed(menu: PresetsMenu, desk: Desk, qtbot: Any) -> None:
    """One's own; the studio's is not offered."""
    assert isinstance(desk.agent, AnsweringAgent)
    assert [action.text() for action in menu.removal.actions()] == ["quick"]
    menu.removal.actions()[0].trigger()
    agent = desk.agent
    qtbot.waitUntil(lambda: agent.kept == [FINAL])


def test_a_preset_is_saved(menu: PresetsMenu, desk: Desk, qtbot: Any) -> None:
    """What differs from the defaults, but for what is of this scene alone."""
    agent = desk.agent
    assert isinstance(agent, AnsweringAgent)
    desk.edit(frames="1-5", preemptible=True, chunk_size=7)
    saving = PresetSaving(desk, menu.presets)
    qtbot.addWidget(saving)
    saving.wanted.connect(menu._save)
    save = saving.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Save)  # type: ignore[union-attr]
    assert isinstance(save, QPushButton)
    assert not save.isEnabled()
    qtbot.keyClicks(saving.name, "quick")
    assert "takes its place" in saving.note.text()
    qtbot.mouseClick(save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: agent.kept == [FINAL, Preset("quick", "personal", {"chunk_size": 7, "preemptible": True})])


def test_nothing_chosen_is_nothing_to_save(desk: Desk, qtbot: Any) -> None:
    """The dialog says so."""
    saving = PresetSaving(desk, [])
    qtbot.addWidget(saving)
    assert "Nothing is chosen" in saving.note.text()


def test_a_default_is_said_to_apply_by_itself(desk: Desk, qtbot: Any) -> None:
    """The one name that means something."""
    desk.edit(preemptible=True)
    saving = PresetSaving(desk, [])
    qtbot.addWidget(saving)
    saving.name.setText("default")
    assert "applies by itself" in saving.note.text()
