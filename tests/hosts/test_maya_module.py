"""What leads Maya to Conductor: the module file, what Maya runs at its start, the plug-in, the smoke script."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hosts.maya_calls import calls_in

from installer.changes import OwnFile
from installer.core import Application, Machine
from installer.payload import Payload
from installer.pointers import pointer, studio_variables

CLONE = Path(__file__).resolve().parents[2]
MODULE = CLONE / "maya"
PACKAGE = MODULE / "conductor_maya"


def module_root(mod: Path) -> Path:
    """Return the folder that a module file leads to.

    `+ NAME VERSION PATH`, the path absolute or relative to the module file ("Module description files":
    https://help.autodesk.com/cloudhelp/2017/ENU/Maya-SDK/files/GUID-130A3F57-2A5D-4E56-B066-6B86F68EEA22.htm).
    """
    match = re.fullmatch(r"\+ (?P<name>\S+) (?P<version>[\d.]+) (?P<path>.+)", mod.read_text(encoding="utf-8").splitlines()[0])
    assert match is not None
    return mod.parent / match["path"]


def test_module_file_leads_to_what_maya_looks_for() -> None:
    """A clone named in MAYA_MODULE_PATH is found, with the folders that Maya knows of a module."""
    root = module_root(MODULE / "conductor.mod")
    assert (root / "plug-ins" / "conductor_submitter.py").is_file()
    assert (root / "scripts" / "userSetup.py").is_file()


def test_nothing_beside_it_can_be_taken_for_a_module_file() -> None:
    """Maya reads each file of a module path, whatever its ending: none but ours has a line that begins as a module's does."""
    others = [f for f in MODULE.iterdir() if f.is_file() and f.name != "conductor.mod"]
    assert others
    for file in others:
        assert not re.search(r"^[+-] ", file.read_text(encoding="utf-8"), re.MULTILINE), file


@pytest.mark.parametrize("folder", ["/opt/conductor/maya", "/opt/with blank/maya"])
def test_installer_leads_to_an_installation(folder: str, tmp_path: Path) -> None:
    """The pointer that the installer writes has the place of the installed folder, absolute, in each Maya's own module folder."""
    machine = Machine(platform="linux", environ={}, home=str(tmp_path))
    application = Application("maya", "2025", "/usr/autodesk/maya2025/bin/maya")
    change = pointer(application, Path(folder).parent, machine, shipped=CLONE)
    assert isinstance(change, OwnFile)
    assert change.text.splitlines()[0].endswith(f" {folder}")


def test_studio_variable_leads_to_the_module() -> None:
    """A launcher of a studio sets one variable."""
    assert studio_variables("maya", CLONE) == {"MAYA_MODULE_PATH": str(MODULE)}


def test_installation_has_all_of_it() -> None:
    """Module file, plug-in, scripts and package are in what is installed."""
    there = {place for place, _ in Payload(CLONE).files()}
    wanted = ["conductor.mod", "scripts/userSetup.py", "scripts/conductor_entry.py", "plug-ins/conductor_submitter.py"]
    assert {f"maya/{name}" for name in (*wanted, "smoke.py", "conductor_maya/host.py", "conductor_maya/bootstrap.py")} <= there


def test_packages_are_found_from_the_module_alone(tmp_path: Path) -> None:
    """In a Python that knows nothing of Conductor, the module's own folder leads to core and plugins."""
    code = (
        f"import sys; sys.path.insert(0, {str(MODULE)!r})\n"
        "from conductor_maya import bootstrap\n"
        "bootstrap.add_packages()\n"
        "import conductor_core, conductor_plugins\n"
        "print(conductor_core.__file__, conductor_plugins.__file__)"
    )
    site = [p for p in sys.path if "site-packages" in p]
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": ":".join(site), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert str(CLONE / "core") in done.stdout
    assert str(CLONE / "plugins") in done.stdout


def test_smoke_script_tries_every_call() -> None:
    """Whatever the adapter asks Maya, with whichever flags, is tried by the script for those who have a licence."""
    ours = calls_in(*PACKAGE.glob("*.py"))
    tried = calls_in(*(PACKAGE / "smoke").glob("*.py"), PACKAGE / "mel_calls.py")
    assert len(ours) > 40
    assert {call: place for call, place in ours.items() if call not in tried} == {}


def test_what_the_smoke_script_does_not_try_is_noticed(tmp_path: Path) -> None:
    """A flag more in the code is another call."""
    file = tmp_path / "more.py"
    file.write_text("cmds.file(query=True, sceneName=True, expandName=True)\nom.MQtUtil.mainWindow()\n")
    found = calls_in(file)
    assert [(c.name, c.flags) for c in found] == [("cmds.file", ("expandName", "query", "sceneName")), ("MQtUtil.mainWindow", ())]
    assert not set(found) & set(calls_in(*(PACKAGE / "smoke").glob("*.py")))
