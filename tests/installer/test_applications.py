"""install.py for artists and TDs: what it changes is shown, made, repeated without harm, and taken back to the byte."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer import record as records
from installer.agent_environment import lead_to, write_command
from installer.applications import (
    choose,
    entries_to_remove,
    execute_install,
    execute_remove,
    note_location,
    plan_install,
    remove_all,
    write_launchers,
)
from installer.changes import BEGIN, END, Block, OwnFile
from installer.core import Application, Machine
from installer.errors import InstallError
from installer.payload import VERSIONS, Payload
from installer.pointers import pointer

REPO = Path(__file__).resolve().parents[2]
APPLICATIONS = (
    Application("maya", "2025", "/usr/autodesk/maya2025/bin/maya"),
    Application("maya", "2024", "/usr/autodesk/maya2024/bin/maya"),
    Application("nuke", "15.1v3", "/usr/local/Nuke15.1v3/Nuke15.1"),
    Application("houdini", "20.5.332", "/opt/hfs20.5.332/bin/houdini"),
    Application("blender", "4.2.3", "/opt/blender-4.2.3/blender"),
)


class Workstation:
    """A user's home, a clone with a part for every host, and a place to install to."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.machine = Machine("linux", {}, str(self.home))
        self.location = self.home / ".local" / "share" / "conductor"
        self.clone = folder / "clone"
        planted = {
            "core/conductor_core/__init__.py": '__version__ = "1.2.3"\n',
            "plugins/conductor_plugins/__init__.py": "",
            "maya/conductor.mod": "+ Conductor 1.2.3 .\nPYTHONPATH+:=.\n",
            "nuke/init.py": "",
            "houdini/conductor.json": "{}",
            "blender/__init__.py": "def register(): pass\n",
            "requirements/host.txt": "QtPy==2.4.3\n",
            "LICENSE": "",
        }
        for name, text in planted.items():
            self.plant(name, text)

    def plant(self, name: str, text: str) -> None:
        file = self.clone / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def install(self, *applications: Application, location: Path | None = None) -> Path:
        place = location or self.location
        plan = plan_install(applications or APPLICATIONS, Payload(self.clone), place, self.machine, notes=self.location)
        execute_install(plan)
        return plan.target

    def files(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.home)): p.read_bytes() for p in self.home.rglob("*") if p.is_file()}


@pytest.fixture
def workstation(tmp_path: Path) -> Workstation:
    return Workstation(tmp_path)


def test_each_application_is_led_to_one_folder(workstation: Workstation) -> None:
    """By a module file, a marked line, a package and a start-up file, each where the application reads a user's own."""
    target = workstation.install()
    home = workstation.home
    for year in ("2024", "2025"):
        assert (home / f"maya/{year}/modules/conductor_farm.mod").read_text().startswith(f"+ Conductor 1.2.3 {target}/maya\n")
    assert f"nuke.pluginAddPath('{target}/nuke')" in (home / ".nuke/init.py").read_text()
    package = json.loads((home / "houdini20.5/packages/conductor_farm.json").read_text())
    assert package == {"package_path": [f"{target}/houdini"]}
    assert str(target / "blender") in (home / ".config/blender/4.2/scripts/startup/conductor_startup.py").read_text()


def test_a_second_time_changes_nothing(workstation: Workstation) -> None:
    """The same command again: nothing is to do, no byte differs."""
    workstation.install()
    before = workstation.files()
    plan = plan_install(
        APPLICATIONS, Payload(workstation.clone), workstation.location, workstation.machine, notes=workstation.location
    )
    assert plan.to_do() == ()
    execute_install(plan)
    assert workstation.files() == before


def test_planning_changes_nothing(workstation: Workstation) -> None:
    """What --dry-run does: each change can be told before it is made, and says which file it is about."""
    plan = plan_install(
        APPLICATIONS, Payload(workstation.clone), workstation.location, workstation.machine, notes=workstation.location
    )
    told = [change.describe() for _, change in plan.to_do()]
    assert len(told) == 5
    assert all(str(workstation.home) in line for line in told)
    assert list(workstation.home.iterdir()) == []


def test_removing_leaves_nothing(workstation: Workstation) -> None:
    """Neither files nor folders of ours; what the user wrote is as it was, to the byte."""
    (workstation.home / ".nuke").mkdir()
    (workstation.home / ".nuke/init.py").write_bytes(b"import nuke\r\nnuke.pluginAddPath('tools')")
    before = workstation.files()
    workstation.install()
    execute_remove(workstation.location, records.read(workstation.location).entries)
    assert workstation.files() == before
    assert sorted(str(p.relative_to(workstation.home)) for p in workstation.home.rglob("*") if p.is_dir()) == [".nuke"]


