"""Layers that the tests of USD write: planted dependencies and planted traps."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

#: something of each kind of statement that there is
GRAMMAR = r'''(
    "a plain comment"
    metersPerUnit = 0.01
    relocates = {
        </a/b> : </a/c>,
    }
    customLayerData = {
        string[] list = ["a", "b"]
        double2[] d = [(1, 2)]
        dictionary "quoted key" = { int x = 1 }
        timecode t = 5
        bool b = true
    }
)
reorder rootPrims = ["b", "a"]
class "_class_X" {}
over "o" (active = false; kind = "group"; instanceable = true) { }
def Mesh "a" (
    permission = private
    prefixSubstitutions = { "$L": "left" }
    inherits = [</_class_X>, </b>]
    references = None
    payload = </b>
    variants = {
        string v = "x"
    }
    add variantSets = ["v", "w"]
)
{
    reorder properties = ["a", "b"]
    custom rel foo
    rel bar = [</a>, </b>] (doc = "x")
    delete rel baz = </a>
    custom uniform token[] tok = ["a", "b"]
    float f = 1.5e-3 ( customData = { asset q = @./f.png@ } )
    float g.timeSamples = {
        1: 5, 2.5: None,
        3: -inf,
    }
    float3[] empty = []
    matrix4d m = ( (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1) )
    matrix4d m2.timeSamples = {
        1: ( (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1) ),
    }
    double sp.spline = {
        bezier,
        1: 0; post held
    }
    opaque op
    group gr
    string s = 'single "quoted"'
    string t = """multi
 line "with" quotes @x@ """
    string u = """other
"""
    string v.timeSamples = {
        1: "a.png",
        2: "b.png"
    }
    asset as.timeSamples = {
        -1: @neg.png@,
        1.5: None,
        2: @pos.png@
    }
    asset c.connect = </a.b>
    prepend token outputs:x.connect = [</a.b>, </c.d>]
    half h = inf
    string[] with = ["a]b", "c"]
    float4 window = (0, 0, 1, 1) (
        doc = """more of
 it"""
    )
    bool flag = 1 (
        customData = { string note = "x" }
    )
    matrix4d lines = ( (1, 0, 0, 0),
        (0, 1, 0, 0), (0, 0, 1, 0),
        (0, 0, 0, 1) )
    int[] lines2 = [
        1, # 2 ] @./trap.png@
        3 ]
    asset last = @./last.png@
}
'''


def write(folder: Path, name: str, body: str) -> str:
    """Write a layer in text and return its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#usda 1.0\n" + body)
    return str(path)


