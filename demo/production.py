"""Build the demo's production: a shot with a linked prop, a UDIM set, an animated texture, an HDRI and a moving camera.

Run by a Python that has `bpy`, or by a Blender that has numpy (those of blender.org do)::

    python production.py FOLDER                     build it
    python production.py FOLDER --rename-texture    give one texture file another name and save the shot with it
    blender -b --factory-startup --python production.py -- FOLDER

Everything is made by script, so the demo downloads nothing and every picture in it is ours. The last line on stdout is JSON:
`{"scene": …, "frames": "1-8", "output": …}`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np

FRAMES = (1, 8)
SIZE = (960, 540)
#: few, since the denoiser is on: two to three seconds a frame on two cores
SAMPLES = 4
TILES = (1001, 1002, 1011, 1012)
CHIPS = ((0.86, 0.42, 0.30), (0.20, 0.36, 0.42), (0.93, 0.73, 0.42), (0.36, 0.55, 0.47), (0.55, 0.30, 0.30))
Pixels = Any


def main(arguments: list[str]) -> None:
    """Build the production, or rename its texture; print where the shot is."""
    parser = argparse.ArgumentParser(prog="production.py", description="Build the demo's production.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rename-texture", action="store_true", help="rename one texture of a production built before")
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    shot = folder / "shots" / "sh010" / "shot.blend"
    if options.rename_texture:
        rename_texture(shot)
    else:
        build(folder, shot)
    answer = {"scene": str(shot), "frames": f"{FRAMES[0]}-{FRAMES[1]}", "output": str(shot.parent / "render" / "shot_####.exr")}
    print(json.dumps(answer), flush=True)


def build(folder: Path, shot: Path) -> None:
    """Write textures, prop and shot below `folder`."""
    textures(folder / "assets")
    prop = folder / "assets" / "vase" / "prop.blend"
    build_prop(prop)
    build_shot(shot, prop, folder / "assets")


def rename_texture(shot: Path) -> None:
    """Give the HDRI another file name and save the shot with it: same bytes, another path."""
    bpy.ops.wm.open_mainfile(filepath=str(shot), load_ui=False)
    bpy.context.preferences.filepaths.save_version = 0
    image = next(i for i in bpy.data.images if i.library is None and i.filepath.endswith(".exr"))
    old = Path(os.path.normpath(bpy.path.abspath(image.filepath)))
    new = old.with_name(f"{old.stem}_renamed{old.suffix}")
    old.rename(new)
    image.filepath = bpy.path.relpath(str(new))
    bpy.ops.wm.save_mainfile()


def textures(assets: Path) -> None:
    """Write every texture file."""
    random = np.random.default_rng(7)
    for tile in TILES:
        save(terrazzo(random, 1024), assets / "textures" / f"terrazzo.{tile}.png")
    for frame in range(FRAMES[0], FRAMES[1] + 1):
        save(aurora((frame - 1) / 24.0, 640, 400), assets / "sequences" / "aurora" / f"aurora.{frame:04d}.png")
    save(studio(512, 256), assets / "hdri" / "studio.exr")
    save(glaze(random, 1024), assets / "vase" / "textures" / "glaze_color.png")
    save(speckle(random, 512), assets / "vase" / "textures" / "glaze_roughness.png", data=True)


def save(pixels: Pixels, path: Path, *, data: bool = False) -> None:
    """Write pixels (height, width, 3; top row first; 0 … 1, scene-linear for .exr) to a PNG or EXR file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width, _ = pixels.shape
    linear = path.suffix == ".exr"
    image = bpy.data.images.new(path.stem, width, height, float_buffer=linear, is_data=data)
    full = np.ones((height, width, 4), dtype=np.float32)
    full[..., :3] = pixels[::-1]
    image.pixels.foreach_set(full.ravel())
    image.filepath_raw = str(path)
    image.file_format = "OPEN_EXR" if linear else "PNG"
    image.save()
    bpy.data.images.remove(image)


