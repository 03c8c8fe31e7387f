"""V-Ray for Maya: proxies, scenes, light profiles, materials and volumes in files, stored light, what it writes."""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.maya_ask import MayaAsk
from conductor_core.discovery.maya_node import MayaNode, short_names
from conductor_core.discovery.node import Ask, Node, files, reads_node
from conductor_core.discovery.tables.maya_arnold import stand_in_kind

_VRAY = "https://docs.chaosgroup.com/display/VMAYA/"

short_names("VRayMesh", "VRayProxy", fileName="fn", fileName2="fn2")
short_names("VRaySettingsNode", fileNamePrefix="fnprx", imageFormatStr="imgfs", imap_fileName="ifile", lc_fileName="fnm")
short_names("VRaySettingsNode", causticsFile="cfile", photonMapFile="pmfile", imap_fileName2="ifile2", pm_fileName2="pmfile2")
short_names("VRaySettingsNode", caustics_fileName2="cfile2", lc_fileName2="lcfnm")
short_names("VRaySettingsNode", autoSaveFile="asf", lcAutoSaveFile="lcasf", imapAutoSaveFile="iasf", imapAutoSaveFile2="iasf2")
short_names("VRaySettingsNode", causticsAutoSaveFile="casf", causticsAutoSaveFile2="casf2", pmAutoSaveFile="pmasf")
short_names("VRaySettingsNode", pmAutoSaveFile2="pmasf2", vrscene_filename="vrsfn")
short_names("VRayScene", FilePath="fpath")
short_names("VRayLightIESShape", iesFile="ies")
short_names("VRayVolumeGrid", inFile="if", inPath="ipth")

files("maya", "VRayLightIESShape", "iesFile", kind="profile", source=_VRAY)
files("maya", "VRayPtex", "ptexFile", kind="texture", source=_VRAY)
files("maya", "VRayVRmatMtl", "fileName", "vrmatFile", kind="material", source=_VRAY)
files("maya", "VRayMtlVRmat", "fileName", "vrmatFile", kind="material", source=_VRAY)
files("maya", "VRaySimbiont", "file", kind="material", source=_VRAY)
files("maya", "VRayScannedMtl", "file", kind="material", source=_VRAY)
files("maya", "VRayMDLMtl", "filename", "mdl_path", kind="material", source=_VRAY)
files("maya", "VRayOSLMtl", "fileName", kind="shader", source=_VRAY)
files("maya", "VRayOSLTexture", "fileName", kind="shader", source=_VRAY)
files("maya", "VRayOSLTex", "fileName", kind="shader", source=_VRAY)
for _type in ("VRayMtlOSL", "VRayTexOSL", "VRayMtlGLSL", "VRayTexGLSL"):
    files("maya", _type, "fileName", kind="shader", source=_VRAY)
files("maya", "VRayMtlMDL", "filename", kind="material", source=_VRAY + "MDL+Material")
files("maya", "VRayTexOCIO", "ocioConfigFile", kind="ocio", source=_VRAY)
files("maya", "VRayMeshMaterial", "fileName", "overrideFileName", kind="proxy", source=_VRAY + "V-Ray+Proxy")
files("maya", "VRayMesh", "materialAssignmentsFile", kind="data", source=_VRAY + "V-Ray+Proxy")
files("maya", "VRayScene", "parameterOverrideFilePath", kind="data", source=_VRAY + "V-Ray+Scene")
files("maya", "VRayGLSLMtl", "fileName", kind="shader", source=_VRAY)
files("maya", "VRayBmpTex", "file", "fileName", kind="texture", source=_VRAY)
files("maya", "VRayLut", "file", kind="lut", source=_VRAY)
files("maya", "VRayVolumeGrid", "inFile", "inPath", kind="volume", source=_VRAY)
files("maya", "VRayAerialPerspective", "filename", kind="image", source=_VRAY)
files("maya", "VRaySettingsNode", "fileNamePrefix", kind="image", role="write", source=_VRAY)
files(
    "maya", "VRaySettingsNode", "autoSaveFile", "lcAutoSaveFile", "imapAutoSaveFile", "imapAutoSaveFile2", "causticsAutoSaveFile",
    "causticsAutoSaveFile2", "pmAutoSaveFile", "pmAutoSaveFile2", "pmap_autoSaveFile", "pmap_autoSaveFile2", "vrscene_filename",
    kind="cache", role="write", source=_VRAY,
)  # fmt: skip


@reads_node("maya", "VRayMesh", "VRayProxy", "VRayScene", source=_VRAY)
def proxy(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield the file of a proxy: .vrmesh, Alembic or a .vrscene."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    for attribute in ("fileName2", "fileName", "FilePath", "overrideFilePath"):
        for key, value in ask.stored(node, attribute):
            yield from ask.usage(value, f"{node.name}.{key}", stand_in_kind(value))


@reads_node("maya", "VRaySettingsNode", source=_VRAY)
def stored_light(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield maps of light that were rendered before; V-Ray keeps their names while it does not use them."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    names = ("imap_fileName", "imap_fileName2", "lc_fileName", "lc_fileName2", "causticsFile", "caustics_fileName2")
    for attribute in (*names, "photonMapFile", "pm_fileName2", "pmap_file", "pmap_file2"):
        for key, value in ask.stored(node, attribute):
            reason = "no such map was saved, and V-Ray keeps the name of one that it does not use"
            yield from ask.usage(value, f"{node.name}.{key}", "cache", absent_is=reason)
