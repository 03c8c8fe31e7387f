"""Classes of nodes that do not come with Nuke: gizmos, which are read on where they are found, and plug-ins.

Nuke looks for them in the folders of NUKE_PATH and in `~/.nuke`, and in those that an `init.py` there adds, which are the ones
below them as a rule: https://learn.foundry.com/nuke/content/comp_environment/configuring_nuke/loading_gizmos_plugins_scripts.html
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.node import is_known
from conductor_core.discovery.nuke_ask import NukeAsk
from conductor_core.discovery.nuke_node import NodeGraph, ScriptNode
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.tables.nuke_classes import is_stock
from conductor_core.report import Ignored, Unresolved

#: folders below one of NUKE_PATH that are looked into
_MOST_FOLDERS = 300
#: elements of paint and of text in braces that look like a node at first sight
_NO_CLASSES = frozenset({"Layer", "Stroke", "Shape", "knob", "Knob"})


def classes(graph: NodeGraph, ask: NukeAsk) -> Iterator[Finding]:
    """Yield each class that does not come with Nuke once, with its first node."""
    first: dict[str, ScriptNode] = {}
    for node in graph.nodes:
        if not is_stock(node.type):
            first.setdefault(node.type, node)
    folders: tuple[str, ...] | None = None
    for type_, node in first.items():
        if type_.startswith("OFX") or not type_.replace("_", "").replace(".", "").isalnum() or type_ in _NO_CLASSES:
            yield from _plugin(type_, node)
            continue
        folders = _folders(ask.survey) if folders is None else folders
        yield from _gizmo(type_, node, ask, folders)


def _plugin(type_: str, node: ScriptNode) -> Iterator[Finding]:
    if type_.startswith("OFX"):
        yield Ignored(type_, node.full_name, "an OFX plug-in: it has to be installed where the script is rendered")


def _gizmo(type_: str, node: ScriptNode, ask: NukeAsk, folders: tuple[str, ...]) -> Iterator[Finding]:
    name = type_ if type_.endswith(".gizmo") else type_ + ".gizmo"
    places = [os.path.join(f, name) for f in folders if ask.survey.listing.has(os.path.join(f, name))]
    if places:
        yield Usage(type_, node.full_name, "gizmo", tuple(places[:1]), under=ask.under(node))
    elif not is_known("nuke", type_):
        reason = f"no reader knows class {type_}: a gizmo or plug-in that must be on NUKE_PATH where the script is rendered"
        yield Unresolved(type_, node.full_name, reason)


def _folders(survey: Survey) -> tuple[str, ...]:
    """Return the folders in which gizmos are looked for."""
    said = [f for f in survey.variables.get("NUKE_PATH", "").split(os.pathsep) if f]
    said += [*survey.search, survey.folder, os.path.dirname(survey.scene or survey.file), os.path.expanduser("~/.nuke")]
    found: dict[str, None] = {}
    for folder in dict.fromkeys(os.path.abspath(f) for f in said):
        found[folder] = None
        if folder in (survey.folder, os.path.dirname(survey.scene or survey.file)):
            continue
        for name in sorted(survey.listing.names(folder))[:_MOST_FOLDERS]:
            if "." not in name and os.path.isdir(os.path.join(folder, name)):
                found[os.path.join(folder, name)] = None
    return tuple(found)