def test_what_a_user_wrote_after_us_stays(workstation: Workstation) -> None:
    """The block alone is taken out of a file that has grown since."""
    workstation.install()
    file = workstation.home / ".nuke/init.py"
    file.write_text(file.read_text() + "nuke.tprint('mine')\n")
    execute_remove(workstation.location, records.read(workstation.location).entries)
    assert file.read_text() == "nuke.tprint('mine')\n"


def test_an_upgrade_leaves_what_an_open_host_has_loaded(workstation: Workstation) -> None:
    """The former version stays until the one after; applications started from now on read the new one."""
    first = workstation.install()
    workstation.plant("plugins/conductor_plugins/new.py", "")
    second = workstation.install()
    assert first.exists()
    assert second.exists()
    assert str(second) in (workstation.home / ".nuke/init.py").read_text()
    workstation.plant("plugins/conductor_plugins/newer.py", "")
    third = workstation.install()
    assert [p.exists() for p in (first, second, third)] == [False, True, True]


def test_one_application_can_go_while_others_stay(workstation: Workstation) -> None:
    """`remove maya@2024` takes that one out."""
    workstation.install()
    entries = entries_to_remove(records.read(workstation.location), ["maya@2024"])
    execute_remove(workstation.location, entries)
    left = [e.title for e in records.read(workstation.location).entries]
    assert left == ["Maya 2025", "Nuke 15.1v3", "Houdini 20.5.332", "Blender 4.2.3"]
    assert not (workstation.home / "maya/2024/modules/conductor_farm.mod").exists()


def test_a_file_of_somebody_elses_is_left_alone(workstation: Workstation) -> None:
    """What bears our name and was not made by us is not written over."""
    foreign = workstation.home / "houdini20.5/packages/conductor_farm.json"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("{}")
    plan = plan_install(
        APPLICATIONS, Payload(workstation.clone), workstation.location, workstation.machine, notes=workstation.location
    )
    assert [str(foreign) in sentence for sentence in plan.left_out] == [True]
    execute_install(plan)
    assert foreign.read_text() == "{}"


def test_a_share_that_cannot_be_written_serves_a_user(workstation: Workstation, tmp_path: Path) -> None:
    """What a TD installed for the studio is pointed to; notes are kept with the user, and removal leaves the share alone."""
    share = tmp_path / "share"
    plan = plan_install((), Payload(workstation.clone), share, workstation.machine, notes=share)
    execute_install(plan)
    before = sorted(share.rglob("*"))
    for folder in (share, share / VERSIONS):
        folder.chmod(0o555)
    try:
        target = workstation.install(location=share)
        assert target.parent.parent == share
        execute_remove(workstation.location, records.read(workstation.location).entries)
    finally:
        for folder in (share, share / VERSIONS):
            folder.chmod(0o755)
    assert sorted(share.rglob("*")) == before
    assert workstation.files() == {}


def test_launchers_of_a_studio_name_the_shared_folder(workstation: Workstation, tmp_path: Path) -> None:
    """Sourced by a shell, what was set before stays behind ours."""
    share = tmp_path / "share"
    plan = plan_install((), Payload(workstation.clone), share, workstation.machine, notes=share)
    execute_install(plan)
    shell, batch = write_launchers(plan, ["maya", "nuke", "houdini", "blender"])
    words = ["sh", "-c", f'NUKE_PATH=/tools; . "{shell}"; printf "%s %s" "$NUKE_PATH" "$MAYA_MODULE_PATH"']
    said = subprocess.run(words, capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]}).stdout
    assert said == f"{plan.target}/nuke:/tools {plan.target}/maya"
    text = batch.read_text("ascii")
    assert '@if defined NUKE_PATH set "NUKE_PATH=;%NUKE_PATH%"' in text
    assert f'"NUKE_PATH=%CONDUCTOR_LOCATION%\\versions\\{plan.target.name}\\nuke%NUKE_PATH%"' in text


#: what a folder may be called, and no shell, no Python and no code page may stumble over
ODD = 'J\u00fcrgen\'s "$HOME" %PATH% `id` \U0001f600'


