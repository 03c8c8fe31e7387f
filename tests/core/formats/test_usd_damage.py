"""Damaged, huge and hostile layers: a report or a clear reason, in bounded memory and time that grows with the size."""

from __future__ import annotations

import contextlib
import io
import struct
import time
import tracemalloc
from pathlib import Path

import pytest
from conductor_core.discovery.limits import Limits
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import scan_file
from conductor_core.formats.usd.crate_packing import PackingDamaged, unpack_chunks, unpack_numbers
from conductor_core.formats.usd.layer import Damage, Item
from conductor_core.formats.usd.text_layer import read_text_layer
from conductor_core.report import ScanReport
from core.formats import usd_layers as layers
from hypothesis import given, settings
from hypothesis import strategies as st


def scan(file: Path) -> ScanReport | None:
    """Scan; None where the file is refused."""
    try:
        return scan_file(Survey(str(file))).report
    except SceneNotRead:
        return None


def read(text: str | bytes) -> list[Item]:
    """Read a layer in text."""
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    return [*read_text_layer(io.BytesIO(data), Limits())]


TEXT = "#usda 1.0\n" + layers.ARCS + layers.ATTRIBUTES.partition(")\n")[2] + layers.CLIPS


@settings(max_examples=150)
@given(cut=st.integers(0, len(TEXT)), at=st.integers(0, len(TEXT) - 1), byte=st.binary(min_size=0, max_size=3))
def test_any_damage_to_text(cut: int, at: int, byte: bytes) -> None:
    """Text that is cut off or has wrong bytes in it is read as far as it goes."""
    data = bytearray(TEXT.encode())
    data[at : at + 1] = byte
    read(bytes(data[:cut]))
    read(bytes(data))


@settings(max_examples=150)
@given(text=st.text(alphabet="@\"'#<>()[]{}=,;:/*\\\n \tabdefrloat1.+-|\u00e9", max_size=200))
def test_any_text(text: str) -> None:
    """Whatever stands in a layer, reading ends."""
    read("#usda 1.0\n" + text)


@pytest.mark.parametrize(
    ("text", "where", "reason"),
    [
        ('def "a" { asset t = @./a.png@\n', "line 3", "it ends within /a"),
        ('def "a" { asset t = @./a.png@\n asset b = @./b', "line 3", "what @ opens has no end"),
        ('def "a" { asset t = @./a.png@\n asset b = @./b\n }', "line 3", "what @ opens does not end on its line"),
        ('def "a" { asset t = @./a.png@\n string s = """', "line 3", 'what """ opens has no end'),
        ('def "a" { asset t = @./a.png@\n float[] f = [1, 2', "line 3", "it ends within an array"),
        ('def "a" { asset t = @./a.png@\n def 5 {}', "line 3", "the name of a prim was expected, not {"),
        ('def "a" { asset t = @./a.png@\n \x01 }', "line 3", "it was not understood"),
    ],
)
def test_what_was_read_before_the_damage_counts(tmp_path: Path, text: str, where: str, reason: str) -> None:
    """A damaged layer gives what stands before the damage, and says where it broke and why."""
    file = tmp_path / "a.usda"
    file.write_text("#usda 1.0\n" + text)
    report = scan(file)
    assert report is not None
    assert [m.as_written for m in report.missing] == ["./a.png"]
    assert [u.as_written for u in report.unresolved] == ["a.usda"]
    if reason != "it was not understood":
        assert (report.unresolved[0].referrer, report.unresolved[0].reason) == (where, f"{reason}; what follows was not read")


def test_merge_conflicts(tmp_path: Path) -> None:
    """Both sides of a merge conflict are read, and the conflict is said."""
    file = tmp_path / "a.usda"
    sides = "<<<<<<< HEAD\n asset t = @./mine.png@\n||||||| base\n=======\n asset t = @./theirs.png@\n>>>>>>> other\n"
    file.write_text(f'#usda 1.0\ndef "a" {{\n{sides}}}\ndef "b" {{ asset t = @./after.png@\n}}\n')
    report = scan(file)
    assert report is not None
    assert [m.as_written for m in report.missing] == ["./mine.png", "./theirs.png", "./after.png"]
    assert [(u.referrer, u.reason) for u in report.unresolved] == [
        ("line 3", "it has the marks of a merge conflict; both sides were read")
    ]


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """Names that are not UTF-8 are kept as they are."""
    file = tmp_path / "a.usda"
    file.write_bytes(b'#usda 1.0\ndef "a" { asset t = @./\xe9t\xe9.png@\n}\n')
    try:
        (tmp_path / "\udce9t\udce9.png").write_text("")
    except OSError:
        pytest.skip("names are text on this system")
    report = scan(file)
    assert report is not None
    assert len(report.dependencies) == 1


@pytest.mark.parametrize(
    "text",
    [
        "float[] f = [" + "1, 2.5, " * 3_000_000 + "]",
        "float3[] f.timeSamples = { 1: [" + "(1, 2, 3), " * 2_000_000 + "] }",
        'string doc = """' + "x" * 25_000_000 + '"""',
        'string doc = "' + "x@" * 12_000_000 + '"',
        "#" + "x" * 25_000_000 + "\n",
        "/*" + "x" * 25_000_000 + "*/",
        " " * 25_000_000,
        "string[] s = [" + '"word", ' * 60_000 + "]",
    ],
    ids=["array", "samples", "doc", "string", "comment", "block", "blanks", "words"],
)
def test_huge_layers_in_little_memory(text: str) -> None:
    """A layer of one huge line is read in a few megabytes, and what stands after it is found."""
    stream = io.BytesIO(('#usda 1.0\ndef "a" {\n' + text + "\n asset t = @./after.png@\n}\n").encode())
    tracemalloc.start()
    items = [*read_text_layer(stream, Limits())]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "./after.png" in repr(items)
    assert not any(isinstance(i, Damage) for i in items)
    assert peak < 24 << 20


