"""RenderMan RIB, `.rib` and `.rib.gz`: archives, procedurals, textures of plug-ins, search paths, displays.

Grammar: RenderMan Interface Specification 3.2 (Pixar, 2005), appendix C. Binary RIB (encoded requests, bytes from 0x80) is named
as such: `catrib` of RenderMan makes text of it. Tile tokens:
https://rmanwiki.pixar.com/pages/diffpagesbyversion.action?pageId=61609430&selectedPageVersions=11&selectedPageVersions=10
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.node import is_known
from conductor_core.discovery.place import absolute
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.unknown import ends_like_file
from conductor_core.discovery.variables import fill_variables
from conductor_core.errors import SceneNotRead
from conductor_core.formats.format import reads_format
from conductor_core.formats.packed import GZIP, unpacked_head
from conductor_core.formats.parameter_lists import Request, Requests, bare_name
from conductor_core.formats.renderer_scene import Rules, SceneNode, findings_of_scene, split_search_path
from conductor_core.formats.text_window import broken, window_on

_STRUCTURE = re.compile(rb"^(?:version 3|WorldBegin|FrameBegin|ReadArchive |AttributeBegin|Procedural2? )", re.MULTILINE)
#: what no other renderer's packed text has
_OWN = re.compile(rb"^\s*(?:version 3|ReadArchive |Procedural2? |Bxdf |Pattern )", re.MULTILINE)
#: an encoded request (0xa6), string (0x90 …) or float array: never in text, which is ASCII or UTF-8
_ENCODED = re.compile(rb"\A[\x80-\xbf\xc0\xc1\xf5-\xff]|[\s\]\x00][\xa6\xcd\xce\xcf][\x00-\x7f]")

#: texts before the parameters of a request
_ARGUMENTS = {
    **dict.fromkeys(("Pattern", "Bxdf", "Light", "Displace", "DisplayFilter", "SampleFilter", "Integrator", "Shader"), 2),
    **dict.fromkeys(("LightFilter", "VPVolumes", "LightSource", "AreaLightSource"), 2),
    **dict.fromkeys(("Option", "Attribute", "Projection", "Imager", "Surface", "Displacement", "Atmosphere", "Interior"), 1),
    **dict.fromkeys(
        (
            "Exterior",
            "ReadArchive",
            "Hider",
            "Geometry",
            "Camera",
            "DisplayChannel",
            "ObjectInstance",
            "ArchiveBegin",
            "Volume",
            "Resource",
        ),
        1,
    ),
    **dict.fromkeys(("Display", "Procedural2", "Procedural"), 3),
    **dict.fromkeys(("MakeTexture", "MakeShadow", "MakeBump", "MakeLatLongEnvironment"), 2),
    "MakeCubeFaceEnvironment": 7,
}
_SHADERS = frozenset(
    {"Pattern", "Bxdf", "Light", "Displace", "DisplayFilter", "SampleFilter", "Integrator", "LightFilter", "LightSource"}
)
#: attributes whose texts are names of objects and groups, which look like paths
_NAMES = frozenset({"identifier", "grouping", "lighting", "lightfilter", "trace"})
#: displays that write no file
_SCREENS = frozenset({"it", "framebuffer", "null", "x11", "windows", "shmdriver", "socket"})

_MUDBOX = re.compile(r"u<[Uu]>_v<[Vv]>")
#: a file in a zip file: `bricks.zip!leg.rib`
_IN_ZIP = re.compile(r"(\.zip)!.*", re.IGNORECASE)
_PLUGIN = re.compile(r"\A(?:rtxplugin:|\w+dso:)", re.IGNORECASE)


def _recognises(head: bytes, extension: str) -> bool:
    text = unpacked_head(head)
    if text.startswith(b"##RenderMan RIB"):
        return True
    if extension == ".rib":
        return bool(_STRUCTURE.search(text) or _ENCODED.search(text) or _OWN.search(text))
    return extension == ".gz" and head.startswith(GZIP) and bool(_OWN.search(text))


@reads_format("renderman-rib", _recognises)
def read_rib(survey: Survey) -> Iterator[Finding]:
    """Yield what the requests of a RIB name.

    Raises:
        SceneNotRead: it is binary RIB.
    """
    window = window_on(survey)
    window.match(re.compile(b""))
    if _ENCODED.search(window.data[:4096]):
        raise SceneNotRead(
            survey.file, "it is binary RIB, which only RenderMan reads", "Write it as text (catrib, or Option rib)."
        )
    requests = Requests(window, _ARGUMENTS)
    inline: set[str] = set()
    nodes = [node for request in requests for node in _nodes(request, inline) if _is_of_interest(node)]
    yield from findings_of_scene(nodes, survey, _rules(nodes, survey))
    if window.problem or requests.open:
        yield broken(survey, window.problem or f"it ends inside {requests.open}")


def _nodes(request: Request, inline: set[str]) -> Iterator[SceneNode]:
    """Yield a request as the nodes of the table: a shader by its own name, archives and displays by their request's.

    `inline`: names of the archives that the file holds itself (`ArchiveBegin`), which are no files.
    """
    given = [*request.arguments, "", ""]
    if request.word in _SHADERS:
        yield SceneNode(given[0], given[1] or given[0], _bare(request))
    elif request.word == "ArchiveBegin":
        inline.add(given[0])
    elif request.word == "ReadArchive":
        if given[0] in inline:
            return
        yield SceneNode("ReadArchive", "ReadArchive", {"file": [given[0]]})
    elif request.word in ("Procedural", "Procedural2"):
        yield from _procedurals(request, given[0])
    elif request.word == "Display":
        if given[1] not in _SCREENS:
            yield SceneNode("Display", "Display", {**_bare(request), "file": [given[0]]})
    elif request.word == "Option" and given[0] in ("searchpath", "statistics"):
        yield SceneNode(given[0], given[0], _bare(request))
    elif request.word.startswith("Make") and len(request.arguments) > 1:
        yield SceneNode(request.word, request.word, {"picture": request.arguments[:-1], "texture": request.arguments[-1:]})
    elif request.word in ("Blobby", "Volume"):
        yield from _blobby(request)
    elif request.word != "Attribute" or given[0] not in _NAMES:
        yield SceneNode(request.word, given[0] or request.word, _bare(request))


def _procedurals(request: Request, first: str) -> Iterator[SceneNode]:
    """Yield what a procedural reads: `Procedural "DelayedReadArchive" ["x.rib"] […]`, `Procedural2 … "string filename" ["x.rib"]`."""
    values = [text for texts in request.parameters.values() for text in texts]
    if first.startswith("DelayedReadArchive"):
        yield SceneNode("DelayedReadArchive", first, {"file": [t for t in values if ends_like_file(t)][:1]})
        return
    type_ = "RunProgram" if first == "RunProgram" else "DynamicLoad"
    program = [t for t in values[:1] if not request.parameters.get("string filename")]
    rest = {k: [t for t in v if t not in program] for k, v in _bare(request).items()}
    yield SceneNode(type_, first, {**rest, "file": program} if program else rest)


def _blobby(request: Request) -> Iterator[SceneNode]:
    """Yield the volume that a blobby's plug-in reads: the first of its string arguments."""
    for name, texts in request.parameters.items():
        if bare_name(name) in ("blobbydso:stringargs", "") and texts:
            yield SceneNode("Blobby", request.word, {"file": [t for t in texts if ends_like_file(t)][:1]})


