"""Nodes of add-ons, as the readers that all hosts share see them: their settings are custom properties, which are texts.

@reads_node("blender", "StudioTextureNode", source="https://wiki.example.com/texture-node")
def studio_texture(node: Node, ask: Ask) -> Iterator[Finding]:
    yield from ask.read(node, "map", "texture")
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from conductor_core.discovery.blender_outputs import hashed
from conductor_core.discovery.finding import Finding
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.node import Node, findings_of, is_known
from conductor_core.discovery.reach import OneFile, Reach
from conductor_core.discovery.survey import Survey
from conductor_core.formats.blend.properties import texts
from conductor_core.formats.blend.reading import NodeTree, Reading, Slot
from conductor_core.formats.blend.record import Record
from conductor_core.formats.blend.register import in_node
from conductor_core.report import ScanOutput


@dataclass(frozen=True, slots=True)
class AddOnNode:
    """A node whose attributes are its custom properties, those of groups as `outer.inner`."""

    node: Record
    values: dict[str, str]

    @property
    def type(self) -> str:
        """Its `bl_idname`."""
        return self.node.text("idname")

    @property
    def name(self) -> str:
        """Its name in the tree."""
        return self.node.text("name")

    def text(self, attribute: str) -> str:
        """Return the text of a property."""
        return self.values.get(attribute, "")

    def number(self, attribute: str, default: float = 0.0) -> float:
        """Return a member of the node's own struct; properties that are no texts are not held."""
        return self.node.real(attribute, default)

    def attributes(self) -> Iterable[str]:
        """Return the names of the properties that are texts."""
        return self.values


@dataclass(frozen=True, slots=True)
class AddOnAsk:
    """Blender's own path rules, for the properties of a node."""

    reading: Reading
    tree: NodeTree

    @property
    def survey(self) -> Survey:
        """The scan."""
        return self.reading.survey

    def read(
        self, node: Node, attribute: str, kind: Kind, *, reach: Reach | None = None, text: str | None = None
    ) -> Iterator[Finding]:
        """Yield the one finding for a property that the node reads; tokens of tiles and frames stand for what is there."""
        yield from self.reading.read(self._slot(node, attribute, text), kind, reach or OneFile())

    def write(self, node: Node, attribute: str) -> Iterator[Finding]:
        """Yield the output that a property names."""
        slot = self._slot(node, attribute)
        path = self.reading.path(slot)
        if slot.text:
            yield ScanOutput(slot.text, path or hashed(slot.text, None), self.reading.referrer(slot))

    def ignore(self, node: Node, attribute: str, reason: str) -> Iterator[Finding]:
        """Yield that a property's path is deliberately not sent."""
        yield from self.reading.ignore(self._slot(node, attribute), reason)

    def _slot(self, node: Node, attribute: str, text: str | None = None) -> Slot:
        written = node.text(attribute) if text is None else text
        return Slot(self.tree.owner, written, attribute, f' node "{node.name}" ({node.type})')


def shared_findings(reading: Reading, tree: NodeTree, node: Record) -> Iterator[Finding]:
    """Yield what readers registered for all hosts' nodes find in a node of an add-on."""
    yield from findings_of("blender", AddOnNode(node, properties_of(node)), AddOnAsk(reading, tree))


def is_registered(node: Record) -> bool:
    """Tell whether somebody knows the properties of this type of node."""
    return is_known("blender", node.text("idname"))


def properties_of(node: Record) -> dict[str, str]:
    """Return the custom properties of a node that are texts."""
    return {name: text for member in ("prop", "system_properties") for name, text in texts(node.follow(member))}


def place_of(node: Record) -> str:
    """Return the part of a referrer that names a node with its type: nobody but the add-on knows it by its name alone."""
    return f"{in_node(node)} ({node.text('idname')})"
