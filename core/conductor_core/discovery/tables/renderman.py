"""RenderMan: which parameters of its plug-ins and which requests name files. Hosts that have its nodes share this table.

Plug-ins: the RIB form of each, https://nccastaff.bournemouth.ac.uk/jmacey/msc/renderman/links/plugins.23/; requests: the RenderMan
Interface Specification 3.2 (Pixar, 2005).
"""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.node import Ask, Node, files, reads_node
from conductor_core.discovery.unknown import ends_like_file

PATTERNS = LIGHTS = FILTERS = "https://nccastaff.bournemouth.ac.uk/jmacey/msc/renderman/links/plugins.23/"
GOBO = "https://renderman.atlassian.net/wiki/spaces/REN23/pages/19039648/PxrGoboLightFilter"
AREA = "https://renderman.pixar.com/resources/RenderMan_20/PxrStdAreaLight.html"
SPECIFICATION = "RenderMan Interface Specification 3.2 (Pixar, 2005)"

#: plug-ins, parameters, kind, page
READ: tuple[tuple[tuple[str, ...], tuple[str, ...], Kind, str], ...] = (
    (("PxrTexture", "PxrPtexture", "PxrNormalMap", "PxrBump", "PxrAdjustNormal"), ("filename",), "texture", PATTERNS),
    (("PxrMultiTexture",), tuple(f"filename{n}" for n in range(10)), "texture", PATTERNS),
    (("PxrLayeredTexture",), ("filename", *(f"filename{n}" for n in range(10))), "texture", PATTERNS),
    (("PxrProjectionLayer", "PxrProjector"), ("filename", "channelsFilename"), "texture", PATTERNS),
    (("PxrMaterialX",), ("filename",), "material", PATTERNS),
    (("PxrOSL",), ("shader",), "shader", PATTERNS),
    (("PxrDomeLight", "PxrRectLight", "PxrDiskLight", "PxrMeshLight", "PxrPortalLight"), ("lightColorMap",), "texture", LIGHTS),
    (("PxrRectLight", "PxrDiskLight", "PxrSphereLight", "PxrCylinderLight"), ("iesProfile",), "profile", LIGHTS),
    (("PxrGoboLightFilter", "PxrCookieLightFilter", "PxrGobo"), ("map",), "texture", GOBO),
    (("PxrStdAreaLight",), ("rman__EmissionMap", "rman__LightProfile"), "texture", AREA),
    (("PxrStdEnvMapLight", "PxrStdEnvDayLight"), ("rman__EnvMap",), "texture", AREA),
    (("PxrImagePlaneFilter", "PxrImageDisplayFilter"), ("filename",), "image", FILTERS),
    (("ReadArchive", "DelayedReadArchive"), ("file",), "procedural", SPECIFICATION),
    (
        ("MakeTexture", "MakeLatLongEnvironment", "MakeCubeFaceEnvironment", "MakeShadow", "MakeBump"),
        ("picture",),
        "texture",
        SPECIFICATION,
    ),
    (("Blobby",), ("file",), "volume", SPECIFICATION),
)

for _types, _parameters, _kind, _page in READ:
    for _type in _types:
        files("renderman", _type, *_parameters, kind=_kind, source=_page)

for _type in ("PxrBakeTexture", "PxrBakePointCloud"):
    files("renderman", _type, "filename", kind="texture", source=PATTERNS, role="write")
files("renderman", "statistics", "xmlfilename", "jsonFilename", "filename", kind="data", source=SPECIFICATION, role="write")
files("renderman", "Display", "file", kind="image", source=SPECIFICATION, role="write")
for _type in ("MakeTexture", "MakeLatLongEnvironment", "MakeCubeFaceEnvironment", "MakeShadow", "MakeBump"):
    files("renderman", _type, "texture", kind="texture", source=SPECIFICATION, role="write")


@reads_node("renderman", "searchpath", source=SPECIFICATION)
def search_paths(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that search paths are folders to look in, and not files."""
    for name in node.attributes():
        yield from ask.ignore(node, name, "a search path: files are looked for in it, by the names that requests give")


@reads_node("renderman", "Display", source=SPECIFICATION)
def metadata(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that what a display writes into its image is no file: `"string exrheader_scene" ["/show/a.ma"]`."""
    for name in node.attributes():
        if name != "file" and ends_like_file(node.text(name)):
            yield from ask.ignore(node, name, "metadata of the image")


@reads_node("renderman", "PxrSeExpr", source=PATTERNS)
def expression(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that the text of an expression is no path."""
    yield from ask.ignore(node, "expression", "the text of an expression")


@reads_node("renderman", "DynamicLoad", "RunProgram", source=SPECIFICATION)
def programs(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that a procedural's program comes with the software."""
    yield from ask.ignore(node, "file", "a plug-in or program: it comes with the software, not with the scene")
