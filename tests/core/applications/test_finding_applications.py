"""Which applications are found, on each platform, in made-up file systems that are laid out as the installers do."""

from __future__ import annotations

from pathlib import Path

import pytest
from conductor_core.applications import Application, Machine, find_applications
from conductor_core.applications.user_places import pointer_file

HOMES = {"linux": "/home/mika", "darwin": "/Users/mika", "win32": r"C:\Users\mika"}


def machine(tmp_path: Path, platform: str, programs: list[str], **environ: str) -> Machine:
    made = Machine(platform, environ, HOMES[platform], tmp_path)
    for program in programs:
        file = made.local(program)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    return made


STANDARD = {
    "linux": {
        "/usr/autodesk/maya2025/bin/maya": "Maya 2025",
        "/usr/autodesk/maya2024/bin/maya": "Maya 2024",
        "/usr/local/Nuke15.1v3/Nuke15.1": "Nuke 15.1v3",
        "/opt/hfs20.5.332/bin/houdini": "Houdini 20.5.332",
        "/home/mika/blender-4.2.3-linux-x64/blender": "Blender 4.2.3",
    },
    "darwin": {
        "/Applications/Autodesk/maya2026/Maya.app/Contents/bin/maya": "Maya 2026",
        "/Applications/Nuke16.0v2/Nuke16.0v2.app/Contents/MacOS/Nuke16.0": "Nuke 16.0v2",
        "/Applications/Houdini/Houdini21.0.440/Frameworks/Houdini.framework/Versions/Current/Resources/bin/houdini": "Houdini 21.0.440",
        "/Applications/Blender 4.5.app/Contents/MacOS/Blender": "Blender 4.5",
    },
    "win32": {
        r"C:\Program Files\Autodesk\Maya2025\bin\maya.exe": "Maya 2025",
        r"C:\Program Files\Nuke15.1v3\Nuke15.1.exe": "Nuke 15.1v3",
        r"C:\Program Files\Side Effects Software\Houdini 20.5.332\bin\houdini.exe": "Houdini 20.5.332",
        r"C:\Program Files\Blender Foundation\Blender 4.2\blender.exe": "Blender 4.2",
        r"C:\Program Files\Blender Foundation\Blender 5.0\blender.exe": "Blender 5.0",
    },
}


@pytest.mark.parametrize("platform", STANDARD)
def test_applications_in_their_standard_places(tmp_path: Path, platform: str) -> None:
    """All of a platform's standard places are looked at, and the place tells the version."""
    here = machine(tmp_path, platform, list(STANDARD[platform]))
    found = find_applications(here, ask=lambda program: pytest.fail(f"{program} was started"))
    assert {a.program: a.title for a in found} == STANDARD[platform]


def test_the_newest_version_of_a_host_comes_first(tmp_path: Path) -> None:
    """Numbers are compared, not letters: 4.10 is newer than 4.9."""
    programs = ["/opt/blender-4.9.0/blender", "/opt/blender-4.10.0/blender", "/usr/autodesk/maya2024/bin/maya"]
    found = find_applications(machine(tmp_path, "linux", programs))
    assert [a.title for a in found] == ["Maya 2024", "Blender 4.10.0", "Blender 4.9.0"]


@pytest.mark.parametrize(
    ("platform", "variable", "folder", "program", "title"),
    [
        pytest.param("linux", "MAYA_LOCATION", "/sw/maya2025.3", "/sw/maya2025.3/bin/maya", "Maya 2025.3", id="maya"),
        pytest.param("linux", "HFS", "/sw/houdini20.0.506", "/sw/houdini20.0.506/bin/houdini", "Houdini 20.0.506", id="houdini"),
        pytest.param("win32", "MAYA_LOCATION", r"D:\Maya2024", r"D:\Maya2024\bin\maya.exe", "Maya 2024", id="maya-windows"),
        pytest.param("linux", "PATH", "/sw/blender-4.2.0", "/sw/blender-4.2.0/blender", "Blender 4.2.0", id="blender-on-path"),
    ],
)
def test_variables_lead_to_others(tmp_path: Path, platform: str, variable: str, folder: str, program: str, title: str) -> None:
    """A studio's own places are found by the variables that it sets."""
    found = find_applications(machine(tmp_path, platform, [program], **{variable: folder}))
    assert [(a.program, a.title) for a in found] == [(program, title)]


