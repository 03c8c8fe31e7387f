"""POV-Ray scenes and includes, `.pov` and `.inc`: includes, images, fonts, densities.

Rules: https://www.povray.org/documentation/3.7.0/r3_0.html (`#include`, `image_map { png "x.png" }`, `ttf "x.ttf"`, `df3 "x.df3"`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.place import absolute
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.unknown import ends_like_file
from conductor_core.formats.format import reads_format
from conductor_core.formats.text_window import broken, window_on
from conductor_core.report import Ignored, Unresolved

_FIRST = re.compile(
    rb"^\s*(?:#(?:include|version|declare|macro|local)\b|(?:camera|light_source|global_settings|sphere|plane)\s*\{)", re.MULTILINE
)
_MARKS = re.compile(rb'"|//|/\*')
_WORD = re.compile(rb"#?[A-Za-z_]\w*")
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("png", "jpeg", "tga", "gif", "iff", "ppm", "pgm", "tiff", "exr", "hdr", "sys", "pot"), "texture"),
    "#include": "procedural",
    "ttf": "font",
    "df3": "volume",
}
#: `#include "colors.inc"` and the like come with POV-Ray
_SHIPPED = frozenset(
    f"{name}.inc"
    for name in [
        "arrays",
        "bumpmap_",
        "chars",
        "colors",
        "consts",
        "debug",
        "finish",
        "functions",
        "glass",
        "glass_old",
        "golds",
        "logo",
        "math",
        "metals",
        "rad_def",
        "rand",
        "shapes",
        "shapes2",
        "shapes_old",
        "skies",
        "stars",
        "stdinc",
        "stoneold",
        "stones",
        "strings",
        "textures",
        "transforms",
        "woodmaps",
        "woods",
    ]
)


@reads_format("pov", lambda head, extension: extension in (".pov", ".inc") and b"\0" not in head and bool(_FIRST.search(head)))
def read_pov(survey: Survey) -> Iterator[Finding]:
    """Yield what a scene names."""
    window = window_on(survey)
    while match := window.next(_MARKS):
        if match[0] == b"//":
            window.skip_past(b"\n")
            continue
        if match[0] == b"/*":
            window.skip_past(b"*/")
            continue
        words = _WORD.findall(window.behind(match.start(), 100).rpartition(b'"')[2])
        word = words[-1].decode() if words else ""
        text = (window.quoted() or b"").decode("utf-8", "surrogateescape")
        if ends_like_file(text):
            yield _named(word, text, survey)
    if window.problem:
        yield broken(survey, window.problem)


def _named(word: str, text: str, survey: Survey) -> Finding:
    places = tuple(dict.fromkeys(absolute(text, folder) for folder in (survey.folder, *survey.search)))
    if word in _KINDS:
        absent = "comes with POV-Ray" if text in _SHIPPED else ""
        return Usage(text, word, _KINDS[word], places, absent_is=absent)
    if word in ("#fopen", "#debug", "#warning", "#error"):
        return Ignored(text, word, "a message, or a file that the scene's own script opens")
    return Unresolved(text, word or "text", f"no reader knows what {word or 'it'} does with a file")
