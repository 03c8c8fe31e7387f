"""The nodes of a network, each by the readers of its type, then by what no reader knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conductor_core.discovery import tables
from conductor_core.discovery.finding import Finding
from conductor_core.discovery.houdini_ask import HipAsk
from conductor_core.discovery.houdini_node import HipNode, Network
from conductor_core.discovery.houdini_unknown import Declared, findings_of_unknown
from conductor_core.discovery.node import Registered, is_known, readers_of
from conductor_core.report import Unresolved


def network_findings(network: Network, declared: Declared, ask: HipAsk) -> Iterator[Finding]:
    """Yield what all nodes read and write."""
    tables.load("houdini")
    # geometry comes from other networks too, so it is asked of all of them together
    elsewhere = network.leaves_its_frame() if ask.survey.for_scouts else None
    if elsewhere is not None:
        yield Unresolved(ask.survey.file, ask.referrer(elsewhere, ""), "it looks at other frames than the one that is rendered")
    for node in network.ordered():
        yield from node_findings(node, declared, ask)


def node_findings(node: HipNode, declared: Declared, ask: HipAsk) -> Iterator[Finding]:
    """Yield what one node reads and writes: each parameter by the first reader that knows it."""
    if not node.values:
        return
    ask.claimed.clear()
    for reader in _readers(node):
        for finding in reader.read(node, ask):
            yield replace(finding, reader=reader.name)
    for finding in findings_of_unknown(node, declared, ask):
        yield replace(finding, reader=findings_of_unknown.__module__)


def _readers(node: HipNode) -> Iterator[Registered]:
    """Yield the readers of a type, found with version and namespace first, then without."""
    names = (node.full_type, node.type, node.type.rpartition("::")[2])
    known = next((name for name in names if is_known("houdini", name)), node.type)
    yield from readers_of("houdini", known)