def test_time_grows_with_the_size() -> None:
    """Twice the text takes about twice the time, also where nothing in it ends."""

    def seconds(count: int) -> float:
        text = '#usda 1.0\ndef "a" {\n' + 'string s = "' + '\\"' * count
        start = time.process_time()
        read(text)
        return time.process_time() - start

    seconds(1000)
    assert seconds(400_000) < 12 * max(seconds(100_000), 0.01)


@pytest.mark.parametrize("opener", ["{", "[", "(", 'def "a" {', 'variantSet "v" = { "x" {'])
def test_deep_layers(opener: str) -> None:
    """What lies too deep in itself is said."""
    items = read(
        '#usda 1.0\ndef "a" (customData = {' + f"dictionary x = {opener}" * 5000
        if len(opener) == 1
        else "#usda 1.0\n" + opener * 5000
    )
    assert isinstance(items[-1], Damage)


@pytest.fixture(scope="module")
def crate(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give a crate that USD has written."""
    folder = tmp_path_factory.mktemp("crate")
    file = layers.write(
        folder, "look.usda", layers.ARCS[: layers.ARCS.index("def Xform")] + layers.ATTRIBUTES.partition(")\n")[2]
    )
    return Path(layers.as_crate(file)).read_bytes()


@settings(max_examples=200)
@given(data=st.data())
def test_any_damage_to_crates(tmp_path_factory: pytest.TempPathFactory, crate: bytes, data: st.DataObject) -> None:
    """A crate that is cut off or has wrong bytes gives a report or says why not."""
    broken = bytearray(crate)
    for _ in range(data.draw(st.integers(0, 4))):
        broken[data.draw(st.integers(8, len(crate) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.mktemp("damage") / "a.usdc"
    file.write_bytes(broken[: data.draw(st.integers(11, len(crate)) | st.just(len(crate)))])
    scan(file)


@settings(max_examples=150)
@given(at=st.integers(8, len(layers.old_crate()) - 1), byte=st.integers(0, 255))
def test_any_damage_to_the_oldest_crates(tmp_path_factory: pytest.TempPathFactory, at: int, byte: int) -> None:
    """The same for crates whose tables are not packed."""
    broken = bytearray(layers.old_crate())
    broken[at] = byte
    file = tmp_path_factory.mktemp("damage") / "a.usd"
    file.write_bytes(broken)
    scan(file)


@settings(max_examples=100)
@given(at=st.integers(0, 400), byte=st.integers(0, 255), cut=st.booleans())
def test_any_damage_to_packages(tmp_path_factory: pytest.TempPathFactory, at: int, byte: int, cut: bool) -> None:
    """A damaged package gives a report or says why not."""
    folder = tmp_path_factory.mktemp("damage")
    file = Path(
        layers.package(folder / "a.usdz", {"a.usda": '#usda 1.0\ndef "a" (references = @b.usda@) {}\n', "b.usda": "#usda 1.0\n"})
    )
    data = bytearray(file.read_bytes())
    at %= len(data)
    data[at] = byte
    file.write_bytes(data[:at] if cut else data)
    scan(file)


@settings(max_examples=200)
@given(data=st.binary(max_size=200), count=st.integers(0, 1000))
def test_any_packed_bytes(data: bytes, count: int) -> None:
    """Bytes that are not packed as they should be are refused, and come to no more than was said."""
    for unpack in (unpack_chunks, unpack_numbers):
        with contextlib.suppress(PackingDamaged):
            assert len(unpack(data, count)) <= count


def test_a_crate_that_claims_to_be_huge(tmp_path: Path) -> None:
    """A small crate that says it has a billion tokens is refused at once."""
    data = bytearray(layers.old_crate())
    data[88 + 57 : 88 + 57 + 8] = struct.pack("<Q", 1 << 40)
    for at in range(88, len(data) - 8):
        broken = bytearray(data)
        broken[at : at + 8] = struct.pack("<Q", 1 << 40)
        (tmp_path / "a.usd").write_bytes(broken)
        scan(tmp_path / "a.usd")


def test_layers_that_refer_to_each_other(tmp_path: Path) -> None:
    """A circle of layers is read once, also where each moves the other in time."""
    for one, other in (("a", "b"), ("b", "a")):
        arcs = f"@./{other}.usda@, @./{other}.usda@ (offset = 1)"
        (tmp_path / f"{one}.usda").write_text(
            f'#usda 1.0\n(\n endTimeCode = 2\n startTimeCode = 1\n)\ndef "x" (references = [{arcs}]) {{}}\n'
        )
    report = scan(tmp_path / "a.usda")
    assert report is not None
    assert {d.as_written for d in report.dependencies} == {"./a.usda", "./b.usda"}


def test_a_crowd(tmp_path: Path) -> None:
    """A layer that is brought in at hundreds of offsets is read a few times only, and nothing of it lacks."""
    (tmp_path / "walk.usda").write_text(
        '#usda 1.0\ndef "a" {\n asset v.timeSamples = { 1: @./v.1.vdb@, 900: @./v.900.vdb@ }\n}\n'
    )
    agents = "".join(f'def "a{i}" (references = @./walk.usda@ (offset = {i})) {{}}\n' for i in range(300))
    (tmp_path / "shot.usda").write_text("#usda 1.0\n(\n startTimeCode = 1000\n endTimeCode = 1010\n)\n" + agents)
    report = scan(tmp_path / "shot.usda")
    assert report is not None
    assert {m.as_written for m in report.missing} == {"./v.1.vdb", "./v.900.vdb"}
    assert report.unresolved == ()
