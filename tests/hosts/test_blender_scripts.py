"""Startup scripts and plug-in folders in real Blenders: add-ons are usable, scripts change the scene, failures name their line."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_SHARED = runpy.run_path(str(Path(__file__).resolve().parent.parent / "conftest.py"))
#: the binary of the distribution runs the same code as the wheels
BINARY = "binary"
_WHEELS: tuple[str, ...] = _SHARED["BPY_VERSIONS"]
VERSIONS = (*_WHEELS, BINARY) if os.environ.get("CI") == "true" else (_WHEELS[0], BINARY)
require: Callable[[object, str], None] = _SHARED["require"]

MAKE_SCENE = """
import os, sys, bpy
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples = 1
scene.cycles.use_denoising = False
scene.render.resolution_x, scene.render.resolution_y = 32, 18
scene.render.filepath = sys.argv[-1] + ".####.png"
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
sys.stdout.flush()
os._exit(0)
"""
#: an add-on of the old kind, with preferences, an operator, and a module of its own beside it
ADDON = """
bl_info = {"name": "Studio rig", "blender": (3, 4, 0), "category": "Object", "version": (1, 0)}
import bpy
from bpy.app.handlers import persistent
from . import numbers_of_rig

class RigPreferences(bpy.types.AddonPreferences):
    bl_idname = __name__
    height: bpy.props.IntProperty(default=36)

class OBJECT_OT_rig(bpy.types.Operator):
    bl_idname = "object.studio_rig"
    bl_label = "Rig"

    def execute(self, context):
        height = context.preferences.addons[__name__].preferences.height
        context.scene.render.resolution_x = numbers_of_rig.WIDTH
        context.scene.render.resolution_y = height
        return {"FINISHED"}

@persistent
def loaded(*_):
    print("the rig has seen", bpy.data.filepath)

def register():
    bpy.utils.register_class(RigPreferences)
    bpy.utils.register_class(OBJECT_OT_rig)
    bpy.app.handlers.load_post.append(loaded)
"""
STARTUP = """
import bpy, sys, beside
data = bpy.data.cameras.new("c")
camera = bpy.data.objects.new("c", data)
bpy.context.scene.collection.objects.link(camera)
bpy.context.scene.camera = camera
bpy.ops.object.studio_rig()
print(__name__, __file__, beside.WORD, bpy.data.filepath)

def each_frame(scene, *_):
    print("frame", scene.frame_current, beside.WORD)

