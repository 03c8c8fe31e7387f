"""Broken and hostile Houdini files: a report or a clear error, whatever the bytes are."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from pathlib import Path

import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import scan_file
from conductor_core.report import ScanReport
from hip.builder import CONTAINERS, Hip, contents, dialog_script, index, library
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

_FUZZ = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def scene() -> Hip:
    """A scene with something of everything."""
    definition = [
        ("DialogScript", dialog_script('        name "f"\n        type file')),
        ("Contents.gz", contents(Hip().node("hdaroot/a", "file", {"file": "/x.bgeo"}).parts)),
    ]
    hip = Hip(fallbacks="Sop/a /x/a.hda\n", libraries="/x/b.hda\n").part(".defotl", library({"Sop/tool": definition}))
    hip.node("obj/a", "file", {"file": r'"`chs(\"../b/file\")`"'}, channels={"file": r"chs(\"../b/file\")"})
    return hip.node("obj/b", "file", {"file": "[ file\t/job/b.$F4.bgeo ] "}).node(
        "out/m", "ifd", {"vm_picture": "$HIP/m.$F4.exr"}
    )


def scan(data: bytes, folder: Path, name: str = "shot.hip") -> ScanReport | str:
    """Return the report, or why there is none."""
    (folder / name).write_bytes(data)
    try:
        return scan_file(Survey(str(folder / name), frames=(1, 2))).report
    except SceneNotRead as exc:
        return exc.reason


@pytest.mark.parametrize("container", list(CONTAINERS))
@_FUZZ
@given(data=st.data())
def test_truncated(container: str, tmp_path: Path, data: st.DataObject) -> None:
    """A scene that ends anywhere gives what came before, or says why not."""
    whole = scene().save(container)
    scan(whole[: data.draw(st.integers(0, len(whole)))], tmp_path)


@pytest.mark.parametrize("container", list(CONTAINERS))
@_FUZZ
@given(data=st.data())
def test_flipped(container: str, tmp_path: Path, data: st.DataObject) -> None:
    """A scene with wrong bytes in it never raises anything but the one error."""
    broken = bytearray(scene().save(container))
    for at in data.draw(st.lists(st.integers(0, len(broken) - 1), max_size=12)):
        broken[at] = data.draw(st.integers(0, 255))
    scan(bytes(broken), tmp_path)


@_FUZZ
@given(data=st.data())
def test_broken_library(tmp_path: Path, data: st.DataObject) -> None:
    """An asset library that is cut or changed never raises anything but the one error."""
    whole = library({"Sop/a": [("DialogScript", dialog_script()), ("Contents.gz", contents(scene().parts))]})
    broken = bytearray(whole[: data.draw(st.integers(20, len(whole)))])
    for at in data.draw(st.lists(st.integers(0, len(broken) - 1), max_size=12)):
        broken[at] = data.draw(st.integers(0, 255))
    scan(bytes(broken), tmp_path, "a.hda")


@_FUZZ
@given(st.text(max_size=300), st.text(max_size=200), st.text(alphabet='{}[]()"\\`$ \n\tparm expr=@', max_size=300))
def test_any_text_in_a_node(tmp_path: Path, value: str, expression: str, script: str) -> None:
    """Whatever a node's texts hold, there is a report."""
    hip = Hip().node("obj/a", "file", {"file": value}, channels={"file": expression}, spare=script)
    hip.part("obj/b.parm", script.encode()).part("obj/b.chn", expression.encode("utf-8", "replace")).part(
        "obj/b.def", script.encode()
    )
    assert isinstance(scan(hip.save(), tmp_path), ScanReport)


def test_damage_is_named_and_passed(tmp_path: Path) -> None:
    """What stands before and behind a broken header is read, and the place is named."""
    whole = scene().save()
    at = whole.index(b"070707", whole.index(b"obj/a.init"))
    report = scan(whole[:at] + b"<<<<<<< HEAD\n" + whole[at:], tmp_path)
    assert isinstance(report, ScanReport)
    assert [u.reason for u in report.unresolved] == [f"the file is damaged: there is no header at byte {at:,}"]
    assert [o.as_written for o in report.outputs] == ["$HIP/m.$F4.exr"]


