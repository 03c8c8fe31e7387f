"""Nuke scripts and gizmos (`.nk`, `.gizmo`): what their nodes read and write, the scripts, gizmos and colour configs they name.

Memory grows with the number of nodes, not with the size of the file: long values (curves, paint, code) are passed over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from conductor_core.discovery.finding import Facts, Finding
from conductor_core.discovery.nuke_ask import Setting, folders_of
from conductor_core.discovery.nuke_demand import Demands
from conductor_core.discovery.nuke_facts import facts_of
from conductor_core.discovery.nuke_plugins import classes
from conductor_core.discovery.nuke_reading import ScriptReading
from conductor_core.discovery.nuke_root import frames_of, project_of, views_of
from conductor_core.discovery.nuke_values import Values
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats.format import reads_format
from conductor_core.formats.nuke_grammar import Damage, Statements
from conductor_core.formats.nuke_graph import Graph
from conductor_core.report import Unresolved

_ENDINGS = (".nk", ".gizmo", ".nknc", ".nkind", ".nkple")
#: what stands near the start of every script that Nuke writes, and of what one copies out of it
_SIGNS = re.compile(
    rb"^#! ?[^\r\n]*[Nn]uke[^\r\n]* -nx|^version \d+\.\d+ v\d+|^(?:Gizmo|Root) \{\r?$|^set cut_paste_input \[stack 0\]",
    re.MULTILINE,
)
_PRINTABLE = re.compile(rb"[^\x00-\x08\x0e-\x1f]")


def _is_script(head: bytes, extension: str) -> bool:
    return extension in _ENDINGS or (b"\0" not in head and bool(_SIGNS.search(head)))


@reads_format("nuke-script", _is_script)
def read_script(survey: Survey) -> Iterator[Finding | Facts]:
    """Yield what a script or gizmo points to, then what its submission needs to know.

    Raises:
        SceneNotRead: no node is in it, or it is too large.
    """
    graph, damage = _graph(survey)
    script = _reading(graph, survey)
    for node in graph.nodes:
        yield from script.findings(node)
    yield from classes(graph, script.ask_of())
    yield from _damaged(survey, damage)
    if not survey.scene:
        yield facts_of(graph, script.writers, script.ask_of())


def _graph(survey: Survey) -> tuple[Graph, Damage]:
    graph = Graph(survey.file, survey.limits.depth)
    with open(survey.content, "rb") as file:
        statements = Statements(file, survey.limits.value)
        for _ in graph.add(statements):
            pass
        file.seek(0)
        head = file.read(64)
    if len(graph.nodes) == 1 and not graph.has_root:
        text = len(_PRINTABLE.findall(head)) == len(head)
        why = "there is no node in it" if text else "it is not text: damaged, or encrypted as by the non-commercial Nuke"
        if head.strip() or not text:
            raise SceneNotRead(survey.file, why)
        raise SceneNotRead(survey.file, "it is empty")
    return graph, statements.damage


def _damaged(survey: Survey, damage: Damage) -> Iterator[Finding]:
    name = os.path.basename(survey.file)
    if damage.conflict:
        yield Unresolved(survey.file, name, "it has the conflict marks of a version control; both sides were read")
    for problem in damage.found:
        yield Unresolved(survey.file, name, f"the script is damaged: {problem}")


def _reading(graph: Graph, survey: Survey) -> ScriptReading:
    opened = survey.scene or survey.file
    scripts = tuple(dict.fromkeys((opened, survey.file)))
    values = tuple(Values(graph, survey, script) for script in scripts)
    demands = Demands(graph, values[0], frames_of(graph, values[0], survey)).settled()
    project, unknown = project_of(graph, values[-1])
    folders = folders_of(survey, project, reversed(scripts))
    unknown = "" if survey.project_root else unknown
    setting = Setting(views_of(graph), folders, folders[0] if project else "", unknown)
    return ScriptReading(graph, survey, values, demands, setting)
