"""Nuke's nodes that read or write files, and those of widespread plug-ins.

To add one: a row of `_READS` or `_WRITES`, or a function with `@reads_node`. What no row knows is judged by the name of its knob
(`conductor_core.discovery.nuke_unknown`). Names of knobs as the node reference gives them under "Knob (Scripting)".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.node import Ask, Node, files, reads_node

REFERENCE = "https://learn.foundry.com/nuke/content/reference_guide/"

_READS: tuple[tuple[str, tuple[str, ...], Kind, str], ...] = (
    ("Read", ("file", "proxy"), "image", "image_nodes/read.html"),
    ("DeepRead", ("file", "proxy"), "image", "deep_nodes/deepread.html"),
    ("AudioRead", ("file",), "sound", "other_nodes/audioread.html"),
    ("MindRead", ("file",), "image", "image_nodes/read.html"),
    ("PSDMerge", ("file",), "image", "image_nodes/read.html"),
    ("TextureFile", ("file",), "texture", "image_nodes/read.html"),
    ("UnrealReader", ("file",), "image", "image_nodes/unrealreader.html"),
    ("Vectorfield", ("vfield_file",), "lut", "color_nodes/vectorfield.html"),
    ("OCIOFileTransform", ("file",), "lut", "color_nodes/ociofiletransform.html"),
    ("ApplyLUT", ("file", "lut_file"), "lut", "color_nodes/vectorfield.html"),
    ("Truelight", ("profile", "display", "cube", "path"), "lut", "color_nodes/truelight.html"),
    ("ScannedGrain", ("grain_file", "grain"), "image", "draw_nodes/scannedgrain.html"),
    ("Inference", ("modelFile",), "data", "air_nodes/inference.html"),
    ("GPUFileShader", ("file", "shader_file"), "shader", "other_nodes/all_plugins.html"),
    ("IT8_Reader", ("file",), "data", "other_nodes/all_plugins.html"),
    ("LensDistortion2", ("file", "lensFile"), "data", "transform_nodes/lensdistortion.html"),
    ("EnvironmentLight", ("file", "texture_file"), "texture", "3d_nodes/lights.html"),
    ("ReadOIIO", ("file", "filename"), "image", "image_nodes/read.html"),
    ("OFXfr.inria.openfx.ReadOIIO", ("filename", "proxy"), "image", "https://natron.readthedocs.io/"),
    ("OFXfr.inria.openfx.ReadFFmpeg", ("filename", "proxy"), "movie", "https://natron.readthedocs.io/"),
    ("OFXfr.inria.openfx.OCIOFileTransform", ("file",), "lut", "https://natron.readthedocs.io/"),
    ("ReadMaterialX", ("file",), "material", "3d_nodes.html"),
    ("VDBRead", ("file",), "volume", "3d_nodes.html"),
    ("ReadVDB", ("file",), "volume", "3d_nodes.html"),
)
_WRITES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("Write", ("file", "proxy"), "image_nodes/write.html"),
    ("DeepWrite", ("file", "proxy"), "deep_nodes/deepwrite.html"),
    ("WriteGeo", ("file",), "3d_nodes/writegeo.html"),
    ("GeoExport", ("file", "file_path"), "3d_nodes.html"),
    ("AudioWrite", ("file",), "other_nodes.html"),
    ("GenerateLUT", ("file",), "color_nodes/generatelut.html"),
    ("GenerateLUTGeo", ("file",), "color_nodes/generatelut.html"),
    ("IT8_Writer", ("file",), "other_nodes/all_plugins.html"),
    ("CatFileCreator", ("catFile", "file"), "air_nodes/catfilecreator.html"),
    ("OFXfr.inria.openfx.WriteOIIO", ("filename", "proxy"), "https://natron.readthedocs.io/"),
    ("OFXfr.inria.openfx.WriteFFmpeg", ("filename", "proxy"), "https://natron.readthedocs.io/"),
)


def _page(page: str) -> str:
    return page if page.startswith("https:") else REFERENCE + page


for _type, _knobs, _kind, _where in _READS:
    files("nuke", _type, *_knobs, kind=_kind, source=_page(_where))
for _type, _knobs, _where in _WRITES:
    files("nuke", _type, *_knobs, kind="image", source=_page(_where), role="write")

_OFF = ("", "false", "0", "off")
_GEOMETRY: dict[str, Kind] = {
    ".abc": "cache",
    ".fbx": "geometry",
    ".obj": "geometry",
    ".chan": "data",
    ".usd": "layer",
    ".usda": "layer",
    ".usdc": "layer",
    ".usdz": "layer",
}


def _geometry(node: Node, ask: Ask, knob: str) -> Iterator[Finding]:
    """Yield a scene file; only USD points on to files that Nuke reads (it takes no materials from .obj or .abc)."""
    kind = _GEOMETRY.get(os.path.splitext(node.text(knob))[1].lower(), "geometry")
    for finding in ask.read(node, knob, kind):
        yield replace(finding, follow=kind == "layer") if isinstance(finding, Usage) else finding


@reads_node(
    "nuke",
    "ReadGeo",
    "ReadGeo2",
    "GeoImport",
    "Camera4",
    "Axis4",
    "Light4",
    "ParticleEmitterGeo",
    source=REFERENCE + "3d_nodes/readgeo.html",
)
def geometry(node: Node, ask: Ask) -> Iterator[Finding]:
    """Scene files of geometry, cameras and lights."""
    yield from _geometry(node, ask, "file")


@reads_node(
    "nuke",
    "GeoReference",
    "GeoCamera",
    "GeoTransform",
    "UsdImport",
    "UsdRead",
    "UsdCameraImport",
    source=REFERENCE + "3d_nodes.html",
)
def geometry_by_path(node: Node, ask: Ask) -> Iterator[Finding]:
    """Nodes of the USD-based 3D system."""
    for knob in ("file", "file_path", "chan_file"):
        yield from _geometry(node, ask, knob)


@reads_node(
    "nuke",
    "Camera",
    "Camera2",
    "Camera3",
    "Axis",
    "Axis2",
    "Axis3",
    "Light",
    "Light2",
    "Light3",
    source=REFERENCE + "3d_nodes/camera.html",
)
def imported_transform(node: Node, ask: Ask) -> Iterator[Finding]:
    """The scene file of a camera, axis or light is read where `read from file` is on."""
    if node.text("read_from_file").lower() in _OFF:
        yield from ask.ignore(node, "file", "read_from_file is off")
    else:
        yield from _geometry(node, ask, "file")


@reads_node("nuke", "OCIOCDLTransform", "OCIOCDL", source=REFERENCE + "color_nodes/ociocdltransform.html")
def colour_decision(node: Node, ask: Ask) -> Iterator[Finding]:
    """The .ccc, .cc or .cdl is read where `read from file` is on."""
    if node.text("read_from_file").lower() in _OFF:
        yield from ask.ignore(node, "file", "read_from_file is off")
    else:
        yield from ask.read(node, "file", "lut")


@reads_node("nuke", "ModifyRIB", source=REFERENCE + "3d_nodes/modifyrib.html")
def rib_archive(node: Node, ask: Ask) -> Iterator[Finding]:
    """The archive is read where `use RIB archive` is on."""
    if node.text("useRibArchive").lower() in _OFF:
        yield from ask.ignore(node, "ribArchive", "useRibArchive is off")
    else:
        yield from ask.read(node, "ribArchive", "procedural")


@reads_node("nuke", "Precomp", "LiveGroup", source=REFERENCE + "other_nodes/precomp.html")
def other_script(node: Node, ask: Ask) -> Iterator[Finding]:
    """A script that is read into this one."""
    yield from ask.read(node, "file", "gizmo")


@reads_node(
    "nuke", "BlinkScript", "ParticleBlinkScript", "ParticleBlinkScriptRender", source=REFERENCE + "other_nodes/blinkscript.html"
)
def kernel(node: Node, ask: Ask) -> Iterator[Finding]:
    """The kernel's source is stored in the script; its file is read when somebody presses `Load`."""
    for finding in ask.read(node, "kernelSourceFile", "shader"):
        inside = "kernelSource" in node.attributes()
        yield (
            replace(finding, absent_is="the kernel's source is in the script itself")
            if inside and isinstance(finding, Usage)
            else finding
        )


