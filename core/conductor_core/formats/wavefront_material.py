"""Wavefront `.mtl` and `.obj`: materials that name textures, geometry that names materials.

Rules: http://paulbourke.net/dataformats/mtl/ and http://paulbourke.net/dataformats/obj/ (`mtllib`). Names are relative to the
file; options stand before the name of a map, and a name may have blanks in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.place import absolute
from conductor_core.discovery.survey import Survey
from conductor_core.formats.format import reads_format

_MAP = re.compile(rb"(?:map_\w+|bump|disp|decal|refl|norm)\Z", re.IGNORECASE)
#: options of a map and how many words each takes at most
_OPTIONS = {b"-blendu": 1, b"-blendv": 1, b"-bm": 1, b"-boost": 1, b"-cc": 1, b"-clamp": 1, b"-imfchan": 1, b"-mm": 2}
_OPTIONS |= {b"-o": 3, b"-s": 3, b"-t": 3, b"-texres": 1, b"-type": 1, b"-colorspace": 1}
_NUMBER = re.compile(rb"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
#: the words of an .mtl that a line near its start has
_FIRST = re.compile(rb"^\s*(?:newmtl|map_K[ads])\s", re.MULTILINE)
_OBJECT = re.compile(rb"^(?:mtllib\s|v\s+[-0-9.]|o\s|g\s)", re.MULTILINE)


@reads_format("wavefront-mtl", lambda head, extension: (extension == ".mtl" and b"\0" not in head) or bool(_FIRST.search(head)))
def read_materials(survey: Survey) -> Iterator[Finding]:
    """Yield the textures of a material library."""
    material = ""
    for words in _lines(survey):
        if words[0] == b"newmtl" and len(words) > 1:
            material = _text(b" ".join(words[1:]))
        elif _MAP.match(words[0]):
            name = _text(b" ".join(_without_options(words[1:])))
            if name:
                referrer = f"{material}.{_text(words[0])}"
                yield Usage(name, referrer, "texture", (absolute(name, survey.folder),))


@reads_format("wavefront-obj", lambda head, extension: extension == ".obj" and b"\0" not in head and bool(_OBJECT.search(head)))
def read_object(survey: Survey) -> Iterator[Finding]:
    """Yield the material libraries of a geometry file; a line may name several."""
    for words in _lines(survey):
        if words[0] != b"mtllib":
            continue
        whole = _text(b" ".join(words[1:]))
        one_name_with_blanks = bool(whole) and os.path.isfile(absolute(whole, survey.folder))
        names = [whole] if one_name_with_blanks else [_text(w) for w in words[1:]]
        for name in names:
            yield Usage(name, "mtllib", "material", (absolute(name, survey.folder),))


def _lines(survey: Survey) -> Iterator[list[bytes]]:
    """Yield the words of each line that has any; a backslash at its end joins the next."""
    with open(survey.content, "rb") as file:
        kept = b""
        while line := file.readline(survey.limits.value):
            line = kept + line.rstrip(b"\r\n")
            kept = b""
            if line.endswith(b"\\") and len(line) < survey.limits.value:
                kept = line[:-1] + b" "
                continue
            words = line.split(b"#", 1)[0].split() if line.lstrip().startswith(b"#") else line.split()
            if words:
                yield words


def _without_options(words: list[bytes]) -> list[bytes]:
    rest = list(words)
    while rest and rest[0].lower() in _OPTIONS:
        takes = _OPTIONS[rest.pop(0).lower()]
        numeric = takes > 1
        while takes and rest and (not numeric or _NUMBER.match(rest[0])):
            rest.pop(0)
            takes -= 1
    return rest


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
