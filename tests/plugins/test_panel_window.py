"""The panel's window: sections, badges, the bar at the foot, and what keys do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.submission import Software
from conductor_plugins.desk import Desk
from conductor_plugins.host import HostScene
from conductor_plugins.memory_host import MemoryHost
from conductor_plugins.panel.window import SECTIONS, Window
from plugins.answering_agent import AnsweringAgent


@pytest.fixture
def window(qtbot: Any, scene: Path) -> Iterator[Window]:
    host = MemoryHost(HostScene(str(scene), modified=False, software=Software("memory", "1.0"), frames="1-10"))
    window = Window(Desk(host, AnsweringAgent()))
    qtbot.addWidget(window)
    window.show()
    yield window
    window.close()


def test_each_section_can_be_shown(window: Window) -> None:
    """Choosing a row of the list makes the section and shows it."""
    for row, kind in enumerate(SECTIONS):
        window.list.setCurrentRow(row)
        assert window.sections[kind.title].isVisible()
