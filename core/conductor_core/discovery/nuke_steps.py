"""The steps of a Nuke script: a node that writes is one, in the order in which they render, with what each has to wait for.

Order: https://learn.foundry.com/nuke/content/reference_guide/image_nodes/write.html (`render order`: the lower first; `limit to
range`; `views`; `read file`). One step waits for another of a lower render order, and for one whose files its nodes read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from conductor_core.discovery.node import is_known
from conductor_core.discovery.nuke_ask import MOVIES, NukeAsk, means
from conductor_core.discovery.nuke_demand import above
from conductor_core.discovery.nuke_node import ScriptNode
from conductor_core.discovery.nuke_values import Values
from conductor_core.feeding import comparable
from conductor_core.host import SceneStep
from conductor_core.submission import Output, Parameter

_MOVIE_TYPES = frozenset({"mov", "ffmpeg", "mxf", "mov64", "mov32", "r3d"})
#: knobs of nodes in the table that may read what a step has written: pictures, geometry, tables of colour
_READ_FROM = ("file", "proxy", "vfield_file", "lut_file", "file_path")
_NUMBERS = re.compile(r"#+|\d+")


@dataclass(frozen=True, slots=True)
class Writer:
    """A node that writes, and what was asked of it."""

    node: ScriptNode
    #: absolute patterns, one for each view
    paths: tuple[str, ...]
    #: why it is not known where it writes; "": it is
    problem: str = ""


def steps_of(writers: Iterable[Writer], ask: NukeAsk) -> tuple[SceneStep, ...]:
    """Return the steps, each behind those that it waits for."""
    ordered = sorted(writers, key=lambda w: order(w.node, ask.values))
    written = _Written(ordered)
    wanted = {w.node.full_name: tuple(_waits_for(w, ordered, written, ask)) for w in ordered}
    steps = {w.node.full_name: _step(w, ask.values) for w in ordered}
    return tuple(replace(steps[name], after=after) for name, after in _without_circles(wanted).items())


def order(node: ScriptNode, values: Values) -> float:
    """Return a node's render order."""
    number = values.number(node, "render_order")
    return 1.0 if number is None else number


def _step(writer: Writer, values: Values) -> SceneStep:
    node = writer.node
    outputs = tuple(Output(path, _kind(node, path)) for path in writer.paths)
    parameters: dict[str, Parameter] = {"write": node.full_name, "render_order": int(order(node, values))}
    if node.text("views"):
        parameters["views"] = node.text("views")
    first, last = values.number(node, "first"), values.number(node, "last")
    frames = ""
    if node.is_on("use_limit") and first is not None and last is not None:
        parameters["first"], parameters["last"] = int(first), int(last)
        frames = f"{int(first)}-{int(last)}" if first < last else str(int(first)) if first == last else ""
    problem = f"writes to a place that is not known without Nuke: {writer.problem}" if writer.problem else ""
    return SceneStep(node.full_name, outputs, parameters, not node.is_on("disable"), problem, frames)


def _kind(node: ScriptNode, path: str) -> Literal["image", "movie", "cache"]:
    if node.text("file_type") in _MOVIE_TYPES or os.path.splitext(path)[1].lower() in MOVIES:
        return "movie"
    return "cache" if "Geo" in node.type else "image"


class _Written:
    """The files of all steps, to be found by a path that is read."""

    def __init__(self, writers: Sequence[Writer]) -> None:
        self._by_shape: dict[str, list[tuple[str, str]]] = {}
        for writer in writers:
            for path in writer.paths:
                self._by_shape.setdefault(_shape(path), []).append((path, writer.node.full_name))

    def writers_of(self, place: str) -> Iterator[str]:
        """Yield the names of the steps that write what is read."""
        yield from (name for path, name in self._by_shape.get(_shape(place), ()) if means(path, place))


def _shape(path: str) -> str:
    return _NUMBERS.sub("#", comparable(path))


def _waits_for(writer: Writer, writers: Sequence[Writer], written: _Written, ask: NukeAsk) -> Iterator[str]:
    """Yield the names of the steps that must be there first, in the order in which they render."""
    mine = order(writer.node, ask.values)
    read = _read_above(writer.node, ask)
    sources = {name for place in read.places for name in written.writers_of(place)}
    for other in writers:
        name, theirs = other.node.full_name, order(other.node, ask.values)
        # what renders later was there before, or is not there at all: Nuke does not wait for it either
        if other is not writer and (theirs < mine or (theirs == mine and (name in sources or id(other.node) in read.nodes))):
            yield name


@dataclass(frozen=True, slots=True)
class _Read:
    """What a step reads on its way up."""

    places: tuple[str, ...]
    #: of nodes that show what they have written
    nodes: frozenset[int]


def _read_above(writer: ScriptNode, ask: NukeAsk) -> _Read:
    seen = {id(writer)}
    waiting = list(above(writer))
    places: dict[str, None] = {}
    shown: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if "Write" in node.type and node.is_on("reading"):
            shown.add(id(node))
            continue
        if is_known("nuke", node.type) and "Write" not in node.type and not node.is_on("disable"):
            places.update(dict.fromkeys(place for knob in _READ_FROM for place in ask.places(node, knob)))
        waiting.extend(above(node))
    return _Read(tuple(places), frozenset(shown))


def _without_circles(wanted: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return the same with each behind what it waits for; in a circle the first by render order does not wait."""
    done: dict[str, tuple[str, ...]] = {}

    def place(name: str, open_: tuple[str, ...]) -> None:
        if name in done or name in open_:
            return
        for other in wanted[name]:
            place(other, (*open_, name))
        done[name] = tuple(other for other in wanted[name] if other in done)

    for name in wanted:
        place(name, ())
    return done
