"""MaterialX documents (`.mtlx`): textures, included documents, sources of shaders.

Rules: https://materialx.org/Specification.html ("Filename Substitutions", `fileprefix`, `xi:include`). A document that declares
entities is refused: they are how a small file becomes a huge one, and MaterialX has none.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.place import absolute, is_absolute
from conductor_core.discovery.reach import Frames, OneFile, Reach
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.variables import fill_variables
from conductor_core.formats.format import reads_format
from conductor_core.report import Unresolved
from conductor_core.sequences import has_frame_token

_CHUNK = 1 << 18
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
_BEGINS = re.compile(rb"<materialx[\s>/]", re.IGNORECASE)
#: `{frame}`, `{04frame}`
_FRAME = re.compile(r"\{(?P<digits>0[0-9]{1,2})?frame\}")
_TOKEN = re.compile(r"\[(\w+)\]|\{(\w+)\}")
_SAYS_FILE = re.compile(r"file|path|texture|image", re.IGNORECASE)
_NAMES_FILE = re.compile(r"[^\n]*[^/\\\n]\.(?![0-9]+\Z)[A-Za-z0-9]{1,9}\Z")
#: folders of the library that comes with MaterialX and every application that reads it
_SHIPPED = ("libraries/", "stdlib/", "pbrlib/", "bxdf/", "lights/", "targets/", "cmlib/", "nprlib/")
#: files of that library, as documents name them that find it along the search path
_SHIPPED_NAMES = re.compile(
    r"(?:stdlib|pbrlib|lightlib|nprlib|cmlib)_(?:defs|ng)\.mtlx|standard_surface\.mtlx|usd_preview_surface\.mtlx|gltf_pbr\.mtlx|"
    r"open_pbr_surface\.mtlx|disney_principled\.mtlx"
)


class _Refused(Exception):
    """Carry why a document is not read on."""


@dataclass(slots=True)
class _Element:
    name: str
    prefix: str
    tokens: dict[str, str] = field(default_factory=dict)


@reads_format("materialx", lambda head, _extension: _XML.match(head) is not None and bool(_BEGINS.search(head)))
def read_materialx(survey: Survey) -> Iterator[Finding]:
    """Yield what a document points to."""
    reader = _Reader(survey)
    with open(survey.content, "rb") as stream:
        try:
            while chunk := stream.read(_CHUNK):
                reader.feed(chunk)
                yield from reader.taken()
            reader.feed(b"", last=True)
        except (expat.ExpatError, LookupError, ValueError, _Refused) as exc:
            yield from reader.taken()
            reason = exc if isinstance(exc, _Refused) else f"it is no well-formed XML ({exc})"
            yield Unresolved(os.path.basename(survey.file), f"line {reader.line}", f"{reason}; what follows was not read")
    yield from reader.taken()


class _Reader:
    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._stack = [_Element("", "")]
        self._found: list[Finding] = []
        self._fed = 0
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = self._entity

    @property
    def line(self) -> int:
        """Where the document is read."""
        return self._parser.CurrentLineNumber

    def feed(self, chunk: bytes, *, last: bool = False) -> None:
        """Read on.

        Raises:
            ExpatError: it is no XML.
            _Refused: it is not one that we read.
        """
        self._parser.Parse(chunk, last)
        self._fed += len(chunk)
        if self._fed - self._parser.CurrentByteIndex > self._survey.limits.value + 2 * _CHUNK:
            raise _Refused(f"an element is longer than {self._survey.limits.value:,} bytes")

    def taken(self) -> list[Finding]:
        """Return what was found since the last time."""
        found, self._found = self._found, []
        return found

    def _entity(self, name: str, *_rest: object) -> NoReturn:
        raise _Refused(f"it declares an entity, {name[:40]}")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._stack) > self._survey.limits.depth:
            raise _Refused(f"elements lie more than {self._survey.limits.depth} deep in each other")
        parent = self._stack[-1]
        shown = "/".join(filter(None, (self._path(), attributes.get("name", ""))))
        if name == "token" and "name" in attributes:
            parent.tokens[attributes["name"]] = attributes.get("value", "")
        self._stack.append(_Element(attributes.get("name", ""), attributes.get("fileprefix", parent.prefix)))
        if name.rpartition(":")[2] == "include" and "href" in attributes:
            self._included(attributes["href"])
        elif name in ("implementation", "materialimpl") and attributes.get("file"):
            self._read(attributes["file"], f"{shown}.file", "shader", prefix="")
        elif attributes.get("type") == "filename" and attributes.get("value"):
            self._read(attributes["value"], f"{shown}.value", "texture", prefix=self._stack[-1].prefix)
        elif attributes.get("type") == "string" and name in ("input", "parameter"):
            self._text(attributes.get("value", ""), attributes.get("name", ""), f"{shown}.value")

    def _end(self, _name: str) -> None:
        self._stack.pop()

    def _path(self) -> str:
        return "/".join(e.name for e in self._stack if e.name)

    def _included(self, href: str) -> None:
        absent_is = "ships with MaterialX" if href.startswith(_SHIPPED) or _SHIPPED_NAMES.fullmatch(href) else ""
        self._found.append(Usage(href, "include", "material", self._places(href), absent_is=absent_is))

    def _read(self, text: str, referrer: str, kind: Kind, *, prefix: str) -> None:
        filled = _FRAME.sub(lambda m: f"%{m['digits'] or ''}d", text if is_absolute(text) else prefix + text)
        filled = _TOKEN.sub(lambda m: self._token(m[1]) or m[0], filled)
        variables = fill_variables(filled, self._survey.variables)
        filled = variables.text
        unknown = _TOKEN.search(filled)
        if variables.unknown or unknown:
            nobody = f"nobody has set {', '.join(variables.unknown)}"
            reason = nobody if variables.unknown or not unknown else f"{unknown[0]} is set by the scene that uses the material"
            self._found.append(Unresolved(text, referrer, reason))
            return
        places = self._places(filled)
        reach: Reach = Frames(self._survey.frames) if has_frame_token(filled) else OneFile()
        self._found.append(Usage(text, referrer, kind, places, reach))

    def _text(self, text: str, name: str, referrer: str) -> None:
        if not _NAMES_FILE.match(text):
            return
        if _SAYS_FILE.search(name):
            self._read(text, referrer, "other", prefix="")
        elif "/" in text or "\\" in text:
            self._found.append(Unresolved(text, referrer, f"no reader knows {name} of MaterialX"))

    def _token(self, name: str | None) -> str:
        return next((e.tokens[name] for e in reversed(self._stack) if name in e.tokens), "") if name else ""

    def _places(self, text: str) -> tuple[str, ...]:
        beside = absolute(text, self._survey.folder)
        if is_absolute(text):
            return (beside,)
        searched = self._survey.variables.get("MATERIALX_SEARCH_PATH", "").split(os.pathsep)
        folders = (*self._survey.search, *(f for f in searched if f))
        return tuple(dict.fromkeys((beside, *(absolute(text, folder) for folder in folders))))
