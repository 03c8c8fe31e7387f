"""OpenColorIO configurations, version 1 and 2, plain and as `.ocioz` archives: the tables behind their transforms.

Rules: https://opencolorio.readthedocs.io/en/latest/guides/authoring/overview.html (search_path, environment) and
https://opencolorio.readthedocs.io/en/latest/api/context.html (`$VAR`, `${VAR}`, `%VAR%`). Which colour spaces a render uses is
told by its scene, not here: every table of the configuration is wanted, and a missing one names the colour space that has it.

The YAML is read as events: no objects are made, tags are only names, and an alias is no second copy.
"""

from __future__ import annotations

import io
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import yaml

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.place import absolute, is_absolute
from conductor_core.discovery.reach import OneFile
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.variables import Filled, fill_variables
from conductor_core.errors import SceneNotRead
from conductor_core.formats.format import reads_format
from conductor_core.formats.renderer_scene import split_search_path
from conductor_core.formats.text_window import broken
from conductor_core.report import Ignored, Unresolved

#: bytes of the largest configuration: the ACES ones have 0.2 to 1 MB
LARGEST = 32 << 20
#: https://opencolorio.readthedocs.io/en/latest/guides/using_ocio/using_ocio.html: an archive has its configuration at the top
_IN_ARCHIVE = "config.ocio"
_VERSION = re.compile(rb"^ocio_profile_version\s*:", re.MULTILINE)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNSET = re.compile(r"\$\{?\w")


@dataclass(slots=True)
class _Config:
    """What of a configuration leads to files."""

    search_path: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    #: why its text ends before its end; "": it does not
    problem: str = ""
    #: text, referrer
    sources: dict[tuple[str, str], None] = field(default_factory=dict)


@dataclass(slots=True)
class _Level:
    """A mapping or list that is open."""

    tag: str
    mapping: bool
    #: the name of what it describes: its own `name`, or of what it lies in
    name: str
    #: the key that waits for its value; None: a key is next
    key: str | None = None


@reads_format("ocio", lambda head, extension: extension != ".ocioz" and b"\0" not in head and bool(_VERSION.search(head)))
def read_config(survey: Survey) -> Iterator[Finding]:
    """Yield the tables of a configuration.

    Raises:
        SceneNotRead: it is too large, or is no YAML.
    """
    if os.path.getsize(survey.content) > LARGEST:
        raise SceneNotRead(survey.file, f"it is larger than {LARGEST >> 20} MB, which no colour configuration is")
    with open(survey.content, "rb") as file:
        config = _config(file, survey)
    yield from _search_path(config)
    for text, referrer in config.sources:
        yield _table(text, referrer, config, survey)
    if config.problem:
        yield broken(survey, config.problem)


@reads_format("ocio-archive", lambda head, extension: extension == ".ocioz" and head.startswith(b"PK\x03\x04"))
def read_archive(survey: Survey) -> Iterator[Finding]:
    """Yield what the configuration in an archive names: its own tables are in it, absolute paths may lie elsewhere.

    Raises:
        SceneNotRead: it is no zip file, or has no configuration of a sane size in it.
    """
    try:
        with zipfile.ZipFile(survey.content) as archive:
            names = frozenset(archive.namelist())
            info = archive.getinfo(_IN_ARCHIVE)
            if info.file_size > LARGEST:
                raise SceneNotRead(survey.file, f"its configuration is larger than {LARGEST >> 20} MB")
            with archive.open(info) as file:
                config = _config(io.BytesIO(file.read(LARGEST)), survey)
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        NotImplementedError,
        EOFError,
        RuntimeError,
        struct.error,
        zlib.error,
    ) as exc:
        raise SceneNotRead(survey.file, f"its archive is damaged ({exc})") from None
    for text, referrer in config.sources:
        yield _in_archive(text, referrer, config, names, survey)


