"""What a submission needs to know of a script beside its files: version, range, and a step for each node that writes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from conductor_core.discovery.finding import Facts
from conductor_core.discovery.nuke_ask import NukeAsk
from conductor_core.discovery.nuke_node import NodeGraph
from conductor_core.discovery.nuke_root import range_of
from conductor_core.discovery.nuke_steps import Writer, steps_of
from conductor_core.submission import Software

_VERSION = re.compile(r"(\d+\.\d+)\s*(v\d+)?")


def facts_of(graph: NodeGraph, writers: Iterable[Writer], ask: NukeAsk) -> Facts:
    """Return the facts."""
    match = _VERSION.match(graph.version)
    version = "".join(p for p in match.groups() if p) if match else ""
    span = range_of(graph, ask.values)
    frames = f"{span[0]}-{span[1]}" if span else ""
    return Facts(Software("nuke", version), frames, steps_of(writers, ask), version)
