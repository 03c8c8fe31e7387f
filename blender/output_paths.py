# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a scene writes its frames: the render output and the File Output nodes of its compositor.

https://docs.blender.org/api/current/bpy.types.RenderSettings.html, CompositorNodeOutputFile.html
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conductor_core.discovery.blender_outputs import EXTENSIONS, HASHES, MULTILAYER, hashed, pixels
from conductor_core.discovery.blender_places import absolute
from conductor_core.report import ScanOutput, Unresolved
from conductor_core.submission import Output

from .readers import in_node, reads
from .survey import Survey, ignored
from .usage import Finding, Slot, Written

MOVIE_FORMATS = ("FFMPEG", "AVI_JPEG", "AVI_RAW")


@dataclass(frozen=True, slots=True)
class SceneOutput:
    """One path that a scene writes for each frame."""

    #: where the text stands
    slot: Slot
    #: absolute, `####` for the frame; empty where Blender cannot read the templates in the text
    path: str
    kind: str
    #: False where this scene does not write it as it is set up
    active: bool
    multilayer: bool = False


@reads("scenes")
def outputs(_survey: Survey, scene: Any) -> Iterator[Finding]:
    """Yield where a scene writes, and the paths that look like it but only matter to baking."""
    for found in scene_outputs(scene):
        if not found.slot.text():
            continue
        if scene.library is not None:
            yield from ignored(found.slot, "the scene is linked: it is not the one that renders")
        elif found.active and not found.path:
            yield Unresolved(found.slot.text(), found.slot.referrer(), "Blender cannot read the templates in it")
        elif found.active:
            yield Written(ScanOutput(found.slot.text(), found.path, found.slot.referrer()), found.slot)
        else:
            yield from ignored(found.slot, "this scene does not write it: muted, or its compositing is off")
    bake = Slot(scene, scene.render.bake, "filepath", " bake")
    if bake.text() not in ("", "//"):
        yield from ignored(bake, "baking writes there, rendering does not")


def scene_outputs(scene: Any) -> Iterator[SceneOutput]:
    """Yield every path that a scene writes at a frame."""
    for view in _views(scene):
        yield _render_output(scene, view)
    tree, active = compositing(scene)
    if tree is not None:
        for owner, node in _output_nodes(tree):
            yield from _node_outputs(scene, owner, node, active)


def size(scene: Any) -> tuple[int, int]:
    """Return width and height of a scene's frames in pixels."""
    render = scene.render
    crop = None
    if render.use_border and render.use_crop_to_border:
        crop = (render.border_min_x, render.border_max_x), (render.border_min_y, render.border_max_y)
    return pixels((render.resolution_x, render.resolution_y), render.resolution_percentage, crop)


def layers(scene: Any) -> tuple[str, ...]:
    """Return the layers that a multilayer file of the scene is sure to have: the combined pass of each view layer."""
    return tuple(f"{layer.name}.Combined" for layer in scene.view_layers if layer.use and layer.use_pass_combined)


def as_outputs(scene: Any) -> tuple[Output, ...]:
    """Return the scene's active outputs as a submission names them."""
    width, height = (0, 0) if _side_by_side(scene) else size(scene)
    found = []
    for one in scene_outputs(scene):
        if not one.path:
            continue
        if one.active and one.kind == "movie":
            found.append(Output(one.path, "movie"))
        elif one.active:
            is_render = one.slot.struct == scene.render
            names = layers(scene) if one.multilayer and is_render else ()
            found.append(Output(one.path, "image", width, height, names) if is_render else Output(one.path))
    return tuple(found)


def frame_file(path: str, frame: int) -> str:
    """Return the file of a frame: the last run of `#` in the name replaced, the sign in front of its digits."""
    folder, name = os.path.split(path)
    runs = list(HASHES.finditer(name))
    if not runs:
        return path
    last = runs[-1]
    digits = f"{abs(frame):0{len(last[0])}d}"
    return os.path.join(folder, name[: last.start()] + ("-" if frame < 0 else "") + digits + name[last.end() :])


