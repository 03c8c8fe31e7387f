# SPDX-License-Identifier: GPL-3.0-or-later
"""Linked .blend files, and texts kept outside.

https://docs.blender.org/api/current/bpy.types.Library.html, Text.html

What linked files reference needs no reader of its own: their datablocks are in `bpy.data` too, with `library` set.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conductor_core.discovery.blender_reach import Itself

from .readers import reads
from .survey import Survey, ignored
from .usage import Finding, Slot


@reads("libraries")
def library(survey: Survey, library: Any) -> Iterator[Finding]:
    """Yield a linked .blend, and those that linked files link (Blender writes all of them relative to the open scene)."""
    slot = Slot(library, library)
    if library.packed_file is not None:
        yield from ignored(slot, "the library is packed into the .blend")
    elif getattr(library, "is_archive", False):
        yield from ignored(slot, "the linked data is packed into the .blend")
    else:
        yield from survey.read(slot, "library", Itself())


@reads("texts")
def text(survey: Survey, text: Any) -> Iterator[Finding]:
    """Yield a text (OSL, IES, Freestyle style, script) that Blender reads from its file; one of its own needs none."""
    if text.is_in_memory:
        yield from ignored(Slot(text, text), "the text is kept in the .blend")
    else:
        yield from survey.read(Slot(text, text), "text", Itself())


@reads("objects", "collections", "materials", "node_groups", "meshes", "images", "worlds", "actions")
def appended(_survey: Survey, datablock: Any) -> Iterator[Finding]:
    """Yield where appended data came from: Blender remembers it and does not read it again."""
    memory = getattr(datablock, "library_weak_reference", None)
    if memory is not None:
        slot = Slot(datablock, memory, "filepath", " library_weak_reference")
        yield from ignored(slot, "the data was appended from there and is kept in the .blend")


@reads("collections")
def exporters(_survey: Survey, collection: Any) -> Iterator[Finding]:
    """Yield where a collection's exporters write (4.2 and later): rendering does not."""
    for exporter in getattr(collection, "exporters", ()):
        within = f' exporter "{getattr(exporter, "name", "")}"'
        properties = getattr(exporter, "export_properties", None)
        if properties is not None and hasattr(properties, "filepath"):
            yield from ignored(Slot(collection, properties, "filepath", within), "exporting writes there, rendering does not")


@reads("brushes")
def brush_icon(_survey: Survey, brush: Any) -> Iterator[Finding]:
    """Yield the picture a brush shows in the interface (until 4.5)."""
    if hasattr(brush, "icon_filepath"):
        yield from ignored(Slot(brush, brush, "icon_filepath"), "it is an icon of the interface")
