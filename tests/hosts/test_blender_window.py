"""Blender's own window, mouse and keyboard: from the menu to the frames at home, with the panel in its process and beside it.

Debian's Blender 3.4 with Conductor as a classic add-on, on a screen without a monitor; the frames are rendered by that very program.
"""

from __future__ import annotations

import os
import runpy
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from hosts.blender_desk import BlenderDesk, lacking
from hosts.blender_farm import Farm, farm
from hosts.screen import Screen

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
#: where the pictures of docs/hosts/blender.md are to be written, if anywhere
PICTURES = os.environ.get("CONDUCTOR_PICTURES", "")


@pytest.fixture(scope="module")
def service(require: Callable[[object, str], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """Give a service, and an artist who is logged in."""
    require(not lacking(), lacking())
    with farm(tmp_path_factory.mktemp("farm")) as running:
        yield running


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the zip that an artist installs."""
    built: Path = runpy.run_path(str(REPO / "blender" / "build_extension.py"))["build"](tmp_path_factory.mktemp("zip"))
    return built


@pytest.fixture(params=["inside", "process"])
def desk(request: pytest.FixtureRequest, service: Farm, packed: Path, tmp_path: Path) -> Iterator[BlenderDesk]:
    """Give a Blender that runs with a shot in it; the panel is to come up in its process, or in one of its own."""
    screen = Screen()
    # left to itself, it is inside here: the choice is made by a check in a child process
    # a picture shows the path
    show = Path(tempfile.mkdtemp(prefix="ceramics-", dir="/tmp")) if PICTURES else tmp_path / "show"
    desk = BlenderDesk(screen, service, tmp_path, show=show, beside=request.param == "process")
    try:
        desk.install(packed)
        desk.make_shot()
        desk.open()
        yield desk
    finally:
        desk.close()
        screen.close()
        shutil.rmtree(show, ignore_errors=True)


def test_from_the_menu_to_the_frames_at_home(desk: BlenderDesk, service: Farm) -> None:
    """Menu, panel, fields, Submit, all by mouse and keyboard; the frames come home, and the scene's file is as it was."""
    before = desk.scene.read_bytes()
    desk.show_menu("Render")
    keep(desk, "menu")
    desk.screen.keys("Escape")
    desk.choose_submit("Render" if desk.beside else "top bar")
    assert len(desk.panels_process()) == (desk.beside)
    desk.wait_for_offer()
    desk.fill_in("2-3", "this")
    keep(desk, "panel")
    desk.click_submit()
    home = desk.scene.parent / "render"
    frames = [home / f"shot_{n:04d}.png" for n in (2, 3)]
    desk.screen.wait_for(lambda: all(f.exists() for f in frames), f"frames at home. {desk.log()} {jobs(service)}", 240)
    assert sorted(p.name for p in home.iterdir()) == [f.name for f in frames]
    assert [struct.unpack(">II", f.read_bytes()[16:24]) for f in frames] == [(48, 48)] * 2
    keep(desk, "jobs")
    assert desk.scene.read_bytes() == before, "submitting must not save the artist's file"
    assert sorted(p.name for p in desk.scene.parent.iterdir()) == ["render", "shot.blend", "shot.blend1", "textures"]
    assert "Blender 3.4" in service.conductor("log", "1", "--frame", "2"), "it is to be rendered by this very program"


def test_the_panel_goes_with_blender(desk: BlenderDesk) -> None:
    """It is closed and opened again, stays above Blender's window, and leaves with it; nothing of it stays behind."""
    desk.choose_submit()
    first = desk.panel()
    desk.screen.activate(first)
    desk.screen.keys("alt+F4")
    desk.screen.wait_for(lambda: not desk.panel(), "the end of the panel's window")
    desk.screen.wait_for(lambda: not desk.panels_process(), "the end of the panel's process")
    desk.choose_submit()
    beside = desk.panels_process()
    assert desk.quit() in (0, 1), desk.log()  # Blender 3.4 itself ends with 1
    assert "Blender quit" in desk.log()
    _, left = psutil.wait_procs(beside, timeout=30)
    assert left == []


def keep(desk: BlenderDesk, name: str) -> None:
    """Write a picture for the docs, where that is asked for."""
    if PICTURES and not desk.beside:
        desk.screen.picture(Path(PICTURES) / f"blender-{name}.png")


def jobs(service: Farm) -> str:
    """Return the service's jobs, to tell what went wrong."""
    return service.conductor("jobs")