def terrazzo(random: Any, size: int) -> Pixels:
    """Return polished stone: chips of five colours in a pale ground, seamless over its edges."""
    pixels = np.ones((size, size, 3), dtype=np.float32) * np.array((0.90, 0.875, 0.835), dtype=np.float32)
    pixels *= 1.0 + 0.035 * noise(random, size, size, 48)[..., None]
    for _ in range(170):
        radius = int(random.choice((9, 14, 22, 34), p=(0.35, 0.35, 0.2, 0.1)))
        rows, columns = (np.arange(c - 2 * radius, c + 2 * radius) % size for c in random.integers(0, size, 2))
        chip = polygon(random, radius)[..., None]
        colour = np.array(CHIPS[random.integers(len(CHIPS))], dtype=np.float32) * random.uniform(0.85, 1.15)
        under = pixels[np.ix_(rows, columns)]
        pixels[np.ix_(rows, columns)] = under + chip * (colour - under)
    return pixels.clip(0, 1)


def polygon(random: Any, radius: int) -> Pixels:
    """Return the coverage (0 … 1) of a broken stone, in a square four radii wide: the inside of a handful of lines."""
    dy, dx = np.mgrid[-2 * radius : 2 * radius, -2 * radius : 2 * radius].astype(np.float32)
    inside = np.full(dx.shape, np.inf, dtype=np.float32)
    for angle in (*random.uniform(0, math.tau, 6), *(np.arange(3) * 2.1)):
        reach = radius * random.uniform(0.55, 1.1)
        inside = np.minimum(inside, reach - (dx * math.cos(angle) + dy * math.sin(angle)))
    return inside.clip(0, 1.5) / 1.5


def aurora(time: float, width: int, height: int) -> Pixels:
    """Return one frame of slow curtains of light, deep blue to coral."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    u, v = x / width, 1 - y / height
    wave = np.sin(5.1 * u + 2.3 * time * math.tau + 1.7 * np.sin(3.1 * v + time * math.tau))
    folds = np.sin(13.0 * u + 3.0 * wave + 2.0 * v - 1.3 * time * math.tau)
    glow = np.exp(-(((v - 0.45 - 0.16 * wave) / 0.26) ** 2)) * (0.62 + 0.38 * folds)
    low, mid, high = (np.array(c, dtype=np.float32) for c in ((0.05, 0.09, 0.22), (0.10, 0.52, 0.56), (0.98, 0.55, 0.38)))
    warm = (0.5 + 0.5 * np.sin(2.4 * u + 0.8 * wave + time * math.tau))[..., None]
    return (low + glow[..., None] * ((1 - warm) * mid + warm * high)).clip(0, 1)


def studio(width: int, height: int) -> Pixels:
    """Return an environment: a dim warm room with a large soft window and a small cool one, scene-linear."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    u, v = x / width, 1 - y / height
    sky = np.array((0.42, 0.40, 0.40), dtype=np.float32) * (0.25 + 0.75 * v)[..., None]
    for centre, spread, colour in (
        ((0.22, 0.72), (0.07, 0.13), (9.0, 7.4, 5.6)),
        ((0.78, 0.62), (0.04, 0.10), (2.6, 3.6, 5.0)),
        ((0.52, 0.97), (0.30, 0.08), (1.6, 1.6, 1.7)),
    ):
        fall = np.exp(-(((u - centre[0]) / spread[0]) ** 4) - ((v - centre[1]) / spread[1]) ** 4)
        sky += fall[..., None] * np.array(colour, dtype=np.float32)
    return sky


