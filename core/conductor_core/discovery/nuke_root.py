"""The settings of a script: frames, views, project directory, colour configuration.

Rules: https://learn.foundry.com/nuke/content/reference_guide/other_nodes/root.html
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.nuke_ask import NukeAsk
from conductor_core.discovery.nuke_node import NodeGraph, ScriptNode
from conductor_core.discovery.nuke_values import Values
from conductor_core.discovery.place import absolute
from conductor_core.discovery.reach import Folder
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.tcl import NotEvaluated, split_list
from conductor_core.frames import MAX_FRAMES
from conductor_core.report import Unresolved

_VIEW = re.compile(r"\A\s*(?P<name>[^\s#{}\"]+)(?:\s+(?:#[0-9A-Fa-f]*|\"[^\"]*\"|\{\s*\}))?\s*\Z")
_FONTS = (".ttf", ".otf", ".ttc", ".pfa", ".pfb", ".dfont")
#: knobs of the root that hold names and not paths of what is read
_NAMES = frozenset({"name", "project_directory", "OCIO_config"})


def frames_of(graph: NodeGraph, values: Values, survey: Survey) -> tuple[int, ...] | None:
    """Return the frames of the job, or the script's own range; None where neither is known."""
    if survey.frames is not None:
        return survey.frames
    span = range_of(graph, values)
    return None if span is None else tuple(range(span[0], span[1] + 1))


def range_of(graph: NodeGraph, values: Values) -> tuple[int, int] | None:
    """Return the script's own first and last frame; None where there is no Root, or its range cannot be evaluated."""
    if not graph.has_root:
        return None
    ends: list[int] = []
    for knob in ("first_frame", "last_frame"):
        try:
            ends.append(round(float(values.knob(graph.root, knob))))
        except (NotEvaluated, ValueError, OverflowError):
            return None
    return (ends[0], ends[1]) if 0 <= ends[1] - ends[0] < MAX_FRAMES else None


def project_of(graph: NodeGraph, values: Values) -> tuple[str, str]:
    """Return the project directory, and why it is not known; both "" where there is none."""
    try:
        return values.evaluated(graph.root, graph.root.plain("project_directory")).strip(), ""
    except NotEvaluated as exc:
        return "", str(exc)


def views_of(graph: NodeGraph) -> tuple[str, ...]:
    """Return the views of a script: `left #ff0000` in lines, or `{left ""} {right ""}`; `main` where it has no others."""
    text = graph.root.plain("views").strip()
    if not text:
        return ("main",) if graph.has_root else ()
    lines = [m["name"] for line in text.splitlines() if (m := _VIEW.match(line)) is not None]
    if lines:
        return tuple(dict.fromkeys(lines))
    try:
        return tuple(dict.fromkeys(words[0] for e in split_list(text) if (words := split_list(e))))
    except NotEvaluated:
        return ()


def root_findings(root: ScriptNode, ask: NukeAsk, *, uses_ocio: bool) -> Iterator[Finding]:
    """Yield what the settings read."""
    ask.seen.update(_NAMES)
    yield from _project(root, ask)
    yield from _colour(root, ask, uses_ocio=uses_ocio)
    for finding in ask.read(root, "free_type_font_path", "font", reach=Folder(_FONTS)):
        yield replace(finding, absent_is="there are no fonts") if isinstance(finding, Usage) else finding


def _project(root: ScriptNode, ask: NukeAsk) -> Iterator[Finding]:
    """Say so where the project directory cannot be evaluated, since every relative name hangs on it."""
    if ask.setting.unknown_project:
        yield Unresolved(root.text("project_directory"), "Root.project_directory", ask.setting.unknown_project)


def _colour(root: ScriptNode, ask: NukeAsk, *, uses_ocio: bool) -> Iterator[Finding]:
    """A config of one's own is read where `custom` is chosen; the variable OCIO goes before the script's choice."""
    config = root.text("OCIO_config")
    managed = root.text("colorManagement") == "OCIO" or uses_ocio
    variable = ask.survey.variables.get("OCIO", "")
    if managed and variable and not variable.startswith("ocio://"):
        yield Usage(variable, "environment.OCIO", "ocio", (absolute(variable, os.getcwd()),))
    if config == "custom" or (not config and managed and root.text("customOCIOConfigPath")):
        yield from ask.read(root, "customOCIOConfigPath", "ocio")
    else:
        reason = f"not in use: the script takes {config or 'a configuration'} that ships with Nuke"
        yield from ask.ignore(root, "customOCIOConfigPath", reason)
