"""Mitsuba scenes, `.xml`: file names of plug-ins, includes, folders to look in.

Rules: https://mitsuba.readthedocs.io/en/stable/src/key_topics/scene_format.html: `<string name="filename" value="…"/>`,
`<include filename="…"/>`, `<path value="…"/>`, defaults `$name`.
"""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.place import absolute
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.unknown import ends_like_file, says_file
from conductor_core.discovery.variables import fill_variables
from conductor_core.formats.format import reads_format
from conductor_core.formats.xml_events import Element, elements, root_is
from conductor_core.report import Ignored, Unresolved

_AROUND: dict[str, Kind] = {"shape": "geometry", "texture": "texture", "emitter": "texture", "volume": "volume", "bsdf": "data"}
_WANTED = frozenset({*_AROUND, "string", "include", "path", "default", "spectrum"})


def _recognises(head: bytes, _extension: str) -> bool:
    return root_is(head, b"scene") and b"version=" in head


@reads_format("mitsuba", _recognises)
def read_mitsuba(survey: Survey) -> Iterator[Finding]:
    """Yield what the elements of a scene name."""
    folders, variables, waiting = [survey.folder, *survey.search], dict(survey.variables), []
    for element in elements(survey, _WANTED):
        if isinstance(element, Unresolved):
            yield element
        elif element.name == "path" and "value" in element.attributes:
            folders.append(absolute(element.attributes["value"], survey.folder))
            yield Ignored(element.attributes["value"], "path", "a search path: files are looked for in it")
        elif element.name == "default":
            variables.setdefault(element.attributes.get("name", ""), element.attributes.get("value", ""))
        else:
            waiting.append(element)
    for element in waiting:
        yield from _named(element, folders, variables)


def _named(element: Element, folders: list[str], variables: dict[str, str]) -> Iterator[Finding]:
    attribute = "value" if element.name == "string" else "filename"
    text = element.attributes.get(attribute, "")
    name = element.attributes.get("name", attribute)
    if not ends_like_file(text) or not says_file(name if element.name == "string" else attribute):
        return
    around = next((pair for pair in reversed(element.around) if pair[0] in _AROUND), ("", {}))
    kind: Kind = "procedural" if element.name == "include" else _AROUND.get(around[0], "data")
    owner = around[1].get("id") or around[1].get("type") or element.name
    filled = fill_variables(text, variables)
    if filled.unknown:
        yield Unresolved(text, f"{owner}.{name}", f"nobody has set {', '.join(filled.unknown)}")
        return
    yield Usage(text, f"{owner}.{name}", kind, tuple(dict.fromkeys(absolute(filled.text, folder) for folder in folders)))