bpy.app.handlers.render_post.append(each_frame)
"""


@dataclass(frozen=True)
class Server:
    """What starts a frame server, and a scene without a camera to load in it."""

    command: list[str]
    scene: Path

    def ask(self, *requests: Mapping[str, Any], plug_ins: tuple[Path, ...] = ()) -> tuple[list[dict[str, Any]], str]:
        """Return how each request ended, and the log."""
        lines = "".join(json.dumps(request) + "\n" for request in requests)
        variables = {"CONDUCTOR_BLENDER_PLUG_INS": os.pathsep.join(map(str, plug_ins))}
        done = subprocess.run(
            self.command, input=lines.encode(), capture_output=True, timeout=240, check=False, env={**os.environ, **variables}
        )
        out = done.stdout.decode().splitlines()
        events = [json.loads(line) for line in out if line.startswith("{")]
        return [e for e in events if e["event"] in ("loaded", "done", "fail")], done.stderr.decode(errors="replace")

    def load(self, *startup: Path) -> dict[str, Any]:
        step = {"name": "s", "frames": "1", "parameters": {}}
        return {"do": "load", "scene": str(self.scene), "step": step, "startup": list(map(str, startup))}


@pytest.fixture(scope="module", params=VERSIONS)
def server(
    request: pytest.FixtureRequest, bpy_python: Any, blender_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Server:
    """Give a frame server of each Blender."""
    folder = tmp_path_factory.mktemp(f"scripts-{request.param}")
    (folder / "make.py").write_text(MAKE_SCENE)
    if request.param == BINARY:
        found = shutil.which("blender")
        require(found, "there is no blender on the PATH")
        before = [str(found), "-b", "--factory-startup", "--python"]
        made = [*before, str(folder / "make.py"), "--", str(folder / "shot.blend")]
    else:
        before = [str(bpy_python(request.param))]
        made = [*before, str(folder / "make.py"), str(folder / "shot.blend")]
    subprocess.run(made, stdin=subprocess.DEVNULL, capture_output=True, timeout=240, check=False)
    assert (folder / "shot.blend").exists()
    return Server([*before, str(blender_folder / "render.py")], folder / "shot.blend")


def addon(place: Path) -> Path:
    """Write the add-on into a folder, and return that."""
    (place / "studio_rig").mkdir(parents=True)
    (place / "studio_rig" / "__init__.py").write_text(ADDON)
    (place / "studio_rig" / "numbers_of_rig.py").write_text("WIDTH = 64\n")
    return place


@pytest.mark.parametrize("layout", ["add-ons", "script directory", "the add-on itself", "an extension where there are any"])
def test_a_startup_script_uses_an_addon_of_a_plug_in_folder(server: Server, tmp_path: Path, layout: str) -> None:
    """However the folder is laid out, its add-on is enabled before the scene is loaded, with preferences and operators; the
    script makes a camera that the scene lacks, and what it left in a handler runs with each frame."""
    place = addon(tmp_path / "addons" if layout == "script directory" else tmp_path)
    if layout == "an extension where there are any" and server.command[1] != "-b":  # they came with Blender 4.2
        (place / "studio_rig" / "blender_manifest.toml").write_text('schema_version = "1.0.0"\nid = "studio_rig"\n')
        (place / "studio_rig" / "__init__.py").write_text(ADDON.replace("bl_info = ", "was = "))
    folder = tmp_path / "studio_rig" if layout == "the add-on itself" else tmp_path
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "start.py").write_text(STARTUP)
    (tmp_path / "s" / "beside.py").write_text("WORD = 'beside it'\n")
    ends, log = server.ask(server.load(tmp_path / "s" / "start.py"), {"do": "render", "frame": 3}, plug_ins=(folder,))
    assert [e["event"] for e in ends] == ["loaded", "done"], (ends, log[-3000:])
    assert (ends[1]["width"], ends[1]["height"]) == (64, 36)
    assert f"the rig has seen {server.scene}" in log
    assert f"__main__ {tmp_path / 's' / 'start.py'} beside it {server.scene}" in log
    assert "frame 3 beside it" in log
    assert log.index("add-on studio_rig") < log.index("is open") < log.index("start.py is done")


def test_modules_of_a_script_directory(server: Server, tmp_path: Path) -> None:
    """What lies in `startup` is registered, what lies in `modules` or loosely in a folder can be imported from everywhere."""
    for name, text in {
        "startup/at_start.py": "import deep\ndef register():\n    print('registered', deep.WORD)\n",
        "modules/deep.py": "WORD = 'deep'\n",
        "loose.py": "WORD = 'loose'\n",
        "s.py": "import bpy, loose, at_start\nprint(loose.WORD)\nbpy.context.scene.camera = bpy.data.objects.new('c', bpy.data.cameras.new('c'))\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "user.py").write_text(
        "bl_info = {'name': 'u', 'blender': (3, 4, 0)}\nimport loose\ndef register(): pass\n"
    )
    ends, log = server.ask(server.load(tmp_path / "s.py"), plug_ins=(tmp_path / "other", tmp_path))
    assert "registered deep" in log, (ends, log)
    assert "add-on user" in log
    assert "\nloose\n" in log


FAILURES = {
    "raises": ("import bpy\n\nbpy.data.objects['nobody']\n", "start.py, line 3: KeyError: "),
    "in a function": ("def go():\n    1 / 0\n\ngo()\n", "start.py, line 2: ZeroDivisionError: division by zero."),
    "no Python": ("x = 1\nthis is no Python\n", "start.py, line 2: SyntaxError: invalid syntax"),
    "leaves": ("import sys\nsys.exit('no licence')\n", "start.py, line 2: SystemExit: no licence."),
}


@pytest.mark.parametrize(("text", "says"), FAILURES.values(), ids=FAILURES.keys())
def test_a_startup_script_that_fails(server: Server, tmp_path: Path, text: str, says: str) -> None:
    """The scene counts as not loaded; file, line and reason are told, and the traceback stands in the log."""
    (tmp_path / "start.py").write_text(text)
    ends, _ = server.ask(server.load(tmp_path / "start.py"))
    assert [(e["event"], e["cause"]) for e in ends] == [("fail", "scene-load")]
    assert ends[0]["message"].startswith("Startup script failed: ")
    assert says in ends[0]["message"]


def test_an_addon_that_fails(server: Server, tmp_path: Path) -> None:
    """A scene without its add-on is not rendered; the innermost line of the add-on is named."""
    place = addon(tmp_path)
    (place / "studio_rig" / "numbers_of_rig.py").write_text("WIDTH = 64\nimport not_there_at_all\n")
    ends, log = server.ask(server.load(), plug_ins=(place,))
    assert [(e["event"], e["cause"]) for e in ends] == [("fail", "scene-load")]
    assert "Add-on failed: " in ends[0]["message"]
    assert "numbers_of_rig.py, line 2: ModuleNotFoundError" in ends[0]["message"]
    assert "Traceback" in log


def test_a_folder_that_is_not_there(server: Server, tmp_path: Path) -> None:
    """It is named."""
    ends, _ = server.ask(server.load(), plug_ins=(tmp_path / "absent",))
    assert f"Plug-in folder failed: {tmp_path / 'absent'}: there is no such folder." in ends[0]["message"]


def test_a_script_that_is_not_there(server: Server, tmp_path: Path) -> None:
    """It is named."""
    ends, _ = server.ask(server.load(tmp_path / "absent.py"))
    assert (ends[0]["event"], ends[0]["cause"]) == ("fail", "scene-load")
    assert "absent.py" in ends[0]["message"]


def test_of_two_addons_the_artists_own_counts(server: Server, tmp_path: Path) -> None:
    """One takes the place of Blender's own of that name, of two folders the first is used, and the log says which."""
    for folder in ("new", "old"):
        (tmp_path / folder).mkdir()
        text = f"bl_info = {{'name': 'x', 'blender': (3, 4, 0)}}\ndef register():\n    print('{folder} importer')\n"
        (tmp_path / folder / "io_anim_bvh.py").write_text(text)
    ends, log = server.ask(server.load(), plug_ins=(tmp_path / "new", tmp_path / "old"))
    assert "has no camera" in ends[0]["message"]
    assert "\nnew importer\n" in log, log
    assert "old importer" not in log
    assert f"{tmp_path / 'old' / 'io_anim_bvh.py'} is not used: {tmp_path / 'new' / 'io_anim_bvh.py'} comes first" in log