def test_a_program_whose_place_tells_nothing_is_asked(tmp_path: Path) -> None:
    """`/usr/bin/blender` of a distribution says its version itself."""
    here = machine(tmp_path, "linux", ["/usr/bin/blender"], PATH="/usr/bin")
    found = find_applications(here, ask=lambda program: {"/usr/bin/blender": "3.4.1"}[program])
    assert [a.title for a in found] == ["Blender 3.4.1"]


def test_what_lies_beside_nuke_is_not_nuke(tmp_path: Path) -> None:
    """Its folder holds libraries and helpers with names that begin alike."""
    beside = ["/usr/local/Nuke15.1v3/Nuke15.1", "/usr/local/Nuke15.1v3/Nuke15.1-legacy.so", "/usr/local/Nuke15.1v3/Nuke1.txt"]
    assert [a.program for a in find_applications(machine(tmp_path, "linux", beside))] == [beside[0]]


@pytest.mark.parametrize(
    ("platform", "application", "environ", "file"),
    [
        ("linux", ("maya", "2025"), {}, "/home/mika/maya/2025/modules/conductor_farm.mod"),
        ("darwin", ("maya", "2025"), {}, "/Users/mika/Library/Preferences/Autodesk/maya/2025/modules/conductor_farm.mod"),
        ("win32", ("maya", "2025.3"), {}, r"C:\Users\mika\Documents\maya\2025\modules\conductor_farm.mod"),
        ("linux", ("maya", "2025"), {"MAYA_APP_DIR": "/prefs"}, "/prefs/2025/modules/conductor_farm.mod"),
        ("linux", ("nuke", "15.1v3"), {}, "/home/mika/.nuke/init.py"),
        ("win32", ("nuke", "15.1v3"), {}, r"C:\Users\mika\.nuke\init.py"),
        ("linux", ("houdini", "20.5.332"), {}, "/home/mika/houdini20.5/packages/conductor_farm.json"),
        ("darwin", ("houdini", "20.5.332"), {}, "/Users/mika/Library/Preferences/houdini/20.5/packages/conductor_farm.json"),
        ("win32", ("houdini", "20.5.332"), {}, r"C:\Users\mika\Documents\houdini20.5\packages\conductor_farm.json"),
        (
            "linux",
            ("houdini", "20.5.332"),
            {"HOUDINI_USER_PREF_DIR": "/p/h__HVER__"},
            "/p/h20.5/packages/conductor_farm.json",
        ),
        ("linux", ("blender", "4.2.3"), {}, "/home/mika/.config/blender/4.2/scripts/startup/conductor_startup.py"),
        ("linux", ("blender", "4.2"), {"XDG_CONFIG_HOME": "/c"}, "/c/blender/4.2/scripts/startup/conductor_startup.py"),
        ("linux", ("blender", "4.2"), {"BLENDER_USER_SCRIPTS": "/s"}, "/s/startup/conductor_startup.py"),
        (
            "darwin",
            ("blender", "4.5"),
            {},
            "/Users/mika/Library/Application Support/Blender/4.5/scripts/startup/conductor_startup.py",
        ),
        (
            "win32",
            ("blender", "4.5"),
            {"APPDATA": r"C:\Users\mika\AppData\Roaming"},
            r"C:\Users\mika\AppData\Roaming\Blender Foundation\Blender\4.5\scripts\startup\conductor_startup.py",
        ),
    ],
)
def test_where_an_application_reads_what_is_a_users(
    tmp_path: Path, platform: str, application: tuple[str, str], environ: dict[str, str], file: str
) -> None:
    """As each application's own documentation says, by platform and variables."""
    host, version = application
    here = machine(tmp_path, platform, [], **environ)
    assert pointer_file(Application(host, version, ""), here) == file  # type: ignore[arg-type]
