# SPDX-License-Identifier: GPL-3.0-or-later
"""The registers of readers, and the walk that offers them everything in the open scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .survey import Survey
from .usage import Finding

Reader = Callable[[Survey, Any], Iterator[Finding]]
#: survey, owner (a datablock), the node or modifier
PartReader = Callable[[Survey, Any, Any], Iterator[Finding]]

#: collection of `bpy.data` → its readers
DATABLOCKS: dict[str, list[Reader]] = {}
#: `bl_idname` of a node → its readers; "" for those that look at every node
NODES: dict[str, list[PartReader]] = {}
#: `type` of a modifier → its readers
MODIFIERS: dict[str, list[PartReader]] = {}

#: collections whose datablocks may hold a node tree of their own
_TREE_OWNERS = ("materials", "worlds", "lights", "textures", "linestyles", "scenes")


def reads(*collections: str) -> Callable[[Reader], Reader]:
    """Register a reader for the datablocks of some collections of `bpy.data`."""

    def register(reader: Reader) -> Reader:
        for name in collections:
            DATABLOCKS.setdefault(name, []).append(reader)
        return reader

    return register


def reads_node(*names: str) -> Callable[[PartReader], PartReader]:
    """Register a reader for nodes by `bl_idname`, "" for all."""

    def register(reader: PartReader) -> PartReader:
        for name in names:
            NODES.setdefault(name, []).append(reader)
        return reader

    return register


def reads_modifier(*types: str) -> Callable[[PartReader], PartReader]:
    """Register a reader for modifiers by `type`."""

    def register(reader: PartReader) -> PartReader:
        for name in types:
            MODIFIERS.setdefault(name, []).append(reader)
        return reader

    return register


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield everything that any reader finds in the open scene."""
    import bpy

    for collection, readers in DATABLOCKS.items():
        for datablock in getattr(bpy.data, collection, ()):
            for reader in readers:
                yield from reader(survey, datablock)
    for owner, tree in node_trees():
        for node in tree.nodes:
            for part_reader in (*NODES.get(node.bl_idname, ()), *NODES.get("", ())):
                yield from part_reader(survey, owner, node)
    for thing in bpy.data.objects:
        for modifier in thing.modifiers:
            for part_reader in MODIFIERS.get(modifier.type, ()):
                yield from part_reader(survey, thing, modifier)


def node_trees() -> Iterator[tuple[Any, Any]]:
    """Yield (owner, tree) for every node tree: groups own themselves, the rest belongs to a material, world, light …"""
    import bpy

    for tree in bpy.data.node_groups:
        yield tree, tree
    for collection in _TREE_OWNERS:
        for owner in getattr(bpy.data, collection):
            tree = getattr(owner, "node_tree", None)
            # A 5.x scene may hand out the group that bpy.data.node_groups has shown already.
            if tree is not None and tree.is_embedded_data:
                yield owner, tree


def in_node(node: Any) -> str:
    """Return the part of a referrer that names a node."""
    return f' node "{node.name}"'


def in_modifier(modifier: Any) -> str:
    """Return the part of a referrer that names a modifier."""
    return f' modifier "{modifier.name}"'
