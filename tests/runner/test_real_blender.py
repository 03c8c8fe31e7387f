"""Real Blender by the runner: as a Python module and as a binary, in the sandbox and by path rewrite."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import OpenImageIO as oiio
import pytest
from conductor_core.submission import Output, Scripts
from conductor_service.runner.assignment import Package
from conductor_service.runner.launching import hosts_folder

if TYPE_CHECKING:
    from runner.conftest import Farm, Job, Told

    MakeJob = Callable[..., Job]

#: builds a scene with a textured plane that fills the picture, so that a missing texture shows
MAKE_SCENE = """
import bpy, os, sys
target = sys.argv[-1]
bpy.ops.wm.read_factory_settings(use_empty=True)
image = bpy.data.images.new("red", 4, 4, float_buffer=False)
image.pixels = [1.0, 0.0, 0.0, 1.0] * 16
image.filepath_raw = os.path.join(os.path.dirname(target), "red.png")
image.file_format = "PNG"
image.save()
image.filepath = "/show/tex/red.png"
material = bpy.data.materials.new("paint")
material.use_nodes = True
nodes = material.node_tree.nodes
nodes.clear()
texture, light, out = (nodes.new(n) for n in ("ShaderNodeTexImage", "ShaderNodeEmission", "ShaderNodeOutputMaterial"))
texture.image = image
material.node_tree.links.new(texture.outputs["Color"], light.inputs["Color"])
material.node_tree.links.new(light.outputs[0], out.inputs["Surface"])
mesh = bpy.data.meshes.new("plane")
mesh.from_pydata([(-9, -9, 0), (9, -9, 0), (9, 9, 0), (-9, 9, 0)], [], [(0, 1, 2, 3)])
mesh.uv_layers.new()
mesh.materials.append(material)
scene = bpy.context.scene
scene.collection.objects.link(bpy.data.objects.new("plane", mesh))
camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
camera.location = (0, 0, 5)
scene.collection.objects.link(camera)
scene.camera = camera
scene.render.engine = "CYCLES"
scene.cycles.samples = 1
scene.cycles.use_denoising = False
scene.render.resolution_x, scene.render.resolution_y = 64, 36
scene.render.image_settings.file_format = "OPEN_EXR"
scene.render.filepath = "/show/render/shot_####.exr"
bpy.ops.wm.save_as_mainfile(filepath=target)
sys.stdout.flush()
os._exit(0)
"""


def shared() -> ModuleType:
    spec = spec_from_file_location("shared_conftest", Path(__file__).parents[1] / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def bpy_package(python: Path) -> Package:
    return Package("blender", "4.5", launch="bpy-module", executable=str(python))


def binary_package() -> Package:
    return Package("blender", "3.4", launch="blender-binary", executable="blender")


@pytest.fixture(params=["module", "binary"])
def package(request: pytest.FixtureRequest, bpy_python: Callable[..., Path]) -> Package:
    """Give Blender as a package of each launch kind."""
    if request.param == "module":
        return bpy_package(bpy_python())
    shared().require(shutil.which("blender"), "no Blender binary is installed")
    return binary_package()


@pytest.fixture
def scene(package: Package, tmp_path: Path) -> tuple[bytes, bytes]:
    """Give a scene saved by that Blender, and its texture."""
    script, target = tmp_path / "make.py", tmp_path / "made" / "shot.blend"
    target.parent.mkdir()
    script.write_text(MAKE_SCENE)
    if package.launch == "bpy-module":
        command = [package.executable, str(script), "--", str(target)]
    else:
        command = ["blender", "-b", "--factory-startup", "--python", str(script), "--", str(target)]
    subprocess.run(
        command, check=True, timeout=120, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return target.read_bytes(), (target.parent / "red.png").read_bytes()


@pytest.mark.parametrize("isolation", ["sandbox", "rewrite"])
def test_frames_come_out_with_their_texture(
    request: pytest.FixtureRequest, package: Package, scene: tuple[bytes, bytes], job: MakeJob, isolation: str
) -> None:
    """Blender finds the texture at the artist's path, renders every frame of the task and names size and layers."""
    farm: Farm = request.getfixturevalue("farm" if isolation == "sandbox" else "open_farm")
    farm.hosts = hosts_folder(os.environ)
    farm.package = lambda job: package  # type: ignore[method-assign]
    blend, texture = scene
    asked = job(
        frames=(3, 4),
        outputs=(Output("/show/render/shot_####.exr", width=64, height=36),),
        scene_path="/show/scenes/shot.blend",
        files={"/show/tex/red.png": texture},
        scene_bytes=blend,
    )
    told: Told = farm.told(asked)
    assert told.verdict is not None
    assert told.verdict.state == "success", (told.verdict, told.log.decode())
    assert told.verdict.frames_done == (3, 4)
    assert sorted(told.outputs) == ["/show/render/shot_0003.exr", "/show/render/shot_0004.exr"]
    assert told.log.count(b"scene loaded") == 1
    record = told.outputs["/show/render/shot_0004.exr"]
    assert (record.width, record.height) == (64, 36)
    assert colour_of(farm.service.objects[record.digest], request.getfixturevalue("tmp_path")) == pytest.approx(
        (1, 0, 0), abs=0.02
    )
    assert set(told.previews) == set(told.outputs)


