"""The scenes of blender_scenes.py, one function each: plant files, build the scene, return the frames to describe."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

V = bpy.app.version
Case = Callable[[Path], str]
CASES: dict[str, Case] = {}
Colour = tuple[float, float, float, float]


def case(function: Case) -> Case:
    """Register a function that plants files, builds the scene and returns the frames to describe."""
    CASES[function.__name__] = function
    return function


def touch(*paths: Path) -> None:
    """Make files whose content nobody looks at."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def picture(path: Path, colour: Colour = (1, 0, 0, 1)) -> Path:
    """Write a 4×4 image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = bpy.data.images.new("made", 4, 4, float_buffer=path.suffix == ".exr", is_data=True)
    image.pixels = colour * 16
    image.filepath_raw = str(path)
    image.file_format = {".png": "PNG", ".exr": "OPEN_EXR"}[path.suffix]
    image.save()
    bpy.data.images.remove(image)
    return path


def load(path: Path, text: str = "", source: str = "FILE") -> Any:
    """Load an image and write `text` as its path."""
    image = bpy.data.images.load(str(path))
    image.source = source
    image.filepath = text or f"//{path.name}"
    return image


def plane(name: str = "Plane") -> Any:
    """Put a plane into the scene."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [], [(0, 1, 2, 3)])
    mesh.uv_layers.new()
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def nodes_of(datablock: Any) -> Any:
    """Return the nodes of a material, world or light."""
    if V < (5, 0, 0) or datablock.node_tree is None:
        datablock.use_nodes = True
    return datablock.node_tree.nodes


def shown_by(thing: Any, image: Any, node_type: str = "ShaderNodeTexImage") -> Any:
    """Show an image in a new material of an object; return the node."""
    material = bpy.data.materials.new(f"M {image.name}")
    thing.data.materials.append(material)
    node = nodes_of(material).new(node_type)
    node.image = image
    return node


def compositor(scene: Any) -> Any:
    """Return the compositing tree of a scene."""
    if V >= (5, 0, 0):
        scene.compositing_node_group = bpy.data.node_groups.new("Comp", "CompositorNodeTree")
        return scene.compositing_node_group
    scene.use_nodes = True
    return scene.node_tree


def sequence(folder: Path, numbers: Any, name: str = "s.{:04d}.png") -> Path:
    """Write an image sequence; return its first file."""
    written = [picture(folder / name.format(n)) for n in numbers]
    return written[0]


@case
def image_users(folder: Path) -> str:
    """Three users of one sequence, two of another, a gap in a third."""
    thing = plane()
    one = load(sequence(folder / "one", range(1, 31)), "//one/s.0001.png", "SEQUENCE")
    user = shown_by(thing, one).image_user
    user.frame_start, user.frame_duration, user.frame_offset = 1, 30, 10
    user = shown_by(thing, one).image_user
    user.frame_start, user.frame_duration, user.use_cyclic = 1, 2, True
    two = load(sequence(folder / "two", range(1, 9)), "//two/s.0001.png", "SEQUENCE")
    camera = bpy.data.cameras.new("C")
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("C", camera))
    background = camera.background_images.new()
    background.image, background.image_user.frame_duration = two, 3
    gap = load(sequence(folder / "gap", (1, 2, 4)), "//gap/s.0001.png", "SEQUENCE")
    shown_by(thing, gap).image_user.frame_duration = 9
    return "3-4"


@case
def image_users_unknown(folder: Path) -> str:
    """A moving offset, and a sequence nobody shows with settings: every file may be needed."""
    thing = plane()
    moving = load(sequence(folder / "moving", range(1, 6)), "//moving/s.0001.png", "SEQUENCE")
    node = shown_by(thing, moving)
    node.image_user.frame_duration = 5
    node.image_user.keyframe_insert("frame_offset", frame=1)
    tree = bpy.data.node_groups.new("G", "GeometryNodeTree")
    nodes = load(sequence(folder / "nodes", range(1, 4)), "//nodes/s.0001.png", "SEQUENCE")
    tree.nodes.new("GeometryNodeImageTexture").inputs["Image"].default_value = nodes
    thing.modifiers.new("G", "NODES").node_group = tree
    return "2"


