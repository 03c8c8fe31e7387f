"""The registers of readers: by datablock, node and modifier.

Blender's data are structs with pointers, lists and flags, which the text attributes of `conductor_core.discovery.node` do not
hold; so readers here are given the DNA itself. A node of an add-on, whose settings are custom properties, is offered to what is
registered by `reads_node("blender", …)` (add_on_nodes.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.node import note_source
from conductor_core.formats.blend.reading import NodeTree, Reading
from conductor_core.formats.blend.record import Record

DatablockReader = Callable[[Reading, Record], Iterator[Finding]]
NodeReader = Callable[[Reading, NodeTree, Record], Iterator[Finding]]
#: reading, the object, its modifier
ModifierReader = Callable[[Reading, Record, Record], Iterator[Finding]]
_ReaderT = TypeVar("_ReaderT")
_KeyT = TypeVar("_KeyT", bytes, str)

#: code of a datablock → its readers
DATABLOCKS: dict[bytes, list[Registered[DatablockReader]]] = {}
#: `idname` of a node, or the name of the struct with its settings (nodes have no `idname` before 2.67) → its readers; "" for
#: those that look at every node
NODES: dict[str, list[Registered[NodeReader]]] = {}
#: name of a modifier's struct → its readers
MODIFIERS: dict[str, list[Registered[ModifierReader]]] = {}


@dataclass(frozen=True, slots=True)
class Registered(Generic[_ReaderT]):
    """A reader with where it comes from."""

    name: str
    read: _ReaderT
    #: the page that says what is read
    source: str


def reads_datablock(*codes: bytes, source: str) -> Callable[[DatablockReader], DatablockReader]:
    """Register a reader for datablocks by their code: `b"IM"`; `source` is the page that its rules rest on."""
    return lambda reader: _add(DATABLOCKS, codes, reader, source)


def reads_node_type(*names: str, source: str) -> Callable[[NodeReader], NodeReader]:
    """Register a reader for nodes by `idname` or by the struct with their settings; "" for all."""
    return lambda reader: _add(NODES, names, reader, source)


def reads_modifier(*structs: str, source: str) -> Callable[[ModifierReader], ModifierReader]:
    """Register a reader for modifiers by the name of their struct: `OceanModifierData`."""
    return lambda reader: _add(MODIFIERS, structs, reader, source)


def _add(register: dict[_KeyT, list[Registered[_ReaderT]]], keys: tuple[_KeyT, ...], reader: _ReaderT, source: str) -> _ReaderT:
    name = f"{getattr(reader, '__module__', '')}.{getattr(reader, '__qualname__', '')}"
    note_source(name, source)
    for key in keys:
        register.setdefault(key, []).append(Registered(name, reader, source))
    return reader


def findings(reading: Reading) -> Iterator[Finding]:
    """Yield everything that any reader finds, with the reader's name on it."""
    for code, readers in DATABLOCKS.items():
        for head in reading.heads(code):
            for reader in readers:
                yield from _signed(reader.name, reader.read(reading, head))
    for tree in reading.trees:
        for node in tree.tree.listed("nodes"):
            yield from _of_node(reading, tree, node)
    for thing in reading.heads(b"OB"):
        for modifier in thing.listed("modifiers"):
            for modifier_reader in MODIFIERS.get(modifier.struct.name, ()):
                yield from _signed(modifier_reader.name, modifier_reader.read(reading, thing, modifier))


def _of_node(reading: Reading, tree: NodeTree, node: Record) -> Iterator[Finding]:
    settings = node.follow("storage")
    names = dict.fromkeys((node.text("idname"), settings.struct.name if settings is not None else "", ""))
    for reader in (reader for name in names for reader in NODES.get(name, ())):
        yield from _signed(reader.name, reader.read(reading, tree, node))


def _signed(name: str, found: Iterator[Finding]) -> Iterator[Finding]:
    return (finding if finding.reader else replace(finding, reader=name) for finding in found)


def in_node(node: Record) -> str:
    """Return the part of a referrer that names a node."""
    return f' node "{node.text("name")}"'


def in_modifier(modifier: Record) -> str:
    """Return the part of a referrer that names a modifier."""
    inner = modifier.part("modifier")
    return f' modifier "{inner.text("name") if inner else ""}"'
