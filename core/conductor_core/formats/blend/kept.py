"""Which blocks of a .blend are held in memory: those that may name a file, or lead to one; never geometry or keys."""

from __future__ import annotations

import re

#: bytes of one block; what names files is far smaller
LARGEST = 1 << 20
#: bytes of all blocks together, with what Python needs to hold them
MOST = 1 << 29
#: what a held block costs beside its bytes
OVERHEAD = 400

#: structs of `DATA` blocks beside those whose names start or end as below
STRUCTS = frozenset(
    {
        *("AnimData", "FCurve", "NlaTrack", "NlaStrip", "IDProperty", "LibraryWeakReference", "IDOverrideLibrary"),
        *("ImageUser", "ImagePackedFile", "ImageTile", "ImageView", "PackedFile", "SceneRenderView", "SceneRenderLayer"),
        *("ViewLayer", "FreestyleModuleConfig", "CameraBGImage", "CacheFileLayer", "CollectionExport", "FileSelectParams"),
        *("Editing", "Sequence", "Strip", "StripData", "StripElem", "StripProxy", "TextVars"),
        *("PointCache", "ParticleSystem", "SoftBody", "SoftBody_Shared", "RigidBodyWorld", "RigidBodyWorld_Shared"),
        *("FluidDomainSettings", "SmokeDomainSettings", "FluidsimSettings", "VoxelData", "EnvMap"),
        *("DynamicPaintCanvasSettings", "DynamicPaintSurface", "CustomDataLayer", "CustomDataExternal"),
    }
)
_STARTS = ("bNode", "Node", "FileGlobal")
_ENDS = ("ModifierData",)
#: nodes' sockets are many, and only these say something
_SOCKETS = re.compile(r"bNodeSocketValue(?!String|Image)|bNodeTreeInterface|bNodePanelState|bNodeInstance")

#: datablocks that are held whole; of others only what every datablock has
DATABLOCKS = frozenset(
    {
        *("Image", "MovieClip", "VFont", "bSound", "Library", "Text", "CacheFile", "Volume", "Scene", "Object", "Material"),
        *("World", "Lamp", "Light", "Tex", "FreestyleLineStyle", "bNodeTree", "Camera", "Collection", "Group", "Mesh", "Brush"),
    }
)
#: owners whose bytes without a struct say nothing here: bones, curves, shapes, the interface
_MUTE = frozenset({b"KE", b"AR", b"PC", b"PT", b"HA", b"CV", b"GD", b"GP", b"SR", b"SN", b"WM", b"WS", b"BR", b"PL", b"LT"})
#: bytes; names of properties and paths of curves
LONGEST_TEXT = 4096
#: of an action only the paths of curves that choose a frame count
_CURVES = re.compile(rb"frame|image_user|nodes\[|background")


def is_kept(struct: str) -> bool:
    """Tell whether a data block of some struct is held."""
    if struct.startswith(_STARTS):
        return not _SOCKETS.match(struct)
    return struct in STRUCTS or struct.endswith(_ENDS)


def is_text(owner: bytes, length: int) -> bool:
    """Tell whether bytes without a struct may be a text that says something."""
    return length <= LONGEST_TEXT and owner not in _MUTE


def says_something(owner: bytes, data: bytes) -> bool:
    """Tell whether such bytes do."""
    return owner != b"AC" or _CURVES.search(data) is not None