@case
def images(folder: Path) -> str:
    """Nested groups, texture datablocks and worlds are found; packed, generated and built-in things are not taken."""
    thing = plane()
    inner, outer = (bpy.data.node_groups.new(n, "ShaderNodeTree") for n in ("Inner", "Outer"))
    inner.nodes.new("ShaderNodeTexImage").image = load(picture(folder / "nested.png"))
    outer.nodes.new("ShaderNodeGroup").node_tree = inner
    material = bpy.data.materials.new("Grouped")
    thing.data.materials.append(material)
    nodes_of(material).new("ShaderNodeGroup").node_tree = outer
    texture = bpy.data.textures.new("T", "IMAGE")
    texture.image = load(picture(folder / "displace.png"))
    thing.modifiers.new("D", "DISPLACE").texture = texture
    world = bpy.data.worlds.new("W")
    nodes_of(world).new("ShaderNodeTexEnvironment").image = load(picture(folder / "sky.exr"))
    bpy.context.scene.world = world
    packed = load(picture(folder / "packed.png"))
    packed.pack()
    shown_by(thing, packed)
    generated = bpy.data.images.new("generated", 4, 4)
    generated.filepath_raw = "//generated.png"
    shown_by(thing, generated)
    touch(folder / "generated.png")
    fake = load(picture(folder / "kept.png"))
    fake.use_fake_user = True
    load(picture(folder / "unused.png"))
    text = bpy.data.curves.new("Txt", "FONT")
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Txt", text))
    return "1"


@case
def tiles(folder: Path) -> str:
    """Tiles of both tokens; one tile is not on disk, one file is no tile of the image."""
    thing = plane()
    for number in (1001, 1003):
        picture(folder / f"u.{number}.png")
    udim = load(folder / "u.1001.png", "//u.<UDIM>.png", "TILED")
    for number in (1002,):
        udim.tiles.new(number)
    shown_by(thing, udim)
    for name in ("v.u1_v1.png", "v.u2_v1.png"):
        picture(folder / name)
    uvtile = load(folder / "v.u1_v1.png", "//v.<UVTILE>.png", "TILED")
    for tile in list(uvtile.tiles)[1:]:
        uvtile.tiles.remove(tile)
    uvtile.tiles[0].number = 1001
    uvtile.tiles.new(1002)
    shown_by(thing, uvtile)
    return "1"


@case
def strange_paths(folder: Path) -> str:
    """Backslashes work, another system's paths and the working folder's do not."""
    thing = plane()
    picture(folder / "sub" / "back.png")
    picture(folder / "deep" / "three.png")
    for name, text in (
        ("back", "//sub\\back.png"), ("three", "///deep/three.png"), ("drive", "D:\\tex\\wood.png"),
        ("up", "D:/tex/../up.png"), ("share", "\\\\server\\tex\\a.png"), ("nowhere", "sub/back.png"),
    ):  # fmt: skip
        image = bpy.data.images.new(name, 4, 4)
        image.source, image.filepath = "FILE", text
        shown_by(thing, image)
    return "1"


@case
def volumes(folder: Path) -> str:
    """Four modes of one VDB sequence, and one that no frame of the job shows."""
    touch(*(folder / f"smoke_{n:03d}.vdb" for n in range(1, 9)), folder / "still.vdb")
    for name, mode, start, offset in (
        ("clip", "CLIP", 3, 0), ("extend", "EXTEND", 1, 4), ("repeat", "REPEAT", 1, 0), ("late", "CLIP", 100, 0),
    ):  # fmt: skip
        volume = bpy.data.volumes.new(name)
        volume.filepath, volume.is_sequence, volume.sequence_mode = "//smoke_001.vdb", True, mode
        volume.frame_start, volume.frame_duration, volume.frame_offset = start, 2, offset
        bpy.context.scene.collection.objects.link(bpy.data.objects.new(name, volume))
    still = bpy.data.volumes.new("still")
    still.filepath = "//still.vdb"
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("still", still))
    return "3-5"


@case
def caches(folder: Path) -> str:
    """Folders of simulations: baked ones whole, those of others and those not baked left alone."""
    touch(*(folder / "sim" / f"myname_{f:06d}_00.bphys" for f in (1, 2)), folder / "sim" / "other_000001_00.bphys")
    cloth = plane("Cloth").modifiers.new("cl", "CLOTH").point_cache
    cloth.use_external, cloth.filepath, cloth.name = True, "//sim/", "myname"
    touch(folder / "renamed" / "whatever_1.bphys", folder / "renamed" / "notes.txt")
    soft = plane("Soft").modifiers.new("sb", "SOFT_BODY").point_cache
    soft.use_external, soft.filepath, soft.name = True, "//renamed", "lost"
    fluid = plane("Fluid").modifiers.new("fl", "FLUID")
    fluid.fluid_type = "DOMAIN"
    fluid.domain_settings.cache_directory = "//not_baked"
    ocean = plane("Ocean").modifiers.new("oc", "OCEAN")
    ocean.filepath = "//sea"
    touch(folder / "sea" / "disp_0001.exr")
    paint = plane("Paint")
    canvas = paint.modifiers.new("dp", "DYNAMIC_PAINT")
    bpy.context.view_layer.objects.active = paint
    bpy.ops.dpaint.type_toggle(type="CANVAS")
    surface = canvas.canvas_settings.canvas_surfaces[0]
    surface.surface_format, surface.image_output_path = "IMAGE", "//paint_out"
    particles = plane("Parts")
    particles.modifiers.new("ps", "PARTICLE_SYSTEM")
    disk = particles.particle_systems[0].point_cache
    disk.use_disk_cache = True
    touch(folder / "blendcache_scene" / f"{b'Parts'.hex().upper()}_000001_00.bphys")
    touch(folder / "blendcache_scene" / f"{b'Other'.hex().upper()}_000001_00.bphys")
    return "1-2"


