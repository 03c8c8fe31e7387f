"""Scripts and plug-ins from the artist's command line to a frame of real Blender, and what the artist reads where one fails."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import OpenImageIO as oiio
import pytest
import yaml
from road.household import KINDS, Household
from road.people import Person

MAKE_SCENE = """
import os, sys, bpy
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples = 1
scene.cycles.use_denoising = False
scene.render.resolution_x, scene.render.resolution_y = 16, 16
scene.render.image_settings.file_format = "PNG"
scene.render.filepath = "//out/shot_####.png"
scene.frame_start, scene.frame_end = 1, 2
world = bpy.data.worlds.new("w")
world.use_nodes = True
scene.world = world
camera = bpy.data.objects.new("c", bpy.data.cameras.new("c"))
scene.collection.objects.link(camera)
scene.camera = camera
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
sys.stdout.flush()
os._exit(0)
"""
ADDON = """
bl_info = {"name": "Studio size", "blender": (3, 4, 0), "category": "Render"}
import bpy, hair

class RENDER_OT_studio_size(bpy.types.Operator):
    bl_idname = "render.studio_size"
    bl_label = "Size"

    def execute(self, context):
        context.scene.render.resolution_x, context.scene.render.resolution_y = 32, hair.HEIGHT
        return {"FINISHED"}

def register():
    bpy.utils.register_class(RENDER_OT_studio_size)
"""
FILES = {
    "plug/studio_size.py": ADDON,
    "plug_bad/broken_tool.py": "bl_info = {'name': 'Broken', 'blender': (3, 4, 0)}\n\ndef register():\n    raise OSError('no dongle')\n",
    "start.py": "import bpy\nbpy.ops.render.studio_size()\nprint('the size is set')\n",
    "start_bad.py": "import bpy\n\nbpy.data.objects['Hero'].hide_render = True\n",
    "pre.sh": "echo fetching for frames $1\n",
    "pre_bad.sh": "echo the disc is offline\nexit 3\n",
    "post.py": "import os, sys\nfile = sys.argv[1]\nsize = os.path.getsize(file)\nopen(file + '.txt', 'w').write('checked')\nprint('checked', file)\n",
    "post_bad.py": "import sys\nprint('too dark')\nsys.exit(4)\n",
}


class Show(Household):
    """A household with Blender, a plug-in of it, and one that is not installed; and a show with scripts."""

    def __init__(self, person: Person, python: Path) -> None:
        super().__init__(person)
        hair = person.home / "farm-software" / "hair"
        hair.mkdir(parents=True)
        (hair / "hair.py").write_text("HEIGHT = 18\n")
        look_there = {"name": "CONDUCTOR_BLENDER_PLUG_INS", "value": str(hair), "policy": "append"}
        software = [
            {"name": "blender", "version": "4.5.15", "launch": "bpy-module", "executable": str(python)},
            {"name": "hair", "version": "1.2", "plug_in_of": "blender", "roots": [str(hair)], "environment": [look_there]},
            {"name": "cloth", "version": "2.0", "plug_in_of": "blender", "roots": ["/opt/no-such-cloth"]},
        ]
        settings = {"idle_seconds": 600, "instance_types": KINDS, "find_software": False, "software": software}
        self.settings.write_text(yaml.safe_dump(settings))
        self.folder = person.home / "show"
        for name, text in FILES.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        (person.home / "make.py").write_text(MAKE_SCENE)
        self.scene = self.folder / "shot.blend"
        subprocess.run([python, person.home / "make.py", self.scene], capture_output=True, timeout=240, check=False)
        assert self.scene.exists()

    def submit(self, *words: object, code: int = 0) -> str:
        """Submit as an artist would, wait for the job's end, and return what the command said."""
        base = ("submit", self.scene, "--no-host", "-t", "local", "--retries", "0", "--wait", "--json")
        return self.person.conductor(*base, *words, code=code)

    def here(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory, bpy_python: Callable[..., Path]) -> Iterator[Show]:
    """Give a show of an artist whose farm is up."""
    home = tmp_path_factory.mktemp("scripts") / "home"
    home.mkdir()
    found = Show(Person(home), bpy_python())
    found.serve()
    found.person.conductor("login", found.url, "--token-file", found.data / "owner-token")
    yield found
    found.close()