def _config(file: IO[bytes], survey: Survey) -> _Config:
    reading = _Reading()
    try:
        for event in yaml.parse(file, Loader=_LOADER):
            reading.take(event, survey.limits.depth)
            if reading.too_deep:
                raise SceneNotRead(survey.file, f"it is nested more than {survey.limits.depth} deep")
    except yaml.YAMLError as exc:
        place = getattr(exc, "problem_mark", None)
        reading.config.problem = f"it is no YAML{f' from line {place.line + 1} on' if place else ''}"
    except (UnicodeError, ValueError) as exc:
        reading.config.problem = f"it is no YAML ({exc})"
    if reading.config.problem and not reading.config.sources:
        raise SceneNotRead(survey.file, reading.config.problem)
    return reading.config


class _Reading:
    """Takes the events of a configuration's YAML, with an own stack of what is open."""

    def __init__(self) -> None:
        self.config = _Config()
        self.too_deep = False
        self._levels: list[_Level] = []

    def take(self, event: Any, depth: int) -> None:
        """Take one event in."""
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event)
            self.too_deep = self.too_deep or len(self._levels) > depth
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._levels.pop()
            self._value_is_over()
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event.value)
        elif isinstance(event, yaml.AliasEvent):
            self._value_is_over()

    def _open(self, event: Any) -> None:
        inherited = self._levels[-1].name if self._levels else ""
        tag = (event.tag or "").lstrip("!")
        self._levels.append(_Level(tag, isinstance(event, yaml.MappingStartEvent), inherited))

    def _scalar(self, value: str) -> None:
        if not self._levels:
            return
        level = self._levels[-1]
        if level.mapping and level.key is None:
            level.key = value
            return
        self._value(level, value)
        self._value_is_over()

    def _value(self, level: _Level, value: str) -> None:
        top = self._levels[0].key if self._levels[0].mapping else None
        if top == "search_path":
            self.config.search_path.append(value)
        elif top == "environment" and level.key:
            self.config.environment[level.key] = value
        elif level.key == "name":
            level.name = value
        elif level.key == "src" and level.tag == "FileTransform" and value:
            self.config.sources[value, f"{level.name or top}.src"] = None

    def _value_is_over(self) -> None:
        if self._levels and self._levels[-1].mapping:
            self._levels[-1].key = None


def _search_path(config: _Config) -> Iterator[Finding]:
    for text in config.search_path:
        if text:
            yield Ignored(text, "search_path", "a search path: tables are looked for in it")


def _table(text: str, referrer: str, config: _Config, survey: Survey) -> Finding:
    filled = _filled(text, config, survey)
    if filled.unknown:
        return Unresolved(text, referrer, f"nobody has set {', '.join(filled.unknown)}")
    if is_absolute(filled.text):
        places: tuple[str, ...] = (absolute(filled.text, survey.folder),)
    else:
        places = tuple(dict.fromkeys(absolute(filled.text, folder) for folder in _folders(config, survey)))
    return Usage(text, referrer, "lut", places, OneFile())


def _in_archive(text: str, referrer: str, config: _Config, names: frozenset[str], survey: Survey) -> Finding:
    filled = _filled(text, config, survey)
    if filled.unknown:
        return Unresolved(text, referrer, f"nobody has set {', '.join(filled.unknown)}")
    if is_absolute(filled.text):
        return Usage(text, referrer, "lut", (absolute(filled.text, survey.folder),), OneFile())
    paths = [_filled(path, config, survey).text for joined in config.search_path for path in split_search_path(joined)]
    inside = {os.path.normpath(os.path.join(path, filled.text)).replace("\\", "/") for path in (*paths, ".")}
    if inside & names:
        return Ignored(text, referrer, "it lies in the archive")
    return Unresolved(text, referrer, "it is not in the archive")


def _folders(config: _Config, survey: Survey) -> Iterator[str]:
    """Yield where tables are looked for: each search path, relative to the configuration; without any, beside it."""
    paths = [path for joined in config.search_path for path in split_search_path(joined)]
    if not paths:
        yield survey.folder
    for path in paths:
        filled = _filled(path, config, survey)
        if not filled.unknown:
            yield absolute(filled.text, survey.folder)


def _filled(text: str, config: _Config, survey: Survey) -> Filled:
    """Return a text with its variables: the environment's values before the configuration's defaults."""
    return fill_variables(text, {**config.environment, **survey.variables})
