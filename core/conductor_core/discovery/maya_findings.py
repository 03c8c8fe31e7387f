"""From a Maya scene, however it was read, to all that it says of other files."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator
from dataclasses import replace

from conductor_core.discovery.finding import Facts, Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.maya_ask import MayaAsk
from conductor_core.discovery.maya_frames import frames_of, scene_range
from conductor_core.discovery.maya_node import MayaNode, both_names
from conductor_core.discovery.maya_outputs import facts
from conductor_core.discovery.maya_places import MayaPlaces, without_copy_number
from conductor_core.discovery.maya_project import MayaProject, find_project
from conductor_core.discovery.maya_scene import SETTINGS, SIMULATED, MayaScene
from conductor_core.discovery.maya_unknown import looks_like_file, unknown_texts
from conductor_core.discovery.node import findings_of, rows
from conductor_core.discovery.survey import Survey
from conductor_core.report import Ignored, Unresolved

NOT_LOADED = "the scene is not there, and this one does not load it: its reference is unloaded"
#: texts in quotes in MEL or Python that could be paths
_QUOTED = re.compile(r"""["']([^"'\n\\]{3,400}\.[A-Za-z0-9]{2,8})["']""")
#: paths of one script that are listed
_FROM_SCRIPT = 50


def scene_findings(scene: MayaScene, survey: Survey) -> Iterator[Finding | Facts]:
    """Yield the facts of a scene, its references, then what its nodes name, in the order of the file."""
    ask = _ask(scene, survey)
    yield facts(ask)
    yield from scene.damage
    yield from notes(scene)
    if survey.for_scouts:
        yield from _simulated(scene, survey)
    yield from _references(scene, ask)
    for node in scene.nodes:
        ask.seen = set()
        if survey.scene and node.type in SETTINGS:
            yield from _settings_of_another(node)
            continue
        yield from findings_of("maya", node, ask)
        yield from unknown_texts(node, ask)
    yield from _edits(scene, ask)


def _simulated(scene: MayaScene, survey: Survey) -> Iterator[Finding]:
    """Yield what Maya runs up to a frame, from the first on: that looks at the files of each frame before."""
    for node in scene.nodes:
        if node.type in SIMULATED:
            yield Unresolved(survey.file, node.name, "it is simulated from its first frame on")


def _settings_of_another(node: MayaNode) -> Iterator[Finding]:
    """Yield that render settings of a scene that is referred to are not loaded with it."""
    for key, values in node.values.items():
        for value in values:
            if "/" in value or looks_like_file(value):
                yield Ignored(value, f"{node.name}.{key}", "settings of a scene that is only referred to do not count")


def _ask(scene: MayaScene, survey: Survey) -> MayaAsk:
    top = survey.scene or survey.file
    project = find_project(top, survey.project_root, survey.variables)
    if scene.rules:
        project = replace(project, rules={**scene.rules, **project.rules})
    own = find_project(survey.file) if survey.scene else MayaProject()
    others = (own,) if own.root and own.root != project.root else ()
    frames = survey.frames if survey.frames is not None else frames_of(scene_range(scene))
    places = MayaPlaces(survey.file, project, survey.variables, others, search_folders(scene, project, survey))
    return MayaAsk(survey, scene, places, frames)


def search_folders(scene: MayaScene, project: MayaProject, survey: Survey) -> tuple[str, ...]:
    """Return the folders in which Arnold looks for textures and procedurals beside those of Maya, and the survey's own."""
    found = list(survey.search)
    for options in scene.of_type("aiOptions"):
        for attribute in ("texture_searchpath", "procedural_searchpath"):
            found += [part for part in re.split(r";|:(?![\\/])", options.text(attribute)) if part and "[" not in part]
    base = project.root or survey.folder
    return tuple(dict.fromkeys(os.path.join(base, part) for part in found))


