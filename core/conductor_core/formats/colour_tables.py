"""Common LUT Format and Autodesk's colour transforms, `.clf` and `.ctf`: tables that name further tables.

`Reference`: https://opencolorio.readthedocs.io/en/latest/guides/using_ocio/compatibility.html (CTF, `path` or `alias`); the
CLF specification (S-2014-006) has none since version 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.place import absolute
from conductor_core.discovery.survey import Survey
from conductor_core.formats.format import reads_format
from conductor_core.formats.xml_events import elements, root_is
from conductor_core.report import Ignored, Unresolved


@reads_format("colour-transform", lambda head, _extension: root_is(head, b"ProcessList"))
def read_transform(survey: Survey) -> Iterator[Finding]:
    """Yield the tables that a transform refers to."""
    for element in elements(survey, frozenset({"Reference"})):
        if isinstance(element, Unresolved):
            yield element
            continue
        attributes, text = element.attributes, element.text
        if alias := attributes.get("alias"):
            yield Ignored(alias, "Reference.alias", "a name that the application resolves, not a file")
            continue
        base, path = attributes.get("basePath", ""), attributes.get("path", "") or text.strip()
        if path:
            place = absolute(f"{base}/{path}" if base else path, survey.folder)
            yield Usage(path, "Reference.path", "lut", (place,))