def glaze(random: Any, size: int) -> Pixels:
    """Return the vase's skin: reactive glaze that runs from ink blue over celadon to bare clay at the foot."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    runs = 0.09 * noise(random, size, size, 10) + 0.05 * np.sin(x * math.tau * 7 + 3 * noise(random, size, size, 4))
    height = (1 - y) + runs
    stops = (0.0, 0.16, 0.22, 0.55, 0.72, 1.1)
    colours = np.array(
        ((0.62, 0.45, 0.33), (0.60, 0.42, 0.30), (0.80, 0.83, 0.74), (0.45, 0.66, 0.62), (0.10, 0.24, 0.40), (0.06, 0.14, 0.28))
    )
    pixels = np.stack([np.interp(height, stops, colours[:, c]) for c in range(3)], axis=-1)
    pixels *= 1 + 0.10 * noise(random, size, size, 128)[..., None]
    return pixels.clip(0, 1).astype(np.float32)


def speckle(random: Any, size: int) -> Pixels:
    """Return a roughness map: shiny glaze, dull clay at the foot."""
    y = np.mgrid[0:size, 0:size][0].astype(np.float32) / size
    rough = np.where(y > 0.83, 0.75, 0.16) + 0.05 * noise(random, size, size, 64)
    return np.repeat(rough.clip(0, 1)[..., None], 3, axis=-1).astype(np.float32)


def noise(random: Any, width: int, height: int, cells: int) -> Pixels:
    """Return smooth noise, -1 … 1, that repeats over its edges."""
    grid = random.uniform(-1, 1, (cells, cells)).astype(np.float32)
    rows, columns = (np.linspace(0, cells, n, endpoint=False, dtype=np.float32) for n in (height, width))
    (i, fi), (j, fj) = (((np.floor(a)).astype(int), a - np.floor(a)) for a in (rows, columns))
    fi, fj = fi * fi * (3 - 2 * fi), fj * fj * (3 - 2 * fj)
    here, right = grid[np.ix_(i % cells, j % cells)], grid[np.ix_(i % cells, (j + 1) % cells)]
    below, across = grid[np.ix_((i + 1) % cells, j % cells)], grid[np.ix_((i + 1) % cells, (j + 1) % cells)]
    top = here + (right - here) * fj
    return top + ((below + (across - below) * fj) - top) * fi[:, None]


def build_prop(path: Path) -> None:
    """Save the vase as a .blend of its own, with textures relative to it."""
    start(path)
    collection = bpy.data.collections.new("Vase")
    bpy.context.scene.collection.children.link(collection)
    profile = (
        (0.00, 0.000), (0.30, 0.000), (0.33, 0.020), (0.36, 0.070), (0.50, 0.25), (0.60, 0.46), (0.62, 0.62), (0.55, 0.82),
        (0.38, 1.00), (0.25, 1.12), (0.205, 1.24), (0.215, 1.36), (0.27, 1.46), (0.285, 1.475), (0.27, 1.48), (0.25, 1.46),
        (0.19, 1.34), (0.18, 1.22),
    )  # fmt: skip
    vase = lathe("Vase", profile, 96)
    collection.objects.link(vase)
    material, shader = new_material("Glaze")
    textures = path.parent / "textures"
    plug(material, shader, "Base Color", texture_node(material, load(textures / "glaze_color.png")))
    plug(material, shader, "Roughness", texture_node(material, load(textures / "glaze_roughness.png", data=True)))
    vase.data.materials.append(material)
    bpy.ops.wm.save_mainfile(compress=True)


def build_shot(path: Path, prop: Path, assets: Path) -> None:
    """Save the shot: set, vases linked from the prop's file, light, camera move, render settings."""
    start(path)
    scene = bpy.context.scene
    table(assets)
    screen(assets)
    vases(prop)
    spheres()
    environment(assets)
    camera_move()
    render_settings(scene)
    bpy.ops.wm.save_mainfile(compress=True)


