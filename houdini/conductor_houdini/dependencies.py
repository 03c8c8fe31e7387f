"""Scan the scene that is open in Houdini, in pieces of a few milliseconds: every path in it ends in exactly one list of the report.

The nodes go through the readers that a scene's file goes through (`conductor_core.discovery.houdini_*`); Houdini's own list of file
references (`references`), the libraries of its assets and the layers of its stages (`layers`) are added. The disk is not looked at.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import hou
from conductor_core.discovery import judge
from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.houdini_ask import HipAsk
from conductor_core.discovery.houdini_findings import node_findings
from conductor_core.report import Dependency, Ignored, Missing, ScanOutput, ScanReport, Unresolved
from conductor_core.sequences import DirectoryListing

from conductor_houdini import scene
from conductor_houdini.libraries import Libraries
from conductor_houdini.live_nodes import LiveNetwork, live_node
from conductor_houdini.references import only_houdini_knows
from conductor_houdini.stages import layer_findings

#: seconds of Houdini's main thread that one piece may cost, as far as one node allows
PIECE = 0.004


def pieces(frames: Sequence[int] = (), clock: Callable[[], float] = time.perf_counter) -> Iterator[list[Finding]]:
    """Yield what the open scene reads and writes for some frames (none: its own), a few milliseconds at a time.

    Nothing is yielded for a scene without a file, whose relative paths mean nothing; no more once another scene is open.
    """
    file = scene.path()
    if not file:
        return
    piece: list[Finding] = []
    until = clock() + PIECE
    for group in _groups(file, frames):
        piece += group
        if clock() >= until:
            yield piece
            if scene.path() != file:
                return
            piece = []
            until = clock() + PIECE
    yield piece


def scan(frames: Iterable[int] = ()) -> ScanReport:
    """Return the report on the open scene, its files looked for on the disk."""
    listing = DirectoryListing()
    found = (finding for piece in pieces(tuple(frames)) for finding in piece)
    entries = list(dict.fromkeys(entry for finding in found for entry in judge.judged(finding, listing)))
    return ScanReport(
        scene=scene.path(),
        format="houdini-scene",
        dependencies=tuple(e for e in entries if isinstance(e, Dependency)),
        missing=tuple(e for e in entries if isinstance(e, Missing)),
        unresolved=tuple(e for e in entries if isinstance(e, Unresolved)),
        outputs=tuple(e for e in entries if isinstance(e, ScanOutput)),
        ignored=tuple(e for e in entries if isinstance(e, Ignored)),
    )


def _groups(file: str, frames: Sequence[int]) -> Iterator[list[Finding]]:
    ask = scene.asking(scene.survey(file, frames))
    libraries = Libraries()
    for node in _nodes():
        try:
            yield _of_node(node, ask, libraries) if node is not None else []
        except hou.ObjectWasDeleted:
            yield []
        if isinstance(ask.network, LiveNetwork):
            ask.network.forget()
    yield from ([_plain(finding) for finding in group] for group in libraries.findings(ask))


def _of_node(node: hou.OpNode, ask: HipAsk, libraries: Libraries) -> list[Finding]:
    libraries.note(node)
    live = live_node(node)
    found = list(node_findings(live, {}, ask))
    found += only_houdini_knows(live, found, ask)
    found += layer_findings(node, ask)
    return [_plain(finding) for finding in found]


def _plain(finding: Finding) -> Finding:
    """Return a finding without what only a file's reader goes on with: the files it points to are read outside of Houdini."""
    return replace(finding, under=None) if isinstance(finding, Usage) else finding


def _nodes() -> Iterator[hou.OpNode | None]:
    """Yield the nodes of the scene, each before those in it; of assets that ship with Houdini, those that artists may change.

    None for each of the others, which take time as well.

    What such an asset holds is Houdini's own, but for the networks in it that are made to be filled (those of a SOP Create):
    https://www.sidefx.com/docs/houdini/hom/hou/OpNode.html#isEditableInsideLockedHDA. A node's children are asked for when it
    was looked at, so that what is gone by then is left out.
    """
    waiting = [(hou.root().path(), False)]
    shipped = scene.installation()
    while waiting:
        path, closed = waiting.pop()
        node = hou.node(path)
        if node is None:
            continue
        try:
            if isinstance(node, hou.OpNode):
                yield node if not closed or node.isEditableInsideLockedHDA() else None
                closed = closed or _is_closed(node, shipped)
            waiting += [(child.path(), closed) for child in reversed(node.children())]
        except hou.ObjectWasDeleted:
            continue


def _is_closed(node: hou.OpNode, shipped: tuple[str, ...]) -> bool:
    """Tell whether a node's contents are those of an asset that ships with Houdini: its own parameters say what they read."""
    definition = node.type().definition() if node.isLockedHDA() else None
    if definition is None:
        return False
    library = os.path.normpath(definition.libraryFilePath()).replace("\\", "/")
    return any(library.startswith(folder + "/") for folder in shipped)
