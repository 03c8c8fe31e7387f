"""glTF 2.0, `.gltf` and `.glb`: buffers and images that are named by URI.

Rules: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html, 2.8 (URIs: percent-encoded, relative to the file; `data:` lies in
the file) and 4.4 (the JSON is the first chunk of a `.glb`). The JSON is walked with an own stack, and long texts are passed over.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats.collada import addressed
from conductor_core.formats.format import reads_format
from conductor_core.formats.packed import PIECE, pieces
from conductor_core.formats.text_window import TextWindow, broken
from conductor_core.formats.web_address import scheme

_MARKS = re.compile(rb'["{}\[\]]')
_COLON = re.compile(rb"\s*:")
_KINDS: dict[str, Kind] = {"images": "texture", "buffers": "data", "audio": "sound"}
_HEADER = struct.Struct("<4sIIII")
_JSON_CHUNK = 0x4E4F534A


@reads_format("gltf-binary", lambda head, _extension: head.startswith(b"glTF"))
def read_glb(survey: Survey) -> Iterator[Finding]:
    """Yield what the JSON of a `.glb` names.

    Raises:
        SceneNotRead: it has no JSON chunk.
    """
    with open(survey.content, "rb") as file:
        header = file.read(_HEADER.size)
    if len(header) < _HEADER.size or _HEADER.unpack(header)[4] != _JSON_CHUNK:
        raise SceneNotRead(survey.file, "its first chunk is no JSON")
    yield from _walked(TextWindow(_chunk(survey, _HEADER.unpack(header)[3]), longest=survey.limits.value), survey)


@reads_format("gltf", lambda head, extension: extension == ".gltf" and b"\0" not in head and head.lstrip()[:1] == b"{")
def read_gltf(survey: Survey) -> Iterator[Finding]:
    """Yield what a glTF names."""
    yield from _walked(TextWindow(pieces(survey), longest=survey.limits.value), survey)


def _chunk(survey: Survey, size: int) -> Iterator[bytes]:
    with open(survey.content, "rb") as file:
        file.seek(_HEADER.size)
        while size > 0 and (piece := file.read(min(PIECE, size))):
            size -= len(piece)
            yield piece


@dataclass(slots=True)
class _Level:
    """An object or array that is open."""

    is_object: bool
    #: under which name it lies in the object around it
    name: str
    key: str = ""
    count: int = -1


def _walked(window: TextWindow, survey: Survey) -> Iterator[Finding]:
    levels: list[_Level] = []
    problem = ""
    while not problem and (match := window.next(_MARKS)):
        mark = match[0]
        if mark in b"{[":
            problem = _opened(levels, mark == b"{", survey)
        elif mark in b"}]":
            if levels:
                levels.pop()
        else:
            yield from _text(window, levels, survey)
    if problem or levels:
        yield broken(survey, problem or "it ends in the middle of its JSON")


def _opened(levels: list[_Level], is_object: bool, survey: Survey) -> str:
    name = ""
    if levels:
        above = levels[-1]
        above.count += 0 if above.is_object else 1
        name = above.key if above.is_object else above.name
    levels.append(_Level(is_object, name))
    limit = survey.limits.depth * 5
    return f"its JSON is nested more than {limit:,} deep" if len(levels) > limit else ""


def _text(window: TextWindow, levels: list[_Level], survey: Survey) -> Iterator[Finding]:
    raw = window.quoted()
    is_key = bool(levels) and levels[-1].is_object and window.match(_COLON) is not None
    if raw is None or not levels:
        return
    text = _decoded(raw)
    if is_key:
        levels[-1].key = text
    elif levels[-1].key == "uri" and text and scheme(text) != "data":
        array = levels[-2] if len(levels) > 1 else None
        number = f"[{array.count}]" if array and not array.is_object else ""
        name = levels[-1].name
        yield addressed(text, f"{name}{number}.uri", _KINDS.get(name, "other"), survey)


def _decoded(raw: bytes) -> str:
    text = raw.decode("utf-8", "surrogateescape")
    if "\\" not in text:
        return text
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text