def _bare(request: Request) -> dict[str, list[str]]:
    """Return the texts by the parameter's own name; references to other nodes are no texts."""
    return {bare_name(n): list(t) for n, t in request.parameters.items() if n.split()[:1] != ["reference"]}


def _is_of_interest(node: SceneNode) -> bool:
    node.values = {n: t for n, t in node.values.items() if is_known("renderman", node.type) or any(map(ends_like_file, t))}
    return bool(node.values)


def _rules(nodes: list[SceneNode], survey: Survey) -> Rules:
    folders: dict[str, tuple[str, ...]] = {}
    for node in nodes:
        if node.type == "searchpath":
            for name, texts in node.values.items():
                folders[name] = _search_folders(texts, folders.get(name, ()), survey)
    return Rules("renderman", renderman_patterns, folders=_looked_in(folders), passed_over=_passed_over)


def _search_folders(texts: list[str], before: tuple[str, ...], survey: Survey) -> tuple[str, ...]:
    """Return the folders of a search path: `&` is the one before, `@` the default of the renderer."""
    found: list[str] = []
    for part in split_search_path(fill_variables(":".join(texts), survey.variables).text):
        found += before if part == "&" else () if part == "@" else (absolute(part, survey.folder),)
    return tuple(dict.fromkeys(found))


def _looked_in(folders: dict[str, tuple[str, ...]]) -> Callable[[str], tuple[str, ...]]:
    def looked_in(kind: str) -> tuple[str, ...]:
        first = {"procedural": "archive", "shader": "shader"}.get(kind, "texture")
        return tuple(f for name in sorted(folders, key=lambda n: n != first) for f in folders[name])

    return looked_in


def renderman_patterns(text: str) -> tuple[str, ...]:
    """Return the pattern of the resolver for RenderMan's tokens: `_MAPID_` is a tile of any style, `u<U>_v<V>` Mudbox's.

    A `+` before a display's name adds it to those before it.
    """
    text = _IN_ZIP.sub(r"\1", _MUDBOX.sub("<UVTILE>", text.removeprefix("+")))
    if "_MAPID_" not in text:
        return (text,)
    return tuple(text.replace("_MAPID_", token) for token in ("<UDIM>", "_<UVTILE>", "<UVTILE>"))


def _passed_over(text: str) -> str:
    return "the name of a plug-in, not of a file" if _PLUGIN.match(text) else ""
