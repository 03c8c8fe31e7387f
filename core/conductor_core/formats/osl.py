"""Open Shading Language, `.osl` source and `.oso` code: headers, and textures that parameters have by default.

Rules: https://open-shading-language.readthedocs.io: `#include "x.h"` counts from the file, then from the folders of `-I`;
`<x.h>` comes with the renderer. Texture names in the body of a shader are arguments, told when it runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.place import absolute
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.unknown import ends_like_file
from conductor_core.formats.format import reads_format
from conductor_core.formats.packed import pieces
from conductor_core.formats.text_window import TextWindow
from conductor_core.report import Ignored

_SHADER = re.compile(rb"^\s*(?:shader|surface|displacement|volume|light|emission)\s+\w+|^#include\s", re.MULTILINE)
_SOURCE = re.compile(rb'//|/\*|#include[ \t]*(["<])([^">\n]{1,1000})[">]|\bstring\s+(\w+)\s*=\s*"([^"\n]{1,1000})"')
_CODE = re.compile(rb'^param\s+string\s+(\w+)\s+"([^"\n]{1,1000})"', re.MULTILINE)
#: headers that come with every renderer
_STANDARD = frozenset({"stdosl.h", "oslutil.h", "color2.h", "color4.h", "vector2.h", "vector4.h", "matrix33.h", "node_color.h"})


@reads_format("osl", lambda head, extension: extension in (".osl", ".h") and b"\0" not in head and bool(_SHADER.search(head)))
def read_source(survey: Survey) -> Iterator[Finding]:
    """Yield the headers of a shader's source, and files that its parameters name by default."""
    window = TextWindow(pieces(survey), longest=survey.limits.value)
    while match := window.next(_SOURCE):
        if match[0] == b"//":
            window.skip_past(b"\n")
        elif match[0] == b"/*":
            window.skip_past(b"*/")
        elif match[1]:
            yield _header(_text(match[2]), match[1] == b"<", survey)
        elif ends_like_file(_text(match[4])):
            yield _default(_text(match[3]), _text(match[4]), survey)


@reads_format("oso", lambda head, _extension: head.startswith(b"OpenShadingLanguage "))
def read_code(survey: Survey) -> Iterator[Finding]:
    """Yield the files that the parameters of a compiled shader name by default."""
    window = TextWindow(pieces(survey), longest=survey.limits.value)
    while match := window.next(_CODE):
        if ends_like_file(_text(match[2])):
            yield _default(_text(match[1]), _text(match[2]), survey)


def _header(text: str, bracketed: bool, survey: Survey) -> Finding:
    if bracketed or text in _STANDARD:
        return Ignored(text, "#include", "a header that comes with the renderer")
    places = (absolute(text, folder) for folder in (survey.folder, *survey.search))
    return Usage(text, "#include", "shader", tuple(dict.fromkeys(places)))


def _default(name: str, text: str, survey: Survey) -> Finding:
    places = (absolute(text, folder) for folder in (survey.folder, *survey.search))
    reason = "the default of a parameter, and not there: the scene gives another"
    return Usage(text, name, "texture", tuple(dict.fromkeys(places)), absent_is=reason)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
