"""A scene's file into the fake's world, and the world into a file."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator

from fakes.houdini_files import Record, archive
from fakes.houdini_scene_text import SavedNode, SavedScene, Stored, read_scene
from fakes.houdini_types import CHILDREN_OF_TYPE, TYPES
from fakes.houdini_words import Declared, stored
from fakes.houdini_world import HFS, VERSION, Component, NodeState, World

#: variables that Houdini makes from the file's place and the session, not from what was saved
_OWN = {"HIP", "HIPFILE", "HIPNAME", "E", "PI", "status"}
#: inner networks of assets that a scene saves without the node that holds them
_IMPLIED = {
    "s": "sopnet",
    "c": "cop2net",
    "sopnet": "sopnet",
    "create": "subnet",
    "modify": "subnet",
    "matnet": "matnet",
    "dopnet": "dopnet",
}


def load(world: World, file: str) -> None:
    """Replace what is open by a file.

    Raises:
        OSError: it cannot be read.
        NotAScene: it is no scene.
    """
    with open(file, "rb") as stream:
        saved = read_scene(stream.read())
    overwritten = {name: os.environ[name] for name in world.may_overwrite if name in os.environ}
    world.clear()
    world.file, world.new_file = os.path.abspath(file), False
    world.variables |= {name: value for name, value in saved.variables.items() if name not in _OWN} | overwritten
    world.definitions, world.libraries = saved.definitions, list(saved.libraries)
    for definition in world.definitions.values():
        definition.library = _here(definition.library)
    world.unselected, world.session, world.kept = saved.unselected, saved.session, saved.kept
    world.playback = saved.frames
    begin, end = saved.seconds or ((saved.frames[0] - 1) / saved.fps, saved.frames[1] / saved.fps)
    world.range = (round(begin * saved.fps + 1, 6), round(end * saved.fps, 6))
    world.fps, world.frame = saved.fps, round(saved.time * saved.fps + 1, 6)
    _make_nodes(world, saved)
    world.modified = False


def _here(library: str) -> str:
    """Return where a library lies now: those that ship with Houdini come with the one that runs, wherever another saved."""
    shipped = re.search(r"/houdini/(otls/[^/]+)$", library)
    return f"{HFS}/houdini/{shipped[1]}" if shipped else library


def _make_nodes(world: World, saved: SavedScene) -> None:
    for stem, node in saved.nodes.items():
        _fill(world, _place(world, stem, node.type), node)
    for stem, node in saved.nodes.items():
        state = world.find(f"/{stem}")
        assert state is not None
        _wire(world, state, node)
        if node.order:
            places = {name: number for number, name in enumerate(node.order)}
            state.children.sort(key=lambda child: places.get(child.name, len(places)))


def _place(world: World, stem: str, type_: str) -> NodeState:
    """Return the node of a record, made with all that hold it."""
    state = world.root
    parts = stem.split("/")
    for number, name in enumerate(parts):
        child = next((one for one in state.children if one.name == name), None)
        if child is None:
            last = number == len(parts) - 1
            own = type_ if last else ""
            kind = own or _IMPLIED.get(re.sub(r"\d+$", "", name), "subnet" if number else name)
            category = _category(world, kind, state)
            child = NodeState(name, kind, category, state, world.new_id(), manager=not number, implied=not last)
            state.children.append(child)
        elif number == len(parts) - 1:
            child.type, child.implied = type_ or child.type, False
        state = child
    return state


def _category(world: World, kind: str, parent: NodeState) -> str:
    """Return a node's category: what its network holds, unless that is a guess and the scene knows the type in one other only."""
    held = world.holds(parent)
    certain = parent.manager or re.sub(r"::[\d.]+$", "", parent.type) in CHILDREN_OF_TYPE
    if certain or (held, kind) in world.definitions or (held, kind) in TYPES:
        return held
    known = [category for category, name in world.definitions if name == kind]
    return known[0] if len(known) == 1 else held


def _fill(world: World, state: NodeState, node: SavedNode) -> None:
    state.flags, state.comment, state.user_data = dict(node.flags), node.comment, dict(node.user_data)
    state.matches_definition, state.spare_text, state.python = node.matches_definition, node.spare_text, node.python
    state.locked_parameters = set(node.locked)
    declare(world, state)
    own = [one for top in node.spare for one in top.all() if not one.base]
    state.spare = {one.name: one for one in own}
    for name, values in node.values.items():
        state.values[name] = [_component(value, node) for value in values]


def declare(world: World, state: NodeState) -> None:
    """Give a node the parameters that its type is known to have."""
    definition = world.definitions.get((state.category, state.type))
    facts = TYPES.get((state.category, state.type))
    declared: list[Declared] = list(facts.parameters) if facts else []
    if definition is not None and definition.declared:
        declared = [one for top in definition.declared for one in top.all()]
    state.declared = {one.name: one for one in declared if one.name}


def _component(value: Stored, node: SavedNode) -> Component:
    channel = node.channels.get(value.channel) if value.channel else None
    if channel is None:
        return Component(value.text, value.quoted)
    return Component(value.text, value.quoted, channel.expression, channel.python, channel.keys, evaluated=True)