def compositing(scene: Any) -> tuple[Any, bool]:
    """Return a scene's compositing tree (None without) and whether rendering runs it."""
    tree = getattr(scene, "compositing_node_group", None)  # 5.0
    if tree is not None:
        return tree, scene.render.use_compositing
    tree = getattr(scene, "node_tree", None)
    return tree, bool(tree is not None and scene.use_nodes and scene.render.use_compositing)


def _render_output(scene: Any, view: str) -> SceneOutput:
    render = scene.render
    settings = render.image_settings
    slot = Slot(scene, render, "filepath", " render")
    movie = settings.file_format in MOVIE_FORMATS
    # Blender itself evaluates templates (4.5: `{blend_name}`), extension and view; two frames tell where the number is.
    text = render.filepath
    digits = HASHES.findall(os.path.basename(text.replace("\\", "/")))
    width = len(digits[-1]) if digits else 4
    try:
        low, high = (os.path.normpath(render.frame_path(frame=f, view=view)) for f in (0, 10**width - 1))
    except RuntimeError:
        low = high = ""
    path = low if movie else "".join("#" if a != b else a for a, b in zip(low, high, strict=True))
    return SceneOutput(slot, path, "movie" if movie else "image", True, settings.file_format == MULTILAYER)


def _views(scene: Any) -> tuple[str, ...]:
    """Return the views that get files of their own; "" where the file has no view in its name."""
    render = scene.render
    if not render.use_multiview or render.image_settings.views_format != "INDIVIDUAL":
        return ("",)
    return tuple(v.name for v in render.views if v.use)


def _side_by_side(scene: Any) -> bool:
    return bool(scene.render.use_multiview and scene.render.image_settings.views_format == "STEREO_3D")


def _output_nodes(tree: Any) -> Iterator[tuple[Any, Any]]:
    for node in tree.nodes:
        if node.bl_idname == "CompositorNodeOutputFile":
            yield tree, node
        elif node.bl_idname == "CompositorNodeGroup" and node.node_tree is not None:
            yield from _output_nodes(node.node_tree)


def _node_outputs(scene: Any, tree: Any, node: Any, active: bool) -> Iterator[SceneOutput]:
    import bpy

    active = active and not node.mute
    folder = os.path.dirname(bpy.data.filepath)
    multilayer = node.format.file_format == MULTILAYER
    owner = scene if tree.is_embedded_data else tree
    if hasattr(node, "base_path"):
        slot = Slot(owner, node, "base_path", in_node(node))
        names = [""] if multilayer else [s.path for s in node.file_slots]
        formats = [node.format] if multilayer else [node.format if s.use_node_format else s.format for s in node.file_slots]
    else:
        slot = Slot(owner, node, "directory", in_node(node))
        items = list(node.file_output_items)
        names = [node.file_name] if multilayer else [node.file_name + i.name for i in items]
        formats = [node.format] if multilayer else [i.format if i.override_node_format else node.format for i in items]
    for name, image_format in zip(names, formats, strict=True):
        extensions = EXTENSIONS.get(image_format.file_format) if scene.render.use_file_extension else None
        path = evaluated(scene, os.path.join(slot.text(), name) if name else slot.text(), node.name)
        path = path and hashed(absolute(path, folder) or path, extensions)
        yield SceneOutput(slot, path, "image", active, multilayer)


def evaluated(scene: Any, text: str, node_name: str) -> str:
    """Return a node's path with its templates (4.5 and later) evaluated, "" where Blender cannot read them.

    Blender evaluates only the render path for us, so the text stands there for a moment, as a folder: what `frame_path`
    appends comes behind it.
    """
    if "{" not in text:
        return text
    text = text.replace("{node_name}", node_name.replace("{", "{{").replace("}", "}}"))
    kept = scene.render.filepath
    scene.render.filepath = f"{text}/x"
    try:
        return os.path.dirname(str(scene.render.frame_path(frame=0)))
    except RuntimeError:
        return ""
    finally:
        scene.render.filepath = kept
