"""The words for what a dependency is, the same in every host; a report's totals are by these."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal[
    "texture",  # an image that shading reads
    "image",  # an image that is shown, composited or projected; an image plane
    "movie",
    "sound",
    "font",
    "scene",  # a scene of the same host, rendered or baked from
    "reference",  # a scene of the same host, read into this one
    "library",  # a file of assets: a linked .blend, an .hda
    "layer",  # USD: sublayer, reference, payload, clip
    "procedural",  # a renderer's own scene file: .ass, .vrscene, .rib, .ifd
    "proxy",  # geometry that only the renderer loads: .vrmesh, .rs
    "geometry",  # .obj, .fbx, .bgeo, .ply
    "material",  # .mtl, .mtlx
    "cache",  # simulation or animation: .abc, .mcx, .bphys
    "volume",  # .vdb
    "profile",  # of a light: .ies
    "shader",  # .osl, .oso, .sl
    "ocio",  # a colour configuration
    "lut",  # a table that colour transforms read
    "gizmo",  # Nuke: gizmo or precomp that a script names
    "script",  # code that the host runs
    "text",
    "data",  # .json, .xml, .csv that something reads
    "plugin",
    "other",
]

KINDS: tuple[Kind, ...] = get_args(Kind)

#: what is read on: it may point to files of its own
FOLLOWED: frozenset[Kind] = frozenset(
    {
        *("scene", "reference", "library", "layer", "procedural", "proxy", "geometry", "material", "cache", "shader"),
        *("ocio", "lut", "gizmo", "data", "other"),
    }
)
