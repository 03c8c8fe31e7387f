"""Custom properties that hold paths: settings of add-ons, of their nodes, and of artists' own rigs.

Nobody but the add-on knows what such a text is for. In a node, one whose name says that it is a file, and that is a file's
path, is taken (kind `other`): renderers keep their textures so. In anything else such texts are settings of tools far more
often than files of the picture (asset libraries, publish paths; seen in files saved by 2.93 to 3.0), so they are told of as
unresolved and left.
https://docs.blender.org/manual/en/latest/files/custom_properties.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.reach import OneFile
from conductor_core.formats.blend.add_on_nodes import is_registered, place_of, properties_of, shared_findings
from conductor_core.formats.blend.leftovers import is_path
from conductor_core.formats.blend.properties import texts
from conductor_core.formats.blend.reading import TYPES, NodeTree, Reading, Slot
from conductor_core.formats.blend.record import Record, head_of
from conductor_core.formats.blend.register import reads_datablock, reads_node_type
from conductor_core.report import Unresolved

_MANUAL = "https://docs.blender.org/manual/en/latest/files/custom_properties.html"
_IS_FILE = re.compile(r"file|path|image|texture|tex$|map$|hdr|ies|lut|font|sound|cache|script|config", re.IGNORECASE)
_IS_WRITTEN = re.compile(r"out|export|bake|render|save|log|temp|tmp|publish|thumb|preview|backup|build|project", re.IGNORECASE)
_EXTENSION = re.compile(r"\.(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{2,9}\Z")
_INTERFACE = (b"WM", b"SR", b"SN", b"WS")


@reads_datablock(*(code for code in TYPES if code not in (*_INTERFACE, b"LI")), source=_MANUAL)
def custom_properties(reading: Reading, datablock: Record) -> Iterator[Finding]:
    """Yield the paths in the custom properties of a datablock."""
    head = datablock.part("id")
    for member in ("properties", "system_properties"):
        for name, text in texts(head.follow(member) if head is not None else None):
            yield from _property(reading, Slot(datablock.owner, text, name, " property"), taken=False)


@reads_node_type("", source=_MANUAL)
def node_properties(reading: Reading, tree: NodeTree, node: Record) -> Iterator[Finding]:
    """Yield the paths in the settings of an add-on's node: renderers keep theirs there; by a reader of its own, if it has one."""
    if is_registered(node):
        yield from shared_findings(reading, tree, node)
        return
    for name, text in properties_of(node).items():
        yield from _property(reading, Slot(tree.owner, text, name, place_of(node)), taken=True)


@reads_datablock(*_INTERFACE, source="https://docs.blender.org/api/current/bpy.types.FileSelectParams.html")
def file_browsers(reading: Reading, screen: Record) -> Iterator[Finding]:
    """Yield the folders that file browsers show."""
    owner = screen.owner
    head = head_of(reading.blend.world, owner)
    for address, kept in owner.blocks.items():
        struct = reading.blend.world.dna.name_of(kept.struct)
        if struct == "FileSelectParams" and head is not None:
            folder = Record(head.world, owner, head.world.dna.structs[kept.struct], kept.data, own=address).text("dir")
            yield from reading.ignore(Slot(owner, folder, "directory", " file browser"), "it is where a file browser was last")


def _property(reading: Reading, slot: Slot, *, taken: bool) -> Iterator[Finding]:
    if not is_path(slot.text):
        return
    if _IS_WRITTEN.search(slot.attribute):
        yield from reading.ignore(slot, "its name says that an add-on writes there")
    elif taken and _IS_FILE.search(slot.attribute) and _EXTENSION.search(slot.text):
        yield from reading.read(slot, "other", OneFile(), follow=False)
    else:
        yield Unresolved(slot.text, reading.referrer(slot), f"no reader knows the property {slot.attribute}")
