"""Which frames are asked of each node: from the nodes that write up to the nodes that read, through those that move time.

The rule: TimeOffset and FrameHold with constants are computed; a node that looks at its neighbours takes those along where they
exist; a node that moves time in another way (a retime, a curve) may ask for anything, so all that exists of a clip is taken. What
nothing writes is asked for the frames of the job. A node that no table knows is taken not to move time, unless its name says so.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from conductor_core.discovery.nuke_node import NodeGraph, ScriptNode
from conductor_core.discovery.nuke_time import MOST_FRAMES, held
from conductor_core.discovery.nuke_values import Values
from conductor_core.discovery.tables.nuke_classes import STOCK

#: may ask for any frame
MOVES_TIME = frozenset(
    [
        "AppendClip",
        "DeepFromFrames",
        "F_Kronos",
        "F_Kronos3D",
        "FrameBlend",
        "Kronos",
        "OFXuk.co.thefoundry.time.oflow_v100",
        "OFlow2",
        "Retime",
        "TimeBlend",
        "TimeClip",
        "TimeDissolve",
        "TimeEcho",
        "TimeShift",
        "TimeToDepth",
        "VectorCornerPin",
        "VectorDistort",
        "GridWarpTracker",
    ]
)
#: look at so many frames to both sides
LOOKS_AROUND = {
    "CameraTracker": 0,
    "DeInterlace": 1,
    "Denoise2": 2,
    "DustBust": 2,
    "F_DeFlicker2": 3,
    "F_DeGrain": 2,
    "F_DeNoise": 2,
    "F_MotionBlur": 1,
    "F_RigRemoval": 10,
    "F_VectorGenerator": 1,
    "F_WireRemoval": 2,
    "MotionBlur": 1,
    "SmartVector": 1,
    "TemporalMedian": 1,
    "TimeBlur": 1,
    "VectorGenerator": 1,
}
#: plug-ins by the words in their names. No page gives the number for all of them: it is a generous one, as these frames are
#: only taken where they exist
_PLUGINS_AROUND = (
    (re.compile(r"neat_?video|denois|degrain", re.IGNORECASE), 5),
    (re.compile(r"de_?flicker|rsmb|reelsmart|motion_?blur|deinterlac", re.IGNORECASE), 3),
)
#: show the frame that a knob names for each frame: https://learn.foundry.com/nuke/content/reference_guide/time_nodes/timewarp.html
LOOKS_UP = {"TimeWarp": "lookup"}
_TIMELY = re.compile(r"time|retim|frame_?(?:hold|blend|range)|kronos|twixtor|oflow|slowmo|freeze", re.IGNORECASE)
#: how often the frames of a node may grow before they are taken to be all
_MOST_VISITS = 30


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of a node."""

    #: None: nobody can tell
    wanted: frozenset[int] | None
    #: taken where it exists
    welcome: frozenset[int] = frozenset()

    def joined(self, other: Demand) -> Demand:
        """Return both."""
        if self == other:
            return self
        wanted = None if self.wanted is None or other.wanted is None else self.wanted | other.wanted
        return Demand(wanted, self.welcome | other.welcome)


NOBODY_KNOWS = Demand(None)


