"""A right file of each format, text and binary, from which broken ones are made."""

from __future__ import annotations

import functools
import gzip
import importlib.util
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from core.formats.samples import SAMPLES
from hip.builder import CONTAINERS, Hip, library


@dataclass(frozen=True, slots=True)
class Seed:
    """A file."""

    extension: str
    data: bytes


@functools.cache
def seeds() -> dict[str, Seed]:
    """Return the files by name; those of which this machine lacks the maker are left out."""
    found = {s.format: Seed(s.extension, s.make([f"a{s.extension}", f"b{s.reads}"])) for s in SAMPLES.values()}
    found["arnold-ass-gzip"] = Seed(".ass.gz", gzip.compress(found["arnold-ass"].data))
    found["usdz"] = Seed(".usdz", _zip({"root.usda": found["usda"].data, "b.png": b""}))
    found["ocio-archive"] = Seed(".ocioz", _zip({"config.ocio": found["ocio"].data, "b.cube": b""}))
    found |= _maya_binary()
    found["usdc-of-2016"] = Seed(".usdc", _old_crate())
    if importlib.util.find_spec("zstandard"):
        found |= _blends()
    return found | _hips()


def _zip(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def _maya_binary() -> dict[str, Seed]:
    from core.formats.test_maya_binary import scene_bytes

    return {f"maya-binary-{wide}": Seed(".mb", scene_bytes(wide=wide)) for wide in (False, True)}


def _old_crate() -> bytes:
    from core.formats.usd_layers import old_crate

    return old_crate()


def _blends() -> dict[str, Seed]:
    from core.formats.blend_writer import BlendWriter, Form

    found = {}
    for name, form in (
        ("blend", Form()),
        ("blend-5", Form(version=501)),
        ("blend-old", Form(version=250, pointer=4, endian=">")),
        ("blend-gzip", Form(packing="gzip")),
        ("blend-zstd", Form(packing="zstd")),
    ):
        writer = BlendWriter(form)
        writer.add("IM", "Image", {"name": "//wood.png", "source": 1}, name="IMwood")
        writer.add("LI", "Library", {"name": "//lib.blend"}, name="LIlib")
        tiles = writer.add_list("ImageTile", [{"tile_number": 1001}, {"tile_number": 1002}])
        writer.add("IM", "Image", {"name": "//tiles.<UDIM>.png", "source": 5, "tiles": tiles}, name="IMtiles")
        found[name] = Seed(".blend", writer.data())
    return found


def _hips() -> dict[str, Seed]:
    scene = (
        Hip()
        .node("obj/a", "file", {"file": "[ file\\t/job/b.$F4.bgeo ] "})
        .node("out/m", "ifd", {"vm_picture": "$HIP/m.$F4.exr"})
    )
    found = {f"houdini-{name}": Seed(".hip", pack(scene.all_parts())) for name, pack in CONTAINERS.items()}
    return found | {"houdini-asset": Seed(".hda", library({"Sop/tool": [("DialogScript", b"{ name tool }")]}))}
