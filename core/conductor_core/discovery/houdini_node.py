"""The nodes of a scene or of an asset's contents, whoever tells of them: a file's reader or Houdini itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from conductor_core.discovery.arithmetic import countable
from conductor_core.discovery.houdini_parameter_kind import ParameterKind
from conductor_core.discovery.houdini_values import Channel, Parameters, Value

_VERSION = re.compile(r"\d[\w.]*\Z")
#: node types behind which other frames may be looked at than the one that is rendered
_RETIMES = frozenset({"timeshift", "retime", "timeblend", "timewarp", "trail", "timecyclestash", "cache", "sequenceblend"})
#: and those behind which all frames before it are looked at, beside whatever is called a solver
#: https://www.sidefx.com/docs/houdini/nodes/sop/
_SIMULATES = frozenset({"dopnet", "popnet", "dopimport", "dopio", "heightfield_erode", "particle", "spring"})


@dataclass(slots=True)
class HipNode:
    """A node; `Node` of the tables."""

    #: from the root: `/obj/geo1/file1`
    path: str
    #: as stored, with namespace and version; "": networks at the top, children of assets that are edited in place
    full_type: str = ""
    values: Parameters = field(default_factory=dict)
    #: parameter's channel → what drives it
    channels: Mapping[str, Channel] = field(default_factory=dict)
    #: parameters that the artist added to it
    spare: Mapping[str, ParameterKind] = field(default_factory=dict)
    language: str = "hscript"
    bypassed: bool = False
    #: number of the input → name of the node at it
    inputs: dict[int, str] = field(default_factory=dict)
    #: the take whose values these are; "": Main
    take: str = ""

    @property
    def type(self) -> str:
        """Its type without version, the namespace before it: `labs::quickmaterial`."""
        return without_version(self.full_type)

    @property
    def name(self) -> str:
        """Its path."""
        return self.path

    @property
    def own_name(self) -> str:
        """The last part of its path: `$OS`."""
        return posixpath.basename(self.path)

    @property
    def parent(self) -> str:
        """The path of the network that it is in."""
        return posixpath.dirname(self.path)

    def value(self, attribute: str) -> Value | None:
        """Return the first component of a parameter; None where it has none."""
        values = self.values.get(attribute)
        return values[0] if values else None

    def component(self, name: str) -> Value | None:
        """Return a component by the name of its channel: `f1`, `tx`."""
        if name in self.values:
            return self.value(name)
        for values in (self.values.get(name[:-1], ()), self.values.get(name[:-1].rstrip("_"), ())):
            at = "1234567890".find(name[-1:]) if name[-1:].isdigit() else "xyzw".find(name[-1:])
            at = at if at >= 0 else "rgba".find(name[-1:])
            if 0 <= at < len(values):
                return values[at]
        return None

    def text(self, attribute: str) -> str:
        """Return the text that is meant."""
        value = self.value(attribute)
        return value.text if value else ""

    def number(self, attribute: str, default: float = 0.0) -> float:
        """Return a plain number or switch; `default` where it is neither."""
        value = self.component(attribute)
        return as_number(value.text, default) if value else default

    def attributes(self) -> Iterable[str]:
        """Return the names of its parameters."""
        return tuple(self.values)

    def texts(self) -> Iterator[tuple[str, Value]]:
        """Yield the first component of each parameter that may hold a text."""
        return ((name, values[0]) for name, values in self.values.items() if values)


class Network:
    """All nodes, by path."""

    def __init__(self) -> None:
        self.nodes: dict[str, HipNode] = {}
        self._retimed: frozenset[str] | None = None

    def get(self, path: str) -> HipNode | None:
        """Return the node with a full path."""
        return self.nodes.get(path)

    def at(self, path: str, start: str) -> HipNode | None:
        """Return the node that a path means to a node: `../x`, `./x`, `x` (below it), `/obj/x`, `.`."""
        return self.get(posixpath.normpath(posixpath.join(start, path)))

    def is_node(self, path: str, start: str) -> bool:
        """Tell whether a text names a node of the scene, seen from a node or from its network."""
        return any(self.at(path, s) is not None for s in (start, posixpath.dirname(start)))

    def is_retimed(self, node: HipNode) -> bool:
        """Tell whether the frames of this node's network are shifted somewhere in it."""
        if self._retimed is None:
            self._retimed = frozenset(n.parent for n in self.nodes.values() if shifts_frames(n.type))
        return node.parent in self._retimed

    def leaves_its_frame(self) -> HipNode | None:
        """Return a node behind which other frames may be looked at than the one that is rendered; None where there is none."""
        return next((n for n in self.nodes.values() if shifts_frames(n.type) or simulates(n.type)), None)

    def ordered(self) -> Iterator[HipNode]:
        """Yield the nodes in the order of the file."""
        yield from self.nodes.values()


def shifts_frames(type_: str) -> bool:
    """Tell whether behind a node of this type other frames may be looked at than the one that is rendered."""
    return type_.rpartition("::")[2] in _RETIMES


def simulates(type_: str) -> bool:
    """Tell whether a node of this type is cooked from its first frame on: it looks at each frame before the one that is rendered."""
    name = type_.rpartition("::")[2]
    return "solver" in name or name in _SIMULATES


def without_version(full_type: str) -> str:
    """Return a node type without its version: `file::2.0` → `file`, `labs::file::1.1` → `labs::file`."""
    stem, separator, last = full_type.rpartition("::")
    return stem if separator and _VERSION.match(last) else full_type


def as_number(text: str, default: float) -> float:
    """Return a switch or number that is stored as a word."""
    if text in ("on", "off"):
        return float(text == "on")
    try:
        return countable(float(text), default)
    except ValueError:
        return default