def start(path: Path) -> None:
    """Begin an empty file that knows its place, so that paths can be relative to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.preferences.filepaths.save_version = 0  # no .blend1 beside it
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True)


def table(assets: Path) -> None:
    """Lay the terrazzo: a plane whose four quarters are the four tiles."""
    top = grid("Table", (10.0, 10.0), (2.0, 2.0))
    material, shader = new_material("Terrazzo", roughness=0.22)
    image = load(assets / "textures" / f"terrazzo.{TILES[0]}.png")
    image.source = "TILED"
    image.filepath = bpy.path.relpath(str(assets / "textures" / "terrazzo.<UDIM>.png"))
    for tile in TILES[1:]:
        image.tiles.new(tile)
    plug(material, shader, "Base Color", texture_node(material, image))
    top.data.materials.append(material)
    put(top)


def screen(assets: Path) -> None:
    """Hang the animated texture behind the table, as a glowing panel."""
    panel = grid("Screen", (13.0, 4.8), (1.0, 1.0))
    panel.location, panel.rotation_euler = (0.1, 4.4, 2.2), (math.radians(90), 0.0, 0.0)
    material, shader = new_material("Aurora", roughness=0.6)
    image = load(assets / "sequences" / "aurora" / "aurora.0001.png")
    image.source = "SEQUENCE"
    node = texture_node(material, image)
    node.image_user.frame_start, node.image_user.frame_duration = FRAMES[0], FRAMES[1] - FRAMES[0] + 1
    node.image_user.use_auto_refresh = True
    shader.inputs["Base Color"].default_value = (0.02, 0.02, 0.02, 1)
    plug(material, shader, "Emission Color" if "Emission Color" in shader.inputs else "Emission", node)
    shader.inputs["Emission Strength"].default_value = 1.4
    panel.data.materials.append(material)
    put(panel)


def vases(prop: Path) -> None:
    """Place the linked vase three times."""
    with bpy.data.libraries.load(str(prop), link=True, relative=True) as (_there, wanted):
        wanted.collections = ["Vase"]
    for name, place, scale, turn in (
        ("Vase.A", (-0.75, 0.35, 0.0), (1.0, 1.0, 1.0), 20),
        ("Vase.B", (0.42, 0.75, 0.0), (1.05, 1.05, 1.34), 140),
        ("Vase.C", (0.70, -0.50, 0.0), (0.78, 0.78, 0.56), 250),
    ):
        instance = bpy.data.objects.new(name, None)
        instance.instance_type, instance.instance_collection = "COLLECTION", bpy.data.collections["Vase"]
        instance.location, instance.scale, instance.rotation_euler = place, scale, (0, 0, math.radians(turn))
        put(instance)


def spheres() -> None:
    """Lay a few balls beside the vases."""
    for name, place, radius, colour, metallic, roughness in (
        ("Coral", (-0.10, -0.75, 0.20), 0.20, (0.80, 0.20, 0.11), 0.0, 0.35),
        ("Brass", (-1.38, -0.45, 0.26), 0.26, (0.90, 0.60, 0.26), 1.0, 0.30),
        ("Chalk", (1.62, 0.30, 0.33), 0.33, (0.80, 0.78, 0.72), 0.0, 0.7),
        ("Pearl", (-0.52, -0.98, 0.10), 0.10, (0.16, 0.33, 0.38), 0.0, 0.2),
    ):
        steps = np.linspace(0, math.pi, 33)
        ball = lathe(name, [(radius * math.sin(a), -radius * math.cos(a)) for a in steps], 64)
        ball.location = place
        material, shader = new_material(name, roughness=roughness)
        shader.inputs["Base Color"].default_value = (*colour, 1)
        shader.inputs["Metallic"].default_value = metallic
        ball.data.materials.append(material)
        put(ball)


def environment(assets: Path) -> None:
    """Light the set: the studio HDRI, and one soft key light."""
    world = bpy.data.worlds.new("Studio")
    use_nodes(world)
    node = world.node_tree.nodes.new("ShaderNodeTexEnvironment")
    node.image = load(assets / "hdri" / "studio.exr")
    background = next(n for n in world.node_tree.nodes if n.bl_idname == "ShaderNodeBackground")
    background.inputs["Strength"].default_value = 0.55
    world.node_tree.links.new(node.outputs["Color"], background.inputs["Color"])
    world.cycles.sampling_method, world.cycles.sample_map_resolution = "MANUAL", 256
    bpy.context.scene.world = world
    light = bpy.data.lights.new("Key", "AREA")
    light.energy, light.size, light.color = 260.0, 2.2, (1.0, 0.87, 0.72)
    key = bpy.data.objects.new("Key", light)
    key.location, key.rotation_euler = (-3.6, -1.8, 3.8), (math.radians(48), 0, math.radians(-64))
    put(key)


def camera_move() -> None:
    """Move the camera on an arc around the table, looking at the vases."""
    target = bpy.data.objects.new("Target", None)
    target.location = (0.10, 0.25, 0.78)
    put(target)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.lens = 42
    put(camera)
    follow = camera.constraints.new("TRACK_TO")
    follow.target, follow.track_axis, follow.up_axis = target, "TRACK_NEGATIVE_Z", "UP_Y"
    for frame, angle, height in ((FRAMES[0], -100, 1.60), (FRAMES[1], -80, 2.05)):
        turn = math.radians(angle)
        camera.location = (6.1 * math.cos(turn), 6.1 * math.sin(turn), height)
        camera.keyframe_insert("location", frame=frame)
    bpy.context.scene.camera = camera


def render_settings(scene: Any) -> None:
    """Choose small but honest settings: multilayer EXR, Cycles on the CPU, two or three seconds a frame."""
    scene.frame_start, scene.frame_end = FRAMES
    render = scene.render
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y = SIZE
    render.resolution_percentage = 100
    render.filepath = "//render/shot_####.exr"
    settings = render.image_settings
    if hasattr(settings, "media_type"):  # 5.0 and later
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.color_depth, settings.exr_codec = "OPEN_EXR_MULTILAYER", "16", "ZIP"
    cycles = scene.cycles
    cycles.device, cycles.samples = "CPU", SAMPLES
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = bpy.app.version >= (4, 2, 0)  # distributions build 3.4 without a denoiser
    if hasattr(cycles, "denoising_quality"):
        cycles.denoising_quality, cycles.denoising_prefilter = "FAST", "FAST"
    cycles.use_light_tree = False
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 2, 1, 2
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 3.0
    scene.view_layers[0].use_pass_z = True


def lathe(name: str, profile: Any, steps: int) -> Any:
    """Return a smooth object turned from (radius, height) pairs, unwrapped once around."""
    rings = len(profile)
    turns = [math.tau * s / steps for s in range(steps + 1)]
    points = [(r * math.cos(t), r * math.sin(t), z) for r, z in profile for t in turns]
    lengths = np.concatenate(([0.0], np.cumsum([math.dist(a, b) for a, b in itertools.pairwise(profile)])))
    uvs = [(s / steps, float(length / lengths[-1])) for length in lengths for s in range(steps + 1)]
    return mesh_object(name, points, quads(rings - 1, steps), uvs)


def grid(name: str, extent: tuple[float, float], tiles: tuple[float, float]) -> Any:
    """Return a flat rectangle around the origin whose UVs run over some tiles."""
    cells = 4
    steps = [i / cells for i in range(cells + 1)]
    points = [((u - 0.5) * extent[0], (v - 0.5) * extent[1], 0.0) for v in steps for u in steps]
    uvs = [(u * tiles[0], v * tiles[1]) for v in steps for u in steps]
    return mesh_object(name, points, quads(cells, cells), uvs)


def quads(rows: int, columns: int) -> list[tuple[int, int, int, int]]:
    """Return the faces between rows of points, one point more than columns in each."""
    row = columns + 1
    corners = (j * row + i for j in range(rows) for i in range(columns))
    return [(c, c + 1, c + 1 + row, c + row) for c in corners]


def mesh_object(name: str, points: Any, faces: Any, uvs: Any) -> Any:
    """Return an object with one UV map, smooth."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points, [], faces)
    layer = mesh.uv_layers.new(name="UVMap")
    for loop in mesh.loops:
        layer.data[loop.index].uv = uvs[loop.vertex_index]
    for face in mesh.polygons:
        face.use_smooth = True
    mesh.update()
    return bpy.data.objects.new(name, mesh)


