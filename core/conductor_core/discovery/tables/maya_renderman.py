"""RenderMan for Maya, 21 and later (`Pxr…`, `rman…`), and what the older one left. https://rmanwiki.pixar.com/"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.maya_ask import MayaAsk
from conductor_core.discovery.maya_node import MayaNode
from conductor_core.discovery.node import Ask, Node, files, reads_node
from conductor_core.report import ScanOutput

_WORKSPACE = re.compile(r"<ws>/?", re.IGNORECASE)
_PIXAR = "https://rmanwiki.pixar.com/"

files("maya", "PxrTexture", "filename", kind="texture", source=_PIXAR)
files("maya", "PxrPtexture", "filename", kind="texture", source=_PIXAR)
files("maya", "PxrNormalMap", "filename", kind="texture", source=_PIXAR)
files("maya", "PxrBump", "filename", kind="texture", source=_PIXAR)
files("maya", "PxrProjectionLayer", "filename", kind="texture", source=_PIXAR)
files("maya", "PxrBakeTexture", "filename", kind="texture", role="write", source=_PIXAR)
files("maya", "PxrBakePointCloud", "filename", kind="cache", role="write", source=_PIXAR)
for _type in ("PxrMultiTexture", "PxrHexTileManifold", "PxrRoundCube"):
    _names = ["filename", *(f"filename{i}" for i in range(10))]
    files("maya", _type, *_names, kind="texture", source=_PIXAR)
for _type in ("PxrDomeLight", "PxrRectLight", "PxrPortalLight", "PxrEnvDayLight"):
    files("maya", _type, "lightColorMap", kind="texture", source=_PIXAR)
for _type in ("PxrRectLight", "PxrDiskLight", "PxrSphereLight", "PxrCylinderLight", "PxrDistantLight", "PxrMeshLight"):
    files("maya", _type, "iesProfile", kind="profile", source=_PIXAR)
for _type in ("PxrCookieLightFilter", "PxrGobo", "PxrGoboLightFilter", "PxrBarnLightFilter"):
    files("maya", _type, "map", kind="texture", source=_PIXAR)
files("maya", "PxrStdEnvMapLight", "rman__EnvMap", kind="texture", source=_PIXAR)
files("maya", "PxrCamera", "apertureMap", "lensMap", kind="image", source=_PIXAR)
files("maya", "PxrLayeredTexture", "filename", "maskTexture", kind="texture", source=_PIXAR + "PxrLayeredTexture")
files("maya", "PxrProjectionLayer", "channelsFilenames", kind="texture", source=_PIXAR + "PxrProjectionLayer")
files("maya", "PxrVisualizer", "matCap", kind="texture", source=_PIXAR + "PxrVisualizer")
files("maya", "PxrMaterialX", "filename", kind="material", source=_PIXAR + "PxrMaterialX")
for _type in ("PxrImagePlaneFilter", "PxrImageDisplayFilter"):
    files("maya", _type, "filename", kind="image", source=_PIXAR + _type)
for _type in ("rmanImageFile", "rmanTexture3d"):
    files("maya", _type, "File", kind="texture", source="seen in scenes saved by RenderMan for Maya 20")
files("maya", "PxrOSL", "shadername", kind="shader", source=_PIXAR)
files("maya", "RenderManArchive", "filename", "archivePath", kind="procedural", source=_PIXAR)
files("maya", "rmanOpenVDB", "file", "filename", kind="volume", source=_PIXAR)
files("maya", "OpenVDBVisualize", "VdbFilePath", kind="volume", source=_PIXAR)
files("maya", "OpenVDBRead", "VdbFilePath", "file", kind="volume", source="https://www.openvdb.org/documentation/")
files("maya", "rmanDisplay", "filePath", kind="image", role="write", source=_PIXAR)


@reads_node("maya", "rmanGlobals", "rmanBakingGlobals", source="https://rmanwiki.pixar.com/pages/viewpage.action?pageId=45749217")
def outputs(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield where RenderMan writes: a folder, in which `<ws>` is the project, and names within it."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    root = ask.places.project.root or os.path.dirname(ask.places.file)
    for folder, name in (("imageOutputDir", "imageFileFormat"), ("ribOutputDir", "ribFileFormat")):
        base = root
        for key, value in ask.stored(node, folder):
            output = ask.output(_WORKSPACE.sub("", value), f"{node.name}.{key}", root)
            base = output.path
            yield ScanOutput(value, base, output.referrer)
        for key, value in ask.stored(node, name):
            yield ask.output(value, f"{node.name}.{key}", base)


@reads_node("maya", "RenderMan", source="seen in scenes saved by RenderMan for Maya 20")
def leftovers(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that the settings of RenderMan for Maya 20 and earlier, which nothing can render any more, are not read."""
    if isinstance(ask, MayaAsk):
        for attribute in tuple(node.attributes()):
            text = node.text(attribute)
            if "/" in text and " " not in text:
                yield from ask.ignore(node, attribute, "settings of RenderMan for Maya 20 or earlier")
