"""What is known of node types, host by host: which attributes hold paths, and whose documentation says so."""

from __future__ import annotations

import functools
import importlib

#: host → modules here that fill its table
MODULES: dict[str, tuple[str, ...]] = {
    "maya": ("maya", "maya_caches", "maya_arnold", "maya_vray", "maya_redshift", "maya_renderman", "maya_others"),
    "nuke": ("nuke",),
    "houdini": ("houdini", "houdini_files", "houdini_stage", "houdini_renderers"),
    "usd": ("usd",),
    "arnold": ("arnold",),
    "vray": ("vray",),
    "renderman": ("renderman",),
    "pbrt": ("pbrt",),
}


@functools.cache
def load(host: str) -> None:
    """Fill the table of a host."""
    for name in MODULES.get(host, ()):
        importlib.import_module(f"conductor_core.discovery.tables.{name}")


def load_all() -> None:
    """Fill the tables of all hosts."""
    for host in MODULES:
        load(host)
