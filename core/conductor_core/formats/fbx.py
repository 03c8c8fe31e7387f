"""FBX, binary: the images of its textures and videos.

Layout of records: https://code.blender.org/2013/08/fbx-binary-file-format-specification/ (offsets of 8 bytes from version 7500 on).
Geometry is skipped by its offset. `RelativeFilename` counts from the file; `FileName` is where it was on the machine that
exported it; a `Video` with content has the image in the file.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.place import absolute
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats.format import reads_format
from conductor_core.formats.text_window import broken
from conductor_core.report import Ignored

MAGIC = b"Kaydara FBX Binary  \x00"
_SMALL, _LARGE = struct.Struct("<IIIB"), struct.Struct("<QQQB")
#: records that are looked into, and those whose properties are read
_AROUND = frozenset({"Objects", "Video", "Texture", "FBXHeaderExtension", "SceneInfo", "Properties70"})
_TOLD = frozenset({"RelativeFilename", "FileName", "Filename", "Content", "P"})
#: bytes of the properties of one such record that are read; a content that lies in the file is larger, and is not
_PROPERTIES = 1 << 16
_SCALARS = {b"Y": 2, b"C": 1, b"B": 1, b"I": 4, b"F": 4, b"D": 8, b"L": 8}
_OWN_PLACE = frozenset({"DocumentUrl", "SrcDocumentUrl"})
_NAME = re.compile(r"\A(?:\w+::)?([^\x00]*)")


@dataclass(slots=True)
class Media:
    """A `Video` or `Texture` of an FBX."""

    type: str
    name: str
    #: record → its text: `RelativeFilename`, `FileName`
    paths: dict[str, str] = field(default_factory=dict)
    embedded: bool = False


def named(text: str) -> str:
    """Return the bare name of an object: `wood\\0\\1Video` and `Video::wood` are `wood`."""
    match = _NAME.match(text)
    return match[1] if match else text


def media_findings(media: Iterable[Media], survey: Survey) -> Iterator[Finding]:
    """Yield the images that media name; one whose content lies in the file is not wanted on disk."""
    kept = list(media)
    embedded = {text for one in kept if one.embedded for text in one.paths.values()}
    for one in kept:
        places = tuple(dict.fromkeys(_places(one, survey)))
        for record, text in one.paths.items():
            referrer = f"{one.name or one.type}.{record}"
            if text in embedded:
                yield Ignored(text, referrer, "its content lies in the file")
            elif text:
                yield Usage(text, referrer, "texture", places)


def _places(one: Media, survey: Survey) -> Iterator[str]:
    relative = one.paths.get("RelativeFilename", "")
    exported = one.paths.get("FileName", "") or one.paths.get("Filename", "")
    for text in filter(None, (relative, exported)):
        yield absolute(text, survey.folder)
    # importers look beside the file, and in the folder of media that a converter makes: NAME.fbm
    name = re.split(r"[\\/]", relative or exported)[-1]
    if name:
        yield os.path.join(survey.folder, name)
        yield os.path.join(os.path.splitext(survey.file)[0] + ".fbm", name)


@dataclass(frozen=True, slots=True)
class _Record:
    name: str
    end: int
    properties: int
    size: int


@reads_format("fbx-binary", lambda head, _extension: head.startswith(MAGIC))
def read_fbx(survey: Survey) -> Iterator[Finding]:
    """Yield the images of an FBX, and its former places.

    Raises:
        SceneNotRead: its header ends too early.
    """
    with open(survey.content, "rb") as file:
        header = file.read(27)
        if len(header) < 27:
            raise SceneNotRead(survey.file, "its header ends too early")
        records = _Records(file, large=struct.unpack_from("<I", header, 23)[0] >= 7500, survey=survey)
        records.walk()
    yield from media_findings(records.media, survey)
    for text in dict.fromkeys(records.own):
        yield Ignored(text, "SceneInfo", "where the file itself was saved")
    if records.problem:
        yield broken(survey, records.problem)


class _Records:
    """The records of a file, walked with an own stack of where each one ends."""

    def __init__(self, file: BinaryIO, *, large: bool, survey: Survey) -> None:
        self._file = file
        self._head = _LARGE if large else _SMALL
        self._size = os.fstat(file.fileno()).st_size
        self._limits = survey.limits
        self._open: list[_Record] = []
        self.media: list[Media] = []
        self.own: list[str] = []
        self.problem = ""

    def walk(self) -> None:
        """Read records until the null record at the end, or until one makes no sense."""
        while self._file.tell() < self._size:
            start = self._file.tell()
            while self._open and start >= self._open[-1].end:
                self._open.pop()
            record = self._record(start)
            if record is None:
                if not self._open or self.problem:
                    return
                self._file.seek(self._open.pop().end)
                continue
            self._take(record)
        self.problem = self.problem or "it ends before its last record"

    def _record(self, start: int) -> _Record | None:
        """Return the record here; None at the null record that ends a list, and where there is none."""
        head = self._file.read(self._head.size)
        if len(head) < self._head.size:
            self.problem = f"a record at byte {start:,} is cut off"
            return None
        end, properties, size, length = self._head.unpack(head)
        if not end:
            return None
        limit = self._open[-1].end if self._open else self._size
        if not start < end <= limit or self._file.tell() + length + size > end:
            self.problem = f"the record at byte {start:,} makes no sense"
            return None
        return _Record(self._file.read(length).decode("ascii", "replace"), end, properties, size)

    def _take(self, record: _Record) -> None:
        after = self._file.tell() + record.size
        if record.name in _TOLD:
            self._told(record)
            self._file.seek(record.end)
            return
        if record.name not in _AROUND or len(self._open) >= self._limits.depth:
            self._file.seek(record.end)
            return
        if record.name in ("Video", "Texture"):
            texts = self._texts(record)
            self.media.append(Media(record.name, named(texts[0]) if texts else ""))
        self._file.seek(after)
        self._open.append(record)

    def _told(self, record: _Record) -> None:
        inside = self._open[-1].name if self._open else ""
        if record.name == "P":
            texts = self._texts(record) if "SceneInfo" in {r.name for r in self._open} else []
            if texts and texts[0] in _OWN_PLACE and texts[-1]:
                self.own.append(texts[-1])
        elif inside in ("Video", "Texture") and self.media:
            if record.name == "Content":
                self.media[-1].embedded = record.size > 5  # type, length and no byte
            elif texts := self._texts(record):
                self.media[-1].paths[record.name] = texts[0]

    def _texts(self, record: _Record) -> list[str]:
        """Return the texts among a record's properties."""
        data = self._file.read(min(record.size, _PROPERTIES))
        texts, at = [], 0
        while at < len(data):
            code = data[at : at + 1]
            at += 1
            if code in _SCALARS:
                at += _SCALARS[code]
            elif code in (b"S", b"R") and at + 4 <= len(data):
                size = struct.unpack_from("<I", data, at)[0]
                at += 4
                if code == b"S" and at + size <= len(data):
                    texts.append(data[at : at + size].decode("utf-8", "surrogateescape"))
                at += size
            else:
                break
        return texts
