"""The paths in a .blend that no reader has spoken of, told as unresolved, so that nothing is lost in silence."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.place import is_absolute
from conductor_core.formats.blend.long_texts import LongText, long_texts
from conductor_core.formats.blend.properties import TEXT, text_of, texts
from conductor_core.formats.blend.reading import Reading, Slot
from conductor_core.formats.blend.record import Datablock, Kept, Record
from conductor_core.formats.blend.register import in_modifier
from conductor_core.report import Unresolved

_INTERFACE = (b"WM", b"SR", b"SN", b"WS")
_SPACES = re.compile(r"\s")


def leftovers(reading: Reading, spoken: set[str]) -> Iterator[Finding]:
    """Yield the paths in places that no reader has spoken of."""
    places = long_texts(reading.blend.world.dna)
    for datablock in reading.blend.datablocks:
        if datablock.code in _INTERFACE or (reading.linked is not None and datablock.address not in reading.linked):
            continue
        for block in datablock.blocks.values():
            for place in places.get(reading.blend.world.dna.name_of(block.struct), ()):
                yield from _in_block(reading, datablock, block, place, spoken)
        yield from _properties(reading, datablock, spoken)
    for thing in reading.heads(b"OB"):
        for modifier in thing.listed("modifiers"):
            settings = modifier.part("settings")
            for name, text in texts(settings.follow("properties") if settings is not None else None):
                yield from _unknown(reading, Slot(thing.owner, text, name, in_modifier(modifier)), spoken)


def is_path(text: str) -> bool:
    """Tell whether a text is a path and nothing else that has slashes: `//` or absolute, with a name behind its root."""
    if not text or len(text) > 1024 or "\n" in text or not (text.startswith("//") or is_absolute(text)):
        return False
    return len(os.path.basename(text.replace("\\", "/").rstrip("/"))) > 1 and len(_SPACES.findall(text)) < 12


def _in_block(reading: Reading, datablock: Datablock, block: Kept, place: LongText, spoken: set[str]) -> Iterator[Finding]:
    size = len(block.data) // max(block.count, 1)
    for i in range(block.count if size >= place.offset + place.size else 0):
        start = i * size + place.offset
        text = block.data[start : start + place.size].split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
        yield from _unknown(reading, Slot(datablock, text, place.name), spoken)


def _properties(reading: Reading, datablock: Datablock, spoken: set[str]) -> Iterator[Finding]:
    """Yield the paths in properties of parts of a datablock: bones, strips, view layers, constraints."""
    dna = reading.blend.world.dna
    for address, block in datablock.blocks.items():
        if dna.name_of(block.struct) != "IDProperty":
            continue
        struct = dna.structs[block.struct]
        for i in range(min(block.count, len(block.data) // struct.size if struct.size else 0)):
            prop = Record(reading.blend.world, datablock, struct, block.data, i * struct.size, own=address)
            if prop.number("type") == TEXT:
                yield from _unknown(reading, Slot(datablock, text_of(prop), f"property {prop.text('name')}", " part"), spoken)


def _unknown(reading: Reading, slot: Slot, spoken: set[str]) -> Iterator[Finding]:
    if is_path(slot.text) and slot.text not in spoken:
        yield Unresolved(slot.text, reading.referrer(slot), f"no reader knows {slot.attribute}")