class Demands:
    """The demands on all nodes of a script."""

    def __init__(self, graph: NodeGraph, values: Values, frames: Iterable[int] | None) -> None:
        self._values = values
        self.job = NOBODY_KNOWS if frames is None else Demand(frozenset(frames))
        self._of: dict[int, Demand] = {}
        self._visits: dict[int, int] = {}
        self._waiting: deque[tuple[ScriptNode, Demand]] = deque((n, self._written(n)) for n in graph.nodes if is_writer(n))

    def settled(self) -> Demands:
        """Return this once every node was asked."""
        for _ in self.settle():
            pass
        return self

    def settle(self) -> Iterator[None]:
        """Ask one node after the other, up from those that write; yields after each, so that it can be done in pieces."""
        while self._waiting:
            self._ask(*self._waiting.popleft())
            yield

    def of(self, node: ScriptNode) -> Demand:
        """Return what is asked of a node."""
        return self._of.get(id(node), self.job)

    def _written(self, node: ScriptNode) -> Demand:
        """Return the frames that a Write renders of the job."""
        if not node.is_on("use_limit") or self.job.wanted is None:
            return self.job
        first, last = self._values.number(node, "first"), self._values.number(node, "last")
        inside = frozenset(f for f in self.job.wanted if (first is None or f >= first) and (last is None or f <= last))
        return Demand(inside) if inside else self.job

    def _ask(self, node: ScriptNode, demand: Demand) -> None:
        before = self._of.get(id(node))
        if before is not None:
            demand = before.joined(demand)
            if demand == before:
                return
        self._visits[id(node)] = self._visits.get(id(node), 0) + 1
        if self._visits[id(node)] > _MOST_VISITS or len(demand.wanted or ()) > MOST_FRAMES:
            demand = NOBODY_KNOWS
            if before == demand:
                return
        self._of[id(node)] = demand
        passed = self._passed(node, demand)
        self._waiting.extend((above, passed) for above in above(node))

    def _passed(self, node: ScriptNode, demand: Demand) -> Demand:
        """Return what a node asks of its inputs."""
        if node.is_on("disable") or demand.wanted is None:
            return demand
        if node.type == "TimeOffset":
            return self._offset(node, demand)
        if node.type == "FrameHold":
            return self._held(node, demand)
        if node.type in LOOKS_UP:
            return self._looked_up(node, demand, LOOKS_UP[node.type])
        if node.type in MOVES_TIME or (node.type not in STOCK and _TIMELY.search(node.type)):
            return NOBODY_KNOWS
        if reach := LOOKS_AROUND.get(node.type, 0) or _plugin_looks_around(node.type):
            around = frozenset(f + by for f in demand.wanted | demand.welcome for by in range(-reach, reach + 1))
            return Demand(demand.wanted, around - demand.wanted)
        return demand

    def _offset(self, node: ScriptNode, demand: Demand) -> Demand:
        if node.is_on("reverse_input"):
            return NOBODY_KNOWS

        def shifted(frame: int) -> float | None:
            by = self._values.number_at(node, "time_offset", frame) if "time_offset" in node.knobs else 0.0
            return None if by is None else frame - by

        return _moved(demand, shifted)

    def _looked_up(self, node: ScriptNode, demand: Demand, knob: str) -> Demand:
        """Return the frames that a curve names for each frame."""
        return _moved(demand, lambda frame: self._values.number_at(node, knob, frame) if knob in node.knobs else float(frame))

    def _held(self, node: ScriptNode, demand: Demand) -> Demand:
        knob = "first_frame" if "first_frame" in node.knobs or "firstFrame" not in node.knobs else "firstFrame"

        def shown(frame: int) -> float | None:
            first = self._values.number_at(node, knob, frame) if knob in node.knobs else 0.0
            increment = self._values.number_at(node, "increment", frame) if "increment" in node.knobs else 0.0
            return None if first is None or increment is None else held(frame, int(first), int(increment))

        # what a node below would like to have beside a frame, a held one does not show
        return _moved(Demand(demand.wanted), shown)


def _moved(demand: Demand, where: Callable[[int], float | None]) -> Demand:
    """Return what is asked above a node that shows another frame: between two frames both; unknown where one is not known."""
    moved: dict[int, tuple[int, ...]] = {}
    for frame in (demand.wanted or frozenset()) | demand.welcome:
        place = where(frame)
        if place is None or not math.isfinite(place):
            return NOBODY_KNOWS
        moved[frame] = (math.floor(place), math.ceil(place))
    wanted = frozenset(f for frame in demand.wanted or () for f in moved[frame])
    return Demand(wanted, frozenset(f for frame in demand.welcome for f in moved[frame]) - wanted)


def _plugin_looks_around(type_: str) -> int:
    """Return at how many frames to both sides a plug-in looks at most, by its name: what takes noise or flicker out does."""
    return 0 if type_ in STOCK else next((reach for words, reach in _PLUGINS_AROUND if words.search(type_)), 0)


def is_writer(node: ScriptNode) -> bool:
    """Tell whether a node writes when the script is rendered."""
    return "Write" in node.type and not node.is_on("disable")


def above(node: ScriptNode) -> Iterator[ScriptNode]:
    """Yield what a node takes its picture from, into groups and out of them."""
    outputs = [c for c in node.children.values() if c.type == "Output"] if node.holds else []
    if outputs:
        yield from outputs
        return
    if node.type == "Input" and node.group is not None:
        number = int(min(node.number("number"), 10_000))
        above = node.group.inputs[number] if 0 <= number < len(node.group.inputs) else None
        if above is not None:
            yield above
        return
    yield from (n for n in node.inputs if n is not None)
