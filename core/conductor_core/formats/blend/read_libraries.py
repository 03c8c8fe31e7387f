"""Linked .blend files, texts kept outside, and what only remembers where data came from.

https://docs.blender.org/api/current/bpy.types.Library.html, Text.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.formats.blend.properties import text_in
from conductor_core.formats.blend.reading import Linked, Reading, Slot
from conductor_core.formats.blend.record import Record
from conductor_core.formats.blend.register import reads_datablock

_API = "https://docs.blender.org/api/current/bpy.types."
_OLD_API = "https://docs.blender.org/api/2.79/bpy.types."
#: `Text.flags` (DNA_text_types.h), `Library.flag` (DNA_ID.h)
_IN_MEMORY, _ARCHIVE = 1 << 2, 1 << 0


@reads_datablock(b"LI", source=f"{_API}Library.html")
def library(reading: Reading, library: Record) -> Iterator[Finding]:
    """Yield a linked .blend; of it is read what this file wants of it.

    Libraries of libraries are reached on the way through those that link them. One of which nothing is linked any more
    stays in a file until somebody cleans it up; Blender does not read it, nor those of a library that it does not need.
    """
    slot = Slot(library.owner, library.text("name", "filepath"))
    if library.points("packedfile"):
        yield from reading.ignore(slot, "the library is packed into the .blend")
        return
    if library.number("flag") & _ARCHIVE:
        yield from reading.ignore(slot, "the linked data is packed into the .blend")
        return
    names = tuple(reading.linked_from.get(library.own, ()))
    if not names:
        yield from reading.ignore(slot, "nothing that counts here is linked from it")
        return
    for finding in reading.read(slot, "library"):
        if isinstance(finding, Usage):
            under = replace(reading.survey, frames=reading.frames, errand=Linked(names, reading.blurred))
            finding = replace(finding, under=under)
        yield finding


@reads_datablock(b"TX", source=f"{_API}Text.html")
def text(reading: Reading, text: Record) -> Iterator[Finding]:
    """Yield a text (OSL, IES, Freestyle style, script) that Blender reads from its file; one of its own needs none."""
    slot = Slot(text.owner, text.text("name", "filepath"))
    if text.number("flags") & _IN_MEMORY:
        yield from reading.ignore(slot, "the text is kept in the .blend")
    else:
        yield from reading.read(slot, "text")


@reads_datablock(
    b"OB", b"GR", b"MA", b"NT", b"ME", b"IM", b"WO", b"AC", source=f"{_API}ID.html#bpy.types.ID.library_weak_reference"
)
def appended(reading: Reading, datablock: Record) -> Iterator[Finding]:
    """Yield where appended data came from: Blender remembers it and does not read it again."""
    head = datablock.part("id")
    memory = head.follow("library_weak_reference") if head is not None else None
    if memory is not None:
        slot = Slot(datablock.owner, memory.text("library_filepath"), "filepath", " library_weak_reference")
        yield from reading.ignore(slot, "the data was appended from there and is kept in the .blend")


@reads_datablock(b"GR", source=f"{_API}CollectionExport.html")
def exporters(reading: Reading, collection: Record) -> Iterator[Finding]:
    """Yield where a collection's exporters write (4.2 and later): rendering does not."""
    for exporter in collection.listed("exporters"):
        path = text_in(exporter.follow("export_properties"), "filepath")
        slot = Slot(collection.owner, path, "filepath", f' exporter "{exporter.text("name")}"')
        yield from reading.ignore(slot, "exporting writes there, rendering does not")


@reads_datablock(b"BR", source=f"{_OLD_API}Brush.html")
def brush_icon(reading: Reading, brush: Record) -> Iterator[Finding]:
    """Yield the picture a brush shows in the interface (until 4.5)."""
    yield from reading.ignore(Slot(brush.owner, brush.text("icon_filepath"), "icon_filepath"), "it is an icon of the interface")
