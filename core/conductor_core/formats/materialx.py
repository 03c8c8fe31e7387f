"""MaterialX, `.mtlx`: images of inputs and further documents.

Rules: https://materialx.org/assets/MaterialX.v1.38.Spec.pdf, "Filename Substitutions" and "MaterialX File Format": inputs of type
`filename`, `fileprefix` of the elements around them, `xi:include href`; `<UDIM>` and `<UVTILE>` are tiles.
"""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.place import absolute
from conductor_core.discovery.reach import Frames
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.variables import fill_variables
from conductor_core.formats.format import reads_format
from conductor_core.formats.xml_events import Element, elements, root_is
from conductor_core.report import Unresolved

#: elements that may set the prefix of those within
_AROUND = frozenset({"materialx", "nodegraph", "look", "image", "tiledimage", "surfacematerial", "standard_surface"})


@reads_format("materialx", lambda head, _extension: root_is(head, b"materialx"))
def read_materialx(survey: Survey) -> Iterator[Finding]:
    """Yield the images of a document and the documents that it includes."""
    for element in elements(survey, _AROUND | {"input", "parameter", "include"}):
        if isinstance(element, Unresolved):
            yield element
        elif element.name == "include" and element.attributes.get("href"):
            text = element.attributes["href"]
            yield Usage(text, "include.href", "material", _places(text, survey))
        elif element.attributes.get("type") == "filename" and element.attributes.get("value"):
            yield _image(element, survey)


def _image(element: Element, survey: Survey) -> Finding:
    text = element.attributes["value"]
    prefixes = [a["fileprefix"] for _, a in element.around if a.get("fileprefix")]
    own = element.attributes.get("fileprefix")
    prefix = own or (prefixes[-1] if prefixes else "")
    owner = element.around[-1][1].get("name", "") if element.around else ""
    referrer = ".".join(p for p in (owner, element.attributes.get("name", "file")) if p)
    filled = fill_variables(prefix + text, survey.variables)
    if filled.unknown or "[" in filled.text:
        return Unresolved(text, referrer, "its application fills in a part of the name")
    return Usage(text, referrer, "texture", _places(filled.text, survey), Frames(survey.frames))


def _places(text: str, survey: Survey) -> tuple[str, ...]:
    return tuple(dict.fromkeys(absolute(text, folder) for folder in (survey.folder, *survey.search)))