@reads_node("nuke", "ParticleCache", source=REFERENCE + "particle_nodes/particlecache.html")
def particles(node: Node, ask: Ask) -> Iterator[Finding]:
    """Particles that were stored; without them they are simulated."""
    for finding in ask.read(node, "file", "cache"):
        yield (
            replace(finding, absent_is="the particles were not stored: they are simulated")
            if isinstance(finding, Usage)
            else finding
        )


@reads_node("nuke", "CopyCat", source=REFERENCE + "air_nodes/copycat.html")
def training(node: Node, ask: Ask) -> Iterator[Finding]:
    """What CopyCat trains with and writes is not read by a render; a checkpoint to start from is its user's own."""
    for knob in ("dataDirectory", "checkpointFile", "initialCheckpoint", "crossValidationDirectory"):
        yield from ask.ignore(node, knob, "CopyCat reads and writes it in training only")


#: `{ Impact : Regular : impact.ttf : 0 }`: family, style, file, number in the file
_FREETYPE = re.compile(r"\A[\s{]*([^:{}]*) : ([^:{}]*) : (.*) : (\d+)[\s}]*\Z", re.DOTALL)


@reads_node("nuke", "Text", "Text2", "BurnIn", source=REFERENCE + "draw_nodes/text.html")
def font(node: Node, ask: Ask) -> Iterator[Finding]:
    """A font by its path; one by its family has to be installed where the script renders."""
    stored = node.text("font")
    match = _FREETYPE.match(stored) if len(stored) < 2000 else None
    if match and "/" not in match[3] and "\\" not in match[3]:
        yield from ask.ignore(node, "font", "a font by its family: it has to be installed where the script is rendered")
    elif match:
        yield from ask.read(node, "font", "font", text=match[3])
    elif "defaultFontPathname" in stored:
        yield from ask.ignore(node, "font", "ships with Nuke")
    else:
        yield from ask.read(node, "font", "font")