def colour_of(data: bytes, folder: Path) -> tuple[float, ...]:
    file = folder / "picture.exr"
    file.write_bytes(data)
    buffer = oiio.ImageBuf(str(file))
    names = list(buffer.spec().channelnames)
    pixel = buffer.getpixel(32, 18)
    return tuple(pixel[next(i for i, n in enumerate(names) if n.split(".")[-1] == c)] for c in "RGB")


def test_a_scene_that_is_none_names_its_cause(farm: Farm, job: MakeJob, bpy_python: Callable[..., Path]) -> None:
    """A broken scene fails the attempt with the cause scene-load, and Blender's own words."""
    farm.hosts = hosts_folder(os.environ)
    farm.package = lambda job: bpy_package(bpy_python())  # type: ignore[method-assign]
    told = farm.told(job("this is no scene"))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", "scene-load"), told.verdict


SIZE_ADDON = b"""
bl_info = {"name": "Size", "blender": (3, 4, 0), "category": "Render"}
import bpy
class RENDER_OT_size(bpy.types.Operator):
    bl_idname, bl_label = "render.own_size", "Size"
    def execute(self, context):
        context.scene.render.resolution_x = 48
        return {"FINISHED"}
def register():
    bpy.utils.register_class(RENDER_OT_size)
"""


@pytest.mark.parametrize("isolation", ["sandbox", "rewrite"])
def test_scripts_and_addons_go_along(
    request: pytest.FixtureRequest, package: Package, scene: tuple[bytes, bytes], job: MakeJob, isolation: str
) -> None:
    """An add-on of a plug-in folder and a startup script are at work wherever the instance lays the artist's paths, and what
    the script does to the picture's size counts.
    """
    farm: Farm = request.getfixturevalue("farm" if isolation == "sandbox" else "open_farm")
    farm.hosts = hosts_folder(os.environ)
    farm.package = lambda job: package  # type: ignore[method-assign]
    blend, texture = scene
    asked = job(
        outputs=(Output("/show/render/shot_####.exr", width=64, height=36),),
        scene_path="/show/scenes/shot.blend",
        files={
            "/show/tex/red.png": texture,
            "/show/plug/size.py": SIZE_ADDON,
            "/show/start.py": b"import bpy\nbpy.ops.render.own_size()\nprint('sized')\n",
        },
        scene_bytes=blend,
        scripts=Scripts(plug_in_folders=("/show/plug",), startup=("/show/start.py",)),
    )
    told: Told = farm.told(asked)
    assert told.verdict is not None
    assert told.verdict.state == "success", (told.verdict, told.log.decode())
    record = told.outputs["/show/render/shot_0001.exr"]
    assert (record.width, record.height) == (48, 36)
    log = told.log.decode()
    assert log.index("add-on size of") < log.index("start.py\n") < log.index("sized\n") < log.index("start.py is done")
