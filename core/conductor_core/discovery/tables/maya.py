"""What comes with Maya itself: textures, image planes, sound, colour management, USD, code, render settings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.maya_ask import MayaAsk
from conductor_core.discovery.maya_findings import script_paths
from conductor_core.discovery.maya_frames import shown_frames
from conductor_core.discovery.maya_node import MayaNode, short_names
from conductor_core.discovery.maya_scene import LAYOUT
from conductor_core.discovery.maya_tiles import frame_pattern, tile_pattern
from conductor_core.discovery.maya_unknown import looks_like_file
from conductor_core.discovery.node import Ask, Node, files, reads_node
from conductor_core.discovery.reach import Frames
from conductor_core.report import Ignored

_NODES = "https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/Nodes/"
_USD = "https://github.com/Autodesk/maya-usd"

#: an asset path in USD text
_ASSET_PATH = re.compile(r"@{1,3}([^@\n]+?)@{1,3}")
_SEQUENCE = {"useFrameExtension": "ufe", "frameExtension": "fe", "frameOffset": "fo"}
short_names("file", "psdFileTex", "movie", fileTextureName="ftn", uvTilingMode="uvt", **_SEQUENCE)
short_names("file", "psdFileTex", "movie", explicitUvTileName="eutn", computedFileTextureNamePattern="cfnp")
short_names("imagePlane", imageName="imn", type="t", frameIn="fin", frameOut="fot", **_SEQUENCE)
_CONFIG = {"colorManagementConfigFileEnabled": "cmcf", "colorManagementConfigFilePath": "cmcp"}
short_names("file", "psdFileTex", "movie", "imagePlane", **_CONFIG)
short_names("audio", filename="f")
short_names("colorManagementGlobals", configFilePath="cfp", configFileEnabled="cfe", cmEnabled="cme")
short_names("renderGlobals", imageFilePrefix="ifp", startFrame="fs", endFrame="ef", byFrameStep="byf", animation="an")
short_names("renderGlobals", imageFormat="outf", imfPluginKey="imfkey", extensionPadding="ep", currentRenderer="ren")
short_names("renderGlobals", outFormatControl="ofc", putFrameBeforeExt="pff", periodInExt="peie")
short_names("renderGlobals", preMel="pram", postMel="poam", preRenderLayerMel="prlm", postRenderLayerMel="polm")
short_names("renderGlobals", preRenderMel="prm", postRenderMel="pom")
short_names("hwRenderGlobals", "defaultHardwareRenderGlobals", "hardwareRenderGlobals", filename="fn")
short_names("time", outTime="o")
short_names("viewColorManager", lutFile="lut")
short_names("camera", renderable="rnd")
short_names("renderLayer", renderable="rndr")
short_names("expression", internalExpression="ixp")
short_names("absOverride", "absUniqueOverride", attrValue="atv")
short_names("renderLayer", value="val")
short_names("script", before="b", after="a")
short_names("reference", fileNames="fn", unknownReference="ur")
short_names("mayaUsdProxyShape", "pxrUsdProxyShape", "pxrUsdReferenceAssembly", "AL_usdmaya_ProxyShape", filePath="fp")
short_names("mayaUsdLayerManager", layers="lyr", identifier="id", serialized="szd")
short_names("hyperLayout", "hyperView", imageName="img")
short_names("container", "dagContainer", templatePath="tp", iconName="icn")
short_names("dx11Shader", "GLSLShader", "cgfxShader", shader="s")

files("maya", "audio", "filename", kind="sound", source=_NODES + "audio.html")
files("maya", "mayaUsdProxyShape", "filePath", kind="layer", source=_USD)
files("maya", "pxrUsdProxyShape", "filePath", kind="layer", source=_USD)
files("maya", "pxrUsdReferenceAssembly", "filePath", kind="layer", source=_USD)
files(
    "maya",
    "AL_usdmaya_ProxyShape",
    "filePath",
    kind="layer",
    source=_USD,
)
files("maya", "dx11Shader", "shader", kind="shader", source=_NODES + "dx11Shader.html")
files("maya", "cgfxShader", "shader", kind="shader", source=_NODES + "cgfxShader.html")
files("maya", "GLSLShader", "shader", kind="shader", source=_NODES + "GLSLShader.html")
files("maya", "ShaderfxShader", "graph", kind="shader", source="seen in scenes saved by Maya 2018")
files("maya", "StingrayPBS", "graph", kind="shader", source="seen in scenes saved by Maya 2018")
files("maya", "viewColorManager", "lutFile", kind="lut", source=_NODES + "viewColorManager.html")
files("maya", "svgToPoly", "svgFilepath", kind="geometry", source=_NODES + "svgToPoly.html")
files("maya", "MASH_Audio", "filename", kind="sound", source="https://help.autodesk.com/cloudhelp/2024/ENU/Maya-MotionGraphics/")
files("maya", "renderGlobals", "imageFilePrefix", kind="image", role="write", source=_NODES + "renderGlobals.html")


@reads_node("maya", "file", "psdFileTex", "movie", source=_NODES + "file.html")
def texture(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield a texture: one file, its tiles, the frames of a sequence, tiles that are listed one by one, or a movie."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    mode = round(node.number("uvTilingMode"))
    kind: Kind = "movie" if node.type == "movie" else "texture"
    yield from _image(node, ask, "fileTextureName", kind, mode)
    # Maya computes it; a few tools store it. It says nothing that the name does not say
    ask.seen.update(node.stored("computedFileTextureNamePattern"))
    if mode == 4:
        yield from ask.read(node, "explicitUvTileName", kind)
    else:
        yield from ask.ignore(node, "explicitUvTileName", "the texture does not use its list of tiles")
    yield from ask.ignore(node, "colorManagementConfigFilePath", "the scene's colour management says which configuration counts")


@reads_node("maya", "imagePlane", source=_NODES + "imagePlane.html")
def image_plane(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield an image plane's image, sequence or movie; one that shows a texture reads no image of its own."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    shows = round(node.number("type"))
    if shows == 1:
        yield from ask.ignore(node, "imageName", "the image plane shows a texture in its place")
    else:
        yield from _image(node, ask, "imageName", "movie" if shows == 2 else "image", 0)
    yield from ask.ignore(node, "colorManagementConfigFilePath", "the scene's colour management says which configuration counts")


def _image(node: MayaNode, ask: MayaAsk, attribute: str, kind: Kind, mode: int) -> Iterator[Finding]:
    sequence = bool(node.number("useFrameExtension")) and node.type != "movie"
    for key, value in ask.stored(node, attribute):
        pattern = tile_pattern(value, mode)
        reach = None
        if sequence and kind != "movie":
            pattern = frame_pattern(pattern)
            reach = Frames(shown_frames(node, ask.scene, ask.frames, "frameExtension"))
        yield from ask.usage(value, f"{node.name}.{key}", kind, reach=reach, place=pattern)


@reads_node("maya", "colorManagementGlobals", source=_NODES + "colorManagementGlobals.html")
def colour_management(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield the OCIO configuration, where the scene uses one."""
    if node.number("cmEnabled", 1) and node.number("configFileEnabled"):
        yield from ask.read(node, "configFilePath", "ocio")
    else:
        yield from ask.ignore(node, "configFilePath", "the scene does not use a configuration for its colours")


