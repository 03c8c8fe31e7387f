"""`.blend` files in every form there has been, damaged ones, and bombs: a report or a clear error, in bounded memory."""

from __future__ import annotations

import contextlib
import gzip
import random
import struct
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from conductor_core.discovery.limits import Limits
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import scan_file
from conductor_core.formats.scan import Scan
from core.formats.blend_writer import BlendWriter, Form
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FORMS = [
    Form(version, pointer, endian, packing)
    for version, packing in (
        (250, "plain"),
        (279, "gzip"),
        (293, "plain"),
        (304, "zstd"),
        (405, "plain"),
        (500, "zstd"),
        (501, "plain"),
    )
    for pointer in (4, 8)
    for endian in "<>"
]


def named(form: Form) -> str:
    """Name a form in a test's id."""
    return f"{form.version}-{form.pointer * 8}bit-{'little' if form.endian == '<' else 'big'}-{form.packing}"


def small_scene(form: Form) -> bytes:
    """Return a scene with an image, a packed one, and a mesh whose vertices nobody needs."""
    blend = BlendWriter(form)
    scene = blend.add("SC", "Scene", {"r": {"sfra": 3, "efra": 9, "frame_step": 2, "pic": "//out/shot_"}}, name="SCShot")
    blend.add("GLOB", "FileGlobal", {"curscene": scene})
    blend.add("IM", "Image", {"name": "//tex/wood.png", "source": 1}, name="IMwood.png")
    blend.add("IM", "Image", {"name": "//tex/packed.png", "source": 1, "packedfile": 77}, name="IMpacked.png")
    blend.add("ME", "Mesh", name="MEmesh")
    blend.add_many("MVert", [{"co": (0.0, 1.0, 2.0)}] * 3000)
    return blend.data()


def scanned(path: Path, data: bytes, limits: Limits | None = None) -> Scan:
    """Write a file and scan it."""
    path.write_bytes(data)
    return scan_file(Survey(str(path), limits=limits or Limits()))


@pytest.mark.parametrize("form", FORMS, ids=named)
def test_every_form_says_the_same(tmp_path: Path, form: Form) -> None:
    """Header old and new, pointers of 32 and 64 bit, both byte orders, plain and packed: one answer."""
    (tmp_path / "tex").mkdir()
    (tmp_path / "tex" / "wood.png").write_bytes(b"")
    scan = scanned(tmp_path / "shot.blend", small_scene(form))
    assert scan.report.format == "blend"
    assert [(d.as_written, d.referrer) for d in scan.report.dependencies] == [("//tex/wood.png", 'Image "wood.png" .filepath')]
    assert ("//tex/packed.png", "the image is packed into the .blend") in {(i.as_written, i.reason) for i in scan.report.ignored}
    assert scan.facts is not None
    release = f"{form.version // 100}.{form.version % 100}"
    assert (scan.facts.frames, scan.facts.saved_by, scan.facts.software.version) == ("3-9x2", release, release)


def test_the_name_of_a_file_does_not_matter(tmp_path: Path) -> None:
    """A scene is told by what is in it: backups and copies without ending are scenes too."""
    assert scanned(tmp_path / "shot.blend1", small_scene(Form())).report.format == "blend"
    assert scanned(tmp_path / "copy", small_scene(Form(packing="gzip"))).report.format == "blend"