def test_odd_names_of_folders_are_read_as_they_are(tmp_path: Path) -> None:
    """Whatever the folders are called: launchers, programs, start-up files and Python's own list lead to them."""
    workstation = Workstation(tmp_path)
    share = tmp_path / ODD
    plan = plan_install((), Payload(workstation.clone), share, workstation.machine, notes=share)
    execute_install(plan)
    shell, batch = write_launchers(plan, ["nuke"])
    environ = {"PATH": os.environ["PATH"], "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}

    def said(*words: str) -> str:
        return subprocess.run(words, capture_output=True, check=True, env=environ).stdout.decode()

    assert said("sh", "-c", '. "$1"; printf %s "$NUKE_PATH"', "sh", str(shell)) == f"{plan.target}/nuke"
    assert batch.read_bytes().isascii()
    for application in (APPLICATIONS[2], APPLICATIONS[4]):
        change = pointer(application, plan.target, workstation.machine, shipped=workstation.clone)
        named = [n.value for n in ast.walk(ast.parse(change.text)) if isinstance(n, ast.Constant)]
        assert str(plan.target / application.host) in named
    python = share / "env" / "0123456789ab" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(python.parents[1])], check=True)
    lead_to(python, plan.target)
    assert str(plan.target / "core") in ast.literal_eval(said(str(python), "-c", "import sys; print(ascii(sys.path))"))


def test_a_program_is_started_from_an_odd_folder(tmp_path: Path) -> None:
    """The program `conductor` quotes its own place."""
    location = tmp_path / ODD
    python = location / "env" / "0123456789ab" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    program = write_command(location, python)
    said = subprocess.run([program, "a b"], capture_output=True, text=True, check=True).stdout
    assert said == "-m conductor_core.cli a b\n"


def test_what_lies_beside_us_stays(tmp_path: Path) -> None:
    """A location that somebody else uses too, a home at worst: removal takes what bears our names alone."""
    workstation = Workstation(tmp_path)
    others = (".ssh/key", ".git/HEAD", "bin/tool", "env/x/y", "site/page", "qt/qt.conf", "launchers/studio.sh", "versions/1/x")
    for name in others:
        file = workstation.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("theirs")
    remove_all(workstation.home)
    assert sorted(workstation.files()) == sorted(others)


def test_removing_leaves_nothing_at_another_location(workstation: Workstation, tmp_path: Path) -> None:
    """`--location` of one's own goes with the last application, even where the run was killed before the first was led."""
    place, notes = tmp_path / "new" / "place", workstation.location
    note_location(notes, place, shared=False)
    place.mkdir(parents=True)
    (place / "env" / "pip").mkdir(parents=True)
    workstation.install(location=place)
    execute_remove(notes, records.read(notes).entries)
    assert not place.parent.exists()
    assert not (workstation.home / ".local").exists()


def test_a_location_of_others_stays(workstation: Workstation, tmp_path: Path) -> None:
    """Who points to what a studio has installed leaves it there; so does the TD who installed it."""
    share = tmp_path / "share"
    note_location(workstation.location, share, shared=True)
    plan = plan_install((), Payload(workstation.clone), share, workstation.machine, notes=workstation.location)
    execute_install(plan)
    assert not workstation.location.exists()
    note_location(workstation.location, share, shared=False)
    workstation.install(location=share)
    execute_remove(workstation.location, records.read(workstation.location).entries)
    assert plan.target.is_dir()


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ([], [a.title for a in APPLICATIONS]),
        (["maya"], ["Maya 2025", "Maya 2024"]),
        (["maya@2024", "nuke@15"], ["Maya 2024", "Nuke 15.1v3"]),
    ],
)
def test_applications_are_chosen_by_words(words: list[str], titles: list[str]) -> None:
    """All, a host, or a version of it."""
    assert [a.title for a in choose(APPLICATIONS, words)] == titles


def test_a_word_that_names_nothing_is_told_what_there_is() -> None:
    """The sentence lists what was found."""
    with pytest.raises(InstallError, match=r"'maya@2030' is not an application.*maya@2025, maya@2024"):
        choose(APPLICATIONS, ["maya@2030"])


@given(st.binary(max_size=200), st.booleans())
def test_a_block_can_be_taken_out_of_any_file(tmp_path_factory: pytest.TempPathFactory, content: bytes, twice: bool) -> None:
    """Whatever stands there, and however often it was put in, the file is what it was; an empty one is not left behind."""
    file = tmp_path_factory.mktemp("block") / "init.py"
    if content:
        file.write_bytes(content)
    for _ in range(1 + twice):
        change = Block(file, "import nuke\nnuke.pluginAddPath('/x')")
        change.make()
        assert change.is_made()
    change.take_back()
    assert (file.read_bytes() if file.exists() else b"") == content


