"""The open scene as readers of scene files see it: nodes are looked for when somebody wants them."""

from __future__ import annotations

import os
from dataclasses import replace

from conductor_core.discovery.maya_ask import MayaAsk
from conductor_core.discovery.maya_findings import search_folders
from conductor_core.discovery.maya_frames import frames_of, scene_range
from conductor_core.discovery.maya_node import MayaNode
from conductor_core.discovery.maya_places import MayaPlaces
from conductor_core.discovery.maya_project import MayaProject
from conductor_core.discovery.maya_scene import MayaReference, MayaScene
from conductor_core.discovery.survey import Survey

from conductor_maya import session
from conductor_maya.live_node import LiveNode, forget_types

#: of a scene without a file, where one would be saved
_NO_NAME = "untitled.ma"


#: those that were loaded when the types of nodes were looked at
_loaded: list[str] = []


class LiveScene(MayaScene):
    """The open scene, as it is while one question is answered."""

    __slots__ = ("_by_type", "_plug_ins")

    def __init__(self) -> None:
        super().__init__(file_info=session.file_info(), version=session.version(), references=_references())
        loaded = session.plug_ins()
        if loaded != _loaded:
            _loaded[:] = loaded
            forget_types()
        self._by_type: dict[tuple[str, ...], list[MayaNode]] = {}
        self._plug_ins: dict[str, str] | None = None

    def of_type(self, *types: str) -> list[MayaNode]:
        """Return the nodes of some types."""
        if types not in self._by_type:
            nodes = ((name, session.type_of(name)) for name in session.nodes_of(*types))
            self._by_type[types] = [LiveNode(name, type_) for name, type_ in nodes if type_ in types]
        return self._by_type[types]

    def named(self, name: str) -> MayaNode | None:
        """Return the node of a name; None where there is none."""
        name = name.lstrip(":")
        return self.node(name, session.type_of(name)) if name and session.exists(name) else None

    def node(self, name: str, type_: str) -> LiveNode:
        """Return a node as readers see it."""
        return LiveNode(name, type_, self._plug_in_of(type_))

    def _plug_in_of(self, type_: str) -> str:
        if self._plug_ins is None:
            self._plug_ins = {brought: plug_in for plug_in in session.plug_ins() for brought in session.plug_in_types(plug_in)}
        return self._plug_ins.get(type_, "")


def ask_of(scene: LiveScene, frames: tuple[int, ...] | None = None) -> MayaAsk:
    """Return what readers ask: the project that is set in Maya, Maya's own variables, frames of the job or of the scene."""
    root, rules = session.project()
    project = MayaProject(root, rules)
    file = session.scene_path() or os.path.join(root or os.getcwd(), _NO_NAME)
    survey = Survey(file, frames, root, dict(os.environ))
    wanted = frames if frames is not None else frames_of(scene_range(scene))
    places = MayaPlaces(file, project, survey.variables, (), search_folders(scene, project, survey))
    return MayaAsk(replace(survey, frames=wanted), scene, places, wanted)


def _references() -> list[MayaReference]:
    found = []
    for node in session.reference_nodes():
        # nodes without a file: what several references share, and what an unknown one has left
        if path := session.reference_file(node):
            found.append(MayaReference(path, node, 1 + node.count(":"), not session.reference_is_loaded(node)))
    return found
