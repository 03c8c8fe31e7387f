"""One script while it is read: each of its nodes by the readers of the table, whether it stands in a file or in Nuke."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.node import findings_of
from conductor_core.discovery.nuke_ask import NukeAsk, Setting
from conductor_core.discovery.nuke_demand import Demands
from conductor_core.discovery.nuke_node import NodeGraph, ScriptNode
from conductor_core.discovery.nuke_root import root_findings
from conductor_core.discovery.nuke_steps import Writer
from conductor_core.discovery.nuke_unknown import unknown_knobs
from conductor_core.discovery.nuke_values import Values
from conductor_core.discovery.survey import Survey


class ScriptReading:
    """The findings of a script's nodes, and the nodes that write."""

    def __init__(self, graph: NodeGraph, survey: Survey, values: Sequence[Values], demands: Demands, setting: Setting) -> None:
        self._graph = graph
        self._survey = survey
        self._values = tuple(values)
        self._demands = demands
        self._setting = setting
        #: those whose findings were yielded
        self.writers: list[Writer] = []

    def ask_of(self) -> NukeAsk:
        """Return what the readers of a node ask."""
        return NukeAsk(self._survey, self._values, self._demands, self._setting)

    def findings(self, node: ScriptNode) -> Iterator[Finding]:
        """Yield what a node reads and writes."""
        ask = self.ask_of()
        if node.type == "Root":
            yield from root_findings(node, ask, uses_ocio=any(n.type.startswith("OCIO") for n in self._graph.nodes))
        else:
            yield from findings_of("nuke", node, ask)
        if "Write" in node.type and node.is_on("reading"):
            yield from ask.read(node, "file", "image")
        yield from unknown_knobs(node, ask)
        if "Write" in node.type and ("file" in node.knobs or ask.written):
            self.writers.append(Writer(node, tuple(dict.fromkeys(ask.written)), ask.problem))
