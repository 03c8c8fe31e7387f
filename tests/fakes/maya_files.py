"""Real Maya scenes, text and binary, read for the fake: what a file says, statement by statement, shared with no reader of the product.

Text: the MEL that https://download.autodesk.com/us/maya/2011help/files/Maya_ASCII_file_format.htm describes. Binary: IFF groups, as the
text twins of the same scenes tell: `FOR4`/`FOR8` with the type, its length includes neither padding nor head, leaves are padded to four or
eight bytes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fakes.maya_types import TAGS

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|//[^\n]*|/\*.*?\*/|(;)|([^\s;"]+)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
#: flags of setAttr that take one word
_SET_FLAGS = {"-k", "-l", "-cb", "-ca", "-s", "-ch", "-type", "-keyable", "-lock", "-size", "-channelBox", "-caching"}
_CODESET = re.compile(rb"//Codeset: (\S+)")


class NotLoaded(Exception):
    """This loader does not know what a file has; the text says what."""


class Quoted(str):
    """A text that stood in quotes."""

    __slots__ = ()


@dataclass(slots=True)
class SavedAttribute:
    """An attribute that the file itself adds to a node."""

    long: str
    short: str
    kind: str
    filename: bool = False
    multi: bool = False


@dataclass(slots=True)
class SavedNode:
    """A node of a file, or one that every scene has and the file changes."""

    type: str
    name: str
    parent: str = ""
    uuid: str = ""
    #: one of those that every scene has: only its values count
    selected: bool = False
    #: it is made unless there is one already
    shared: bool = False
    added: list[SavedAttribute] = field(default_factory=list)
    #: by the name in the file, with indices: text, number, tuple, list of texts; None: data that no test asks for
    values: dict[str, object] = field(default_factory=dict)
    #: of a reference node: node, attribute, value as MEL has it
    edits: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(slots=True)
class SavedReference:
    """A scene that the file itself refers to."""

    path: str
    node: str
    namespace: str
    type: str
    deferred: bool = False
    options: str = ""


@dataclass(slots=True)
class SavedScene:
    """What a file says."""

    nodes: list[SavedNode] = field(default_factory=list)
    connections: list[tuple[str, str, bool]] = field(default_factory=list)
    references: list[SavedReference] = field(default_factory=list)
    file_info: list[tuple[str, str]] = field(default_factory=list)
    #: plug-in → version, in the order of the file
    plugins: dict[str, str] = field(default_factory=dict)
    #: node type → plug-in
    plugin_types: dict[str, str] = field(default_factory=dict)
    version: str = ""
    time_unit: str = "film"


def load(file: Path) -> SavedScene:
    """Read a scene.

    Raises:
        NotLoaded: it is none, or has what this loader does not know.
    """
    data = file.read_bytes()
    if data[:4] in (b"FOR4", b"FOR8"):
        return _Binary(data).scene()
    if not data.lstrip().startswith(b"//Maya ASCII"):
        raise NotLoaded(f"{file} does not begin as a Maya scene.")
    return _Text(_decoded(data)).scene


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        said = _CODESET.search(data[:400])
        name = said[1].decode() if said else "latin-1"
        return data.decode(f"cp{name}" if name.isdigit() else name, errors="replace")


def statements(text: str) -> Iterator[list[str]]:
    """Yield the statements of MEL that only calls commands, each as its words; quoted ones are `Quoted`."""
    words: list[str] = []
    for match in _TOKEN.finditer(text):
        quoted, end, word = match.groups()
        if end:
            if words:
                yield words
            words = []
        elif word:
            words.append(word)
        elif quoted is not None:
            words.append(Quoted(_ESCAPE.sub(lambda m: _ESCAPES.get(m[1], m[1]), quoted)))
    if words:
        yield words


def flag(words: list[str], *names: str, default: str = "") -> str:
    """Return what follows a flag."""
    return next((words[i + 1] for i, w in enumerate(words[:-1]) if w in names and not isinstance(w, Quoted)), default)


class _Text:
    """A scene as text, taken in statement by statement."""

    def __init__(self, text: str) -> None:
        self.scene = SavedScene()
        self.node = SavedNode("", "")
        self.unloaded: set[str] = set()
        for words in statements(text):
            taken = getattr(self, f"_{words[0]}", None)
            if taken is None:
                raise NotLoaded(f"No test scene had the statement {' '.join(words)[:80]!r}.")
            taken(words[1:])

    def _requires(self, words: list[str]) -> None:
        if words[0] == "maya":
            self.scene.version = words[1]
            return
        name, version = words[-2], words[-1]
        self.scene.plugins[name] = version
        for i, word in enumerate(words):
            if word == "-nodeType":
                self.scene.plugin_types[words[i + 1]] = name

    def _currentUnit(self, words: list[str]) -> None:
        self.scene.time_unit = flag(words, "-t", default=self.scene.time_unit)

    def _fileInfo(self, words: list[str]) -> None:
        self.scene.file_info.append((words[0], words[1]))

    def _file(self, words: list[str]) -> None:
        node = flag(words, "-rfn")
        if "-rdi" in words:  # tells of all references before any is read, and which of them were not loaded
            self.unloaded |= {node} if flag(words, "-dr") == "1" else set()
            return
        deferred = node in self.unloaded
        options = flag(words, "-op")
        self.scene.references.append(SavedReference(words[-1], node, flag(words, "-ns"), flag(words, "-typ"), deferred, options))

    def _createNode(self, words: list[str]) -> None:
        self.node = SavedNode(words[0], flag(words, "-n"), flag(words, "-p"), shared="-s" in words)
        self.scene.nodes.append(self.node)

    def _select(self, words: list[str]) -> None:
        self.node = SavedNode("", words[-1].lstrip(":"), selected=True)
        self.scene.nodes.append(self.node)

    def _rename(self, words: list[str]) -> None:
        self.node.uuid = flag(words, "-uid")

    def _addAttr(self, words: list[str]) -> None:
        kind = flag(words, "-dt", "-at", default="double")
        long = flag(words, "-ln")
        filename = flag(words, "-uaf") in ("true", "on", "yes", "1") or "-uaf" in words
        self.node.added.append(SavedAttribute(long, flag(words, "-sn", default=long), kind, filename, "-m" in words))

    def _setAttr(self, words: list[str]) -> None:
        kind, name, values = "", "", []
        rest = iter(words)
        for word in rest:
            if not isinstance(word, Quoted) and not name and word in _SET_FLAGS:
                value = next(rest)
                kind = value if word == "-type" else kind
            elif not isinstance(word, Quoted) and word == "-type":
                kind = next(rest)
            elif not name and isinstance(word, Quoted):
                name = word
            elif name:
                values.append(word)
        if kind == "dataReferenceEdits":
            self.node.edits += _edits(values)
        elif values:
            _store(self.node, name.removeprefix("."), kind, values)

    def _connectAttr(self, words: list[str]) -> None:
        places = [w for w in words if isinstance(w, Quoted)]
        self.scene.connections.append((places[0], places[1], "-na" in words))

    def _nothing(self, words: list[str]) -> None:
        """Take in a statement that says nothing about files, layers or frames."""

    _lockNode = _relationship = _dataStructure = _applyMetadata = _disconnectAttr = _nothing  # noqa: N815


def _edits(words: list[str]) -> list[tuple[str, str, str]]:
    """Return the values among the edits of a reference: `2 "node" "attribute" "value"`."""
    found = []
    for i, word in enumerate(words):
        if (
            word == "2"
            and not isinstance(word, Quoted)
            and i + 3 < len(words)
            and all(isinstance(w, Quoted) for w in words[i + 1 : i + 4])
        ):
            found.append((words[i + 1], words[i + 2], words[i + 3]))
    return found


_ARRAYS = {"stringArray", "Int32Array", "doubleArray"}
_TUPLES = {"double2", "double3", "float2", "float3", "long2", "long3", "short2", "short3", "matrix", "double4"}


def _store(node: SavedNode, name: str, kind: str, words: list[str]) -> None:
    if kind == "string":
        node.values[name] = str(words[0])
    elif kind == "stringArray":
        node.values[name] = [str(w) for w in words[1:]]
    elif kind in _TUPLES:
        node.values[name] = tuple(map(_number, words))
    elif kind:
        node.values[name] = None
    else:
        _spread(node, name, [_number(w) for w in words])


def _spread(node: SavedNode, name: str, values: list[object]) -> None:
    """Store numbers: one, or those of a range of elements (`.rlmi[1:5]`)."""
    span = re.search(r"\[(\d+):(\d+)\]$", name)
    if span is None:
        node.values[name] = (values[0] if len(values) == 1 else tuple(values)) if values else None
        return
    indices = range(int(span[1]), int(span[2]) + 1)
    size = max(1, len(values) // len(indices))
    for place, index in enumerate(indices):
        part = values[place * size : (place + 1) * size]
        if part:
            node.values[f"{name[: span.start()]}[{index}]"] = part[0] if size == 1 else tuple(part)


def _number(word: str) -> object:
    if word in ("yes", "on", "true"):
        return True
    if word in ("no", "off", "false"):
        return False
    try:
        return int(word)
    except ValueError:
        pass
    try:
        return float(word)
    except ValueError:
        return str(word)


class _Binary:
    """A scene in groups of bytes."""

    def __init__(self, data: bytes) -> None:
        self.data, self.wide = data, data[3:4] == b"8"

    def scene(self) -> SavedScene:
        """Return what the file says."""
        scene = SavedScene()
        _, _, body = next(self.chunks(0, len(self.data)))
        for tag, type_, inside in self.chunks(*body):
            if type_ == b"HEAD":
                self._head(scene, inside)
            elif type_ in (b"CONS", b"CONN") or tag[:3] in (b"LIS", b"CAT"):
                self._connections(scene, inside)
            elif type_:
                scene.nodes.append(self._node(type_, inside))
        return scene

    def chunks(self, at: int, end: int) -> Iterator[tuple[bytes, bytes, tuple[int, int]]]:
        """Yield tag, type (of groups, else empty), and where the content lies."""
        head, pad = (16, 8) if self.wide else (8, 4)
        while at + head <= end:
            tag = self.data[at : at + 4]
            size = (
                struct.unpack(">Q", self.data[at + 8 : at + 16])[0]
                if self.wide
                else struct.unpack(">I", self.data[at + 4 : at + 8])[0]
            )
            start = at + head
            if tag[:3] in (b"FOR", b"LIS", b"CAT", b"PRO"):
                yield tag, self.data[start : start + 4], (start + 4, start + size)
                at = start + size
            else:
                yield tag, b"", (start, start + size)
                at = start + -(-size // pad) * pad

    def _head(self, scene: SavedScene, place: tuple[int, int]) -> None:
        for tag, _, (start, end) in self.chunks(*place):
            words = self._words(start, end)
            if tag == b"VERS":
                scene.version = words[0]
            elif tag == b"TUNI":
                scene.time_unit = words[0]
            elif tag == b"FINF":
                scene.file_info.append((words[0], words[1]))
            elif tag == b"PLUG":
                scene.plugins[words[0]] = words[1]
                for type_ in re.findall(r'-nodeType "([^"]+)"', " ".join(words[2:])):
                    scene.plugin_types[type_] = words[0]
            elif tag in (b"FREF", b"FRDI", b"RFNC"):
                raise NotLoaded("No test scene in binary had a reference.")

    def _words(self, start: int, end: int) -> list[str]:
        return [part.decode("utf-8", "replace") for part in self.data[start:end].split(b"\0")]

    def _node(self, type_: bytes, place: tuple[int, int]) -> SavedNode:
        name = type_.decode("latin-1")
        node = SavedNode(TAGS.get(name, f"tag_{type_.hex()}"), "")
        for tag, _, (start, end) in self.chunks(*place):
            body = self.data[start:end]
            if tag == b"CREA":
                self._created(node, body)
            elif tag == b"SLCT":
                node.name, node.selected, node.type = body.rstrip(b"\0").decode().lstrip(":"), True, ""
            elif tag == b"ATTR":
                _added(node, body)
            elif b"\0" in body:
                _value(node, tag, body)
        return node

    def _created(self, node: SavedNode, body: bytes) -> None:
        parts = body[1:].split(b"\0")
        node.name = parts[0].decode("utf-8", "replace")
        # 4: below another node; 1: shared
        parent = parts[1].decode("utf-8", "replace") if body[0] & 4 and len(parts) > 1 else ""
        if parent.isprintable() and re.fullmatch(r"[\w:|]+", parent, re.ASCII) and body.count(parent.encode() + b"\0") >= 1:
            node.parent = parent
        node.shared = bool(body[0] & 1)

    def _connections(self, scene: SavedScene, place: tuple[int, int]) -> None:
        for tag, type_, (start, end) in self.chunks(*place):
            if type_:
                self._connections(scene, (start, end))
            elif tag == b"CWFL":
                source, destination = self._words(start + 1, end)[:2]
                scene.connections.append((source, destination, self.data[start] == 1))


def _added(node: SavedNode, body: bytes) -> None:
    names = re.search(rb"(?:[A-Z]{3}[A-Z ])?([A-Za-z_]\w*)\0([A-Za-z_]\w*)\0", body[12:])
    if names:
        kind = "string" if b"STR " in body[:20] else "double"
        node.added.append(SavedAttribute(names[1].decode(), names[2].decode(), kind))


def _value(node: SavedNode, tag: bytes, body: bytes) -> None:
    name_bytes, _, rest = body.partition(b"\0")
    name, rest = name_bytes.decode("utf-8", "replace"), rest[1:]  # one byte of flags
    if tag == b"STR ":
        node.values[name] = rest.rstrip(b"\0").decode("utf-8", "replace")
    elif tag == b"STR#":
        node.values[name] = [part.decode("utf-8", "replace") for part in rest[4:].split(b"\0")[:-1]]
    elif tag in (b"DBLE", b"DBL2", b"DBL3", b"CMPD"):
        values = tuple(map(_frame, struct.unpack(f">{len(rest) // 8}d", rest[: len(rest) // 8 * 8])))
        node.values[name] = (values[0] if len(values) == 1 else tuple(values)) if values else None
    elif tag in (b"FLT2", b"FLT3"):
        node.values[name] = tuple(struct.unpack(f">{len(rest) // 4}f", rest[: len(rest) // 4 * 4]))
    elif tag != b"FLGS":
        node.values[name] = None


#: ticks of a frame where the head says `TDUR 141120000` and the unit is film: whole numbers in the place of a double
_TICKS = 141120000 // 24


def _frame(value: float) -> float:
    if 0 < abs(value) < 1e-300:
        return float(struct.unpack(">q", struct.pack(">d", value))[0]) / _TICKS
    return value