def test_all_of_them_together(show: Show) -> None:
    """The add-on needs the plug-in, the script the add-on, the program the frame; frames and notes come home, the log tells all."""
    said = show.submit(
        "--plug-in", "hair@1", "--plug-in-folder", show.here("plug"), "--startup", show.here("start.py"),
        "--before-task", f"{show.here('pre.sh')} {{frames}}",
        "--after-task", f"{show.here('post.py')} {show.folder}/out/shot_000{{frame}}.png",
    )  # fmt: skip
    done = json.loads(said)
    assert done["job_state"] == "success"
    out = show.folder / "out"
    assert sorted(p.name for p in out.iterdir()) == [f"shot_000{n}.png{e}" for n in (1, 2) for e in ("", ".txt")]
    spec = oiio.ImageBuf(str(out / "shot_0002.png")).spec()
    assert (spec.width, spec.height) == (32, 18)
    log = show.person.conductor("log", done["number"], "--frame", "1")
    told = [
        f"[conductor] Before the task: {show.here('pre.sh')} 1\nfetching for frames 1\n[conductor] Before the task: done",
        f"conductor: add-on studio_size of {show.here('plug/studio_size.py')} is enabled",
        f"conductor: startup script {show.here('start.py')}\n",
        "the size is set",
        "[conductor] scene loaded in ",
        f"[conductor] After the task: {show.here('post.py')} {out}/shot_0001.png\nchecked {out}/shot_0001.png\n[conductor] After",
    ]
    deadline = time.monotonic() + 60
    while told[-1] not in log and time.monotonic() < deadline:  # the end of a log may come after the job's
        time.sleep(0.2)
        log = show.person.conductor("log", done["number"], "--frame", "1")
    places = [log.find(words) for words in told]
    assert -1 not in places, (places, log)
    assert places == sorted(places)


FAILURES: dict[str, tuple[list[str], str, str]] = {
    "startup": (
        ["--startup", "start_bad.py"],
        "scene-load",
        "Startup script failed: {show}/start_bad.py, line 3: KeyError: ",
    ),
    "add-on": (
        ["--plug-in-folder", "plug_bad"],
        "scene-load",
        "Add-on failed: {show}/plug_bad/broken_tool.py, line 4: OSError: no dongle.",
    ),
    "before": (
        ["--before-task", "{show}/pre_bad.sh"],
        "exit-code",
        "The script before the task, {show}/pre_bad.sh, ended with exit code 3.\n",
    ),
    "after": (
        ["--after-task", "{show}/post_bad.py {frame}"],
        "exit-code",
        "The script after the task, {show}/post_bad.py 1, ended with exit code 4.\n",
    ),
    "plug-in not installed": (
        ["--plug-in", "cloth@2.0"],
        "software-missing",
        "cloth 2.0: /opt/no-such-cloth is not on this instance. Correct the catalogue, or install it.",
    ),
}


@pytest.mark.parametrize(("words", "cause", "says"), FAILURES.values(), ids=FAILURES.keys())
def test_what_the_artist_reads_where_one_fails(show: Show, words: list[str], cause: str, says: str) -> None:
    """The job has failed; the attempt names the script, its line where there is one, and what to do."""
    asked = [show.here(w) if w in FILES or w == "plug_bad" else w.replace("{show}", str(show.folder)) for w in words]
    said, _ = json.JSONDecoder().raw_decode(show.submit("-f", "1", *asked, code=1))
    task = show.person.json("log", said["number"])
    attempt = task["attempts"][-1]
    assert (attempt["state"], attempt["cause"]) == ("failed", cause), attempt
    assert says.replace("{show}", str(show.folder)) in attempt["message"]


def test_a_plug_in_that_the_farm_lacks_is_refused(show: Show) -> None:
    """Before anything is rendered; what there is is named."""
    said = show.submit("--plug-in", "fur@9", code=8)
    assert "fur 9 for blender, which is not in the catalogue" in said
    assert "cloth 2.0, hair 1.2" in said
