"""The panel in a pane of Nuke's: put there, brought to the front, following the script, and closed with what it lies in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.nuke_fake import install, uninstall
from fakes.nuke_session import RECORD, session
from plugins.answering_agent import AnsweringAgent
from qtpy.QtWidgets import QMainWindow, QTabWidget, QWidget


@pytest.fixture
def docking(qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Our module, in a Nuke with a window and a script."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    install(gui=True)
    from conductor_nuke import docking

    import nuke

    nuke.createNode("Write")["file"].setValue("out.####.exr")
    nuke.scriptSaveAs(str(tmp_path / "shot.nk"), 1)
    monkeypatch.setattr("conductor_plugins.panel.opening.LazyAgent", AnsweringAgent)
    yield docking
    for panel in tuple(docking._shown):
        panel.leave()
    assert (RECORD.refused, RECORD.unknown) == ([], [])
    uninstall()


def placed() -> Any:
    """Return the widget that was put into the pane beside Properties."""
    (panel,) = session().panels["panes"]["Properties.1"].panels
    return panel.widget


@pytest.fixture
def window(qtbot: Any) -> Iterator[QTabWidget]:
    """Nuke's window, with tabs in it."""
    window = QMainWindow()
    tabs = QTabWidget()
    window.setCentralWidget(tabs)
    tabs.addTab(QWidget(), "Properties")
    window.show()
    yield tabs
    with contextlib.suppress(RuntimeError):  # a test has destroyed it
        window.close()


def test_it_goes_into_the_pane(docking: Any, window: QTabWidget) -> None:
    """The panel is no window of its own; asked again, the same one comes to the front instead of a second."""
    docking.show()
    holder = placed()
    window.addTab(holder, "Submit to Conductor")
    window.setCurrentIndex(0)
    docking.show("Files")
    assert window.currentWidget() is holder
    assert [panel.isWindow() for panel in docking._shown] == [False]
    assert docking._shown[0].shown_section() == "Files"


def test_it_follows_the_script(docking: Any, window: QTabWidget, tmp_path: Path, qtbot: Any) -> None:
    """Once Nuke is done with opening, the panel reads what is open now."""
    import nuke

    docking.show()
    window.addTab(placed(), "Submit to Conductor")
    nuke.scriptSaveAs(str(tmp_path / "other.nk"), 1)
    docking.script_changed()
    qtbot.waitUntil(lambda: docking._shown[0].desk.scene.path == str(tmp_path / "other.nk"))


@pytest.mark.parametrize("gone", ["tab", "window"])
def test_it_is_closed_with_what_it_lies_in(docking: Any, window: QTabWidget, qtbot: Any, gone: str) -> None:
    """Nuke destroys a tab or its window: the panel was told before, and is not known any more."""
    docking.show()
    holder = placed()
    outer = QWidget(window)
    holder.setParent(outer)
    holder.show()
    window.addTab(outer, "Submit to Conductor")
    window.setCurrentWidget(outer)
    (panel,) = docking._shown
    heard: list[int] = []
    panel.closed.connect(lambda: heard.append(1))
    (outer if gone == "tab" else window.window()).deleteLater()
    qtbot.waitUntil(lambda: not docking._shown)
    assert heard == [1]


def test_nukes_window_may_be_asked_to_close_and_stay(docking: Any, window: QTabWidget) -> None:
    """An artist who says no to `Save changes?` keeps the panel."""
    docking.show()
    window.addTab(placed(), "Submit to Conductor")
    window.window().close()
    assert len(docking._shown) == 1


def test_a_layout_brings_it_back(docking: Any, window: QTabWidget) -> None:
    """Nuke makes the widget by itself when it restores a layout, by the name that it kept."""
    import nukescripts  # type: ignore[import-not-found]

    docking.register()
    nukescripts.panels.restorePanel(docking.ID)
    assert len(docking._shown) == 1