def touch(folder: Path, *names: str) -> None:
    """Make files; layers are empty layers."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#usda 1.0\n" if path.suffix.startswith(".usd") else "")


ARCS = """(
    doc = \"\"\"not @./doc.usd@ nor
    "./doc2.usd" \"\"\"
    subLayers = [
        @./sub.usd@,
        # @./commented.usd@
        @@@./at@sign.usd@@@ (offset = 10; scale = 2)
    ]
)
def Xform "a" (
    "a comment with @./quoted.usd@"
    add references = @./added.usd@</Root>
    prepend references = [ </Internal>, @./prepended.usd@</x> (offset = 1) ]
    append references = @./appended.usd@
    delete references = [@./deleted.usd@]
    reorder references = [@./reordered.usd@]
    payload = [@./p1.usd@, @p2.usd@ (scale = 2)]
    inherits = </Class>
    displayName = "see @./name.usd@"
    variants = { string v = "one" }
    prepend variantSets = "v"
)
{
    string note = "an @ sign and a # and 'quotes'" /* @./block.usd@ */
    variantSet "v" = {
        "one" (
            references = @./selected.usd@
        ) {
            def "inner" { asset t = @./selected.png@ }
        }
        "two" {
            over "inner" (payload = @./other.usd@) {} // @./slashes.usd@
        }
    }
}
"""


ATTRIBUTES = """(
    customLayerData = {
        asset turntable = @./meta.usd@
        string authoring_layer = "./authoring.usd"
    }
)
def Shader "tex" (
    assetInfo = {
        asset identifier = @./itself.usd@
        asset[] payloadAssetDependencies = [@./payload.usd@]
    }
    customData = {
        string HoudiniSavePath = "/job/saved.usd"
        dictionary deep = { dictionary deeper = { asset d = @./deep.txt@ } }
    }
)
{
    uniform token info:id = "UsdUVTexture"
    asset inputs:file = @./wood.<UDIM>.exr@ (
        customData = { asset note = @./attr.txt@ }
    )
    asset inputs:none = @@
    asset[] many = [@./one.png@, @./two.png@]
    asset inputs:linked.connect = </a.inputs:file>
    uniform asset info:mdl:sourceAsset = @OmniPBR.mdl@
    uniform asset info:osl:sourceAsset = @./noise.oso@
    string name = "/World/geo/tex.001"
    string inputs:comment = "./comment.png"
    string inputs:filename = "./arnold.tx"
    string[] primvars:maps = ["./map.exr", "no"]
}
def Shader "image" { string inputs:filename = "ptex"
    token info:id = "arnold:image"
}
def SpatialAudio "s" { uniform asset filePath = @steps.wav@
}
def SphereLight "l" { asset inputs:shaping:ies:file = @./lamp.ies@
}
"""


CLIPS = """
def "explicit" (
    clips = { dictionary default = {
        asset[] assetPaths = [@./c1.usd@, @./c2.usd@, @./c3.usd@, @./c4.usd@, @./c5.usd@]
        double2[] active = [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)]
        asset manifestAssetPath = @./manifest.usd@
        string primPath = "/Model"
    } }
) {}
def "template" (
    clips = { dictionary fx = {
        string templateAssetPath = "./t.###.usd"
        double templateStartTime = 1
        double templateEndTime = 9
        double templateStride = 2
    } }
) {}
def "parts" (
    clips = { dictionary fx = {
        string templateAssetPath = "./p.##.##.usd"
        double templateStartTime = 1
        double templateEndTime = 4
        double templateStride = 0.5
    } }
) {}
def "old" (
    clipAssetPaths = [@./o1.usd@, @./o2.usd@, @./o3.usd@, @./o4.usd@]
    clipActive = [(1, 0), (2, 1), (3, 2), (4, 3)]
    clipManifestAssetPath = @./oldmanifest.usd@
) {}
def "oldtemplate" (
    clipTemplateAssetPath = "./ot.#.usd"
    clipTemplateStartTime = 1
    clipTemplateEndTime = 4
    clipTemplateStride = 1
) {}
"""


def as_crate(file: str) -> str:
    """Return the same layer as a crate that USD has written."""
    sdf = pytest.importorskip("pxr.Sdf")
    layer = sdf.Layer.FindOrOpen(file)
    target = file[: -len("usda")] + "usdc"
    assert layer.Export(target)
    return target


def package(path: Path, entries: dict[str, str | bytes], *, packed: bool = False) -> str:
    """Write a package and return its path."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return str(path)


def old_crate() -> bytes:
    """Return a crate of version 0.0.1, which no library of today writes or opens: `/a` refers to `./old.usd`, with clips."""
    tokens = [";-)", "a", "references", "clipAssetPaths", "./old.usd", "./c.usd", "specifier", "", "/"]
    out = bytearray(88)
    out[:11] = b"PXR-USDC\0\0\1"
    references = len(out)
    out += struct.pack("<BQIIddQ", 1 | 2, 1, 0, 0, 0.0, 1.0, 0)
    clips = len(out)
    out += struct.pack("<III", 1, 1, 1)
    sections = []

    def section(name: bytes, data: bytes) -> None:
        sections.append((name, len(out), len(data)))
        out.extend(data)

    raw = b"\0".join(t.encode() for t in tokens) + b"\0"
    section(b"TOKENS", struct.pack("<QQ", len(tokens), len(raw)) + raw)
    section(b"STRINGS", struct.pack("<Q2i", 2, 4, 5))
    values = [(2, 35 << 48 | references), (3, 1 << 63 | 12 << 48 | clips)]
    section(b"FIELDS", struct.pack("<Q", 2) + b"".join(struct.pack("<4xiQ", *v) for v in values))
    section(b"FIELDSETS", struct.pack("<Q4i", 4, -1, 0, 1, -1))
    section(b"PATHS", struct.pack("<Q", 2) + struct.pack("<4xiiB3x", 0, 8, 1) + struct.pack("<4xiiB3x", 1, 1, 0))
    section(b"SPECS", struct.pack("<Q", 2) + struct.pack("<4xiii", 0, 0, 7) + struct.pack("<4xiii", 1, 1, 6))
    start = len(out)
    out += struct.pack("<Q", len(sections)) + b"".join(struct.pack("<16sqq", *s) for s in sections)
    out[16:24] = struct.pack("<q", start)
    return bytes(out)
