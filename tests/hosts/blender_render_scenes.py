"""Build tiny scenes to be rendered by the frame server, and leave their paths as JSON.

Run by bpy, `python blender_render_scenes.py FOLDER ANSWER`, or by Blender, behind `--`. The picture's red is 0 at frame
-32 and 1 at frame 32, so that a test can see which frame it was given.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

V = bpy.app.version
FOLDER, ANSWER = (Path(a) for a in sys.argv[-2:])
SCENES: dict[str, Callable[[Path], None]] = {}


def scene(function: Callable[[Path], None]) -> Callable[[Path], None]:
    """Register a function that changes the basic scene."""
    SCENES[function.__name__] = function
    return function


def image_format(settings: Any, name: str) -> None:
    """Choose a file format, by way of its medium where Blender wants that (5.0)."""
    if hasattr(settings, "media_type"):
        settings.media_type = {"FFMPEG": "VIDEO", "OPEN_EXR_MULTILAYER": "MULTI_LAYER_IMAGE"}.get(name, "IMAGE")
    settings.file_format = name


def glowing(name: str) -> tuple[Any, Any]:
    """Put a plane that glows in front of the camera; return the object and the glow's node."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(-9, -9, 0), (9, -9, 0), (9, 9, 0), (-9, 9, 0)], [], [(0, 1, 2, 3)])
    mesh.uv_layers.new()
    material = bpy.data.materials.new(name)
    if V < (5, 0, 0):
        material.use_nodes = True
    nodes = material.node_tree.nodes
    glow = nodes.new("ShaderNodeEmission")
    end = next(n for n in nodes if n.bl_idname == "ShaderNodeOutputMaterial")
    material.node_tree.links.new(glow.outputs[0], end.inputs[0])
    mesh.materials.append(material)
    return bpy.data.objects.new(name, mesh), glow


