"""Build scenes whose reading without Blender is not plain, describe each by Blender, and leave the answers as JSON.

Run by an interpreter with bpy: `python blend_reader_scenes.py EXTENSION FOLDER ANSWER`; compared in test_blend_reader.py.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

V = bpy.app.version
EXTENSION, FOLDER, ANSWER = (Path(a) for a in sys.argv[-3:])
SCENES: dict[str, Callable[[Path], str]] = {}
cases: Any = importlib.import_module("blender_cases")


def scene(function: Callable[[Path], str]) -> Callable[[Path], str]:
    """Register a function that builds a scene and returns the frames to describe."""
    SCENES[function.__name__] = function
    return function


def saved(path: Path, *, packed: bool) -> None:
    """Save the open file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=packed)


def asset(path: Path, name: str, *, kind: str = "object") -> None:
    """Make a library: what is meant to be linked, and beside it something that is not, each with a texture of its own."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    saved(path, packed=False)
    for one in (name, f"{name}_other"):
        thing = cases.plane(one)
        thing.data.name = one
        cases.shown_by(thing, cases.load(cases.picture(path.parent / "tex" / f"{one}.png"), f"//tex/{one}.png"))
        if kind == "collection":
            group = bpy.data.collections.new(one)
            bpy.context.scene.collection.children.link(group)
            bpy.context.scene.collection.objects.unlink(thing)
            group.objects.link(thing)
        elif kind == "nodes":
            tree = bpy.data.node_groups.new(one, "ShaderNodeTree")
            tree.nodes.new("ShaderNodeTexImage").image = bpy.data.images[f"{one}.png"]
            tree.use_fake_user = True
    saved(path, packed=True)


def link(path: Path, collection: str, name: str) -> Any:
    """Link one datablock of a library."""
    with bpy.data.libraries.load(str(path), link=True, relative=True) as (_, wanted):
        setattr(wanted, collection, [name])
    return getattr(bpy.data, collection)[name]


@scene
def instances(folder: Path) -> str:
    """A linked collection as an instance, and one that is overridden with a texture of the scene's own."""
    home = folder.parent / "instances_home"
    asset(home / "chair.blend", "chair", kind="collection")
    asset(home / "lamp.blend", "lamp", kind="collection")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    saved(folder / "scene.blend", packed=False)
    empty = bpy.data.objects.new("chairs", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", link(home / "chair.blend", "collections", "chair")
    bpy.context.scene.collection.objects.link(empty)
    lamp = link(home / "lamp.blend", "collections", "lamp")
    bpy.context.scene.collection.children.link(lamp)
    lamp.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer)
    return "1"