@pytest.mark.parametrize("name", ["json", "sys"])
def test_a_name_that_is_taken(server: Server, tmp_path: Path, name: str) -> None:
    """An add-on with the name of a part of Python is refused with both."""
    (tmp_path / f"{name}.py").write_text("bl_info = {}\ndef register(): pass\n")
    ends, _ = server.ask(server.load(), plug_ins=(tmp_path,))
    assert f"{tmp_path / name}.py: the name '{name}' is taken by " in ends[0]["message"]


def test_what_is_no_addon(extension: Callable[[str], Any], tmp_path: Path) -> None:
    """Only modules that say they are add-ons count: notes, tests, and packages of one's own are left alone."""
    plug_ins = extension("plug_ins")
    addon(tmp_path)
    for name in ("loose.py", "pack/__init__.py", "not-a-name.py", "notes.txt", "folder/x.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("# bl_info\nx = {'bl_info': 1}\n")
    assert [a.name for a in plug_ins.addons(str(tmp_path))] == ["studio_rig"]
    assert plug_ins.addons(str(tmp_path / "folder")) == ()
    assert plug_ins.plug_in_folders({"CONDUCTOR_BLENDER_PLUG_INS": os.pathsep.join(["/a", "", "/b", "/a"])}) == ("/a", "/b")