@pytest.mark.parametrize("text", [f"{BEGIN}\nx\n", f"x\n{END}\n", f"{BEGIN}\n{BEGIN}\n{END}\n"])
def test_a_torn_block_is_not_guessed_at(tmp_path: Path, text: str) -> None:
    """A file with one of the marks is left as it is, and named."""
    file = tmp_path / "init.py"
    file.write_text(text)
    with pytest.raises(InstallError, match=r"init\.py has one of Conductor's marks"):
        Block(file, "x").make()
    assert file.read_text() == text


def test_the_mode_and_the_link_of_a_users_file_stay(tmp_path: Path) -> None:
    """A dot file that is a link into somebody's repository stays a link."""
    real = tmp_path / "repository" / "init.py"
    real.parent.mkdir()
    real.write_text("x\n")
    real.chmod(0o640)
    link = tmp_path / "init.py"
    link.symlink_to(real)
    Block(link, "y").make()
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert "y" in real.read_text()


def test_a_file_of_ours_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """A folder that cannot be written to is named, and nothing is left in it."""
    file = tmp_path / "there" / "x.mod"
    file.parent.mkdir()
    (tmp_path / "there" / "x.mod").mkdir()
    with pytest.raises(InstallError, match=r"x\.mod cannot be written"):
        OwnFile(file, "text").make()
    assert [p.name for p in file.parent.iterdir()] == ["x.mod"]


HAS_IT = "import bpy, os; print(hasattr(bpy.types, 'CONDUCTOR_OT_check_files'), flush=True); os._exit(0)"


def blender_environment(home: Path) -> dict[str, str]:
    """Return the variables of a user without any settings."""
    ours = ("PYTHONPATH", "XDG_CONFIG_HOME")
    return {**{k: v for k, v in os.environ.items() if k not in ours and not k.startswith("BLENDER_")}, "HOME": str(home)}


def has_it(command: list[str], environ: dict[str, str]) -> str:
    said = subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout.split()
    return next(word for word in reversed(said) if word in ("True", "False"))


def test_blender_runs_what_was_installed(tmp_path: Path, bpy_python: Callable[[], Path]) -> None:
    """Blender itself, as a module, runs the start-up file, and has Conductor's operator; taken out again, it has not.

    The module reads no user's folder, so the folder is given as a studio gives its own.
    """
    python = bpy_python()
    environ = blender_environment(tmp_path)
    blender = Application("blender", "4.5.15", str(python))
    machine, notes = Machine("linux", environ, str(tmp_path)), tmp_path / "installed"
    execute_install(plan_install((blender,), Payload(REPO), notes, machine, notes=notes))
    (entry,) = records.read(notes).entries
    environ["BLENDER_SYSTEM_SCRIPTS"] = str(entry.change.path.parents[1])
    assert has_it([str(python), "-c", HAS_IT], environ) == "True"
    execute_remove(notes, [entry])
    assert has_it([str(python), "-c", HAS_IT], environ) == "False"


def test_blender_s_program_runs_what_was_installed(tmp_path: Path, require: Callable[[object, str], None]) -> None:
    """The same with a Blender that was found on the PATH, in the user's own folder, by install.py itself."""
    program = shutil.which("blender")
    require(program, "no Blender program is installed (apt-get install blender)")
    environ = {**blender_environment(tmp_path), "PATH": os.environ["PATH"]}
    words = [sys.executable, str(REPO / "install.py")]
    command = [str(program), "-b", "--python-expr", HAS_IT]

    def install_py(*more: str) -> str:
        return subprocess.run([*words, *more], env=environ, capture_output=True, text=True, check=True).stdout

    shown = install_py("install", "blender", "--without-agent", "--dry-run")
    made = ("scripts/startup/conductor_startup.py", "conductor/env/pip", "conductor/site", "conductor/qt", "conductor/versions")
    assert [word for word in made if word not in shown] == []
    assert not (tmp_path / ".local").exists()
    install_py("install", "blender", "--without-agent", "--without-qt")
    assert "installed" in install_py("hosts")
    (site,) = (tmp_path / ".local/share/conductor/versions").glob("*/site")
    assert sorted(p.name for p in site.iterdir() if "-" not in p.name) == ["packaging", "qtpy"]
    assert has_it(command, environ) == "True"
    install_py("remove")
    assert has_it(command, environ) == "False"
    assert not (tmp_path / ".local").exists()


def test_the_agents_pins_are_those_of_everything() -> None:
    """What a workstation gets is what is tested: each pin of agent.txt stands in runtime.txt."""
    folder = REPO / "requirements"
    agent, runtime = ((folder / name).read_text().splitlines() for name in ("agent.txt", "runtime.txt"))
    assert [line for line in agent if "==" in line and line not in runtime] == []