def textured(name: str, file: Path, value: float, text: str) -> Any:
    """Return a plane that glows as bright as its texture file, `text` written as its path."""
    thing, glow = glowing(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    made = bpy.data.images.new("made", 2, 2, float_buffer=True, is_data=True)
    made.pixels = (value, value, value, 1.0) * 4
    made.filepath_raw, made.file_format = str(file), "OPEN_EXR"
    made.save()
    bpy.data.images.remove(made)
    tree = thing.data.materials[0].node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = bpy.data.images.load(str(file))
    node.image.colorspace_settings.name = "Non-Color"
    node.image.filepath = text
    tree.links.new(node.outputs[0], glow.inputs[0])
    return thing


def basic(folder: Path) -> None:
    """Make the scene that the others change: a glowing plane whose red rises with the frame, 32×18, one sample."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    save(folder)
    main = bpy.context.scene
    plane, glow = glowing("Plane")
    main.collection.objects.link(plane)
    for frame in (-32, 32):
        glow.inputs[0].default_value = (float(frame > 0), 0.25, 0.0, 1.0)
        glow.inputs[0].keyframe_insert("default_value", frame=frame)
    for curve in curves(glow.id_data):
        for key in curve.keyframe_points:
            key.interpolation = "LINEAR"
    main.camera = camera("Camera", 5)
    main.render.engine = "CYCLES"
    main.cycles.samples, main.cycles.device, main.cycles.use_denoising = 1, "CPU", False
    main.render.resolution_x, main.render.resolution_y, main.render.resolution_percentage = 32, 18, 100
    image_format(main.render.image_settings, "OPEN_EXR")
    main.render.image_settings.color_depth = "32"
    main.render.filepath = "//render/shot_####"


def curves(tree: Any) -> Any:
    """Return the curves of a node tree's action, whichever way this Blender keeps them."""
    action = tree.animation_data.action
    if not hasattr(action, "layers"):
        return action.fcurves
    return [c for layer in action.layers for strip in layer.strips for bag in strip.channelbags for c in bag.fcurves]


def camera(name: str, height: float) -> Any:
    """Add a camera that looks down from some height."""
    thing = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    thing.location = (0, 0, height)
    bpy.context.scene.collection.objects.link(thing)
    return thing


@scene
def plain(folder: Path) -> None:
    """Nothing more."""


@scene
def multilayer(folder: Path) -> None:
    """Two view layers in one file."""
    main = bpy.context.scene
    main.view_layers.new("Fog")
    image_format(main.render.image_settings, "OPEN_EXR_MULTILAYER")
    main.render.filepath = "//render/{blend_name}.####.exr" if V >= (4, 5, 0) else "//render/multilayer.####.exr"


@scene
def cameras(folder: Path) -> None:
    """Markers switch from a camera on the plane to one that sees nothing."""
    main = bpy.context.scene
    away = camera("Away", 5)
    away.rotation_euler = (3.14159, 0, 0)
    for frame, one in ((1, main.camera), (5, away)):
        marker = main.timeline_markers.new(one.name, frame=frame)
        marker.camera = one


@scene
def passes(folder: Path) -> None:
    """A File Output node beside the render output."""
    main = bpy.context.scene
    if V >= (5, 0, 0):
        tree = main.compositing_node_group = bpy.data.node_groups.new("Comp", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        end = tree.nodes.new("NodeGroupOutput")
    else:
        main.use_nodes = True
        tree = main.node_tree
        tree.nodes.clear()
        end = tree.nodes.new("CompositorNodeComposite")
    layers = tree.nodes.new("CompositorNodeRLayers")
    tree.links.new(layers.outputs[0], end.inputs[0])
    out = tree.nodes.new("CompositorNodeOutputFile")
    if hasattr(out, "base_path"):
        out.base_path = "//passes/"
        image_format(out.format, "PNG")
        out.file_slots[0].path = "fog_"
        out.file_slots.new("deep_##_x")
    else:
        out.directory, out.file_name = "//passes/", ""
        image_format(out.format, "PNG")
        out.file_output_items.new("RGBA", "fog_")
        out.file_output_items.new("RGBA", "deep_##_x")
    for socket in list(out.inputs)[:2]:
        tree.links.new(layers.outputs[0], socket)


@scene
def no_camera(folder: Path) -> None:
    """The camera is gone."""
    bpy.data.objects.remove(bpy.data.objects["Camera"])


@scene
def movie(folder: Path) -> None:
    """The scene writes a movie."""
    image_format(bpy.context.scene.render.image_settings, "FFMPEG")


@scene
def blocked(folder: Path) -> None:
    """A file stands where the output folder should be."""
    (folder / "render").write_bytes(b"in the way")


@scene
def gpu(folder: Path) -> None:
    """The scene asks for a GPU."""
    bpy.context.scene.cycles.device = "GPU"


@scene
def scripted(folder: Path) -> None:
    """A text that runs on load leaves a trace beside the scene."""
    text = bpy.data.texts.new("trace.py")
    text.use_module = True
    text.write(f"open({str(folder / 'trace')!r}, 'w').close()\n")


@scene
def trusted(folder: Path) -> None:
    """The same text, in a scene whose step allows it."""
    scripted(folder)


@scene
def too_long(folder: Path) -> None:
    """No system has file names this long."""
    bpy.context.scene.render.filepath = "//render/" + "x" * 300 + "_####"


@scene
def slow(folder: Path) -> None:
    """A frame that would take days."""
    bpy.context.scene.cycles.samples = 1 << 24
    bpy.context.scene.cycles.use_adaptive_sampling = False
    bpy.context.scene.render.resolution_percentage = 10000


@scene
def moved(folder: Path) -> None:
    """Textures and libraries by absolute paths of the artist's machine, which are somewhere else on the instance."""
    home = FOLDER / "artist"
    main_file = home / "shots" / "moved.blend"
    for name, links in (("deep", ""), ("prop", "deep")):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        path = home / "lib" / name / f"{name}.blend"
        path.parent.mkdir(parents=True, exist_ok=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(path))
        texture = home / "lib" / name / "tex.exr"
        thing = textured(name, texture, 0.25, "//tex.exr" if name == "deep" else str(texture))
        bpy.context.scene.collection.objects.link(thing)
        if links:
            link(home / "lib" / links / f"{links}.blend", links, relative=False)
            thing.data.materials.append(bpy.data.objects[links].data.materials[0])
        bpy.ops.wm.save_as_mainfile(filepath=str(path))
    basic(folder)
    main_file.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(main_file))
    bpy.data.objects.remove(bpy.data.objects["Plane"])
    for name in ("deep", "prop"):
        link(home / "lib" / name / f"{name}.blend", name, relative=False)
        bpy.context.scene.collection.objects.link(bpy.data.objects[name])
    own = textured("own", home / "tex" / "own.exr", 0.5, str(home / "tex" / "own.exr"))
    bpy.context.scene.collection.objects.link(own)
    own.location = (10.0, 0, 0.1)  # the right of the picture
    bpy.context.scene.render.filepath = str(home / "out" / "moved_####.exr")
    bpy.ops.wm.save_as_mainfile(filepath=str(main_file))
    home.rename(FOLDER / "instance")


def link(path: Path, name: str, *, relative: bool) -> None:
    """Link an object of a library."""
    with bpy.data.libraries.load(str(path), link=True, relative=relative) as (_, wanted):
        wanted.objects = [name]


def save(folder: Path) -> Path:
    """Save the open file under the folder's name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{folder.name}.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def main() -> None:
    """Build every scene and write where they are."""
    answer: dict[str, Any] = {"version": list(V)}
    for name, change in SCENES.items():
        folder = FOLDER / name
        basic(folder)
        change(folder)
        answer[name] = str(FOLDER / "artist" / "shots" / "moved.blend" if name == "moved" else save(folder))
    ANSWER.write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except Exception:  # noqa: BLE001  bpy may hang on the way out of a traceback
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
