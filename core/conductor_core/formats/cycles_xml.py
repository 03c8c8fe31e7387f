"""Cycles' own scenes, `.xml`: includes, images, shaders, light profiles.

Rules: the reader of Cycles standalone (cycles_xml: `include src`, `filename` of image and environment textures, `src` of OSL
shaders, `filename` of IES), https://developer.blender.org/docs/features/cycles/standalone/. Names are relative to the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.place import absolute
from conductor_core.discovery.reach import Frames
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.unknown import ends_like_file, says_file
from conductor_core.formats.format import reads_format
from conductor_core.formats.xml_events import elements, root_is
from conductor_core.report import Unresolved

#: element → attribute and kind
_READ: dict[str, tuple[str, Kind]] = {
    "include": ("src", "procedural"),
    "image_texture": ("filename", "texture"),
    "environment_texture": ("filename", "texture"),
    "ies_light": ("filename", "profile"),
    "osl_shader": ("src", "shader"),
    "script_node": ("src", "shader"),
    "alembic": ("filepath", "cache"),
    "volume": ("filename", "volume"),
}


@reads_format("cycles-xml", lambda head, _extension: root_is(head, b"cycles"))
def read_cycles(survey: Survey) -> Iterator[Finding]:
    """Yield what the elements of a scene name."""
    for element in elements(survey, frozenset(_READ)):
        if isinstance(element, Unresolved):
            yield element
            continue
        known, kind = _READ[element.name]
        owner = element.attributes.get("name") or element.name
        for attribute, text in element.attributes.items():
            if attribute == known or (says_file(attribute) and ends_like_file(text)):
                place = absolute(text, survey.folder)
                reach = Frames(survey.frames)
                yield Usage(text, f"{owner}.{attribute}", kind if attribute == known else "other", (place,), reach)
