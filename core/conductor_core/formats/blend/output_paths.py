"""Where a scene writes its frames: the render output and the File Output nodes of its compositor.

https://docs.blender.org/api/current/bpy.types.RenderSettings.html, CompositorNodeOutputFile.html; names of movies as
`ffmpeg_filepath_get` makes them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from conductor_core.discovery.blender_outputs import EXTENSIONS, HASHES, MULTILAYER, hashed
from conductor_core.formats.blend.reading import Reading, Slot
from conductor_core.formats.blend.record import Record
from conductor_core.formats.blend.register import in_node
from conductor_core.formats.blend.templates import filled_template

#: `ImageFormatData.imtype` (DNA_scene_types.h) → what `bpy` calls it
_FORMATS = {
    **{17: "PNG", 4: "JPEG", 23: "OPEN_EXR", 28: MULTILAYER, 22: "TIFF", 0: "TARGA", 14: "TARGA_RAW", 20: "BMP", 21: "HDR"},
    **{27: "DPX", 26: "CINEON", 30: "JPEG2000", 1: "IRIS", 35: "WEBP"},
}
#: AVI raw and JPEG, FFmpeg, and what FFmpeg was called by its formats until 2.7x
_MOVIES = (15, 16, 24, 31, 32, 33)
#: `FFMpegCodecData.type` → extensions
_MOVIE_EXTENSIONS: dict[int, tuple[str, ...]] = {
    **{0: (".mpg", ".mpeg"), 1: (".dvd", ".vob", ".mpg", ".mpeg"), 2: (".mp4", ".mpg", ".mpeg"), 3: (".avi",), 4: (".mov",)},
    **{5: (".dv",), 6: (".avi",), 7: (".avi",), 8: (".flv",), 9: (".mkv",), 10: (".ogv", ".ogg"), 12: (".webm",)},
}
#: `RenderData.scemode`: extension, compositing, views
EXTENSION, COMPOSITING, MULTIVIEW = 1 << 4, 1 << 6, 1 << 21
#: `SceneRenderView.viewflag`, `bNode.flag`
_VIEW_OFF, _MUTED = 1 << 0, 1 << 9


@dataclass(frozen=True, slots=True)
class SceneOutput:
    """One path that a scene writes for each frame."""

    slot: Slot
    #: absolute, `####` for the frame; empty where the templates in the text cannot be filled
    path: str
    #: `image`, `movie`
    kind: str = "image"
    #: False where this scene does not write it as it is set up
    active: bool = True
    multilayer: bool = False
    #: it is the scene's own output, not that of a node
    is_render: bool = False


def scene_outputs(reading: Reading, scene: Record) -> Iterator[SceneOutput]:
    """Yield every path that a scene writes at a frame."""
    render = scene.part("r")
    if render is None:
        return
    for suffix in _views(render):
        yield _render_output(reading, scene, render, suffix)
    tree, active = _compositing(scene, render)
    for owner_tree, node in _output_nodes(tree) if tree is not None else ():
        yield from _node_outputs(reading, scene, owner_tree, node, active=active)


def _compositing(scene: Record, render: Record) -> tuple[Record | None, bool]:
    """Return the tree (a datablock of its own since 5.0) and whether rendering runs it."""
    runs = bool(render.number("scemode") & COMPOSITING)
    group = scene.follow("compositing_node_group")
    if group is not None:
        return group, runs
    return scene.follow("nodetree"), runs and bool(scene.number("use_nodes"))


def _render_output(reading: Reading, scene: Record, render: Record, suffix: str) -> SceneOutput:
    slot = Slot(scene.owner, render.text("pic"), "filepath", " render")
    settings = render.part("im_format")
    image_type = settings.number("imtype", 17) if settings else 17
    movie = image_type in _MOVIES
    text = filled_template(reading, scene, slot.text)
    if text is None:
        return SceneOutput(slot, "", "movie" if movie else "image", is_render=True)
    use_extension = bool(render.number("scemode") & EXTENSION)
    folder, name = _split(text)
    if movie:
        name = _movie_name(render, name, use_extension=use_extension, image_type=image_type)
    else:
        name = hashed(name, _extensions(image_type & 0xFF) or (".png",) if use_extension else None)
    if suffix:
        stem, extension = os.path.splitext(name)
        name = stem + suffix + extension
    path = _joined(reading, slot, folder, name)
    return SceneOutput(slot, path, "movie" if movie else "image", multilayer=_is_multilayer(image_type), is_render=True)


def _movie_name(render: Record, name: str, *, use_extension: bool, image_type: int) -> str:
    codec = render.part("ffcodecdata")
    default = (".avi",) if image_type in (15, 16) else (".mp4", ".mkv")
    extensions = default if image_type in (15, 16) else _MOVIE_EXTENSIONS.get(codec.number("type") if codec else 2, default)
    whole = f"{render.number('sfra'):04d}-{render.number('efra'):04d}"
    if use_extension and name.lower().endswith(extensions):
        return name
    if use_extension or HASHES.search(name):
        runs = list(HASHES.finditer(name))
        name = name[: runs[-1].start()] + whole + name[runs[-1].end() :] if runs else name + whole
    return name + extensions[0] if use_extension else name


def _views(render: Record) -> tuple[str, ...]:
    """Return the suffixes of views that get files of their own; "" where the file has no view in its name."""
    settings = render.part("im_format")
    if not render.number("scemode") & MULTIVIEW or (settings and settings.number("views_format")):
        return ("",)
    return tuple(v.text("suffix") for v in render.listed("views") if not v.number("viewflag") & _VIEW_OFF)


def _output_nodes(tree: Record) -> Iterator[tuple[Record, Record]]:
    """Yield (tree, node) for the File Output nodes of a tree and of the groups in it."""
    waiting, seen = [tree], {tree.own}
    while waiting:
        one = waiting.pop()
        for node in one.listed("nodes"):
            settings = node.follow("storage")
            if settings is not None and settings.struct.name in (
                "NodeImageMultiFile",
                "NodeImageFile",
                "NodeCompositorFileOutput",
            ):
                yield one, node
            group = node.datablock("id")
            if group is not None and group.code == b"NT" and group.address not in seen:
                seen.add(group.address)
                inner = node.follow("id")
                waiting += [inner] if inner is not None else []


def _node_outputs(reading: Reading, scene: Record, tree: Record, node: Record, *, active: bool) -> Iterator[SceneOutput]:
    settings = node.follow("storage")
    image_format = settings.part("format") or settings.part("im_format") if settings else None
    if settings is None or image_format is None:
        return
    render = scene.part("r")
    attribute = "directory" if settings.has("items") else "base_path"
    slot = Slot(tree.owner, settings.text("base_path", "directory", "name"), attribute, in_node(node))
    use_extension = bool(render and render.number("scemode") & EXTENSION)
    for name, image_type in _node_files(node, settings, image_format):
        extensions = _extensions(image_type) if use_extension else None
        written = slot.text + ("" if not name or slot.text.endswith(("/", "\\")) or not slot.text else "/") + name
        text = filled_template(reading, scene, written, node=node.text("name"))
        path = "" if text is None else _joined(reading, slot, *_split(hashed(text, extensions)))
        on = active and not node.number("flag") & _MUTED
        yield SceneOutput(slot, path, active=on, multilayer=_is_multilayer(image_type))


def _node_files(node: Record, settings: Record, image_format: Record) -> Iterator[tuple[str, int]]:
    """Yield (name, type) of each file that a node writes: one for all layers, or one for each slot."""
    image_type = image_format.number("imtype")
    if settings.has("items"):
        stem = settings.text("file_name")
        if _is_multilayer(image_type):
            yield stem, image_type
            return
        for item in settings.array("items"):
            own = item.part("format") if item.number("override_node_format") else None
            yield stem + item.text("name"), own.number("imtype") if own else image_type
    elif _is_multilayer(image_type) or settings.struct.name == "NodeImageFile":
        yield "", image_type
    else:
        for socket in node.listed("inputs"):
            one = socket.follow("storage")
            if one is not None:
                own = one.part("format") if not one.number("use_node_format") else None
                yield one.text("path"), own.number("imtype") if own else image_type


def _extensions(image_type: int) -> tuple[str, ...] | None:
    return EXTENSIONS.get(_FORMATS.get(image_type, ""))


def _is_multilayer(image_type: int) -> bool:
    return _FORMATS.get(image_type) == MULTILAYER


def _split(text: str) -> tuple[str, str]:
    cut = max(text.rfind("/"), text.rfind("\\")) + 1
    return text[:cut], text[cut:]


def _joined(reading: Reading, slot: Slot, folder: str, name: str) -> str:
    base = reading.path(Slot(slot.owner, folder or "//")) if folder.startswith("//") else reading.path(Slot(slot.owner, folder))
    return os.path.join(base, name) if base is not None else os.path.normpath(folder + name)
