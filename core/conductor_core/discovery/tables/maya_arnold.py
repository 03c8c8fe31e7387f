"""Arnold for Maya: images, stand-ins, volumes, light profiles, what it writes. https://help.autodesk.com/view/ARNOL/ENU/"""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.maya_ask import MayaAsk
from conductor_core.discovery.maya_frames import shown_frames
from conductor_core.discovery.maya_node import MayaNode, short_names
from conductor_core.discovery.maya_tiles import frame_pattern
from conductor_core.discovery.node import Ask, Node, files, reads_node
from conductor_core.discovery.reach import Frames

_ARNOLD = "https://help.autodesk.com/view/ARNOL/ENU/"

short_names("aiPhotometricLight", aiFilename="ai_filename")
short_names("aiStandIn", "aiVolume", useFrameExtension="useFrameExtension", frameOffset="frameOffset")
short_names("aiAOVDriver", aiTranslator="ai_translator")

files("maya", "aiImage", "filename", kind="texture", source=_ARNOLD)
files("maya", "aiPhotometricLight", "aiFilename", "filename", "iesProfile", kind="profile", source=_ARNOLD)
files("maya", "aiMaterialx", "filename", kind="material", source=_ARNOLD)
files("maya", "aiMaterialXShader", "filename", kind="material", source=_ARNOLD)
files("maya", "aiIncludeGraph", "filename", kind="procedural", source=_ARNOLD)
files("maya", "aiProcedural", "filename", kind="procedural", source=_ARNOLD)
files("maya", "aiAlembic", "filename", "layers", kind="cache", source=_ARNOLD)
files("maya", "aiUsd", "filename", kind="layer", source=_ARNOLD)
files("maya", "aiVolumeSampleVdb", "filename", kind="volume", source=_ARNOLD)
files("maya", "aiAOVDriver", "prefix", "outputPath", kind="image", role="write", source=_ARNOLD)
files("maya", "aiOptions", "outputAssFile", "output_ass_filename", kind="procedural", role="write", source=_ARNOLD)
files("maya", "aiOptions", "log_filename", "stats_file", "profile_file", kind="text", role="write", source=_ARNOLD)
files("maya", "aiOptions", "output_operator_graph", kind="procedural", role="write", source=_ARNOLD)


@reads_node("maya", "aiStandIn", "aiVolume", source=_ARNOLD)
def stand_in(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield a stand-in's or volume's file, or the files of the frames: by tokens, or with Use File Sequence on."""
    if not isinstance(node, MayaNode) or not isinstance(ask, MayaAsk):
        return
    sequence = bool(node.number("useFrameExtension"))
    for attribute in ("dso", "filename", "abcLayers", "abc_layers"):
        for key, value in ask.stored(node, attribute):
            kind: Kind = "volume" if node.type == "aiVolume" else stand_in_kind(value)
            pattern, reach = value, None
            if sequence:
                pattern = frame_pattern(value)
                reach = Frames(shown_frames(node, ask.scene, ask.frames, "frameNumber"))
            yield from ask.usage(value, f"{node.name}.{key}", kind, reach=reach, place=pattern)


def stand_in_kind(path: str) -> Kind:
    """Return what a file that a renderer loads by itself is."""
    extension = path.lower().rpartition(".")[2]
    kinds: dict[str, Kind] = {"abc": "cache", "usd": "layer", "usda": "layer", "usdc": "layer", "usdz": "layer"}
    kinds |= {"ass": "procedural", "gz": "procedural", "vrscene": "procedural", "rib": "procedural", "vdb": "volume"}
    kinds |= {"obj": "geometry", "ply": "geometry", "fbx": "geometry", "so": "plugin", "dll": "plugin", "dylib": "plugin"}
    return kinds.get(extension, "proxy")


@reads_node("maya", "aiOptions", source=_ARNOLD)
def options(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield that Arnold's search paths are no files: names are looked up in them."""
    reason = "a search path: what is found in it is sent, not all of it"
    for attribute in ("texture_searchpath", "procedural_searchpath", "plugin_searchpath", "shader_searchpath"):
        yield from ask.ignore(node, attribute, reason)
