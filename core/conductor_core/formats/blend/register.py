"""The registers of readers: by datablock, node and modifier.

Blender's data are structs with pointers, lists and flags, which the text attributes of `conductor_core.discovery.node` do not
hold; so readers here are given the DNA itself. A node of an add-on, whose settings are custom properties, is also offered to
what is registered by `reads_node("blender", …)` and to the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from conductor_core.discovery.finding import Finding
from conductor_core.formats.blend.reading import NodeTree, Reading
from conductor_core.formats.blend.record import Record

DatablockReader = Callable[[Reading, Record], Iterator[Finding]]
NodeReader = Callable[[Reading, NodeTree, Record], Iterator[Finding]]
#: reading, the object, its modifier
ModifierReader = Callable[[Reading, Record, Record], Iterator[Finding]]
_Reader = TypeVar("_Reader")

#: code of a datablock → its readers
DATABLOCKS: dict[bytes, list[DatablockReader]] = {}
#: `idname` of a node, or the name of the struct with its settings (nodes have no `idname` before 2.67) → its readers; "" for
#: those that look at every node
NODES: dict[str, list[NodeReader]] = {}
#: name of a modifier's struct → its readers
MODIFIERS: dict[str, list[ModifierReader]] = {}


def reads_datablock(*codes: bytes) -> Callable[[DatablockReader], DatablockReader]:
    """Register a reader for datablocks by their code: `b"IM"`."""
    return lambda reader: _add(DATABLOCKS, codes, reader)


def reads_node_type(*names: str) -> Callable[[NodeReader], NodeReader]:
    """Register a reader for nodes by `idname` or by the struct with their settings; "" for all."""
    return lambda reader: _add(NODES, names, reader)


def reads_modifier(*structs: str) -> Callable[[ModifierReader], ModifierReader]:
    """Register a reader for modifiers by the name of their struct: `OceanModifierData`."""
    return lambda reader: _add(MODIFIERS, structs, reader)


_KeyT = TypeVar("_KeyT", bytes, str)


def _add(register: dict[_KeyT, list[_Reader]], keys: tuple[_KeyT, ...], reader: _Reader) -> _Reader:
    for key in keys:
        register.setdefault(key, []).append(reader)
    return reader


def findings(reading: Reading) -> Iterator[Finding]:
    """Yield everything that any reader finds."""
    for code, readers in DATABLOCKS.items():
        for head in reading.heads(code):
            for reader in readers:
                yield from reader(reading, head)
    for tree in reading.trees:
        for node in tree.tree.listed("nodes"):
            settings = node.follow("storage")
            names = dict.fromkeys((node.text("idname"), settings.struct.name if settings is not None else "", ""))
            for node_reader in (reader for name in names for reader in NODES.get(name, ())):
                yield from node_reader(reading, tree, node)
    for thing in reading.heads(b"OB"):
        for modifier in thing.listed("modifiers"):
            for modifier_reader in MODIFIERS.get(modifier.struct.name, ()):
                yield from modifier_reader(reading, thing, modifier)


def in_node(node: Record) -> str:
    """Return the part of a referrer that names a node."""
    return f' node "{node.text("name")}"'


def in_modifier(modifier: Record) -> str:
    """Return the part of a referrer that names a modifier."""
    inner = modifier.part("modifier")
    return f' modifier "{inner.text("name") if inner else ""}"'
