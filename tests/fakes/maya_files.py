"""Real Maya scenes, text and binary, read for the fake: what a file says, statement by statement, shared with no reader of the product.

Text: the MEL that https://download.autodesk.com/us/maya/2011help/files/Maya_ASCII_file_format.htm describes; binary: `maya_binary_files`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fakes.maya_binary_files import binary_scene
from fakes.maya_saved import NotLoaded, SavedAttribute, SavedNode, SavedReference, SavedScene

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|//[^\n]*|/\*.*?\*/|(;)|([^\s;"]+)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
#: flags of setAttr that take one word
_SET_FLAGS = {"-k", "-l", "-cb", "-ca", "-s", "-ch", "-type", "-keyable", "-lock", "-size", "-channelBox", "-caching"}
_CODESET = re.compile(rb"//Codeset: (\S+)")


class Quoted(str):
    """A text that stood in quotes."""

    __slots__ = ()


def load(file: Path) -> SavedScene:
    """Read a scene.

    Raises:
        NotLoaded: it is none, or has what this loader does not know.
    """
    data = file.read_bytes()
    if data[:4] in (b"FOR4", b"FOR8"):
        return binary_scene(data)
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


_TUPLES = {"double2", "double3", "float2", "float3", "long2", "long3", "short2", "short3", "matrix", "double4"}


def _store(node: SavedNode, name: str, kind: str, words: list[str]) -> None:
    if kind == "string":
        node.values[name] = str(words[0])
    elif kind == "stringArray":
        node.values[name] = [str(w) for w in words[1:]]
    elif kind in _TUPLES:
        node.values[name] = tuple(map(number, words))
    elif kind:
        node.values[name] = None
    else:
        _spread(node, name, [number(w) for w in words])


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


def number(word: str) -> object:
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


__all__ = ["NotLoaded", "Quoted", "SavedScene", "flag", "load", "number", "statements"]