def new_material(name: str, roughness: float = 0.5) -> tuple[Any, Any]:
    """Return a material and its Principled shader."""
    material = bpy.data.materials.new(name)
    use_nodes(material)
    shader = next(n for n in material.node_tree.nodes if n.bl_idname == "ShaderNodeBsdfPrincipled")
    shader.inputs["Roughness"].default_value = roughness
    return material, shader


def use_nodes(datablock: Any) -> None:
    """Give a datablock nodes where it does not have them anyway (before 5.0)."""
    if bpy.app.version < (5, 0, 0):
        datablock.use_nodes = True


def texture_node(material: Any, image: Any) -> Any:
    """Return a new image texture of a material."""
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    return node


def plug(material: Any, shader: Any, socket: str, node: Any) -> None:
    """Link a texture's colour into an input of the shader."""
    material.node_tree.links.new(node.outputs["Color"], shader.inputs[socket])


def load(path: Path, *, data: bool = False) -> Any:
    """Load an image, its path relative to the file that is open."""
    image = bpy.data.images.load(str(path))
    image.filepath = bpy.path.relpath(str(path))
    if data:
        image.colorspace_settings.name = "Non-Color"
    return image


def put(thing: Any) -> None:
    """Link an object into the scene."""
    bpy.context.scene.collection.objects.link(thing)


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:])
    sys.stderr.flush()
    shutil.rmtree(bpy.app.tempdir, ignore_errors=True)
    os._exit(0)  # bpy can hang while the interpreter cleans up
