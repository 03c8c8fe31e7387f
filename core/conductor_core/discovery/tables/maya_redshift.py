"""Redshift for Maya. https://help.maxon.net/r3d/maya/en-us/"""

from __future__ import annotations

import re
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.maya_ask import MayaAsk
from conductor_core.discovery.maya_frames import shown_frames
from conductor_core.discovery.maya_node import MayaNode, short_names
from conductor_core.discovery.maya_tiles import frame_pattern
from conductor_core.discovery.node import Ask, Node, files, reads_node
from conductor_core.discovery.reach import Frames

#: `C:/ProgramData/Redshift/Data/OCIO/config.ocio`, `$REDSHIFT_COREDATAPATH/Data/OCIO/config.ocio`
_OWN_COLOURS = re.compile(r"redshift[^\\/]*[\\/]data[\\/]ocio", re.IGNORECASE)
_REDSHIFT = "https://help.maxon.net/r3d/maya/en-us/"

short_names("RedshiftProxyMesh", "RedshiftVolumeShape", fileName="fn", useFrameExtension="ufe", frameExtension="fe")
short_names("RedshiftProxyMesh", "RedshiftVolumeShape", frameOffset="fo")

for _type in ("RedshiftNormalMap", "RedshiftSprite", "RedshiftCameraMap", "RedshiftTextureSampler", "RedshiftEnvironment"):
    files("maya", _type, "tex0", "tex1", "tex2", "tex3", "tex4", kind="texture", source=_REDSHIFT)
for _type in ("RedshiftDomeLight", "RedshiftLightGobo", "RedshiftPhysicalLight", "RedshiftPortalLight"):
    files("maya", _type, "tex0", "tex1", kind="texture", source=_REDSHIFT)
files("maya", "RedshiftIESLight", "profile", kind="profile", source=_REDSHIFT)
files("maya", "RedshiftOSL", "OSLFilename", "OSLFile", kind="shader", source=_REDSHIFT)
files("maya", "RedshiftOSLShader", "OSLFilename", "OSLFile", kind="shader", source=_REDSHIFT)
files("maya", "RedshiftLensDistortion", "LDimage", "LDfilename", kind="image", source=_REDSHIFT)
files("maya", "RedshiftPostEffects", "lutFilename", "LUT_filename", "lut_filename", kind="lut", source=_REDSHIFT)
files("maya", "RedshiftPostEffects", "bokehFilename", "bkhImage", kind="image", source=_REDSHIFT)
files("maya", "RedshiftBokeh", "dofBokehImage", kind="image", source=_REDSHIFT)
files("maya", "RedshiftMaterialX", "filename", kind="material", source=_REDSHIFT)
files("maya", "RedshiftOptions", "imageFilePrefix", "aovGlobalPrefix", kind="image", role="write", source=_REDSHIFT)
files("maya", "RedshiftAOV", "filePrefix", kind="image", role="write", source=_REDSHIFT)


@reads_node("maya", "RedshiftProxyMesh", "RedshiftVolumeShape", source=_REDSHIFT)
def proxy(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield a proxy's or volume's file, or those of the frames where it is a sequence."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    for key, value in ask.stored(node, "fileName"):
        pattern, reach = value, None
        if node.number("useFrameExtension"):
            pattern = frame_pattern(value)
            reach = Frames(shown_frames(node, ask.scene, ask.frames, "frameExtension"))
        kind = "volume" if node.type == "RedshiftVolumeShape" else "proxy"
        yield from ask.usage(value, f"{node.name}.{key}", kind, reach=reach, place=pattern)  # type: ignore[arg-type]


@reads_node("maya", "RedshiftPostEffects", source=_REDSHIFT)
def colours(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield the OCIO configuration of the scene's own, where it uses one; the one that Redshift comes with is none."""
    mode, path = node.text("clrMgmtDisplayMode"), node.text("clrMgmtOcioFilename")
    if mode and not mode.endswith("_OCIO"):
        yield from ask.ignore(node, "clrMgmtOcioFilename", "the scene does not use a configuration for its colours")
    elif _OWN_COLOURS.search(path):
        yield from ask.ignore(node, "clrMgmtOcioFilename", "ships with Redshift")
    else:
        yield from ask.read(node, "clrMgmtOcioFilename", "ocio")


@reads_node("maya", "RedshiftOptions", source=_REDSHIFT)
def stored_light(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield maps of light that were saved before; their names stay while they are not used."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    names = ("irradianceCacheFilename", "irradiancePointCloudFilename", "photonFilename", "subsurfaceScatteringFilename")
    for attribute in names:
        for key, value in ask.stored(node, attribute):
            reason = "no such map was saved; Redshift makes it, or does not use it"
            yield from ask.usage(value, f"{node.name}.{key}", "cache", absent_is=reason)
