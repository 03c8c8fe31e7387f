"""pbrt: which parameters of its statements name files (https://pbrt.org/fileformat-v4 and https://pbrt.org/fileformat-v3)."""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.node import Ask, Node, files, reads_node
from conductor_core.discovery.unknown import ends_like_file

FORMAT = "https://pbrt.org/fileformat-v4"

#: statement, parameters, kind
READ: tuple[tuple[str, tuple[str, ...], Kind], ...] = (
    ("Include", ("file",), "procedural"),
    ("Import", ("file",), "procedural"),
    ("Texture", ("filename",), "texture"),
    ("Shape", ("filename",), "geometry"),
    ("Shape", ("emissionfilename", "alpha"), "texture"),
    ("LightSource", ("filename", "mapname"), "texture"),
    ("LightSource", ("iesfile",), "profile"),
    ("AreaLightSource", ("filename",), "texture"),
    ("Camera", ("lensfile",), "data"),
    ("Material", ("normalmap",), "texture"),
    ("Material", ("bsdffile", "filename"), "data"),
    ("MakeNamedMaterial", ("normalmap",), "texture"),
    ("MakeNamedMaterial", ("bsdffile", "filename"), "data"),
    ("MakeNamedMedium", ("filename",), "volume"),
)

for _type, _parameters, _kind in READ:
    files("pbrt", _type, *_parameters, kind=_kind, source=FORMAT)
files("pbrt", "Film", "filename", kind="image", source=FORMAT, role="write")


@reads_node("pbrt", "Camera", source=FORMAT)
def aperture(node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield the image of an aperture; the names of built-in shapes are no files."""
    if ends_like_file(node.text("aperture")):
        yield from ask.read(node, "aperture", "texture")
    else:
        yield from ask.ignore(node, "aperture", "a shape that pbrt has built in")