@case
def cache_files(folder: Path) -> str:
    """An Alembic sequence by scene frame, and one held at a frame of its own."""
    plane()
    for n in range(1, 6):
        bpy.ops.wm.alembic_export(filepath=str(folder / f"a_{n:03d}.abc"), start=1, end=1)
    bpy.ops.wm.alembic_import(filepath=str(folder / "a_001.abc"), is_sequence=True)
    running = next(iter(bpy.data.cache_files))
    running.filepath, running.is_sequence = "//a_001.abc", True
    held = running.copy()
    held.filepath, held.override_frame, held.frame = "//a_001.abc", True, 5
    held.use_fake_user = True
    bpy.context.scene.render.use_motion_blur = True
    return "2"


@case
def shaders(folder: Path) -> str:
    """OSL with its compiled twin, IES by path, texts outside and inside."""
    thing = plane()
    touch(folder / "s.osl", folder / "s.oso", folder / "l.ies", folder / "style.py")
    material = bpy.data.materials.new("OSL")
    thing.data.materials.append(material)
    node = nodes_of(material).new("ShaderNodeScript")
    node.mode, node.filepath = "EXTERNAL", "//s.osl"
    light = bpy.data.lights.new("L", "POINT")
    light.use_nodes = True
    node = light.node_tree.nodes.new("ShaderNodeTexIES")
    node.mode, node.filepath = "EXTERNAL", "//l.ies"
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("L", light))
    text = bpy.data.texts.load(str(folder / "style.py"))
    text.filepath = "//style.py"
    bpy.data.texts.new("inside").write("pass")
    return "1"


@case
def import_nodes(folder: Path) -> str:
    """Paths in sockets: written there, handed in by modifier and group, from a String node, and computed."""
    touch(*(folder / f"{n}.obj" for n in ("written", "by_modifier", "by_string", "by_group", "default")))
    thing = plane()
    if not hasattr(bpy.types, "GeometryNodeImportOBJ"):
        return "1"

    def group(name: str) -> tuple[Any, Any]:
        tree = bpy.data.node_groups.new(name, "GeometryNodeTree")
        item = tree.interface.new_socket("File", in_out="INPUT", socket_type="NodeSocketString")
        reader, source = tree.nodes.new("GeometryNodeImportOBJ"), tree.nodes.new("NodeGroupInput")
        tree.links.new(source.outputs[0], reader.inputs[0])
        return tree, item

    tree, item = group("Handed")
    modifier = thing.modifiers.new("G", "NODES")
    modifier.node_group = tree
    if hasattr(modifier, "properties"):  # 5.2
        getattr(modifier.properties.inputs, item.identifier).value = "//by_modifier.obj"
    else:
        modifier[item.identifier] = "//by_modifier.obj"
    tree.nodes.new("GeometryNodeImportOBJ").inputs[0].default_value = "//written.obj"
    string = tree.nodes.new("FunctionNodeInputString")
    string.string = "//by_string.obj"
    tree.links.new(string.outputs[0], tree.nodes.new("GeometryNodeImportOBJ").inputs[0])
    join = tree.nodes.new("GeometryNodeStringJoin")
    tree.links.new(join.outputs[0], tree.nodes.new("GeometryNodeImportOBJ").inputs[0])
    inner, _ = group("Inner")
    call = tree.nodes.new("GeometryNodeGroup")
    call.node_tree = inner
    call.inputs[0].default_value = "//by_group.obj"
    return "1"


@case
def libraries(folder: Path) -> str:
    """A library with a texture beside itself, and one that is gone."""
    home = folder.parent / "libraries_home"
    for name in ("lib", "gone"):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        thing = plane(name)
        thing.data.name = name
        save(home / f"{name}.blend")
        shown_by(thing, load(picture(home / "tex" / f"{name}.png"), f"//tex/{name}.png"))
        save(home / f"{name}.blend")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    save(folder / "scene.blend")
    for name in ("lib", "gone"):
        with bpy.data.libraries.load(str(home / f"{name}.blend"), link=True, relative=True) as (_, wanted):
            wanted.objects = [name]
        bpy.context.scene.collection.objects.link(bpy.data.objects[name])
    save(folder / "scene.blend")
    (home / "gone.blend").unlink()
    return "1"


