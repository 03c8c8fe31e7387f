"""What the records of a Houdini scene say: nodes with stored values, channels, flags and wires; the fake `hou` is filled with it.

Independent of the product's readers. Grammar as seen in scenes of Houdini 11 to 20.5.
"""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass, field

from fakes.houdini_files import Record, index_sections, records_of
from fakes.houdini_words import Declared, Word, declared_in, words_of

_SET = re.compile(r"set -g (\w+) = '((?:[^'\\]|\\.)*)'")
_PARAMETER = re.compile(r"^(?P<name>\S+)[ \t]+\[ (?P<items>\d+)[ \t]+locks=(?P<locks>\d+)[^\]]*\][ \t]+\([ \t]*", re.MULTILINE)
_FLAG = re.compile(r"(\w+) (on|off)\b")
_WIRE = re.compile(r"^(\d+)[ \t]+(\"[^\"]*\"|\S+)[ \t]+(\d+)", re.MULTILINE)
_BLOCK_OF_WIRES = re.compile(r"^inputs\n\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r'^comment ("(?:[^"\\]|\\.)*")', re.MULTILINE | re.DOTALL)
#: of a node: what its record's name ends with
_KINDS = ("init", "def", "parm", "chn", "spareparmdef", "userdata", "order", "net")


@dataclass(frozen=True, slots=True)
class Stored:
    """One component of a parameter: its text without escapes; `channel` names the expression that makes it."""

    text: str
    quoted: bool = False
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """An expression or keyframes on one component."""

    expression: str
    python: bool = False
    keys: int = 1


@dataclass(slots=True)
class SavedNode:
    """A node of a scene."""

    path: str
    type: str = ""
    values: dict[str, tuple[Stored, ...]] = field(default_factory=dict)
    #: names of the parameters that are locked
    locked: set[str] = field(default_factory=set)
    channels: dict[str, Channel] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    #: input's index → name of the node it comes from, index of its output
    wires: dict[int, tuple[str, int]] = field(default_factory=dict)
    comment: str = ""
    python: bool = False
    matches_definition: bool = False
    spare: list[Declared] = field(default_factory=list)
    #: the same as it was stored
    spare_text: str = ""
    user_data: dict[str, str] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Definition:
    """A node type that the scene remembers: `labs::Top/extract::1.1`."""

    category: str
    name: str
    declared: list[Declared]
    library: str = ""
    #: it is in the scene itself
    embedded: bool = False


@dataclass(slots=True)
class SavedScene:
    """A scene."""

    nodes: dict[str, SavedNode] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    definitions: dict[tuple[str, str], Definition] = field(default_factory=dict)
    #: asset libraries that the scene installs
    libraries: list[str] = field(default_factory=list)
    #: file references that the artist took out of the list
    unselected: list[str] = field(default_factory=list)
    session: str = ""
    #: what is played; the scene's whole range is told in seconds
    frames: tuple[float, float] = (1.0, 240.0)
    seconds: tuple[float, float] | None = None
    fps: float = 24.0
    #: seconds
    time: float = 0.0
    #: records that are written again as they are: what the scene remembers of its node types
    kept: list[Record] = field(default_factory=list)


def read_scene(data: bytes) -> SavedScene:
    """Return what a scene's file says."""
    scene = SavedScene()
    for record in records_of(data):
        if record.name.startswith(".") or "." not in record.name:
            _read_own(scene, record)
        else:
            _read_node_record(scene, record)
    _name_libraries(scene)
    return scene


def _text(record: Record) -> str:
    return record.data.decode("utf-8", "surrogateescape")


def _read_own(scene: SavedScene, record: Record) -> None:
    """Take a record that is the scene's and not a node's."""
    if record.name in (".OPfallbacks", ".OPdummydefs", ".OPpreferences", ".defotl"):
        scene.kept.append(record)
    if record.name == ".start":
        _read_start(scene, _text(record))
    elif record.name == ".variables":
        scene.variables = {name: re.sub(r"\\(.)", r"\1", value) for name, value in _SET.findall(_text(record))}
    elif record.name == ".OPlibraries":
        scene.libraries = [line for line in _text(record).splitlines() if line.strip()]
    elif record.name == ".OPfallbacks":
        for line in _text(record).splitlines():
            name, _, file = line.partition(" ")
            key = _key(name)
            if key not in scene.definitions:
                scene.definitions[key] = Definition(*key, [], library=file)
    elif record.name == ".unselfiledeps":
        scene.unselected = _text(record).splitlines()
    elif record.name == ".hou.session":
        scene.session = _text(record)
    elif record.data.startswith(b"INDX"):
        _read_definitions(scene, record)


def _read_start(scene: SavedScene, text: str) -> None:
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["frange"]:
            scene.frames = (float(words[1]), float(words[2]))
        elif words[:1] == ["tset"]:
            scene.seconds = (float(words[1]), float(words[2]))
        elif words[:1] == ["fps"]:
            scene.fps = float(words[1])
        elif words[:1] == ["tcur"]:
            scene.time = float(words[1])


def _key(operator: str) -> tuple[str, str]:
    """Return category and full type name of `labs::Top/extract::1.1`."""
    table, _, name = operator.partition("/")
    space, _, category = table.rpartition("::")
    return category, f"{space}::{name}" if space else name


def _read_definitions(scene: SavedScene, record: Record) -> None:
    for operator, body in index_sections(record.data).items():
        if not body.startswith(b"INDX") or "/" not in operator:
            continue
        script = index_sections(body).get("DialogScript", b"").decode("utf-8", "surrogateescape")
        key = _key(operator)
        library = scene.definitions[key].library if key in scene.definitions else ""
        embedded = record.name == ".defotl"
        if key not in scene.definitions or not scene.definitions[key].embedded:
            scene.definitions[key] = Definition(*key, declared_in(script), "Embedded" if embedded else library, embedded)


def _name_libraries(scene: SavedScene) -> None:
    for definition in scene.definitions.values():
        definition.library = definition.library or "Embedded"


def _read_node_record(scene: SavedScene, record: Record) -> None:
    stem, _, kind = record.name.rpartition(".")
    if kind not in _KINDS or (kind in ("net", "order") and stem not in scene.nodes):
        return
    if kind != "userdata" and _is_other(stem):
        return
    node = scene.nodes.setdefault(stem, SavedNode(f"/{stem}"))
    if kind == "userdata":
        node.user_data = user_data(record.data)
    else:
        _READ[kind](node, _text(record))


def _is_other(stem: str) -> bool:
    """Tell a record of functions (`expression.func`) from a node's."""
    return stem == "expression"


def _read_init(node: SavedNode, text: str) -> None:
    facts = dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line)
    node.type = facts.get("type", "")
    node.matches_definition = facts.get("matchesdef") == "1"


def _read_def(node: SavedNode, text: str) -> None:
    for line in text.splitlines():
        if re.match(r"\w*flags = ", line):
            node.flags.update({name: value == "on" for name, value in _FLAG.findall(line)})
    comment = _COMMENT.search(text)
    node.comment = next(words_of(comment[1]))[0].text if comment else ""
    wires = _BLOCK_OF_WIRES.search(text)
    if wires:
        node.wires = {int(i): (name.strip('"'), int(output)) for i, name, output in _WIRE.findall(wires[1])}
    node.python = "\nexprlanguage python" in text


def _read_parm(node: SavedNode, text: str) -> None:
    at = 0
    while match := _PARAMETER.search(text, at):
        values, at = _values(text, match.end())
        node.values[match["name"]] = values
        if int(match["locks"]):
            node.locked.add(match["name"])


def _values(text: str, at: int) -> tuple[tuple[Stored, ...], int]:
    """Return the components between round brackets, and the place after them."""
    values: list[Stored] = []
    channel: list[Word] | None = None
    for word, end in words_of(text, at):
        at = end
        if word == Word(")") and channel is None:
            break
        if word == Word("[") and channel is None:
            channel = []
        elif word == Word("]") and channel is not None:
            value = channel[1] if len(channel) > 1 else Word("")
            values.append(Stored(value.text, value.quoted, channel[0].text))
            channel = None
        elif channel is not None:
            channel.append(word)
        else:
            values.append(Stored(word.text, word.quoted))
    return tuple(values), at


def _read_chn(node: SavedNode, text: str) -> None:
    words = [word for word, _ in words_of(text)]
    for start, word in enumerate(words):
        if word != Word("channel"):
            continue
        stop = next((i for i in range(start + 1, len(words)) if words[i] == Word("channel")), len(words))
        inside = words[start + 2 : stop]
        expressions = [inside[i + 2].text for i in range(len(inside) - 2) if inside[i] == Word("expr")]
        python = any(inside[i : i + 3] == [Word("language"), Word("="), Word("python")] for i in range(len(inside)))
        keys = sum(one == Word("segment") for one in inside)
        node.channels[words[start + 1].text] = Channel(expressions[0] if expressions else "", python, keys)


def _read_spare(node: SavedNode, text: str) -> None:
    node.spare, node.spare_text = declared_in(text), text


def _read_order(node: SavedNode, text: str) -> None:
    node.order = text.splitlines()[1:]


def _read_net(node: SavedNode, text: str) -> None:
    """Know that it has a network; its children say the rest."""


_READ = {
    "init": _read_init,
    "def": _read_def,
    "parm": _read_parm,
    "chn": _read_chn,
    "spareparmdef": _read_spare,
    "order": _read_order,
    "net": _read_net,
}


def user_data(data: bytes) -> dict[str, str]:
    """Return what a node keeps for others: binary in archives, JSON in text containers."""
    if data.lstrip().startswith(b"{"):
        return {name: str(one["value"]) for name, one in json.loads(data).items()}
    found, at = {}, 4
    for _ in range(int.from_bytes(data[:4], "big")):
        name, at = _counted(data, at)
        at += 4
        value, at = _counted(data, at)
        found[name] = value
    return found


def _counted(data: bytes, at: int) -> tuple[str, int]:
    """Return a text after its length; lengths of 65535 and more in four more bytes are this loader's guess, no scene has one."""
    (length,) = struct.unpack_from(">H", data, at)
    at += 2
    if length == 0xFFFF:
        (length,) = struct.unpack_from(">I", data, at)
        at += 4
    return data[at : at + length].decode("utf-8", "surrogateescape"), at + length
