"""Files that nodes name themselves: OSL scripts, IES profiles, custom cameras, and path sockets of geometry nodes.

https://docs.blender.org/api/current/bpy.types.ShaderNodeScript.html, ShaderNodeTexIES.html, GeometryNodeImportOBJ.html,
NodeSocketStringFilePath.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conductor_core.discovery.blender_nodes import OSL, is_import, kind_in_socket
from conductor_core.discovery.blender_reach import Itself
from conductor_core.discovery.finding import Finding
from conductor_core.discovery.kinds import Kind
from conductor_core.formats.blend.properties import text_in
from conductor_core.formats.blend.reading import NodeTree, Reading, Slot
from conductor_core.formats.blend.record import Record
from conductor_core.formats.blend.register import in_modifier, in_node, reads_datablock, reads_node_type
from conductor_core.report import Unresolved

_API = "https://docs.blender.org/api/current/bpy.types."
#: `NodeShaderScript.mode`, `NodeShaderTexIES.mode`, `Camera.custom_mode`; `Camera.type`
_EXTERNAL, _CUSTOM_CAMERA = 1, 3
#: sockets that show a file browser (since 4.5)
_PATH_SOCKETS = ("NodeSocketStringFilePath", "NodeSocketStringDirectoryPath")
#: how many reroutes a link may pass; Blender itself refuses cycles
_DEEPEST = 1000
#: groups and inputs that a path is handed through
_Seen = set[tuple[int, str]]


@reads_node_type("NodeShaderScript", source=f"{_API}ShaderNodeScript.html")
def osl_script(reading: Reading, tree: NodeTree, node: Record) -> Iterator[Finding]:
    """Yield an OSL shader outside the .blend (one within is a text datablock)."""
    settings = node.follow("storage")
    if settings is not None:
        slot = Slot(tree.owner, settings.text("filepath"), within=in_node(node))
        yield from _outside(reading, slot, "shader", OSL, mode=settings.number("mode"))


@reads_node_type("NodeShaderTexIES", source=f"{_API}ShaderNodeTexIES.html")
def ies(reading: Reading, tree: NodeTree, node: Record) -> Iterator[Finding]:
    """Yield an IES profile outside the .blend."""
    settings = node.follow("storage")
    if settings is not None:
        slot = Slot(tree.owner, settings.text("filepath"), within=in_node(node))
        yield from _outside(reading, slot, "profile", Itself(), mode=settings.number("mode"))


@reads_datablock(b"CA", source=f"{_API}Camera.html")
def custom_camera(reading: Reading, camera: Record) -> Iterator[Finding]:
    """Yield the OSL shader of a custom camera (4.5 and later)."""
    slot = Slot(camera.owner, camera.text("custom_filepath"), "custom_filepath")
    mode = camera.number("custom_mode") if camera.number("type") == _CUSTOM_CAMERA else 0
    yield from _outside(reading, slot, "shader", OSL, mode=mode)


@reads_node_type("", source=f"{_API}NodeSocketStringFilePath.html")
def path_sockets(reading: Reading, tree: NodeTree, node: Record) -> Iterator[Finding]:
    """Yield what stands in sockets that hold a path, wherever along the links it is written."""
    imports = is_import(node.text("idname"))
    for socket in node.listed("inputs"):
        if not (socket.text("idname") in _PATH_SOCKETS or (imports and socket.text("name") == "Path")):
            continue
        kind = kind_in_socket(node.text("idname"))
        if _link_to(tree, socket) is None:
            yield from reading.read(_in_socket(tree, node, socket), kind, follow=False)
            continue
        yield from reading.ignore(_in_socket(tree, node, socket), "what is linked to the socket counts instead")
        if imports:
            for source in _sources(reading, _End(tree, node, socket), set()):
                yield from reading.read(source, kind, follow=False) if isinstance(source, Slot) else (source,)


@dataclass(frozen=True, slots=True)
class _End:
    """A socket that a link leads to."""

    tree: NodeTree
    node: Record
    socket: Record


def _outside(reading: Reading, slot: Slot, kind: Kind, reach: Itself, *, mode: int) -> Iterator[Finding]:
    if mode == _EXTERNAL:
        yield from reading.read(slot, kind, reach, follow=False)
    else:
        yield from reading.ignore(slot, "it is set to a text of the .blend instead")


def _in_socket(tree: NodeTree, node: Record, socket: Record) -> Slot:
    value = socket.follow("default_value")
    within = f'{in_node(node)} input "{socket.text("name")}"'
    return Slot(tree.owner, value.text("value") if value else "", "default_value", within)


def _link_to(tree: NodeTree, socket: Record) -> Record | None:
    return next((link for link in tree.tree.listed("links") if link.address("tosock") == socket.own), None)


def _sources(reading: Reading, end: _End, seen: _Seen) -> Iterator[Slot | Unresolved]:
    """Follow the link into a socket back to the places where its text is written."""
    link = _link_to(end.tree, end.socket)
    for _ in range(_DEEPEST):
        node = link.follow("fromnode") if link else None
        inputs = list(node.listed("inputs")) if node is not None and node.text("idname") == "NodeReroute" else []
        before = _link_to(end.tree, inputs[0]) if inputs else None
        if before is None:
            break
        link = before
    output = link.follow("fromsock") if link else None
    if node is None or output is None:
        return
    settings = node.follow("storage")
    if node.text("idname") == "FunctionNodeInputString" and settings is not None:
        yield Slot(end.tree.owner, settings.text("string"), "string", in_node(node))
    elif node.text("idname") == "NodeGroupInput":
        key = (end.tree.tree.own, output.text("identifier"))
        if key not in seen:
            seen.add(key)
            yield from _handed_in(reading, end.tree, key[1], seen)
    else:
        written = f"{node.text('name')} → {end.node.text('name')}"
        referrer = reading.referrer(Slot(end.tree.owner, written, "bl_idname", in_node(node)))
        yield Unresolved(written, referrer, "nodes compute the path; Conductor does not evaluate them")


def _handed_in(reading: Reading, group: NodeTree, identifier: str, seen: _Seen) -> Iterator[Slot | Unresolved]:
    """Find who calls a group and what they hand in: group nodes, and modifiers."""
    for other in reading.trees:
        for node in other.tree.listed("nodes"):
            if node.address("id") != group.tree.own:
                continue
            for socket in node.listed("inputs"):
                if socket.text("identifier") != identifier:
                    continue
                if _link_to(other, socket) is not None:
                    yield from _sources(reading, _End(other, node, socket), seen)
                else:
                    yield _in_socket(other, node, socket)
    for thing in reading.heads(b"OB"):
        for modifier in thing.listed("modifiers"):
            if modifier.struct.name == "NodesModifierData" and modifier.address("node_group") == group.tree.own:
                settings = modifier.part("settings")
                text = text_in(settings.follow("properties") if settings else None, identifier)
                yield Slot(thing.owner, text, identifier, in_modifier(modifier))
