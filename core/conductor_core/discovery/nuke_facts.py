"""What a submission needs to know of a script beside its files: version, range, and a step for each node that writes."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Literal

from conductor_core.discovery.finding import Facts
from conductor_core.discovery.nuke_ask import MOVIES, NukeAsk
from conductor_core.discovery.nuke_node import NodeGraph, ScriptNode
from conductor_core.discovery.nuke_root import range_of, views_of
from conductor_core.discovery.nuke_values import Values
from conductor_core.discovery.survey import Survey
from conductor_core.host import SceneStep
from conductor_core.submission import Output, Parameter, Software

_VERSION = re.compile(r"(\d+\.\d+)\s*(v\d+)?")
_MOVIE_TYPES = frozenset({"mov", "ffmpeg", "mxf", "mov64", "mov32", "r3d"})


def facts_of(graph: NodeGraph, values: Values, writers: Sequence[tuple[ScriptNode, NukeAsk]], survey: Survey) -> Facts:
    """Return the facts; each writer comes with what was asked while it was read."""
    match = _VERSION.match(graph.version)
    version = "".join(p for p in match.groups() if p) if match else ""
    span = range_of(graph, values)
    frames = f"{span[0]}-{span[1]}" if span else ""
    ordered = sorted(writers, key=lambda w: _order(w[0], values))
    steps = tuple(_step(node, ask, values, graph) for node, ask in ordered if not survey.scene)
    return Facts(Software("nuke", version), frames, steps, version)


def _order(node: ScriptNode, values: Values) -> float:
    order = values.number(node, "render_order")
    return 1.0 if order is None else order


def _step(node: ScriptNode, ask: NukeAsk, values: Values, graph: NodeGraph) -> SceneStep:
    outputs = tuple(Output(path, _kind(node, path)) for path in dict.fromkeys(ask.written[: len(views_of(graph)) or 1]))
    parameters: dict[str, Parameter] = {"write": node.full_name, "render_order": int(_order(node, values))}
    if node.text("views"):
        parameters["views"] = node.text("views")
    first, last = values.number(node, "first"), values.number(node, "last")
    if node.is_on("use_limit") and first is not None and last is not None:
        parameters["first"], parameters["last"] = int(first), int(last)
    enabled = not node.is_on("disable")
    problem = f"writes to a place that is not known without Nuke: {ask.problem}" if ask.problem else ""
    return SceneStep(node.full_name, outputs, parameters, enabled, problem)


def _kind(node: ScriptNode, path: str) -> Literal["image", "movie", "cache"]:
    if node.text("file_type") in _MOVIE_TYPES or os.path.splitext(path)[1].lower() in MOVIES:
        return "movie"
    return "cache" if "Geo" in node.type else "image"
