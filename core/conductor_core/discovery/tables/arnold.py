"""Arnold: which parameters of its nodes hold paths. Hosts that have Arnold's nodes under names of their own share this table.

`filename` of the nodes whose paths Arnold maps: https://help.autodesk.com/view/ARNOL/ENU/?guid=arnold_user_guide_ac_rendering_ac_path_mapping_html
"""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.node import Ask, Node, files, reads_node
from conductor_core.discovery.reach import Frames, WithTwins

GUIDE = "https://help.autodesk.com/view/ARNOL/ENU/?guid=arnold_user_guide_"
PATHS = GUIDE + "ac_rendering_ac_path_mapping_html"
TEXTURES = "https://help.autodesk.com/view/ARNOL/ENU/?guid=arnold_for_maya_texture_am_Ai_Image_html"
SCENE = GUIDE + "ac_scene_source_html"
SEEN = "as public code writes it; no file of it was there to try"
PROCEDURALS = GUIDE + "ac_shapes_ac_arnold_procedural_html"

DRIVERS = ("driver_exr", "driver_deepexr", "driver_tiff", "driver_jpeg", "driver_jpg", "driver_png", "driver_cryptomatte")

#: what `filename` names may lead on: an included graph or a procedural is a scene of its own
for type_ in ("include_graph",):
    files("arnold", type_, "filename", kind="procedural", source=PATHS)
files("arnold", "include", "filename", kind="procedural", source=SCENE)
files("arnold", "alembic", "filename", "layers", kind="cache", source=PATHS)
files("arnold", "usd", "filename", kind="layer", source=PATHS)
files("arnold", "materialx", "filename", kind="material", source=PATHS)
files("arnold", "volume", "filename", kind="volume", source=PATHS)
files("arnold", "volume_implicit", "filename", kind="volume", source=PATHS)
files("arnold", "photometric_light", "filename", kind="profile", source=PATHS)
files("arnold", "color_manager_ocio", "config", kind="ocio", source=PATHS)
for type_ in DRIVERS:
    files("arnold", type_, "filename", kind="image", source=PATHS, role="write")
files("arnold", "options", "log_file", "stats_file", "profile_file", kind="other", source=SEEN, role="write")


@reads_node("arnold", *DRIVERS, source=SEEN)
def metadata(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that what a driver writes into its image is no file: `custom_attributes "STRING scene /show/a.ma"`."""
    yield from ask.ignore(node, "custom_attributes", "metadata of the image")


@reads_node("arnold", "image", "MayaFile", "MayaImagePlane", source=TEXTURES)
def texture(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield a texture, and the `.tx` beside it that Arnold takes where there is one."""
    yield from ask.read(node, "filename", "texture", reach=WithTwins(Frames(ask.survey.frames), (".tx",)))


@reads_node("arnold", "procedural", source=PROCEDURALS)
def procedural(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield a procedural's file with the table of contents beside an `.ass.gz` (MtoA and XGen write it); `dso` is Arnold 4's name."""
    reach = WithTwins(Frames(ask.survey.frames), (".asstoc",))
    yield from ask.read(node, "filename", "procedural", reach=reach)
    dso = node.text("dso")
    if dso.lower().endswith((".so", ".dll", ".dylib")):
        yield from ask.ignore(node, "dso", "a plug-in: it comes with the software, not with the scene")
    else:
        yield from ask.read(node, "dso", "procedural", reach=reach)


@reads_node("arnold", "options", source=PATHS)
def search_paths(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that search paths are folders to look in, and not files."""
    for name in ("texture_searchpath", "procedural_searchpath", "asset_searchpath"):
        yield from ask.ignore(node, name, "a search path: files are looked for in it, by the names that nodes give")
    for name in ("plugin_searchpath", "shader_searchpath"):
        yield from ask.ignore(node, name, "plug-ins come with the software, not with the scene")


@reads_node("arnold", "osl", source=SEEN)
def osl(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield a compiled shader that is named as a file; the code of a shader is no path."""
    if node.text("shadername").lower().endswith((".oso", ".osl")):
        yield from ask.read(node, "shadername", "shader")
    else:
        yield from ask.ignore(node, "shadername", "the name of a shader, not of a file")
    yield from ask.ignore(node, "code", "the code of a shader")


@reads_node("arnold", "set_parameter", "string_replace", source=SEEN)
def operators(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that texts of operators are rules: what they come to is told when the scene renders."""
    for name in ("assignment", "match", "replace"):
        yield from ask.ignore(node, name, "an operator's rule, not a path")