@reads_node("maya", "renderGlobals", source=_NODES + "renderGlobals.html")
def render_code(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield the paths in code that runs around a render."""
    names = ("preMel", "postMel", "preRenderLayerMel", "postRenderLayerMel", "preRenderMel", "postRenderMel")
    yield from _code(node, ask, names)


@reads_node("maya", "script", source=_NODES + "script.html")
def script(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield the paths in a script node; those of Maya's own layout of windows are none."""
    if node.name.endswith(LAYOUT):
        if isinstance(node, MayaNode) and isinstance(ask, MayaAsk):
            ask.seen.update(node.values)
        return
    yield from _code(node, ask, ("before", "after"))


@reads_node("maya", "expression", source=_NODES + "expression.html")
def expression(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield the paths in an expression."""
    yield from _code(node, ask, ("internalExpression",))


def _code(node: Node, ask: Ask, attributes: tuple[str, ...]) -> Iterator[Finding]:
    if isinstance(node, MayaNode) and isinstance(ask, MayaAsk):
        for attribute in attributes:
            for key, value in ask.stored(node, attribute):
                yield from script_paths(value, f"{node.name}.{key}")


@reads_node("maya", "reference", source=_NODES + "reference.html")
def reference(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that a reference node's list of names, which keeps former ones too, is not what is loaded."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    loaded = {one.path for one in ask.scene.references}
    for key, value in ask.stored(node, "fileNames"):
        if value not in loaded:
            yield Ignored(value, f"{node.name}.{key}", "what the reference loads is said by the scene's file statement")


@reads_node("maya", "mayaUsdLayerManager", source=_USD)
def usd_layers(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield what the USD layers name whose content lies in the scene itself; their own names are no files that are read."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    for key, value in ask.stored(node, "identifier"):
        if not value.startswith("anon:"):
            yield Ignored(value, f"{node.name}.{key}", "the scene holds the changed content of this layer itself")
    for key, value in ask.stored(node, "serialized"):
        for path in dict.fromkeys(_ASSET_PATH.findall(value)):
            kind: Kind = "layer" if path.lower().rpartition(".")[2].startswith(("usd", "abc")) else "texture"
            yield from ask.usage(path, f"{node.name}.{key}", kind)
    ask.seen.update(node.values)


@reads_node("maya", "hyperLayout", "hyperView", source=_NODES + "hyperLayout.html")
def graph_picture(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that the picture behind a graph of nodes is no part of the render."""
    yield from ask.ignore(node, "imageName", "a picture behind Maya's graph of nodes")


@reads_node("maya", "container", "dagContainer", source=_NODES + "container.html")
def container(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that a container's template and icon are of the interface."""
    yield from ask.ignore(node, "templatePath", "a template of Maya's interface")
    yield from ask.ignore(node, "iconName", "an icon of Maya's interface")


@reads_node("maya", "hwRenderGlobals", "defaultHardwareRenderGlobals", source=_NODES + "hwRenderGlobals.html")
def hardware_buffer(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that only the old window for hardware rendering writes there."""
    yield from ask.ignore(node, "filename", "only Maya's old hardware render buffer writes there")


@reads_node("maya", "absOverride", "absUniqueOverride", "renderLayer", source=_NODES + "renderLayer.html")
def layer_override(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield a file that a render layer puts in the place of another; which attribute it is for, the node does not say."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    for attribute in ("attrValue", "value"):
        for key, value in ask.stored(node, attribute):
            if looks_like_file(value):
                yield from ask.usage(value, f"{node.name}.{key}", "other")
