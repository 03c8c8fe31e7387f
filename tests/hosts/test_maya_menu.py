"""Maya's start with the module: the plug-in is loaded, menu and shelf are there, and each entry does what it says."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fakes.maya_fake import MayaFake
from fakes.stub_reading import Stubs, StubsAbsent

MODULE = Path(__file__).resolve().parents[2] / "maya"
SCRIPTS = MODULE / "scripts"
LABELS = ["Submit to Conductor", "Check Files for Conductor"]


@dataclass
class Started:
    """A Maya that was started with the module."""

    fake: MayaFake
    said: list[str]

    def menu(self) -> Any:
        """Our module, as the entry imported it."""
        return importlib.import_module("conductor_maya.menu")

    def widgets(self, kind: str) -> list[Any]:
        """Return the parts of the window of a kind."""
        return [w for w in self.fake.commands.widgets.values() if w.kind == kind]

    def item(self, label: str) -> Callable[..., object]:
        """Return what an entry of the menu calls."""
        (item,) = [w for w in self.widgets("menuItem") if w.flags["label"] == label]
        command: Callable[..., object] = item.flags["command"]
        return command


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bool], Started]]:
    """Start a Maya as it starts itself with a module on its path: folders are known, then userSetup.py is run."""
    try:
        Stubs.installed("maya-stubs")
    except StubsAbsent as exc:
        pytest.skip(str(exc))
    before = dict(sys.modules)
    monkeypatch.syspath_prepend(str(SCRIPTS))
    monkeypatch.setenv("MAYA_PLUG_IN_PATH", str(MODULE / "plug-ins"))
    _forget()

    def start(batch: bool) -> Started:
        fake = MayaFake(tmp_path, batch=batch)
        said: list[str] = []
        sys.modules.update(fake.modules)
        file = SCRIPTS / "userSetup.py"
        # maya/app/startup/basic.py of Maya runs it in the namespace of __main__, where __file__ is no name
        exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), {"__name__": "__main__"})
        return Started(fake, said)

    yield start
    _forget()
    sys.modules.update({n: m for n, m in before.items() if n.partition(".")[0] in _OURS})


_OURS = ("maya", "conductor_maya", "conductor_entry")


def _forget() -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] in _OURS]:
        del sys.modules[name]


@pytest.fixture
def started(start: Callable[[bool], Started], monkeypatch: pytest.MonkeyPatch) -> Started:
    started = start(False)
    monkeypatch.setattr("conductor_maya.menu._say", started.said.append)
    return started


def test_menu_is_in_the_main_menu_bar(started: Started) -> None:
    """After Maya's start it is there, once, with both entries."""
    (menu,) = started.widgets("menu")
    assert (menu.flags["label"], menu.parent) == ("Conductor", "MayaWindow")
    assert [w.flags["label"] for w in started.widgets("menuItem")] == LABELS


def test_shelf_has_one_button(started: Started) -> None:
    """It calls the same by a text that Maya can keep; the shelf that the artist works with stays in front."""
    (button,) = started.widgets("shelfButton")
    assert button.parent == "Conductor"
    assert button.flags["command"] == "import conductor_entry; conductor_entry.submit()"
    assert button.flags["sourceType"] == "python"
    assert started.fake.cmds.shelfTabLayout("ShelfLayout", query=True, selectTab=True) == "General"


def test_nothing_is_asked_that_the_stubs_refuse(started: Started) -> None:
    """Menu, shelf and events are made by calls that Maya has."""
    assert started.fake.record.refused == []
    assert started.fake.record.unknown == []


def test_without_a_window_nothing_is_added(start: Callable[[bool], Started]) -> None:
    """A farm's Maya runs the same file at its start, and is left alone: nothing of ours is even imported."""
    started = start(True)
    assert "conductor_maya" not in sys.modules
    assert started.fake.session.loaded.keys() & {"conductor_submitter.py"} == set()


def test_loading_twice_makes_one_menu_and_one_shelf(started: Started) -> None:
    """The Plug-in Manager may load it again; the shelf, which is the artist's by then, is not touched."""
    started.menu().add()
    assert len(started.widgets("menu")) == 1
    assert len(started.widgets("shelfButton")) == 1


def test_unloading_takes_menu_and_panel_away(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    """Menu, entries and what follows the scene are gone; the shelf stays."""
    closed: list[int] = []
    monkeypatch.setattr("conductor_maya.docking.close", lambda: closed.append(1))
    assert started.fake.session.jobs
    started.menu().remove()
    assert (started.widgets("menu"), started.fake.session.jobs, closed) == ([], {}, [1])
    assert started.widgets("shelfButton")


@pytest.mark.parametrize("event", ["SceneOpened", "NewSceneOpened", "SceneSaved"])
def test_panel_follows_the_scene(event: str, started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened, new, saved: it is read anew."""
    read: list[int] = []
    monkeypatch.setattr("conductor_maya.docking.scene_changed", lambda: read.append(1))
    for name, call in started.fake.session.jobs.values():
        if name == event:
            call()
    assert read == [1]


def test_submit_shows_the_panel(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the Maya that it runs in; Maya hands over whether the entry is checked, which nobody wants."""
    shown: list[Any] = []
    monkeypatch.setattr("conductor_maya.docking.show", shown.append)
    started.item(LABELS[0])(False)
    assert shown[0].scene().software.name == "maya"


def test_what_is_refused_is_said(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence for the artist, no traceback of Maya's."""
    from conductor_plugins.host import HostRefused

    def refuse(_host: object) -> None:
        raise HostRefused("Not now. Try later.")

    monkeypatch.setattr("conductor_maya.docking.show", refuse)
    started.item(LABELS[0])(False)
    assert started.said == ["Not now. Try later."]


def test_a_mistake_of_ours_is_said(started: Started, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    """The artist hears of it where they look; the Script Editor has the rest."""

    def fail(_host: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("conductor_maya.docking.show", fail)
    started.item(LABELS[0])(False)
    assert "ZeroDivisionError" in started.said[0]
    assert "Traceback" in capfd.readouterr().err


def test_check_files_shows_where_they_are(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    """The panel comes up with its files, and looks for them while Maya goes on."""
    shown: list[str] = []
    monkeypatch.setattr("conductor_maya.docking.show", lambda _host, section="": shown.append(section))
    started.item(LABELS[1])(False)
    assert shown == ["Files"]
