"""The open scene's nodes, as the readers of the tables see them, and Houdini's own answer to what no file tells."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import hou
from conductor_core.discovery.houdini_node import HipNode, Network, shifts_frames
from conductor_core.discovery.houdini_values import Value

from conductor_houdini.live_values import LiveChannels, LiveKinds, LiveValues, must_cook, raw_text

_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)")
#: set by Houdini for each node and frame
_ALWAYS = re.compile(r"(?:FF?|SF|T|OS|HIP\w*|JOB|FSTART|FEND|RFSTART|RFEND|NFRAMES|FPS|ACTIVETAKE)\d*\Z")


@dataclass(slots=True)
class LiveNode(HipNode):
    """A node of the open scene."""

    #: None: the node of a file, which this is never
    live: hou.OpNode | None = None

    def texts(self) -> Iterator[tuple[str, Value]]:
        """Yield the first component of each parameter that holds text."""
        return self.values.texts() if isinstance(self.values, LiveValues) else HipNode.texts(self)


class LiveNetwork(Network):
    """The nodes of the open scene, made when they are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._shifted: dict[str, bool] = {}

    def get(self, path: str) -> HipNode | None:
        """Return the node with a full path."""
        if path not in self.nodes:
            found = hou.node(path) if path.startswith("/") else None
            if not isinstance(found, hou.OpNode):
                return None
            self.nodes[path] = live_node(found)
        return self.nodes[path]

    def is_node(self, path: str, start: str) -> bool:
        """Tell whether a text names a node of the scene, seen from a node or from its network."""
        if not path or "\n" in path or "$" in path or "`" in path:
            return False
        places = (posixpath.normpath(posixpath.join(s, path)) for s in (start, posixpath.dirname(start)))
        return any(place.startswith("/") and hou.node(place) is not None for place in places)

    def is_retimed(self, node: HipNode) -> bool:
        """Tell whether the frames of this node's network are shifted somewhere in it."""
        if node.parent not in self._shifted:
            parent = hou.node(node.parent)
            children = parent.children() if parent is not None else ()
            self._shifted[node.parent] = any(shifts_frames(HipNode("", one.type().name()).type) for one in children)
        return self._shifted[node.parent]

    def forget(self) -> None:
        """Forget the nodes that were made: none may outlive the moment in which it was asked for."""
        self.nodes.clear()


@dataclass(frozen=True, slots=True)
class Knowing:
    """Houdini's own answers (`Knower`): only such as need no cooking and name nothing that is set while a node cooks."""

    variables: Mapping[str, str]

    def value(self, node: HipNode, attribute: str, frame: int) -> str | None:
        """Return what a parameter's text comes to on a frame; None where that is only known while it renders."""
        one = node.live.parmTuple(attribute) if isinstance(node, LiveNode) and node.live is not None else None
        if one is None or not len(one):
            return None
        parm = one[0]
        raw = raw_text(parm)
        if must_cook(raw) or any(not self._is_set(name) for name in _VARIABLE.findall(raw)):
            return None
        try:
            return parm.evalAsStringAtFrame(frame)
        except hou.Error:
            return None

    def _is_set(self, name: str) -> bool:
        return bool(_ALWAYS.match(name)) or self.variables.get(name) is not None


def live_node(node: hou.OpNode) -> LiveNode:
    """Return a node of Houdini's as readers see it.

    Raises:
        hou.ObjectWasDeleted: it is no more.
    """
    values = LiveValues(node)
    type_ = node.type()
    own = type_.definition() is None
    return LiveNode(
        node.path(),
        type_.name(),
        values,
        LiveChannels(node),
        LiveKinds(values.tuples, all_of_them=not own),
        bypassed=is_bypassed(node),
        inputs=dict(_wires(node)),
        live=node,
    )


def _wires(node: hou.OpNode) -> Iterator[tuple[int, str]]:
    """Yield the inputs that come from nodes of the same network; what comes from outside of it is not told by a name."""
    network = posixpath.dirname(node.path())
    for number, one in enumerate(node.inputs()):
        if one is not None and posixpath.dirname(one.path()) == network:
            yield number, one.name()


def is_bypassed(node: hou.OpNode) -> bool:
    """Tell whether a node's bypass flag is on; kinds of nodes that have none (objects) do not say."""
    return isinstance(node, (hou.RopNode, hou.SopNode, hou.LopNode, hou.TopNode)) and node.isBypassed()
