"""Nuke's entry files, run as Foundry says that Nuke runs them: init.py always, menu.py with a window, each in its own folder.

https://learn.foundry.com/nuke/developers/131/pythondevguide/startup.html and, for a folder that an init.py adds,
https://learn.foundry.com/nuke/developers/130/pythondevguide/_autosummary/nuke.pluginAddPath.html
"""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.nuke_fake import install, uninstall
from fakes.nuke_session import RECORD, session

from installer.payload import Payload, put
from installer.pointers import studio_variables

CLONE = Path(__file__).parents[2]
#: a Python without packages that runs a file as Nuke does, and says what can be imported then
RUN = """
import sys
file = sys.argv[1]
exec(compile(open(file).read(), file, "exec"), {"__file__": file, "__name__": "__main__"})
import conductor_core, conductor_nuke.bootstrap, conductor_plugins
conductor_nuke.bootstrap.add_packages()
print(conductor_core.__file__, conductor_plugins.__file__, conductor_nuke.__file__, sep="\\n")
print(len(sys.path) - len(set(sys.path)), "nuke" in sys.modules, "qtpy" in sys.modules)
"""


@pytest.fixture
def nuke_here() -> Iterator[None]:
    """Other tests do not find this Nuke."""
    yield
    assert (RECORD.refused, RECORD.unknown) == ([], [])
    uninstall()


@pytest.fixture(params=["clone", "installation"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder that Nuke is led to, as a clone has it and as install.py puts it."""
    if request.param == "clone":
        return CLONE
    return put(Payload(CLONE), tmp_path / "conductor")


def test_init_makes_everything_importable(folder: Path) -> None:
    """In a Python without packages; nothing of a window, of Nuke or of Qt is touched, and no path is added twice."""
    file = folder / "nuke" / "init.py"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", RUN, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *files, last = done.stdout.splitlines()
    assert [Path(f).is_relative_to(folder) for f in files] == [True, True, True]
    assert last == "0 False False"


def test_a_folder_without_the_rest_says_what_to_do(tmp_path: Path) -> None:
    """Somebody has copied the folder alone: the sentence names what lacks."""
    copied = put(Payload(CLONE), tmp_path / "conductor") / "nuke"
    alone = tmp_path / "alone"
    copied.rename(alone)
    file = str(alone / "init.py")
    done = subprocess.run([sys.executable, "-I", "-S", "-c", RUN, file], capture_output=True, text=True, check=False)
    assert "Install Conductor again" in done.stderr


def test_a_studio_leads_nuke_to_the_folder(tmp_path: Path) -> None:
    """What install.py tells a studio to set is the folder in which Nuke finds both files."""
    (variable,) = studio_variables("nuke", tmp_path).items()
    assert variable == ("NUKE_PATH", str(tmp_path / "nuke"))
    assert all((CLONE / "nuke" / name).is_file() for name in ("init.py", "menu.py", "smoke.py"))


def test_menu_adds_the_entries(nuke_here: None) -> None:
    """A menu of our own, an entry under Render, the panel in the panes' menu, and what follows the script; twice is as once."""
    running = install(gui=True)
    import nuke

    for _ in range(2):
        runpy.run_path(str(CLONE / "nuke" / "menu.py"), run_name="__main__")
    bar = nuke.menu("Nuke")
    for name in ("Conductor/Submit to Conductor", "Conductor/Check Files for Conductor", "Render/Submit to Conductor"):
        assert bar.findItem(name) is not None, name
    assert nuke.menu("Pane").findItem("Submit to Conductor") is not None
    assert [item.name() for item in menu_items(bar, "Render")].count("Submit to Conductor") == 1
    assert {event for event, calls in running.callbacks.items() if calls} == {"onScriptLoad", "onScriptSave", "onScriptClose"}


def test_an_entry_that_fails_says_why(nuke_here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what the panel needs, the artist reads a sentence, and no error goes up to Nuke."""
    install(gui=True)
    from conductor_nuke import bootstrap, menu

    def lacking() -> None:
        raise ImportError("qtpy is not in /x/site. Install Conductor: python install.py")

    monkeypatch.setattr(bootstrap, "add_panel_packages", lacking)
    menu.submit()
    assert session().asked == ["qtpy is not in /x/site. Install Conductor: python install.py"]


def menu_items(bar: Any, name: str) -> list[Any]:
    """Return the items of a menu."""
    return list(bar.findItem(name).items() or [])
