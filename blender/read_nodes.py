# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that nodes name themselves: OSL scripts, IES profiles, custom cameras, and path sockets of geometry nodes.

https://docs.blender.org/api/current/bpy.types.ShaderNodeScript.html, ShaderNodeTexIES.html, GeometryNodeImportOBJ.html,
NodeSocketStringFilePath.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conductor_core.discovery.blender_nodes import OSL, is_import, kind_in_socket
from conductor_core.discovery.blender_reach import Itself
from conductor_core.discovery.kinds import Kind
from conductor_core.report import Unresolved

from .readers import in_modifier, in_node, node_trees, reads, reads_node
from .survey import Survey
from .usage import Finding, Slot

#: how deep groups may pass a path on; Blender itself refuses cycles
_DEEPEST = 32


@reads_node("ShaderNodeScript")
def osl_script(survey: Survey, owner: Any, node: Any) -> Iterator[Finding]:
    """Yield an OSL shader outside the .blend (one within is a text datablock)."""
    if node.mode == "EXTERNAL":
        yield from survey.read(Slot(owner, node, within=in_node(node)), "shader", OSL)


@reads_node("ShaderNodeTexIES")
def ies(survey: Survey, owner: Any, node: Any) -> Iterator[Finding]:
    """Yield an IES profile outside the .blend."""
    if node.mode == "EXTERNAL":
        yield from survey.read(Slot(owner, node, within=in_node(node)), "profile", Itself())


@reads("cameras")
def custom_camera(survey: Survey, camera: Any) -> Iterator[Finding]:
    """Yield the OSL shader of a custom camera (5.0)."""
    if camera.type == "CUSTOM" and getattr(camera, "custom_mode", "") == "EXTERNAL":
        yield from survey.read(Slot(camera, camera, "custom_filepath"), "shader", OSL)


@reads_node("")
def path_sockets(survey: Survey, owner: Any, node: Any) -> Iterator[Finding]:
    """Yield what stands in sockets that hold a path, wherever along the links it is written."""
    imports, kind = is_import(node.bl_idname), kind_in_socket(node.bl_idname)
    for socket in node.inputs:
        if not (is_path_socket(socket) or (imports and socket.name == "Path")):
            continue
        if not socket.is_linked:
            yield from survey.read(_socket_slot(owner, node, socket), kind, Itself())
        elif imports:
            for source in _sources(node.id_data, socket, owner, 0):
                yield from _read_source(survey, source, kind)


def is_path_socket(socket: Any) -> bool:
    """Tell whether a socket is of the kind that shows a file browser (since 4.5)."""
    prop = socket.bl_rna.properties.get("default_value")
    return prop is not None and prop.type == "STRING" and prop.subtype in ("FILE_PATH", "DIR_PATH")


@dataclass(frozen=True, slots=True)
class _Computed:
    """A link that leads to nodes which make the text."""

    referrer: str
    text: str


class _ItemSlot(Slot):
    """A value in the input of a geometry-nodes modifier: `modifier["Socket_2"]`."""

    __slots__ = ()

    def text(self) -> str:
        """Return what stands there."""
        return str(self.struct.get(self.attribute, ""))

    def write(self, text: str) -> None:
        """Put another text there."""
        self.struct[self.attribute] = text


def _read_source(survey: Survey, source: Slot | _Computed, kind: Kind) -> Iterator[Finding]:
    if isinstance(source, Slot):
        yield from survey.read(source, kind, Itself())
    else:
        yield Unresolved(source.text, source.referrer, "nodes compute the path; Conductor does not evaluate them")


def _socket_slot(owner: Any, node: Any, socket: Any) -> Slot:
    return Slot(owner, socket, "default_value", f'{in_node(node)} input "{socket.name}"')


def _sources(tree: Any, socket: Any, owner: Any, depth: int) -> Iterator[Slot | _Computed]:
    """Follow the link into a socket back to the places where its text is written."""
    link = socket.links[0]
    node, end = link.from_node, link.from_socket
    while node.bl_idname == "NodeReroute" and node.inputs[0].is_linked:
        link = node.inputs[0].links[0]
        node, end = link.from_node, link.from_socket
    if node.bl_idname == "FunctionNodeInputString":
        yield Slot(owner, node, "string", in_node(node))
    elif node.bl_idname == "NodeGroupInput" and depth < _DEEPEST:
        yield from _group_inputs(tree, end.identifier, depth)
    else:
        yield _Computed(f"{Slot(owner, node, 'bl_idname', in_node(node)).referrer()}", f"{node.name} → {socket.node.name}")


def _group_inputs(tree: Any, identifier: str, depth: int) -> Iterator[Slot | _Computed]:
    """Find who calls a group and what they hand in: group nodes, and modifiers."""
    import bpy

    for owner, other in node_trees():
        for node in other.nodes:
            if getattr(node, "node_tree", None) != tree:
                continue
            for socket in node.inputs:
                if socket.identifier != identifier:
                    continue
                if socket.is_linked:
                    yield from _sources(other, socket, owner, depth + 1)
                else:
                    yield _socket_slot(owner, node, socket)
    for thing in bpy.data.objects:
        for modifier in thing.modifiers:
            if modifier.type == "NODES" and modifier.node_group == tree:
                yield _modifier_slot(thing, modifier, identifier)


def _modifier_slot(thing: Any, modifier: Any, identifier: str) -> Slot:
    """Return where a modifier keeps the value of a group's input: an item of its own until 5.1, a property since 5.2."""
    within = in_modifier(modifier)
    if not hasattr(modifier, "properties"):
        return _ItemSlot(thing, modifier, identifier, within)
    return Slot(thing, getattr(modifier.properties.inputs, identifier), "value", f"{within} input {identifier}")
