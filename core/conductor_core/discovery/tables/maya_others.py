"""Other renderers and plug-ins of Maya: Corona, mental ray, Indigo, appleseed, PBRT, Yeti, Golaem, Ornatrix, Phoenix FD …"""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.maya_ask import MayaAsk
from conductor_core.discovery.maya_node import MayaNode, short_names
from conductor_core.discovery.node import Ask, Node, files, reads_node
from conductor_core.discovery.reach import Folder

_OPEN_MAYA = "https://github.com/haggi/OpenMaya"
_MENTAL_RAY = "seen in scenes saved by Maya with mental ray"
_PBRT = "https://github.com/hpd/PBRTForMaya"
_YETI = "https://peregrinelabs.com/"
_ORNATRIX = "https://ephere.com/plugins/autodesk/maya/ornatrix/docs/"
_PHOENIX = "https://docs.chaos.com/display/PHX4MAYA"
_GOLAEM = "https://help.autodesk.com/cloudhelp/ENU/GOLAEM-Maya/files/reference-guide/rendering-0/glm_crowd-render-proxy.html"

short_names("PBRTRenderSettings", cameraRealisticLensFile="crlf", pbrtPath="pbrtp")
short_names("mentalrayTexture", "mentalrayLightProfile", fileTextureName="ftn", fileName="fn")
short_names("mentalrayIblShape", texture="tx")
short_names("mentalrayOptions", finalGatherFilename="fgfn", photonMapFilename="pmfn")
short_names("pgYetiMaya", cacheFileName="cfn", imageSearchPath="isp", outputCacheFileName="ocfn")

files("maya", "CoronaLight", "iesProfile", kind="profile", source=_OPEN_MAYA)
files(
    "maya",
    "coronaGlobals",
    "imagePath",
    "optimizedTexturePath",
    "exportSceneFileName",
    kind="image",
    role="write",
    source=_OPEN_MAYA,
)
files(
    "maya",
    "indigoGlobals",
    "imagePath",
    "optimizedTexturePath",
    "exportSceneFileName",
    kind="image",
    role="write",
    source=_OPEN_MAYA,
)
files(
    "maya",
    "appleseedGlobals",
    "imagePath",
    "optimizedTexturePath",
    "exportSceneFileName",
    kind="image",
    role="write",
    source=_OPEN_MAYA,
)
files("maya", "indigoGlobals", "tone_cameraResponse_function_path", kind="data", source=_OPEN_MAYA)
files("maya", "inDiffuse", "iesProfile", kind="profile", source=_OPEN_MAYA)
files("maya", "PBRTRenderSettings", "cameraRealisticLensFile", kind="data", source=_PBRT)
files("maya", "mentalrayTexture", "fileTextureName", kind="texture", source=_MENTAL_RAY)
files("maya", "mentalrayLightProfile", "fileName", kind="profile", source=_MENTAL_RAY)
files("maya", "mentalrayIblShape", "texture", kind="texture", source=_MENTAL_RAY)
files("maya", "mentalrayProxy", "fileName", kind="proxy", source=_MENTAL_RAY)
files("maya", "pgYetiMaya", "cacheFileName", "groomFileName", kind="cache", source=_YETI)
files("maya", "pgYetiMaya", "outputCacheFileName", kind="cache", role="write", source=_YETI)
files("maya", "GroomNode", "groomFile", kind="cache", source=_ORNATRIX)
files("maya", "BakedHairNode", "sourceFilePath", "sourceFile", kind="cache", source=_ORNATRIX)
files("maya", "SurfaceCombNode", "filePath", kind="cache", source=_ORNATRIX)
for _type in ("PhoenixFDSimulator", "FluidSimulator", "phxSimulator"):
    files("maya", _type, "inputPath", "inPath", "input_path", "loadpath", kind="cache", source=_PHOENIX)
    files("maya", _type, "outputPath", "outPath", "output_path", kind="cache", role="write", source=_PHOENIX)
files("maya", "SimulationCacheProxy", "inputCacheDir", "characterFilesDir", kind="cache", reach=Folder(), source=_GOLAEM)
files(
    "maya",
    "SimulationCacheProxy",
    "characterFiles",
    "layoutFile",
    "terrainFile",
    "sourceTerrain",
    "destTerrain",
    kind="data",
    source=_GOLAEM,
)
files("maya", "CrowdRenderProxy", "cacheFileDir", "inputCacheDir", kind="cache", reach=Folder(), source=_GOLAEM)
files("maya", "CrowdRenderProxy", "characterFiles", "layoutFile", "terrainFile", "materialsFile", kind="data", source=_GOLAEM)
files(
    "maya",
    "FurryBallSettings",
    "imagePath",
    kind="image",
    role="write",
    source="http://aaa-studio.cz/furryballRThelp/maya/Common.html",
)
files("maya", "RPRIES", "iesFile", kind="profile", source="https://github.com/GPUOpen-LibrariesAndSDKs/RadeonProRenderMayaPlugin")
files(
    "maya", "RPRIBL", "filePath", kind="texture", source="https://github.com/GPUOpen-LibrariesAndSDKs/RadeonProRenderMayaPlugin"
)
files("maya", "delightIESProfile", "file", kind="profile", source="https://documentation.3delightcloud.com/")
files("maya", "dlStandIn", "filename", kind="procedural", source="https://documentation.3delightcloud.com/")
files(
    "maya",
    "dlRenderSettings",
    "layerDefaultFilename",
    kind="image",
    role="write",
    source="https://documentation.3delightcloud.com/",
)


@reads_node("maya", "mentalrayOptions", source=_MENTAL_RAY)
def stored_light(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield maps of final gathering and photons, where they are there."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    for attribute in ("finalGatherFilename", "photonMapFilename"):
        for key, value in ask.stored(node, attribute):
            yield from ask.usage(value, f"{node.name}.{key}", "cache", absent_is="mental ray makes this map by itself")


@reads_node("maya", "coronaGlobals", "indigoGlobals", "appleseedGlobals", source=_OPEN_MAYA)
def base_path(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that the folder of the project, which these globals repeat, is no file."""
    yield from ask.ignore(node, "basePath", "the folder of the project, as it was when the scene was saved")


@reads_node("maya", "PBRTRenderSettings", source=_PBRT)
def program(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that the renderer's own program is none of the scene's files."""
    yield from ask.ignore(node, "pbrtPath", "a program, which comes with the software")


@reads_node("maya", "pgYetiMaya", source=_YETI)
def search_path(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that Yeti's search path for images is no file."""
    yield from ask.ignore(node, "imageSearchPath", "a search path: what is found in it is sent, not all of it")
