"""The panel in Houdini's window: a pane tab that docks, follows the scene and goes with its tab. Qt is real, Houdini is guarded by its stubs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.stub_reading import Stubs, StubsAbsent
from plugins.answering_agent import OFFER, AnsweringAgent
from qtpy.QtGui import QPalette

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def hou(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, qtbot: Any) -> Iterator[Any]:
    """Houdini with a saved scene, and panes."""
    try:
        Stubs.installed("hou-stubs")
    except StubsAbsent as exc:
        pytest.skip(str(exc))
    from fakes.houdini_fake import hou
    from fakes.houdini_session import RECORD, WORLD

    module = hou()
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(sys.modules, "hou", module)
    monkeypatch.syspath_prepend(str(REPO / "houdini"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("conductor_plugins.panel.opening.LazyAgent", AnsweringAgent)
    WORLD.clear()
    WORLD.graphical = True
    RECORD.refused.clear()
    module.hipFile.save(str(tmp_path / "shot.hip"))
    yield module
    assert RECORD.refused == []
    WORLD.clear()


@pytest.fixture
def panes(hou: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The panes, with our interface installed."""
    from hosts.houdini_panes import Panes

    panes = Panes()
    panes.install(REPO / "houdini" / "python_panels" / "conductor.pypanel")
    for name, value in panes.module().items():
        monkeypatch.setattr(hou, name, value)
    yield panes
    for tab in [tab for tab in panes.tabs if getattr(tab, "_space", None)]:
        panes.close(tab)


def shown() -> list[Any]:
    """Return the panels that there are."""
    from conductor_houdini import pane

    return [one.window for one in pane._shown]


def test_it_docks_beside_the_parameters(hou: Any, panes: Any, qtbot: Any) -> None:
    """Where the parameters are shown, the panel becomes a tab of their pane, and fills itself."""
    from conductor_houdini.docking import show

    panes.open(hou.paneTabType.Parm, None)
    show()
    tab = panes.tabs[-1]
    assert tab.activeInterface().name() == "conductor"
    (panel,) = shown()
    assert panel.window() is tab._widget
    qtbot.waitUntil(lambda: panel.desk.offer == OFFER)


def test_it_has_a_window_where_no_parameters_are(hou: Any, panes: Any) -> None:
    """Without a pane of parameters it opens in one of its own, without the row of a Python panel."""
    from conductor_houdini.docking import show

    show()
    (tab,) = panes.tabs
    assert tab.activeInterface().name() == "conductor"
    assert tab._toolbar is False


def test_it_comes_to_the_front(hou: Any, panes: Any) -> None:
    """A panel that is there is shown again, and no second one opens."""
    from conductor_houdini.docking import show

    show()
    show("Files")
    (tab,) = panes.tabs
    assert tab._front
    (panel,) = shown()
    assert panel.shown_section() == "Files"


def test_it_goes_with_its_tab(hou: Any, panes: Any) -> None:
    """A pane tab that is closed takes its own panel away and leaves the other; after the last nobody listens to Houdini."""
    from conductor_houdini import changes

    for _ in range(2):
        panes.open(hou.paneTabType.PythonPanel, "conductor")
    first, second = shown()
    panes.close(panes.tabs[0])
    assert shown() == [second]
    assert changes._on_event in hou.hipFile.eventCallbacks()
    panes.close(panes.tabs[0])
    assert shown() == []
    assert changes._on_event not in hou.hipFile.eventCallbacks()
    assert first is not second


def test_it_follows_the_scene(hou: Any, panes: Any, tmp_path: Path, qtbot: Any) -> None:
    """Another scene that is opened is the one that the panel shows."""
    hou.node("/out").createNode("ifd", "other").parm("vm_picture").set("$HIP/a.exr")
    hou.hipFile.save(str(tmp_path / "other.hip"))
    hou.hipFile.load(str(tmp_path / "shot.hip"), suppress_save_prompt=True)
    panes.open(hou.paneTabType.PythonPanel, "conductor")
    (panel,) = shown()
    assert panel.desk.situation().scene.path == str(tmp_path / "shot.hip")
    hou.hipFile.load(str(tmp_path / "other.hip"), suppress_save_prompt=True)
    qtbot.waitUntil(lambda: panel.desk.situation().scene.path == str(tmp_path / "other.hip"))


def test_a_copy_is_not_the_scene(hou: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Houdini tells while a copy is written does not make the panel read the scene anew; what it tells later does."""
    from conductor_houdini import changes

    heard: list[int] = []
    changes.watch_scene(lambda: heard.append(1))
    with changes.silent():
        hou.hipFile.save()
    assert heard == []
    hou.hipFile.save()
    assert heard == [1]
    changes.stop_watching()


def test_it_takes_houdinis_colours(hou: Any, panes: Any) -> None:
    """The panel is drawn in the colours of Houdini's scheme; a scheme that lacks one leaves it those of the application."""
    panes.colours = {"BackColor": (0.2, 0.2, 0.2), "ListText": (0.9, 0.9, 0.9), "ListEntry1": (0.1, 0.1, 0.1)}
    panes.colours["ButtonColor"], panes.colours["ListEntrySelected"] = (0.3, 0.3, 0.3), (0.7, 0.4, 0.1)
    panes.open(hou.paneTabType.PythonPanel, "conductor")
    del panes.colours["ListEntry1"]
    panes.open(hou.paneTabType.PythonPanel, "conductor")
    dressed, plain = shown()
    assert dressed.parentWidget().palette().color(QPalette.ColorRole.Window).name() == "#333333"
    assert dressed.panel_tones.window.name() == "#333333"
    assert plain.panel_tones.window.name() != "#333333"


def test_houdini_that_does_not_know_the_panel_says_so(hou: Any, panes: Any) -> None:
    """Without our folder on HOUDINI_PATH there is a sentence, and no empty pane."""
    from conductor_houdini.docking import show

    panes.scripts.clear()
    with pytest.raises(LookupError, match="HOUDINI_PATH"):
        show()
    assert panes.tabs == []


def test_the_trial_opens_the_panel_both_ways(hou: Any, panes: Any) -> None:
    """What `smoke.py` tries of the window runs: a floating pane tab and one beside the parameters, both with the panel."""
    from conductor_houdini import trial_window

    hou.node("/obj").createNode("geo", "smoke")
    panes.open(hou.paneTabType.Parm, None)
    answers = {name: call() for name, call in trial_window.of_the_window()}
    assert answers["Conductor in a floating pane tab"] == "conductor"
    assert answers["Conductor beside the parameters"] == "conductor"
    assert len(shown()) == 2
    assert panes.messages == ["This is Conductor's trial. Did the panel open twice, in Houdini's colours?"]