def test_a_packed_scene_whose_first_block_is_large(tmp_path: Path) -> None:
    """Where the first bytes do not unpack by themselves, the ending tells."""
    noise = random.Random(1).randbytes(1 << 16)
    blend = BlendWriter()
    blend.add("SC", "Scene", name="SCShot")
    plain = blend.data()
    whole = zstandard.ZstdCompressor(level=1).compress(
        plain[:12] + struct.pack("<4siQii", b"TEST", len(noise), 1, 0, 1) + noise + plain[12:]
    )
    assert scanned(tmp_path / "shot.blend", whole).facts is not None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(b"", "no reader knows", id="empty"),
        pytest.param(b"BLENDER-v405", "no DNA block", id="header-only"),
        pytest.param(b"BLENDER17-01v0500", "no DNA block", id="new-header-only"),
        pytest.param(b"BLENDER99-01v0500", "no DNA block", id="header-longer-than-file"),
        pytest.param(small_scene(Form())[:5000], "no DNA block", id="cut"),
        pytest.param(small_scene(Form(packing="gzip"))[:900], "DNA block", id="cut-gzip"),
        pytest.param(small_scene(Form()).replace(b"SDNANAME", b"SDNANAMX"), "DNA block is damaged", id="dna"),
        pytest.param(b"BLENDER-v405<<<<<<< HEAD\n" + b"x" * 200, "no DNA block", id="merge-marker"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, data: bytes, says: str) -> None:
    """A damaged scene is refused in one sentence."""
    with pytest.raises(SceneNotRead) as caught:
        scanned(tmp_path / "shot.blend", data)
    assert says in str(caught.value)


def test_damage_behind_the_dna_is_told_and_the_rest_read(tmp_path: Path) -> None:
    """What stands before the damage is in the report, and where it broke."""
    data = small_scene(Form())
    scan = scanned(tmp_path / "shot.blend", data[:-24] + b"\0" * 24)
    assert [m.as_written for m in scan.report.missing] == ["//tex/wood.png"]
    (broken,) = [u for u in scan.report.unresolved if "damaged" in u.reason]
    assert "at byte" in broken.reason


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_bombs_are_refused(tmp_path: Path, packing: str) -> None:
    """A file that unpacks to far more than its size is given up on, in little memory."""
    head = b"BLENDER-v304" + struct.pack("<4siQii", b"DATA", 0x7FFFFFFF, 1, 0, 1)
    bomb = head + bytes(64 << 20)
    data = gzip.compress(bomb, 9) if packing == "gzip" else zstandard.ZstdCompressor(level=19).compress(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(SceneNotRead) as caught:
            scanned(tmp_path / "bomb.blend", data, Limits(unpacked=32 << 20))
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert "unpacks to more than" in str(caught.value)


def test_geometry_is_not_held(tmp_path: Path) -> None:
    """The memory of a scan does not grow with meshes: 64 MB of vertices cost less than 8."""
    blend = BlendWriter()
    blend.add("SC", "Scene", name="SCShot")
    for i in range(16):
        blend.add("ME", "Mesh", name=f"MEm{i}")
        blend.add_raw("DATA", bytes(4 << 20), "MVert")
        blend.add_raw("DATA", bytes(4 << 10))
    data = blend.data()
    (tmp_path / "shot.blend").write_bytes(data)
    tracemalloc.start()
    try:
        scan_file(Survey(str(tmp_path / "shot.blend")))
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


SEEDS = [
    small_scene(Form(version, pointer, endian)) for version, pointer, endian in ((279, 4, ">"), (405, 8, "<"), (500, 8, "<"))
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    seed=st.sampled_from(range(len(SEEDS))),
    cut=st.floats(0.01, 1.0),
    flips=st.lists(st.tuples(st.floats(0, 0.9999), st.integers(0, 255)), max_size=20),
    packing=st.sampled_from(["plain", "gzip", "zstd"]),
)
def test_any_damage_is_a_report_or_an_error(
    tmp_path: Path, seed: int, cut: float, flips: list[tuple[float, int]], packing: str
) -> None:
    """Truncated and bit-flipped at random, before packing or after it: never another exception."""
    data = bytearray(SEEDS[seed])
    before = packing == "plain" or len(flips) % 2 == 0
    if not before:
        data = bytearray(gzip.compress(data, 1) if packing == "gzip" else zstandard.ZstdCompressor().compress(bytes(data)))
    data = data[: max(1, int(len(data) * cut))] if cut < 0.5 else data
    for place, value in flips:
        data[int(place * len(data))] = value
    if before and packing != "plain":
        data = bytearray(gzip.compress(data, 1) if packing == "gzip" else zstandard.ZstdCompressor().compress(bytes(data)))
    with contextlib.suppress(SceneNotRead):
        scanned(tmp_path / "shot.blend", bytes(data))
