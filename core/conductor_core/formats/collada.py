"""Collada, `.dae`: images and parts in other documents.

Rules: https://www.khronos.org/files/collada_spec_1_5.pdf: `image/init_from` is a URI in 1.4 and has `ref` in 1.5; `init_from` of a
surface is the id of an image, and `url="#…"` lies in this document.
"""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.place import absolute
from conductor_core.discovery.survey import Survey
from conductor_core.formats.format import reads_format
from conductor_core.formats.web_address import paths_of, scheme
from conductor_core.formats.xml_events import Element, elements, root_is
from conductor_core.report import Ignored, Unresolved

_INSTANCES = frozenset(
    f"instance_{what}" for what in ("node", "geometry", "visual_scene", "camera", "light", "effect", "controller", "material")
)
_WANTED = frozenset({"image", "init_from", "ref", "hex", "surface"}) | _INSTANCES


@reads_format("collada", lambda head, _extension: root_is(head, b"COLLADA"))
def read_collada(survey: Survey) -> Iterator[Finding]:
    """Yield the images of a document, and the documents that its instances name."""
    for element in elements(survey, _WANTED):
        if isinstance(element, Unresolved):
            yield element
        elif element.name in _INSTANCES:
            yield from _instance(element, survey)
        elif element.name in ("init_from", "ref"):
            yield from _image(element, survey)


def _image(element: Element, survey: Survey) -> Iterator[Finding]:
    image = element.inside("image")
    text = element.text.strip()
    if image is None or not text or element.inside("surface") is not None:
        return
    name = image.get("name") or image.get("id") or "image"
    yield addressed(text, f"{name}.{element.name}", "texture", survey)


def _instance(element: Element, survey: Survey) -> Iterator[Finding]:
    url = element.attributes.get("url", "")
    document = url.partition("#")[0]
    if document:
        yield addressed(url, f"{element.name}.url", "geometry", survey, document=document)


def addressed(text: str, referrer: str, kind: Kind, survey: Survey, *, document: str = "") -> Finding:
    """Return what an address names: a file, or nothing that is sent."""
    if scheme(document or text) not in ("", "file"):
        return Ignored(text, referrer, "an address in the web, not a file")
    places = tuple(absolute(path, survey.folder) for path in paths_of(document or text))
    return Usage(text, referrer, kind, places)
