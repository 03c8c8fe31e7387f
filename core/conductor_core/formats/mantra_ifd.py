"""Mantra's IFD as text: geometry, images of properties, archives, assets.

Commands: https://www.sidefx.com/docs/houdini/render/ifd.html. Lines are hscript: words, quoted where they have blanks; geometry
that is inline (`ray_detail NAME stdin`) is skipped to the next command.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.place import absolute, is_absolute
from conductor_core.discovery.reach import Frames
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.unknown import ends_like_file
from conductor_core.discovery.variables import fill_variables
from conductor_core.formats.format import reads_format
from conductor_core.formats.packed import GZIP, unpacked_head
from conductor_core.formats.text_window import TextWindow, broken, window_on
from conductor_core.report import Ignored, ScanOutput, Unresolved

_FIRST = re.compile(rb"^(?:ray_version|ray_start|ray_property|ray_detail|ray_image)\s", re.MULTILINE)
#: a command at the start of a line; binary geometry has none
_COMMAND = re.compile(rb"(?:ray_[a-z_]+|setenv|set|source|cmdread)[ \t][^\n]{0,4000}")
_WORD = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|(\S+)""")
_SKIPPED = re.compile(r"\A(?:oplib|opdef|op|temp|Custom):", re.IGNORECASE)

#: by the extension of what a property names
_KINDS: dict[str, Kind] = {".bgeo": "geometry", ".sc": "geometry", ".geo": "geometry", ".abc": "cache", ".vdb": "volume"}
_KINDS |= {".ies": "profile", ".vex": "shader", ".usd": "layer", ".ifd": "procedural", ".gz": "geometry"}


def _recognises(head: bytes, extension: str) -> bool:
    text = unpacked_head(head)
    named = extension in (".ifd", ".sc") or (extension == ".gz" and head.startswith(GZIP))
    return bool(_FIRST.search(text)) and (named or text.lstrip().startswith((b"#", b"ray_")))


@reads_format("mantra-ifd", _recognises)
def read_ifd(survey: Survey) -> Iterator[Finding]:
    """Yield what the commands of a scene name."""
    window = window_on(survey)
    variables = dict(survey.variables)
    for words in _commands(window):
        if words[0] in ("setenv", "set"):
            yield from _set(words, variables)
        else:
            for finding in _command(words):
                yield _placed(finding, survey, variables)
    if window.problem:
        yield broken(survey, window.problem)


def _commands(window: TextWindow) -> Iterator[list[str]]:
    while match := window.next(_COMMAND):
        if window.behind(match.start(), 80).rpartition(b"\n")[2].strip():
            continue
        line = match[0].decode("utf-8", "surrogateescape").rstrip()
        words = [next(g for g in m.groups() if g is not None) for m in _WORD.finditer(line)]
        if words:
            yield words


def _set(words: list[str], variables: dict[str, str]) -> Iterator[Finding]:
    """Take a variable in: `setenv HIP = /job/shot`; its value is where others begin."""
    rest = [w for w in words[1:] if w != "=" and not w.startswith("-")]
    if len(rest) > 1:
        variables[rest[0]] = rest[1]
        if is_absolute(rest[1]):
            yield Ignored(rest[1], f"{words[0]} {rest[0]}", "a variable: paths begin with it")


def _command(words: list[str]) -> Iterator[tuple[str, str, Kind | None]]:
    """Yield what a command names: text, referrer, kind; no kind is an output."""
    command, rest = words[0], words[1:]
    if command in ("ray_archive", "source", "cmdread"):
        yield from ((w, command, "procedural") for w in rest[:1])
    elif command == "ray_loadotl":
        yield from ((w, command, "library") for w in rest if not w.startswith("-"))
    elif command in ("ray_detail", "ray_geometry"):
        yield from ((w, command, _kind(w, "geometry")) for w in rest[1:] if ends_like_file(w))
    elif command == "ray_image":
        yield from ((w, command, None) for w in rest[:1] if ends_like_file(w))
    elif command in ("ray_property", "ray_declare"):
        yield from _property(rest)
    elif command != "ray_comment":
        yield from ((w, command, _kind(w, "texture")) for w in rest if ends_like_file(w))


def _property(rest: list[str]) -> Iterator[tuple[str, str, Kind | None]]:
    """Yield what a property names: `ray_property light projmap "a.rat"`, and the arguments of a shader."""
    style, token = (*rest, "", "")[:2]
    output = (style, token) in {("image", "filename"), ("plane", "planefile"), ("image", "deepresolver")}
    for before, word in itertools.pairwise(rest[1:]):
        if ends_like_file(word):
            yield (word, f"{style}.{before}", None if output else _kind(word, "texture"))


def _kind(text: str, otherwise: Kind) -> Kind:
    return _KINDS.get("." + text.rpartition(".")[2].lower(), otherwise)


def _placed(named: tuple[str, str, Kind | None], survey: Survey, variables: dict[str, str]) -> Finding:
    text, referrer, kind = named
    if _SKIPPED.match(text):
        return Ignored(text, referrer, "an operator inside a library, not a file")
    filled = fill_variables(text, variables)
    if filled.unknown or "`" in text:
        return Unresolved(text, referrer, f"nobody has set {', '.join(filled.unknown)}" if filled.unknown else "an expression")
    place = absolute(filled.text, survey.folder)
    if kind is None:
        return ScanOutput(text, place, referrer)
    return Usage(text, referrer, kind, (place,), Frames(survey.frames))
