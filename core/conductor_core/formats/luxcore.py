"""LuxCore scenes and configurations, `.scn` and `.cfg`: properties, one in a line.

Names: https://wiki.luxcorerender.org/LuxCore_SDL_Reference_Manual_v2.9 (`scene.textures.wood.file = "wood.png"`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.place import absolute
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.unknown import ends_like_file, says_file
from conductor_core.formats.format import reads_format
from conductor_core.report import ScanOutput, Unresolved

_FIRST = re.compile(
    rb"^(?:scene\.(?:file|camera|textures|materials|objects|shapes|lights)|renderengine\.type|film\.width)\b[\w.-]*\s*=",
    re.MULTILINE,
)
_LINE = re.compile(r'\s*([\w.-]+)\s*=\s*"?([^"#\n]*?)"?\s*(?:#.*)?\Z')
#: last part of a property → kind
_KINDS: dict[str, Kind] = {"ply": "geometry", "iesfile": "profile", "mapfile": "texture", "file": "texture"}


@reads_format(
    "luxcore", lambda head, extension: extension in (".scn", ".cfg") and b"\0" not in head and bool(_FIRST.search(head))
)
def read_properties(survey: Survey) -> Iterator[Finding]:
    """Yield what the properties of a scene or configuration name."""
    with open(survey.content, "rb") as file:
        while raw := file.readline(survey.limits.value):
            match = _LINE.match(raw.decode("utf-8", "surrogateescape"))
            if match and not raw.lstrip().startswith(b"#") and ends_like_file(match[2]):
                yield _property(match[1], match[2], survey)


def _property(name: str, text: str, survey: Survey) -> Finding:
    last = name.rpartition(".")[2]
    place = absolute(text, survey.folder)
    if name.startswith("film.outputs.") or name == "film.output.filename":
        return ScanOutput(text, place, name)
    places = tuple(dict.fromkeys((place, *(absolute(text, folder) for folder in survey.search))))
    if name == "scene.file":
        return Usage(text, name, "procedural", places)
    if last in _KINDS or says_file(last):
        return Usage(text, name, _KINDS.get(last, "other"), places)
    return Unresolved(text, name, f"no reader knows {name}")
