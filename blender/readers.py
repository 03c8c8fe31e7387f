# SPDX-License-Identifier: GPL-3.0-or-later
"""The registers of readers, and the walk that offers them everything in the open scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .survey import Survey
from .usage import Finding
from .walking import safely, upheavals, walk

Reader = Callable[[Survey, Any], Iterator[Finding]]
#: survey, owner (a datablock), the node or modifier
PartReader = Callable[[Survey, Any, Any], Iterator[Finding]]

#: collection of `bpy.data` → its readers
DATABLOCKS: dict[str, list[Reader]] = {}
#: `bl_idname` of a node → its readers; "" for those that look at every node
NODES: dict[str, list[PartReader]] = {}
#: `type` of a modifier → its readers
MODIFIERS: dict[str, list[PartReader]] = {}

#: nodes that are read in one go
MOST_NODES = 100
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
    for group in groups(survey):
        yield from group


def groups(survey: Survey) -> Iterator[list[Finding]]:
    """Yield what readers find, one datablock or a few nodes at a time: between two groups the scene may change."""
    for collection, readers in DATABLOCKS.items():
        for datablock in walk(collection):
            yield safely(_datablock_findings, survey, readers, datablock)
    yield from _node_groups(survey)
    for thing in walk("objects"):
        yield safely(_modifier_findings, survey, thing)


def _node_groups(survey: Survey) -> Iterator[list[Finding]]:
    for owner, tree in trees():
        for nodes in node_slices(tree):
            yield safely(_node_findings, survey, owner, tree, nodes)


def _datablock_findings(survey: Survey, readers: list[Reader], datablock: Any) -> list[Finding]:
    return [finding for reader in readers for finding in reader(survey, datablock)]


def _node_findings(survey: Survey, owner: Any, tree: Any, nodes: slice) -> list[Finding]:
    pairs = ((node, r) for node in tree.nodes[nodes] for r in (*NODES.get(node.bl_idname, ()), *NODES.get("", ())))
    return [finding for node, reader in pairs for finding in reader(survey, owner, node)]


def _modifier_findings(survey: Survey, thing: Any) -> list[Finding]:
    pairs = ((modifier, reader) for modifier in thing.modifiers for reader in MODIFIERS.get(modifier.type, ()))
    return [finding for modifier, reader in pairs for finding in reader(survey, thing, modifier)]


def node_trees() -> Iterator[tuple[Any, Any]]:
    """Yield (owner, tree) for every node tree: groups own themselves, the rest belongs to a material, world, light …"""
    import bpy

    for tree in bpy.data.node_groups:
        yield tree, tree
    for collection in _TREE_OWNERS:
        for owner in getattr(bpy.data, collection):
            if (tree := own_tree(owner)) is not None:
                yield owner, tree


def own_tree(owner: Any) -> Any:
    """Return the node tree that is part of a datablock; None where it has none, or one that is a datablock itself."""
    tree = getattr(owner, "node_tree", None)
    # A 5.x scene may hand out a group that bpy.data.node_groups shows, too.
    return tree if tree is not None and tree.is_embedded_data else None


def trees() -> Iterator[tuple[Any, Any]]:
    """Yield the same as `node_trees`, and go on where the scene changes between two of them."""
    for tree in walk("node_groups"):
        yield tree, tree
    for collection in _TREE_OWNERS:
        for owner in walk(collection):
            if (tree := safely(own_tree, owner, none=None)) is not None:
                yield owner, tree


def node_slices(tree: Any) -> Iterator[slice]:
    """Yield which nodes of a tree to read next; no more of them where it has become another tree."""
    state = upheavals()
    for at in range(0, safely(_count, tree, none=0), MOST_NODES):
        if upheavals() != state:
            return
        yield slice(at, at + MOST_NODES)


def _count(tree: Any) -> int:
    return len(tree.nodes)


def in_node(node: Any) -> str:
    """Return the part of a referrer that names a node."""
    return f' node "{node.name}"'


def in_modifier(modifier: Any) -> str:
    """Return the part of a referrer that names a modifier."""
    return f' modifier "{modifier.name}"'
