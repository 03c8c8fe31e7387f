"""One small file per format that points to files of some names, for the promises that every reader must keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """A format, and how to write a file of it."""

    format: str
    extension: str
    #: returns the bytes of a file that reads files of these names, which lie beside it
    make: Callable[[Sequence[str]], bytes]
    #: extension of the files that it reads
    reads: str = ".png"
    #: how many references a file may have that is still read in moments
    many: int = 10_000
    #: a line that is repeated to make a large file which points to nothing; empty: no text
    filler: bytes = b""
    #: bytes that a scan holds for each byte of the file, where what is in it must be known as a whole
    holds: float = 0.0


def _maya_ascii(names: Sequence[str]) -> bytes:
    lines = [
        "//Maya ASCII 2024 scene",
        "//Name: shot.ma",
        'requires maya "2024";',
        "currentUnit -l centimeter -a degree -t film;",
    ]
    for number, name in enumerate(n for n in names if n.endswith(".ma")):
        lines.append(f'file -r -ns "n{number}" -dr 1 -rfn "n{number}RN" -typ "mayaAscii" "{name}";')
    for number, name in enumerate(n for n in names if not n.endswith(".ma")):
        lines += [f'createNode file -n "file{number}";', f'\tsetAttr ".ftn" -type "string" "{name}";']
    return "\n".join([*lines, "// End of shot.ma", ""]).encode()


def _nuke(names: Sequence[str]) -> bytes:
    lines = ["#! /usr/local/Nuke15.1v1/nuke-15.1.1 -nx", "version 15.1 v1", "Root {", " inputs 0", " name shot.nk", "}"]
    for number, name in enumerate(names):
        kind = "Precomp" if name.endswith(".nk") else "Read"
        lines += [f"{kind} {{", " inputs 0", f" file {name}", f" name {kind}{number}", "}"]
    return "\n".join([*lines, ""]).encode()


def _usda(names: Sequence[str]) -> bytes:
    layers = ", ".join(f"@./{n}@" for n in names if n.endswith(".usda"))
    head = f"#usda 1.0\n(\n    subLayers = [{layers}]\n)\n\n"
    shaders = "".join(
        f'def Shader "s{number}"\n{{\n    uniform token info:id = "UsdUVTexture"\n    asset inputs:file = @./{name}@\n}}\n'
        for number, name in enumerate(n for n in names if not n.endswith(".usda"))
    )
    return (head + shaders).encode()


def _obj(names: Sequence[str]) -> bytes:
    return "".join(["# geometry\n", *(f"mtllib {n}\n" for n in names), "v 0 0 0\n"]).encode()


def _mtl(names: Sequence[str]) -> bytes:
    return "".join(["newmtl m\n", *(f"map_Kd {n}\n" for n in names)]).encode()


def _ass(names: Sequence[str]) -> bytes:
    nodes = [
        f'procedural\n{{\n name p{k}\n filename "{n}"\n}}\n'
        if n.endswith(".ass")
        else f'image\n{{\n name i{k}\n filename "{n}"\n}}\n'
        for k, n in enumerate(names)
    ]
    return "".join(["### exported: today\n\noptions\n{\n AA_samples 3\n}\n\n", *nodes]).encode()


def _vrscene(names: Sequence[str]) -> bytes:
    parts = [
        f'#include "{n}"\n' if n.endswith(".vrscene") else f'BitmapBuffer b{k} {{\n  file="{n}";\n}}\n'
        for k, n in enumerate(names)
    ]
    return "".join(["// V-Ray Core\nSettingsOutput s {\n  img_width=4;\n}\n", *parts]).encode()


def _rib(names: Sequence[str]) -> bytes:
    lines = [
        f'ReadArchive "{n}"\n' if n.endswith(".rib") else f'Pattern "PxrTexture" "t{k}" "string filename" ["{n}"]\n'
        for k, n in enumerate(names)
    ]
    return "".join(["##RenderMan RIB-Structure 1.1\nversion 3.04\nWorldBegin\n", *lines, "WorldEnd\n"]).encode()


def _pbrt(names: Sequence[str]) -> bytes:
    lines = [
        f'Include "{n}"\n' if n.endswith(".pbrt") else f'Texture "t{k}" "spectrum" "imagemap" "string filename" [ "{n}" ]\n'
        for k, n in enumerate(names)
    ]
    return "".join(['LookAt 0 0 5  0 0 0  0 1 0\nCamera "perspective"\nWorldBegin\n', *lines, "WorldEnd\n"]).encode()


def _ocio(names: Sequence[str]) -> bytes:
    spaces = "".join(
        f"  - !<ColorSpace>\n    name: space{k}\n    to_reference: !<FileTransform> {{src: {n}}}\n" for k, n in enumerate(names)
    )
    head = "ocio_profile_version: 1\n\nsearch_path: .\nstrictparsing: true\n\nroles:\n  default: space0\n\n"
    return (head + "displays:\n  d:\n    - !<View> {name: v, colorspace: space0}\n\ncolorspaces:\n" + spaces).encode()


def _materialx(names: Sequence[str]) -> bytes:
    inputs = "".join(
        f'  <xi:include href="{n}"/>\n'
        if n.endswith(".mtlx")
        else f'  <image name="i{k}" type="color3">\n    <input name="file" type="filename" value="{n}"/>\n  </image>\n'
        for k, n in enumerate(names)
    )
    return f'<?xml version="1.0"?>\n<materialx version="1.38" xmlns:xi="http://www.w3.org/2001/XInclude">\n{inputs}</materialx>\n'.encode()


def _gltf(names: Sequence[str]) -> bytes:
    images = ", ".join(f'{{"uri": "{n}"}}' for n in names)
    return f'{{"asset": {{"version": "2.0"}}, "images": [{images}]}}'.encode()


def _mitsuba(names: Sequence[str]) -> bytes:
    textures = "".join(
        f'  <include filename="{n}"/>\n'
        if n.endswith(".xml")
        else f'  <texture type="bitmap" id="t{k}"><string name="filename" value="{n}"/></texture>\n'
        for k, n in enumerate(names)
    )
    return f'<?xml version="1.0"?>\n<scene version="3.0.0">\n{textures}</scene>\n'.encode()


def _pov(names: Sequence[str]) -> bytes:
    lines = [
        f'#include "{n}"\n' if n.endswith(".pov") else f'plane {{ y, 0 pigment {{ image_map {{ png "{n}" }} }} }}\n'
        for n in names
    ]
    return "".join(["#version 3.7;\ncamera { location <0, 1, -3> }\n", *lines]).encode()


def _luxcore(names: Sequence[str]) -> bytes:
    lines = "".join(f'scene.textures.t{k}.type = "imagemap"\nscene.textures.t{k}.file = "{n}"\n' for k, n in enumerate(names))
    return f'scene.camera.type = "perspective"\n{lines}'.encode()


def _mental_ray(names: Sequence[str]) -> bytes:
    lines = [f'$include "{n}"\n' if n.endswith(".mi") else f'color texture "t{k}" "{n}"\n' for k, n in enumerate(names)]
    return "".join(['# mental ray\nverbose on\nlink "base.so"\n', *lines]).encode()


def _collada(names: Sequence[str]) -> bytes:
    images = "".join(f'    <image id="i{k}"><init_from>{n}</init_from></image>\n' for k, n in enumerate(names))
    head = '<?xml version="1.0"?>\n<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">\n'
    return f"{head}  <library_images>\n{images}  </library_images>\n</COLLADA>\n".encode()


def _cycles(names: Sequence[str]) -> bytes:
    nodes = "".join(
        f'<include src="{n}"/>\n'
        if n.endswith(".xml")
        else f'<shader name="s{k}"><image_texture name="t" filename="{n}"/></shader>\n'
        for k, n in enumerate(names)
    )
    return f"<cycles>\n{nodes}</cycles>\n".encode()


SAMPLES = {
    sample.format: sample
    for sample in (
        Sample("maya-ascii", ".ma", _maya_ascii, filler=b'\tsetAttr -s 4 ".pt[0:3]" -type "float3" 0 0 0 1 0 0 1 1 0 0 1 0 ;\n'),
        Sample("nuke-script", ".nk", _nuke, filler=b"Blur {\n size 4\n name Blur1\n xpos 10\n ypos 20\n}\n", holds=24),
        Sample("usda", ".usda", _usda, filler=b'def Xform "x"\n{\n    double3 xformOp:translate = (1, 2, 3)\n}\n'),
        Sample("wavefront-obj", ".obj", _obj, reads=".mtl", filler=b"v 0.123 0.456 0.789\n"),
        Sample("wavefront-mtl", ".mtl", _mtl, filler=b"Kd 0.1 0.2 0.3\n"),
        Sample("arnold-ass", ".ass", _ass, filler=b"polymesh\n{\n name m\n nsides 2 1 UINT\n 4 4\n}\n"),
        Sample("vrscene", ".vrscene", _vrscene, filler=b"Node n {\n  transform=Transform(Matrix(1,0,0),(0,0,0));\n}\n"),
        Sample("renderman-rib", ".rib", _rib, filler=b'Attribute "identifier" "string name" ["a"]\n'),
        Sample("pbrt", ".pbrt", _pbrt, filler=b"Translate 1 2 3\n"),
        Sample("ocio", ".ocio", _ocio, reads=".cube", filler=b"  # a comment\n"),
        Sample("materialx", ".mtlx", _materialx, filler=b"  <!-- a comment -->\n"),
        Sample("gltf", ".gltf", _gltf),
        Sample("collada", ".dae", _collada),
        Sample("cycles-xml", ".xml", _cycles),
        Sample("mitsuba", ".xml", _mitsuba),
        Sample("pov", ".pov", _pov, filler=b"sphere { <0, 0, 0>, 1 }\n"),
        Sample("luxcore", ".scn", _luxcore, filler=b'scene.objects.o.ply = "o"\n'),
        Sample("mental-ray", ".mi", _mental_ray, filler=b'instance "i" "o" end instance\n'),
    )
}
