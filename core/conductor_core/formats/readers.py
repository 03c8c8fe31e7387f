"""Which modules hold readers: importing them registers what they read. A format with a magic number stands first."""

from __future__ import annotations

import functools
import importlib

#: in the order in which formats are asked
MODULES = (
    "gltf",
    "fbx",
    "fbx_ascii",
    "collada",
    "cycles_xml",
    "materialx",
    "blend",
    "maya_binary",
    "houdini",
    "usd.reader",
    "alembic",
    "maya_ascii",
    "nuke_script",
    "ocio",
    "colour_tables",
    "maya_cache",
    "xgen",
    "renderman_rib",
    "arnold_ass",
    "vrscene",
    "mantra_ifd",
    "osl",
    "mental_ray",
    "luxcore",
    "mitsuba",
    "pov",
    "redshift_proxy",
    "pbrt",
    "wavefront_material",
)


@functools.lru_cache(maxsize=1)
def load() -> None:
    """Register all formats."""
    for name in MODULES:
        importlib.import_module(f"conductor_core.formats.{name}")
