"""What is known of node types, host by host: which attributes hold paths, and whose documentation says so."""

from __future__ import annotations

import functools
import importlib

#: host → modules here that fill its table
MODULES: dict[str, tuple[str, ...]] = {
    "houdini": ("houdini", "houdini_stage", "houdini_renderers"),
}


@functools.cache
def load(host: str) -> None:
    """Fill the table of a host."""
    for name in MODULES.get(host, ()):
        importlib.import_module(f"conductor_core.discovery.tables.{name}")