def _wire(world: World, state: NodeState, node: SavedNode) -> None:
    for index, (name, output) in node.wires.items():
        source = world.find(name, state.parent) if state.parent and not name.startswith("(") else None
        if source is not None:
            state.wires[index] = (source, output)


def scene_bytes(world: World) -> bytes:
    """Return what is open as a .hip: an archive of records as Houdini's own."""
    return archive(list(_records(world)))


def _records(world: World) -> Iterator[Record]:
    start = f"fplayback -i on -r off -f 1\ntcur {(world.frame - 1) / world.fps:.17g}\nfps {world.fps:g}\n"
    start += f"tset {(world.range[0] - 1) / world.fps:.17g} {world.range[1] / world.fps:.17g}\nfrange {world.playback[0]:g} {world.playback[1]:g}\n"
    yield Record(".start", start.encode())
    yield Record(".variables", _variables(world).encode("utf-8", "surrogateescape"))
    yield Record(".hou.session", world.session.encode())
    yield Record(".unselfiledeps", "".join(f"{line}\n" for line in world.unselected).encode())
    yield Record(".OPlibraries", "".join(f"{line}\n" for line in world.libraries).encode())
    yield from world.kept
    yield Record("expression.func", b"# 0 bytes\n")
    for state in world.root.children:
        yield from _node_records(state)
    yield Record(".takes", b"HoudiniTakeFile 1.0\ntake name Main kids 0\n\0\0\0\2e\n")
    yield Record(".cwd", b"opcf /\ntakeset Main\n")


def _variables(world: World) -> str:
    own = {name: world.variable(name, world.frame) or "" for name in ("HIP", "HIPFILE", "HIPNAME")}
    own |= world.variables | {"_HIP_SAVEVERSION": ".".join(map(str, VERSION))}
    return "".join("set -g {} = '{}'\n".format(name, value.replace("'", "\\'")) for name, value in sorted(own.items()))


def _node_records(state: NodeState) -> Iterator[Record]:
    stem = state.path.strip("/")
    if not state.manager:
        yield Record(f"{stem}.init", f"type = {state.type}\nmatchesdef = {int(state.matches_definition)}\n".encode())
    yield Record(f"{stem}.def", _definition_text(state).encode("utf-8", "surrogateescape"))
    channels, values = _channels(state), _parameters(state)
    if channels:
        yield Record(f"{stem}.chn", channels.encode("utf-8", "surrogateescape"))
    if state.spare_text:
        yield Record(f"{stem}.spareparmdef", state.spare_text.encode("utf-8", "surrogateescape"))
    yield Record(f"{stem}.parm", values.encode("utf-8", "surrogateescape"))
    if state.user_data:
        yield Record(f"{stem}.userdata", _user_data(state.user_data))
    for child in state.children:
        yield from _node_records(child)
    if state.children:
        yield Record(
            f"{stem}.order", "".join(f"{line}\n" for line in [len(state.children), *(c.name for c in state.children)]).encode()
        )
        yield Record(f"{stem}.net", b"1\n")


def _definition_text(state: NodeState) -> str:
    flags = " ".join(f"{name} {'on' if on else 'off'}" for name, on in state.flags.items())
    wires = "".join(f"{index} \t{source.name} {output} 1\n" for index, (source, output) in sorted(state.wires.items()))
    comment = state.comment.replace("\\", "\\\\").replace('"', '\\"')
    language = "python" if state.python else "hscript"
    head = f'comment "{comment}"\nposition 0 0\nflags =  {flags}\n'
    return f"{head}inputs\n{{\n{wires}}}\nexprlanguage {language}\nend\n"


def _parameters(state: NodeState) -> str:
    lines = []
    for name, components in state.values.items():
        words = []
        for number, one in enumerate(components):
            text = f'"{one.text}"' if one.quoted and one.text.isidentifier() else stored(one.text)
            words.append(f"[ {_channel_name(name, number, len(components))}\t{text} ] " if one.keys else text)
        lines.append(
            f"{name}\t[ 0\tlocks={int(name in state.locked_parameters)} ]\t(\t{''.join(word + chr(9) for word in words)})\n"
        )
    return f"{{\nversion 0.8\n{''.join(lines)}}}\n"


def _channel_name(name: str, number: int, count: int) -> str:
    return name if count == 1 else f"{name}{number + 1}"


def _channels(state: NodeState) -> str:
    blocks = []
    for name, components in state.values.items():
        for number, one in enumerate(components):
            if one.keys:
                language = " language = python" if one.python else ""
                segment = f"      segment {{ length = 0 expr = {stored(one.expression)}{language} }}\n" * one.keys
                channel = _channel_name(name, number, len(components))
                blocks.append(f"    channel {channel} {{\n      lefttype = extend\n      flags = 0\n{segment}    }}\n")
    return f"{{\n{''.join(blocks)}  }}\n" if blocks else ""


def _user_data(entries: dict[str, str]) -> bytes:
    pieces = [struct.pack(">I", len(entries))]
    for name, value in entries.items():
        pieces += [_counted(name), struct.pack(">I", 3), _counted(value)]
    return b"".join(pieces)


def _counted(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    if len(data) < 0xFFFF:
        return struct.pack(">H", len(data)) + data
    return struct.pack(">HI", 0xFFFF, len(data)) + data
