"""Maya binary, `.mb`: nested chunks in the manner of IFF, with pointers of 4 bytes (`FOR4`) or, since Maya 2014, 8 (`FOR8`).

Autodesk documents no more than that it is one; the layout here is as seen in files saved by Maya 2009, 2020 and 2023. A group is
its tag, its size and a word for what is in it: the header, the type of a node, `SLCT` for a node that was there before, `FREF`
for references, `CONN` for connections. In a node, each attribute is a chunk whose tag is the type of its value. What cannot be
told from that (the word for a node type that no table here has) is judged by the names of its attributes.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from conductor_core.discovery import tables
from conductor_core.discovery.finding import Facts, Finding
from conductor_core.discovery.maya_findings import scene_findings
from conductor_core.discovery.maya_scene import MayaReference, MayaScene, default_type, may_hold_path
from conductor_core.discovery.maya_unknown import looks_like_file
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats.format import reads_format
from conductor_core.formats.maya_builder import SceneBuilder
from conductor_core.report import Unresolved

_GROUPS = frozenset((b"FOR4", b"FOR8", b"LIS4", b"LIS8", b"CAT4", b"CAT8", b"PRO4", b"PRO8"))
#: words of Maya's own node types that matter here
_TYPES = {
    b"RTFT": "file", b"AUDI": "audio", b"DIMP": "imagePlane", b"RPSD": "psdFileTex", b"PSDT": "psdFileTex", b"RTMV": "movie",
    b"SCRP": "script", b"REFN": "reference", b"DEXP": "expression", b"DCAM": "camera", b"RNDL": "renderLayer",
    b"CCHF": "cacheFile", b"DYGL": "dynGlobals", b"DKCH": "diskCache",
}  # fmt: skip
#: an attribute that only one type has under this name, for types whose word is not known
_TELLING = {"ftn": "file", "imn": "imagePlane", "abc_File": "AlembicNode", "fns": "AlembicNode", "cfn": "gpuCache"}
_TELLING |= {
    "def": "assemblyReference",
    "rda": "assemblyDefinition",
    "xfn": "xgmPalette",
    "dso": "aiStandIn",
    "fp": "mayaUsdProxyShape",
}
#: values that are numbers and may be large
_BULK = re.compile(rb"DBL|FLT|I32|I16|CMP|MESH|NRB|MATR|PLY|POL|VEC|LATT|RELA|FLGS|BCSZ")
_EDIT = re.compile(rb'-type \\?"string\\?" \\?"((?:[^"\\]|\\.)*?)\\?"')
#: groups in groups: Maya has four
_DEPTH = 64


@reads_format("maya-binary", lambda head, _extension: head[:4] in (b"FOR4", b"FOR8") and head[8:24].find(b"Maya") in (0, 8))
def read_maya_binary(survey: Survey) -> Iterator[Finding | Facts]:
    """Yield what a Maya binary scene says of other files.

    Raises:
        SceneNotRead: there is not one node in it.
    """
    yield from scene_findings(read_scene(survey), survey)
    if survey.for_scouts:
        # types are four letters here, and of most nobody knows which are simulated
        yield Unresolved(survey.file, os.path.basename(survey.file), "what is simulated from its first frame on cannot be told")


def read_scene(survey: Survey) -> MayaScene:
    """Return what a Maya binary file holds, as far as files go.

    Raises:
        SceneNotRead: there is not one node in it.
    """
    tables.load("maya")
    with open(survey.content, "rb") as file:
        reader = _BinaryScene(file, os.fstat(file.fileno()).st_size, survey.limits.value)
        reader.read()
    if not reader.chunks:
        raise SceneNotRead(survey.file, "there is no node of a Maya scene in it")
    return reader.scene


@dataclass(slots=True)
class _BinaryScene:
    file: BinaryIO
    size: int
    #: bytes of one value
    limit: int
    builder: SceneBuilder = field(default_factory=SceneBuilder)
    chunks: int = 0
    _wide: bool = False
    _plugin_words: dict[bytes, str] = field(default_factory=dict)
    #: references by FRDI, which tells those within others too
    _nested: list[MayaReference] = field(default_factory=list)

    @property
    def scene(self) -> MayaScene:
        """The scene that is being read."""
        return self.builder.scene

    def read(self) -> None:
        """Walk over all chunks, with a stack of the groups that are open: (where it ends, what is in it)."""
        self.scene.times_known = False
        self._wide = self._bytes(0, 4) == b"FOR8"
        groups: list[tuple[int, bytes]] = []
        at = 0
        while at < self.size:
            while groups and at >= groups[-1][0]:
                groups.pop()
            end = groups[-1][0] if groups else self.size
            header = self._header(at, end)
            if header is None:
                if any(self._bytes(at, min(end - at, 64)).strip(b"\0")):
                    self._damage(at, "no chunk begins where one should")
                at = end
                continue
            tag, start, size, wide = header
            if tag in _GROUPS:
                word = self._bytes(start, 4)
                if len(groups) >= _DEPTH:
                    self._damage(at, f"groups lie in each other more than {_DEPTH} deep")
                    at = start + size
                    continue
                if start + size > end:
                    self._damage(at, "a group is longer than what holds it: the file was cut off or changed")
                groups.append((min(start + size, end), word))
                at = start + 4
                self._open(word)
                continue
            if start + size > end:
                self._damage(at, "a value is longer than what holds it: the file was cut off or changed")
                at = end
                continue
            self._value(groups[-1][1] if groups else b"", tag, start, size)
            unit = 8 if wide else 4
            at = start + (size + unit - 1) // unit * unit
        self._finish()

    def _header(self, at: int, end: int) -> tuple[bytes, int, int, bool] | None:
        """Return a chunk's tag, where its data begins, its size and whether it is of the wide kind."""
        wide = self._wide
        length = 16 if wide else 8
        data = self._bytes(at, length)
        if len(data) < length or at + length > end or not data[:4].strip(b"\0"):
            return None
        size = struct.unpack(">Q", data[8:16])[0] if wide else struct.unpack(">I", data[4:8])[0]
        return data[:4], at + length, size, wide

    def _bytes(self, at: int, length: int) -> bytes:
        self.file.seek(at)
        return self.file.read(max(0, length))

    def _damage(self, at: int, why: str) -> None:
        if len(self.scene.damage) < 100:
            self.scene.damage.append(Unresolved(f"byte {at:,}", "the scene's chunks", why))

    def _open(self, word: bytes) -> None:
        self.chunks += 1
        if word in (b"Maya", b"HEAD", b"FREF", b"CONN", b"CONS", b"SLCT"):
            return
        self.builder.enter(_TYPES.get(word) or self._plugin_words.get(word, ""), "")

    def _value(self, group: bytes, tag: bytes, start: int, size: int) -> None:
        if size > self.limit:
            if not _BULK.match(tag):
                self._damage(start, f"a value of {size:,} bytes was not read")
            return
        if tag == b"STR ":
            self._string(self._bytes(start, size))
        elif tag == b"STR#":
            self._strings(self._bytes(start, size))
        elif tag == b"DBLE":
            self._number(self._bytes(start, size))
        elif tag in (b"CREA", b"SLCT"):
            self._name(tag, self._bytes(start, size))
        elif tag == b"ATTR":
            self._attribute(self._bytes(start, size))
        elif tag in (b"FREF", b"FRDI"):
            self._reference(tag, self._bytes(start, size))
        elif tag == b"CWFL":
            self._connection(self._bytes(start, size))
        elif group == b"HEAD":
            self._heading(tag, self._bytes(start, size))
        elif not _BULK.match(tag):
            self._edits(self._bytes(start, size))

    def _name(self, tag: bytes, data: bytes) -> None:
        names = data[1:].split(b"\0") if tag == b"CREA" else data.split(b"\0")
        name = _text(names[0])
        if tag == b"SLCT":
            self.builder.enter(default_type(name), name)
        elif self.builder.node is not None:
            self.builder.node.name = name.lstrip(":")
            # the first byte tells whether the name of the node above stands behind its own
            if data[:1] == b"\x05" and self.builder.node.type == "camera":
                self.builder.node.parent = _text(names[1]).rpartition("|")[2]

    def _string(self, data: bytes) -> None:
        name, _, rest = data.partition(b"\0")
        text = _text(rest[1:].split(b"\0")[0])
        if self.builder.detailed or may_hold_path(text):
            self._put(_text(name), (text,))

    def _strings(self, data: bytes) -> None:
        name, _, rest = data.partition(b"\0")
        texts = tuple(_text(part) for part in rest[5:].split(b"\0")[:-1])
        if any(map(may_hold_path, texts)):
            self._put(_text(name), texts)

    def _number(self, data: bytes) -> None:
        name, _, rest = data.partition(b"\0")
        if self.builder.detailed and len(rest) >= 9:
            value = struct.unpack(">d", rest[1:9])[0]
            self._put(_text(name), (f"{value:g}",))

    def _put(self, name: str, values: tuple[str, ...]) -> None:
        node = self.builder.node
        if node is not None and not node.type:
            last = name.rpartition(".")[2].partition("[")[0]
            node.type = "cacheFile" if last == "cn" and "cp" in node.values else _TELLING.get(last, "")
        self.builder.put(name, values)

    def _attribute(self, data: bytes) -> None:
        """Take the long and the short name of an attribute that the scene has added."""
        words = [w for w in re.findall(rb"[A-Za-z_]\w*", data[13:]) if len(w) > 1]
        if self.builder.node is not None and len(words) >= 2:
            self.builder.node.added[_text(words[1])] = _text(words[0])

    def _reference(self, tag: bytes, data: bytes) -> None:
        texts = [_text(part) for part in re.split(rb"\0+", data) if len(part) > 2]
        texts = [re.sub(r"\A[\x00-\x1f]+", "", t) for t in texts]
        path = next((t for t in texts if looks_like_file(t)), "")
        name = next((t for t in texts if t.endswith("RN") or re.search(r"RN\d*\Z", t)), "reference")
        if not path:
            return
        reference = MayaReference(path, name, 1 if tag == b"FREF" else 2)
        (self.scene.references if tag == b"FREF" else self._nested).append(reference)

    def _connection(self, data: bytes) -> None:
        ends = [_text(part) for part in data[1:].split(b"\0")[:2]]
        if len(ends) == 2 and ends[1].endswith((".fe", ".frameExtension", ".frameNumber")):
            self.builder.link(ends[0], ends[1])

    def _heading(self, tag: bytes, data: bytes) -> None:
        if tag == b"VERS":
            self.scene.version = _text(data.rstrip(b"\0"))
        elif tag == b"FINF":
            key, _, value = data.partition(b"\0")
            self.scene.file_info[_text(key)] = _text(value.split(b"\0")[0])
        elif tag == b"PLUG":
            self._plugin(data)

    def _plugin(self, data: bytes) -> None:
        """Take a plug-in's node types with the four bytes by which this file tells them."""
        name, _, rest = data.partition(b"\0")
        version, _, rest = rest.partition(b"\0")
        self.scene.plugins[_text(name)] = _text(version)
        _, _, rest = rest.partition(b"\0")
        while rest:
            type_, found, rest = rest.partition(b"\0")
            if not found or len(rest) < 4:
                break
            self._plugin_words[rest[:4]] = _text(type_)
            self.scene.plugin_types[_text(type_)] = _text(name)
            rest = rest[4:]

    def _edits(self, data: bytes) -> None:
        for match in _EDIT.finditer(data):
            text = _text(match[1]).replace("\\\\", "\\")
            before = [_text(part) for part in data[: match.start()].split(b"\0") if part]
            if may_hold_path(text):
                attribute = before[-1] if before else "edit"
                self.scene.edits.append((before[-2] if len(before) > 1 else "reference", attribute, text))

    def _finish(self) -> None:
        self.builder.close()
        own = {r.path for r in self.scene.references}
        self.scene.references += [r for r in dict.fromkeys(self._nested) if r.path not in own]
        own |= {r.path for r in self._nested}
        names = {r.name for r in self.scene.references}
        # a reference node whose chunk was not understood still has its file's name, the present one first
        for node in self.scene.of_type("reference"):
            path = node.values.get("fn[0]", ("",))[0]
            if path and path not in own and node.name not in names:
                self.scene.references.append(MayaReference(path, node.name, 1))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
