"""The panel in Maya's window: put there, filled anew by Maya, closed by it. Qt is real; of Maya, only what the stubs have is there."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_plugins.memory_host import MemoryHost
from fakes.stub_modules import Record, fake_module
from fakes.stub_reading import Stubs
from plugins.answering_agent import AnsweringAgent
from plugins.panel_desk import make_desk
from qtpy import PYSIDE6
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget

NAME = "ConductorWorkspaceControl"


class Windows:
    """Maya's workspace controls, as far as Qt is concerned: a widget with a layout for each."""

    def __init__(self) -> None:
        self.shown: dict[str, QWidget] = {}
        self.restored: list[str] = []
        self.made: list[dict[str, object]] = []

    def add(self, name: str) -> None:
        """Make one."""
        widget = QWidget()
        QVBoxLayout(widget)
        dark = QPalette(QApplication.palette())
        dark.setColor(QPalette.ColorRole.Window, QColor("#3a3a3a"))
        widget.setPalette(dark)
        widget.show()
        self.shown[name] = widget

    def workspaceControl(self, name: str, **flags: object) -> object:
        """Make one, ask whether there is one, or bring it back."""
        if flags.get("query"):
            return name in self.shown
        if flags.get("edit"):
            self.restored.append(name)
        else:
            self.made.append(flags)
            self.add(name)
        return name

    def deleteUI(self, name: str, **_: object) -> None:
        """Take one away, with all that is in it."""
        self.shown.pop(name).deleteLater()

    def pointer(self, name: str) -> int | None:
        """Return where the widget of one lies in memory."""
        if name not in self.shown:
            return None
        shiboken = importlib.import_module("shiboken6" if PYSIDE6 else "shiboken2")
        return int(shiboken.getCppPointer(self.shown[name])[0])


@pytest.fixture
def windows(qtbot: Any) -> Windows:
    return Windows()


@pytest.fixture
def docking(windows: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Our module, in a Maya that has these windows."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    stubs, record = Stubs.installed("maya-stubs"), Record()
    commands = {"workspaceControl": windows.workspaceControl, "deleteUI": windows.deleteUI}
    maya = types.ModuleType("maya")
    scripts = {"workspaceControl": "uiScript and closeCommand are scripts (CommandsPython/workspaceControl.html)"}
    maya.cmds = fake_module(stubs, "maya.cmds", commands, record, any_values=scripts)  # type: ignore[attr-defined]
    maya.OpenMayaUI = types.SimpleNamespace(MQtUtil=types.SimpleNamespace(findControl=windows.pointer))  # type: ignore[attr-defined]
    forget_ours(monkeypatch)
    monkeypatch.setitem(sys.modules, "maya", maya)
    module = importlib.import_module("conductor_maya.docking")
    monkeypatch.setattr("conductor_plugins.panel.opening.LazyAgent", AnsweringAgent)
    yield module
    module.close()
    forget_ours(monkeypatch)


def forget_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have our package imported anew: what it has of Maya is another one."""
    for name in [n for n in sys.modules if n.partition(".")[0] in ("conductor_maya", "maya")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.fixture
def host(qtbot: Any, tmp_path: Path) -> MemoryHost:
    scene = tmp_path / "shot.ma"
    scene.write_text("//Maya ASCII 2025 scene\n")
    host = make_desk(scene).host
    assert isinstance(host, MemoryHost)
    return host


def panels(windows: Windows) -> list[QWidget]:
    return [w for w in windows.shown[NAME].findChildren(QWidget) if w.objectName() == "conductor"]


def test_it_opens_in_mayas_window(docking: Any, windows: Windows, host: MemoryHost) -> None:
    """It lies in a part of Maya's window, in Maya's colours, and Maya has the scripts to fill and to leave it as texts."""
    docking.show(host)
    (panel,) = panels(windows)
    assert not panel.isWindow()
    assert panel.isVisible()
    assert panel.panel_tones.window == QColor("#3a3a3a")  # type: ignore[attr-defined]
    assert str(windows.made[0]["uiScript"]).endswith("conductor_entry.fill()")
    assert str(windows.made[0]["closeCommand"]).endswith("conductor_entry.leave()")


def test_shown_again_it_is_the_same_one(docking: Any, windows: Windows, host: MemoryHost) -> None:
    """The menu brings it to the front, with the scene read anew."""
    docking.show(host)
    (panel,) = panels(windows)
    docking.show(host, "Files")
    assert panels(windows) == [panel]
    assert windows.restored == [NAME]
    assert panel.shown_section() == "Files"  # type: ignore[attr-defined]


def test_maya_fills_it_at_its_start(docking: Any, windows: Windows, host: MemoryHost) -> None:
    """The part was there when Maya was left, so Maya makes it anew and has it filled; twice is once."""
    windows.add(NAME)
    docking.fill(host)
    docking.fill(host)
    assert len(panels(windows)) == 1


def test_filling_what_is_not_there_is_no_fault(docking: Any, host: MemoryHost) -> None:
    """Maya may call before it has made its part."""
    docking.fill(host)


def test_closed_by_maya_it_opens_anew(docking: Any, windows: Windows, host: MemoryHost, qtbot: Any) -> None:
    """Maya says that it closes the part, then destroys it; the menu makes another."""
    docking.show(host)
    (panel,) = panels(windows)
    gone: list[int] = []
    panel.destroyed.connect(lambda *_: gone.append(1))
    docking.leave()
    windows.deleteUI(NAME)
    qtbot.waitUntil(lambda: bool(gone))
    docking.show(host)
    assert len(panels(windows)) == 1


def test_an_empty_part_is_filled(docking: Any, windows: Windows, host: MemoryHost, qtbot: Any) -> None:
    """Maya has made the part at its start, behind another tab: it comes to the front where it is, with a panel in it."""
    windows.add(NAME)
    docking.show(host)
    assert len(panels(windows)) == 1
    assert (windows.made, windows.restored) == ([], [NAME])


def test_smoke_script_shows_it(docking: Any, windows: Windows, host: MemoryHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has a licence sees the panel in Maya's window until the question is answered, and it is closed again."""
    maya = sys.modules["maya"]
    maya.mel = types.SimpleNamespace(eval=lambda _: "MayaWindow")  # type: ignore[attr-defined]
    maya.utils = types.ModuleType("maya.utils")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "maya.utils", maya.utils)
    monkeypatch.setitem(sys.modules, "conductor_maya.host", types.SimpleNamespace(MayaHost=lambda: host))
    tried = {what: call for what, call, _ in importlib.import_module("conductor_maya.smoke.windows").window_calls()}
    assert tried["the panel, docked"]().endswith("#3a3a3a")
    assert len(panels(windows)) == 1
    assert tried["the panel, closed"]() == "gone"
    assert NAME not in windows.shown
