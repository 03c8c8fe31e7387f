"""Maya's answers to what readers of nodes ask: from an attribute's text to places, frames and outputs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.maya_node import MayaNode
from conductor_core.discovery.maya_places import MayaPlaces
from conductor_core.discovery.maya_reach import NamedSo, WithTwins
from conductor_core.discovery.maya_scene import MayaScene
from conductor_core.discovery.node import Node
from conductor_core.discovery.place import absolute
from conductor_core.discovery.reach import Frames, OneFile, Reach
from conductor_core.discovery.survey import Survey
from conductor_core.report import Ignored, ScanOutput, Unresolved
from conductor_core.sequences import has_frame_token

#: parameters of Redshift and V-Ray may hold the names of built-in maps in the place of files
_NO_FILES = frozenset({"none", "null", "default", "auto", "-", "off"})


@dataclass(slots=True)
class MayaAsk:
    """The scan of one scene, as readers of its nodes see it."""

    survey: Survey
    scene: MayaScene
    places: MayaPlaces
    #: of the job, or else of the scene itself; None: nobody knows
    frames: tuple[int, ...] | None
    #: names under which attributes of the present node were read
    seen: set[str] = field(default_factory=set)
    #: what files that the scene names are read with
    _under_frames: Survey | None = None

    def read(
        self, node: Node, attribute: str, kind: Kind, *, reach: Reach | None = None, text: str | None = None
    ) -> Iterator[Finding]:
        """Yield a finding for each text of an attribute, or for `text` in its place."""
        for key, value in self.stored(node, attribute):
            yield from self.usage(value, f"{node.name}.{key}", kind, reach=reach, place=text)

    def write(self, node: Node, attribute: str) -> Iterator[Finding]:
        """Yield the output that an attribute names: relative to the project's folder for images."""
        for key, value in self.stored(node, attribute):
            yield self.output(value, f"{node.name}.{key}")

    def ignore(self, node: Node, attribute: str, reason: str) -> Iterator[Finding]:
        """Yield that an attribute's path is not sent."""
        for key, value in self.stored(node, attribute):
            yield Ignored(value, f"{node.name}.{key}", reason)

    def stored(self, node: Node, attribute: str) -> Iterator[tuple[str, str]]:
        """Yield each text of an attribute with the name under which the file has it, and note that it was looked at."""
        if isinstance(node, MayaNode):
            self.seen.update(node.stored(attribute))
            yield from node.texts(attribute)
        elif value := node.text(attribute):
            yield attribute, value

    def usage(
        self,
        text: str,
        referrer: str,
        kind: Kind,
        *,
        reach: Reach | None = None,
        place: str | None = None,
        absent_is: str = "",
        under: Survey | None = None,
    ) -> Iterator[Finding]:
        """Yield the finding for a text; `place`: the pattern to look for, where it is not the text itself."""
        if not text.strip() or text.strip().lower() in _NO_FILES:
            return
        placed = self.places.find(text if place is None else place, kind)
        if placed.shipped:
            yield Ignored(text, referrer, placed.shipped)
        elif placed.unresolved:
            yield Unresolved(text, referrer, placed.unresolved)
        else:
            found = reach or self._reach(placed.places)
            found = WithTwins(found) if kind == "texture" else found
            under = under or self._under()
            yield Usage(text, referrer, kind, placed.places, found, absent_is=absent_is, under=under)

    def output(self, text: str, referrer: str, folder: str = "") -> ScanOutput:
        """Return an output; tokens of renderers stay in its path."""
        project = self.places.project
        base = folder or project.folder("images") or os.path.dirname(self.places.file)
        return ScanOutput(text, absolute(text, base), referrer)

    def _under(self) -> Survey:
        if self._under_frames is None:
            self._under_frames = replace(self.survey, frames=self.frames)
        return self._under_frames

    def _reach(self, places: tuple[str, ...]) -> Reach:
        return NamedSo(Frames(self.frames)) if any(map(has_frame_token, places)) else OneFile()