@scene
def node_groups(folder: Path) -> str:
    """A linked shader group in a local material, and a group linked by a library in turn."""
    home = folder.parent / "node_groups_home"
    asset(home / "deep" / "inner.blend", "inner", kind="nodes")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    saved(home / "outer.blend", packed=False)
    tree = bpy.data.node_groups.new("outer", "ShaderNodeTree")
    tree.use_fake_user = True
    tree.nodes.new("ShaderNodeGroup").node_tree = link(home / "deep" / "inner.blend", "node_groups", "inner")
    saved(home / "outer.blend", packed=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    saved(folder / "scene.blend", packed=False)
    material = bpy.data.materials.new("local")
    cases.plane().data.materials.append(material)
    cases.nodes_of(material).new("ShaderNodeGroup").node_tree = link(home / "outer.blend", "node_groups", "outer")
    return "1"


@scene
def rig(folder: Path) -> str:
    """What hangs on a linked object by modifiers, particles, constraints and drivers."""
    home = folder.parent / "rig_home"
    bpy.ops.wm.read_factory_settings(use_empty=True)
    saved(home / "rig.blend", packed=False)
    body, target, instanced = (cases.plane(n) for n in ("body", "target", "instanced"))
    for thing in (body, target, instanced):
        name = f"{thing.name}.png"
        cases.shown_by(thing, cases.load(cases.picture(home / "tex" / name), f"//tex/{name}"))
    body.constraints.new("COPY_LOCATION").target = target
    body.modifiers.new("ps", "PARTICLE_SYSTEM")
    settings = body.particle_systems[0].settings
    settings.render_type, settings.instance_object = "OBJECT", instanced
    texture = bpy.data.textures.new("T", "IMAGE")
    texture.image = cases.load(cases.picture(home / "tex" / "bump.png"), "//tex/bump.png")
    body.modifiers.new("D", "DISPLACE").texture = texture
    cases.touch(home / "a.mdd")
    cache = body.modifiers.new("mc", "MESH_CACHE")
    cache.filepath = "//a.mdd"
    world = bpy.data.worlds.new("not linked")
    cases.nodes_of(world).new("ShaderNodeTexEnvironment").image = cases.load(cases.picture(home / "tex" / "sky.png"))
    bpy.context.scene.world = world
    saved(home / "rig.blend", packed=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    saved(folder / "scene.blend", packed=False)
    bpy.context.scene.collection.objects.link(link(home / "rig.blend", "objects", "body"))
    return "1"


@scene
def linked_scene(folder: Path) -> str:
    """A scene strip of a linked scene: its files count, its outputs do not."""
    home = folder.parent / "linked_scene_home"
    asset(home / "set.blend", "set")
    bpy.context.scene.name = "Set"
    bpy.context.scene.render.filepath = "//never/"
    saved(home / "set.blend", packed=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    saved(folder / "scene.blend", packed=False)
    other = link(home / "set.blend", "scenes", "Set")
    editor = bpy.context.scene.sequence_editor_create()
    (editor.strips if hasattr(editor, "strips") else editor.sequences).new_scene("set", other, 1, 1)
    return "1"


@scene
def appended(folder: Path) -> str:
    """Appended data remembers where it came from, and needs nothing of it."""
    home = folder.parent / "appended_home"
    asset(home / "prop.blend", "prop")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    saved(folder / "scene.blend", packed=False)
    bpy.ops.wm.append(directory=f"{home / 'prop.blend'}/Object/", filename="prop", do_reuse_local_id=True)
    return "1"


@scene
def packed_in(folder: Path) -> str:
    """Linked data that were packed into the scene (5.0): what they name is relative to the library they came from."""
    home = folder.parent / "packed_in_home"
    asset(home / "prop.blend", "prop")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    saved(folder / "scene.blend", packed=False)
    prop = link(home / "prop.blend", "objects", "prop")
    if hasattr(bpy.data, "pack_linked_ids_hierarchy"):
        prop = bpy.data.pack_linked_ids_hierarchy(prop)
    bpy.context.scene.collection.objects.link(prop)
    return "1"


@scene
def moving(folder: Path) -> str:
    """Settings that choose a frame, moved by a driver and by a strip of the NLA."""
    thing = cases.plane()
    for name in ("driven", "nla", "still"):
        image = cases.load(cases.sequence(folder / name, range(1, 6)), f"//{name}/s.0001.png", "SEQUENCE")
        node = cases.shown_by(thing, image)
        node.image_user.frame_duration = 5
        if name == "driven":
            node.image_user.driver_add("frame_offset").driver.expression = "frame"
        elif name == "nla":
            node.image_user.keyframe_insert("frame_offset", frame=1)
            data = node.id_data.animation_data
            data.nla_tracks.new().strips.new("moves", 1, data.action)
            data.action = None
    return "2"


@scene
def nested_outputs(folder: Path) -> str:
    """File outputs in a group of the compositor, movies, views, a border without crop."""
    main = bpy.context.scene
    tree = cases.compositor(main)
    inner = bpy.data.node_groups.new("Inner", "CompositorNodeTree")
    tree.nodes.new("CompositorNodeGroup").node_tree = inner
    node = inner.nodes.new("CompositorNodeOutputFile")
    if hasattr(node, "base_path"):
        node.base_path = "//inner/"
    else:
        node.directory = "//inner/"
        node.file_output_items.new("RGBA", "fog")
    main.render.use_multiview, main.render.views_format = True, "STEREO_3D"
    main.render.filepath = "//out/eye_"
    main.render.use_border = True
    if hasattr(main.render.image_settings, "media_type"):
        main.render.image_settings.media_type = "IMAGE"
    main.render.image_settings.file_format = "JPEG"
    for i, (name, path) in enumerate((("A", "//m_####"), ("B", "//m.mkv"), ("C", "//m"))):
        movie = bpy.data.scenes.new(name)
        if hasattr(movie.render.image_settings, "media_type"):
            movie.render.image_settings.media_type = "VIDEO"
        movie.render.image_settings.file_format = "FFMPEG"
        movie.render.ffmpeg.format = ("MPEG4", "MKV", "QUICKTIME")[i]
        movie.render.filepath = path
    return "1"


def main() -> None:
    """Run everything and write the answer."""
    bootstrap = runpy.run_path(str(EXTENSION / "bootstrap.py"))
    bootstrap["add_package"]()
    bootstrap["add_core"]()
    answer: dict[str, Any] = {"version": list(V)}
    for number, (name, build) in enumerate(SCENES.items()):
        path = FOLDER / name / "scene.blend"
        try:
            bpy.ops.wm.read_factory_settings(use_empty=True)
            saved(path, packed=False)
            frames = build(FOLDER / name)
            saved(path, packed=bool(number % 2))
            answer[name] = importlib.import_module("conductor_blender.describing").describe_file(str(path), frames)
            answer[name]["asked"] = frames
        except Exception:  # noqa: BLE001  a broken scene must not hide the others
            answer[name] = {"traceback": traceback.format_exc()}
    ANSWER.write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except Exception:  # noqa: BLE001  bpy may hang on the way out of a traceback
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
