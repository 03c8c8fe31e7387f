"""What the open script reads and writes: its nodes by the readers of the table, the texts in their knobs evaluated by Nuke.

The disk is not looked at: whether the files are there is judged elsewhere (`conductor_core.discovery.judge`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.node import is_known
from conductor_core.discovery.nuke_ask import Setting, folders_of
from conductor_core.discovery.nuke_demand import Demands
from conductor_core.discovery.nuke_reading import ScriptReading
from conductor_core.discovery.nuke_root import project_of
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.tables.nuke_classes import is_stock
from conductor_core.discovery.tables.nuke_products import product_of
from conductor_core.discovery.tcl import NotEvaluated
from conductor_core.report import Ignored
from conductor_core.submission import Software

from conductor_nuke.evaluating import HostTexts
from conductor_nuke.live_graph import LiveGraph, LiveValues
from conductor_nuke.live_node import LiveNode
from conductor_nuke.script import own_range, script_path, views

#: seconds of Nuke's main thread that one piece may cost, as far as one node allows, and findings that it has at most
PIECE = 0.004
_MOST = 50
_OFX = "an OFX plug-in: it has to be installed where the script is rendered"
_PLUGIN = "a plug-in: it has to be installed where the script is rendered"


def pieces(frames: Sequence[int] = (), clock: Callable[[], float] = time.perf_counter) -> Iterator[list[Finding]]:
    """Yield the findings as values that hold nothing of Nuke's, a few milliseconds at a time.

    Nothing is yielded for a script without a file, whose relative paths mean nothing yet.
    """
    if not script_path():
        return
    piece: list[Finding] = []
    until = clock() + PIECE
    for finding in _findings(tuple(frames)):
        if finding is not None:
            piece.append(finding)
        if len(piece) >= _MOST or clock() >= until:
            yield piece
            piece = []
            until = clock() + PIECE
    yield piece


def _findings(frames: tuple[int, ...]) -> Iterator[Finding | None]:
    """Yield the findings, and None wherever the work may be interrupted."""
    graph = LiveGraph()
    job = frames or _own()
    for _ in graph.gather():
        yield None
    for node in graph.nodes:
        if isinstance(node, LiveNode):
            node.load()
        yield None
    context = LiveContext(graph, job)
    for _ in context.demands.settle():
        yield None
    for _ in context.evaluate():
        yield None
    reading = context.reading()
    for node in graph.nodes:
        for finding in reading.findings(node):
            yield replace(finding, under=None) if isinstance(finding, Usage) else finding
        yield None
    yield from _classes(graph)


class LiveContext:
    """What the readers of the open script's nodes are given."""

    def __init__(self, graph: LiveGraph, job: Sequence[int]) -> None:
        path = script_path()
        self.graph = graph
        self.job = tuple(job)
        self.survey = Survey(path, self.job, variables=dict(os.environ))
        self.values = LiveValues(graph, self.survey, path)
        self.demands = Demands(graph, self.values, self.job)
        self.texts = HostTexts()
        self.views = views()

    def evaluate(self) -> Iterator[None]:
        """Have Nuke evaluate the texts of all nodes; yields after each evaluation."""
        for node in self.graph.nodes:
            if isinstance(node, LiveNode):
                wanted = self.demands.of(node).wanted
                yield from self.texts.ask(
                    node, sorted(wanted) if wanted is not None else self.job, self.several_views(), self._own
                )

    def _own(self, node: LiveNode, plain: str) -> str | None:
        """Return what we make of a text, relative names as they stand."""
        try:
            return self.values.evaluated(node, plain).strip()
        except NotEvaluated:
            return None

    def reading(self) -> ScriptReading:
        """Return the reading of the script."""
        project, unknown = self.project()
        folders = folders_of(self.survey, project, (self.survey.file,))
        setting = Setting(self.views, folders, folders[0] if project else "", unknown, self.texts)
        return ScriptReading(self.graph, self.survey, (self.values,), self.demands, setting)

    def project(self) -> tuple[str, str]:
        """Return the project directory, and why it is not known; Nuke is asked where we cannot evaluate it."""
        project, unknown = project_of(self.graph, self.values)
        root = self.graph.root
        if unknown and isinstance(root, LiveNode):
            for _ in self.texts.ask(root, self.job[:1], ("",)):
                pass
            told = self.texts.get(("Root", "project_directory"), ())
            return (told[0].text, "") if told else ("", unknown)
        return project, unknown

    def several_views(self) -> tuple[str, ...]:
        """Return the views for which texts may differ; one without a name where there is only one."""
        return self.views if len(self.views) > 1 else ("",)


@dataclass(frozen=True, slots=True)
class ScriptSettings:
    """What the script says of itself beside its nodes' files."""

    #: the project directory; "": none, or nobody knows
    project: str
    #: file of the colour configuration; "": Nuke's own
    colour_config: str
    plug_ins: tuple[Software, ...]


def settings_of_script() -> ScriptSettings:
    """Return the settings of the open script."""
    graph = LiveGraph().gathered()
    context = LiveContext(graph, own_range()[:1])
    reading = context.reading()
    found = [f for f in reading.findings(graph.root) if isinstance(f, Usage) and f.kind == "ocio"]
    products = (product_of(type_) for type_ in sorted({node.type for node in graph.nodes}) if not is_stock(type_))
    names = dict.fromkeys(name for name in products if name)
    setting = reading.ask_of().setting
    return ScriptSettings(setting.project, found[0].places[0] if found else "", tuple(Software(name, "") for name in names))


def _classes(graph: LiveGraph) -> Iterator[Finding]:
    """Yield each class that does not come with Nuke once, with its first node: the file of a gizmo, or that it is a plug-in."""
    first: dict[str, LiveNode] = {}
    for node in graph.nodes:
        if isinstance(node, LiveNode) and not is_stock(node.type):
            first.setdefault(node.type, node)
    for type_, node in first.items():
        file = node.gizmo_file()
        if file:
            yield Usage(type_, node.full_name, "gizmo", (os.path.abspath(file),))
        elif type_.startswith("OFX"):
            yield Ignored(type_, node.full_name, _OFX)
        elif not is_known("nuke", type_):
            yield Ignored(type_, node.full_name, _PLUGIN)


def _own() -> tuple[int, ...]:
    first, last = own_range()
    return tuple(range(first, last + 1))
