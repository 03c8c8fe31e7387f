"""What is known of Blender's nodes, whoever looks at them.

https://docs.blender.org/api/current/bpy.types.ShaderNodeScript.html, GeometryNodeImportOBJ.html, NodeSocketStringFilePath.html
"""

from __future__ import annotations

from conductor_core.discovery.blender_reach import Itself
from conductor_core.discovery.kinds import Kind

#: nodes that take the frame of an image from a socket, so that no image user tells it
FRAME_BY_SOCKET = ("GeometryNodeImageTexture", "GeometryNodeInputImage", "GeometryNodeImageInfo")
#: an OSL source is compiled to .oso beside it; Cycles may load either
OSL = Itself(beside=(".osl", ".oso"))
#: Import OBJ, PLY, STL, CSV, VDB, Text (4.5 and later)
_IMPORT = "GeometryNodeImport"
_KINDS: dict[str, Kind] = {
    "OBJ": "geometry",
    "PLY": "geometry",
    "STL": "geometry",
    "VDB": "volume",
    "CSV": "data",
    "Text": "text",
}


def is_import(node: str) -> bool:
    """Tell whether a node, by its `bl_idname`, reads the file in its socket `Path`."""
    return node.startswith(_IMPORT)


def kind_in_socket(node: str) -> Kind:
    """Return what the file in a path socket of a node is."""
    return _KINDS.get(node.removeprefix(_IMPORT), "cache")