def notes(scene: MayaScene) -> Iterator[Finding]:
    """Yield the paths in what a scene notes of itself, and of the plug-ins that it needs."""
    for key, value in scene.file_info.items():
        if looks_like_file(value):
            yield Ignored(value, f"fileInfo {key}", "a note of what saved the file")
    for plugin in scene.plugins:
        if "/" in plugin or "\\" in plugin:
            yield Ignored(plugin, "requires", "a plug-in, which comes with the software")


def _references(scene: MayaScene, ask: MayaAsk) -> Iterator[Finding]:
    parents: dict[int, list[str]] = {}
    for reference in scene.references:
        place = without_copy_number(reference.path)
        absent = NOT_LOADED if reference.deferred else ""
        found = list(ask.usage(reference.path, reference.name, kind_of_reference(reference.path), place=place, absent_is=absent))
        files = [f for u in found if isinstance(u, Usage) for f in u.places if os.path.isfile(f)][:1]
        parent = parents.get(reference.depth - 1, [])
        if reference.depth > 1 and parent and _holds(parent[0], reference.path):
            reason = f"{os.path.basename(parent[0])} refers to it itself"
            yield Ignored(reference.path, reference.name, reason)
        else:
            yield from (_without_loop(one, ask.survey) for one in found)
        parents[reference.depth] = files


def _without_loop(finding: Finding, survey: Survey) -> Finding:
    """Return a reference that is not read on where it leads back to the scene that was asked about."""
    top = os.path.realpath(survey.scene or survey.file)
    back = isinstance(finding, Usage) and any(os.path.realpath(p) == top for p in finding.places)
    return replace(finding, follow=False) if back and isinstance(finding, Usage) else finding


def kind_of_reference(path: str) -> Kind:
    """Return what a reference is: Maya refers to Alembic, USD, FBX and OBJ files too."""
    extension = os.path.splitext(path)[1].lower().partition("{")[0]
    kinds: dict[str, Kind] = {".abc": "cache", ".fbx": "geometry", ".obj": "geometry", ".usd": "layer", ".usda": "layer"}
    return {**kinds, ".usdc": "layer", ".usdz": "layer"}.get(extension, "reference")


def _holds(file: str, text: str) -> bool:
    """Tell whether a file has a text in it, so that reading it finds what the text names."""
    try:
        with open(file, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            name = without_copy_number(text).encode("utf-8", "surrogateescape")
            return data.find(name) >= 0
    except (OSError, ValueError):
        return False


def _edits(scene: MayaScene, ask: MayaAsk) -> Iterator[Finding]:
    """Yield what the scene sets on nodes of scenes that it refers to: it counts in the place of what those say."""
    known = _kinds_by_attribute() if scene.edits else {}
    for node, attribute, text in scene.edits:
        name = attribute.rpartition(".")[2]
        kind = known.get(re.sub(r"\[\d+\]", "", name))
        if kind is not None:
            yield from ask.usage(text, f"{node}.{attribute}", kind)
        elif looks_like_file(text):
            ask.seen = set()
            yield from unknown_texts(MayaNode("", node, {attribute: (text,)}), ask)


def _kinds_by_attribute() -> dict[str, Kind]:
    """Return what attributes of these names hold, whatever the node: of an edited node the scene does not tell the type."""
    kinds: dict[str, Kind] = {}
    for row in rows("maya"):
        if row.role == "read":
            for attribute in row.attributes:
                kinds.update(dict.fromkeys(both_names(row.type, attribute), row.kind))
    for vague in ("f", "fn", "cn", "cp", "file", "map", "def", "rda"):
        kinds.pop(vague, None)
    return kinds


def script_paths(text: str, referrer: str) -> Iterator[Finding]:
    """Yield the paths that stand in code: what the code does with them, nobody knows but Maya."""
    for path in list(dict.fromkeys(_QUOTED.findall(text)))[:_FROM_SCRIPT]:
        if looks_like_file(path) and ("/" in path or "\\" in path):
            yield Ignored(path, referrer, "it stands in a script: what that reads cannot be told")
