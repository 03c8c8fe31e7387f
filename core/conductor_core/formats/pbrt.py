"""pbrt scenes, `.pbrt` and `.pbrt.gz`: includes, textures, meshes, environment maps, lenses, spectra.

Grammar: https://pbrt.org/fileformat-v4. Names are relative to the file that has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.place import absolute
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.unknown import ends_like_file
from conductor_core.formats.format import reads_format
from conductor_core.formats.packed import GZIP, unpacked_head
from conductor_core.formats.parameter_lists import Request, Requests, bare_name
from conductor_core.formats.renderer_scene import Rules, SceneNode, findings_of_scene
from conductor_core.formats.text_window import broken, window_on

_STATEMENT = re.compile(
    rb'^\s*(?:(?:LookAt|Scale|Translate|Rotate)\s+[-0-9.]|WorldBegin\s*$|AttributeBegin\s*$|(?:Include|Import|Film|Camera|Shape|Texture|Material|NamedMaterial|MakeNamedMaterial|Integrator|Sampler)\s+")',
    re.MULTILINE,
)
_ARGUMENTS = {
    **dict.fromkeys(("Include", "Import", "Shape", "LightSource", "AreaLightSource", "Camera", "Film", "Material", "Sampler"), 1),
    **dict.fromkeys(("MakeNamedMaterial", "NamedMaterial", "MakeNamedMedium", "Integrator", "Accelerator", "PixelFilter"), 1),
    **dict.fromkeys(("CoordinateSystem", "CoordSysTransform", "ObjectBegin", "ObjectInstance", "Attribute", "ColorSpace"), 1),
    "Texture": 3,
    "MediumInterface": 2,
}


def _recognises(head: bytes, extension: str) -> bool:
    text = unpacked_head(head)
    named = extension == ".pbrt" or (extension == ".gz" and head.startswith(GZIP))
    return named and b"\0" not in text and bool(_STATEMENT.search(text))


@reads_format("pbrt", _recognises)
def read_pbrt(survey: Survey) -> Iterator[Finding]:
    """Yield what the statements of a scene name."""
    window = window_on(survey)
    requests = Requests(window, _ARGUMENTS)
    spectra: list[Usage] = []
    nodes: list[SceneNode] = []
    for request in requests:
        node = _node(request)
        spectra += _spectra(request, node, survey)
        if node.values:
            nodes.append(node)
    yield from findings_of_scene(nodes, survey, Rules("pbrt"))
    yield from spectra
    if window.problem or requests.open:
        yield broken(survey, window.problem or f"it ends inside {requests.open}")


def _node(request: Request) -> SceneNode:
    if request.word in ("Include", "Import"):
        return SceneNode(request.word, request.word, {"file": list(request.arguments[:1])})
    named = next(iter(request.arguments), "")
    values = {bare_name(n): t for n, t in request.parameters.items() if n.split()[:1] in (["string"], ["texture"])}
    kept = {n: t for n, t in values.items() if any(map(ends_like_file, t)) or n == "aperture"}
    return SceneNode(request.word, f"{request.word} {named}".strip(), kept)


def _spectra(request: Request, node: SceneNode, survey: Survey) -> Iterator[Usage]:
    """Yield spectra that lie in files: `"spectrum L" "lamp.spd"`; names without extension are built in."""
    for name, texts in request.parameters.items():
        if name.split()[:1] == ["spectrum"]:
            for text in filter(ends_like_file, texts):
                yield Usage(text, f"{node.name}.{bare_name(name)}", "data", (absolute(text, survey.folder),), follow=False)