def test_the_end_is_missing(tmp_path: Path) -> None:
    """A scene that was cut off says within which part."""
    whole = scene().save()
    report = scan(whole[: whole.index(b"vm_picture")], tmp_path)
    assert isinstance(report, ScanReport)
    assert [u.reason for u in report.unresolved] == ["the file is damaged: it ends within out/m.parm"]


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are kept as they are."""
    hip = Hip().node("obj/a", "file", {"file": "/job/caf\udce9.bgeo"})
    report = scan(hip.save(), tmp_path)
    assert isinstance(report, ScanReport)
    assert [m.as_written for m in report.missing] == ["/job/caf\udce9.bgeo"]


def test_parameters_that_multiply(tmp_path: Path) -> None:
    """Parameters that ask for each other again and again end in a reason, soon."""
    hip = Hip()
    for n in range(12):
        hip.node(f"obj/n{n}", "file", {"file": f'"{chr(96)}chs(\\"../n{n + 1}/file\\"){chr(96)}' * 6 + '.bgeo"'})
    started = time.monotonic()
    report = scan(hip.save(), tmp_path)
    assert time.monotonic() - started < 10
    assert isinstance(report, ScanReport)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 200_000,
        "chs(" * 100_000,
        "-" * 300_000,
        "`" * 300_001,
        "$" * 300_000,
        " " * 300_000,
        '\\"' * 300_000,
        "${" * 200_000,
    ],
    ids=["brackets", "calls", "minus", "backticks", "dollars", "blanks", "quotes", "braces"],
)
def test_deep_and_long(text: str, tmp_path: Path) -> None:
    """Nesting without end and very long values are no trouble."""
    started = time.monotonic()
    report = scan(Hip().node("obj/a", "file", {"file": f'"`{text}`"'}, channels={"x": f'"{text}"'}).save(), tmp_path)
    assert isinstance(report, ScanReport)
    assert time.monotonic() - started < 10


def test_locked_geometry_is_not_held(tmp_path: Path) -> None:
    """The bytes of geometry that is locked in a node pass by: memory stays small however large the scene is."""
    hip = Hip().part("obj/a.data", bytes(40 << 20)).node("obj/b", "file", {"file": "/x.bgeo"})
    data = hip.save()
    (tmp_path / "big.hip").write_bytes(data)
    del data, hip
    tracemalloc.start()
    scan_file(Survey(str(tmp_path / "big.hip")))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20


def test_packed_to_nothing(tmp_path: Path) -> None:
    """A packed scene that unpacks to gigabytes of nothing is read in small memory; so is one within an asset."""
    bomb = gzip.compress(Hip().part("obj/a.data", bytes(64 << 20)).save(), 1)
    (tmp_path / "bomb.hip").write_bytes(bomb)
    tracemalloc.start()
    scan_file(Survey(str(tmp_path / "bomb.hip")))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20


def test_a_library_without_its_table(tmp_path: Path) -> None:
    """A library whose table is broken is a clear error."""
    assert scan(b"INDX" + b"\0" * 11 + b"\x09" + b"INDEX_SECTION", tmp_path, "a.hda") == "its table of sections is broken"
    assert isinstance(scan(index([("INDEX_SECTION", b"")]), tmp_path, "b.hda"), ScanReport)


@pytest.mark.parametrize(
    "piece",
    [
        "a\t[ 0 ]\t(\t",
        'a\t[ 0 ]\t(\t"x\n',
        "channel a {\n",
        "\n",
        " ",
        "expr = a ",
        "parm {\n type file\n{",
        "inputs\n{\n",
        "take name X\n?d 0 1\n{\n",
    ],
)
def test_time_is_linear(piece: str, tmp_path: Path) -> None:
    """A megabyte of the start of something, again and again, takes no more than its size says."""
    text = (piece * ((1 << 20) // len(piece))).encode()
    hip = Hip(takes=text.decode())
    for ending in ("parm", "chn", "def", "init", "spareparmdef"):
        hip.part(f"obj/a.{ending}", text)
    started = time.process_time()
    assert isinstance(scan(hip.save(), tmp_path), ScanReport)
    assert time.process_time() - started < 15
