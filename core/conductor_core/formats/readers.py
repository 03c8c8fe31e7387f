"""Which modules hold readers: importing them registers what they read. A format with a magic number stands first."""

from __future__ import annotations

import functools
import importlib

#: in the order in which formats are asked
MODULES = ("usd.reader", "alembic", "materialx", "wavefront_material")


@functools.lru_cache(maxsize=1)
def load() -> None:
    """Register all formats."""
    for name in MODULES:
        importlib.import_module(f"conductor_core.formats.{name}")