@case
def strips(folder: Path) -> str:
    """Stills of a strip only where the job's frames show them, ends cut off or held too; a reversed one whole."""
    editor = bpy.context.scene.sequence_editor_create()
    every = editor.strips if hasattr(editor, "strips") else editor.sequences
    for i, name in enumerate(("plain", "reversed", "cut", "held")):
        first = sequence(folder / name, range(1, 11), "s_{:03d}.png")
        strip = every.new_image(name, str(first), i + 1, 5)
        for n in range(2, 11):
            strip.elements.append(f"s_{n:03d}.png")
        strip.directory = f"//{name}/"
        strip.use_reverse_frames = name == "reversed"
        if name in ("cut", "held"):
            strip.animation_offset_start = 2
        if name == "held":
            strip.animation_offset_end, strip.frame_offset_end = 5, -6
            assert strip.strip_elem_from_frame(7).filename == "s_005.png"
    return "7-8"


@case
def clips(folder: Path) -> str:
    """Stills of a movie clip for the job's frames within its length; its proxies are ignored."""
    first = sequence(folder / "clip", range(101, 111), "c.{:04d}.png")
    clip = bpy.data.movieclips.load(str(first))
    clip.filepath, clip.frame_start, clip.use_fake_user = "//clip/c.0101.png", 1, True
    clip.use_proxy = clip.use_proxy_custom_directory = True
    clip.proxy.directory = "//proxies"
    return "4-5,200"


@case
def outputs(folder: Path) -> str:
    """Two scenes; file outputs in the compositor; a crop; a bake path; a second scene that writes a movie."""
    scene = bpy.context.scene
    scene.name, scene.frame_start, scene.frame_end, scene.frame_step = "Main", 1, 9, 4
    scene.render.filepath, scene.render.image_settings.color_depth = "//out/main.###", "16"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 1000, 501, 50
    scene.render.use_border = scene.render.use_crop_to_border = True
    scene.render.border_min_x, scene.render.border_max_x = 0.1, 0.7
    scene.render.bake.filepath = "//baked.png"
    tree = compositor(scene)
    for mute in (False, True):
        node = tree.nodes.new("CompositorNodeOutputFile")
        node.mute = mute
        folder_text = "//muted/" if mute else "//passes/"
        if hasattr(node, "base_path"):
            node.base_path = folder_text
            node.format.file_format = "OPEN_EXR"
            node.file_slots[0].path = "fog_##_"
        else:
            node.directory, node.file_name = folder_text, ""
            if hasattr(node.format, "media_type"):
                node.format.media_type = "IMAGE"
            node.format.file_format = "OPEN_EXR"
            node.file_output_items.new("RGBA", "fog_##_")
    movie = bpy.data.scenes.new("Movie")
    if hasattr(movie.render.image_settings, "media_type"):
        movie.render.image_settings.media_type = "VIDEO"
    movie.render.image_settings.file_format = "FFMPEG"
    movie.render.filepath = "//out/movie.mp4"
    return ""


@case
def templates(folder: Path) -> str:
    """Templates (4.5 and later) in the paths of nodes; one that Blender does not know."""
    scene = bpy.context.scene
    tree = compositor(scene)
    scene.render.filepath = "//{nonsense}/x_####" if V >= (4, 5, 0) else "//plain_####"
    node = tree.nodes.new("CompositorNodeOutputFile")
    node.name = "Fog"
    if hasattr(node, "base_path"):
        node.base_path = "//{blend_name}_passes/" if V >= (4, 5, 0) else "//scene_passes/"
        node.file_slots[0].path = "fog_##"
    else:
        node.directory, node.file_name = "//{blend_name}_passes/", "{node_name}_"
        node.format.media_type, node.format.file_format = "IMAGE", "PNG"
        node.file_output_items.new("RGBA", "##")
    return "1"


@case
def multilayer(folder: Path) -> str:
    """A multilayer EXR of two view layers, one of them off."""
    scene = bpy.context.scene
    scene.view_layers.new("Fog")
    scene.view_layers.new("Off").use = False
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "MULTI_LAYER_IMAGE"
    scene.render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    scene.render.filepath = "//{blend_name}_####" if V >= (4, 5, 0) else "//scene_####"
    return "1"


@case
def only_blender_knows(folder: Path) -> str:
    """A kind without a reader (one is taken away for this case) still comes out by Blender's own list."""
    first = picture(folder / "plate.png")
    clip = bpy.data.movieclips.load(str(first))
    clip.filepath, clip.use_fake_user = "//plate.png", True
    importlib.import_module("conductor_blender.readers").DATABLOCKS.pop("movieclips")
    return "1"


def save(path: Path) -> None:
    """Save the open file there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True)
