"""What Maya binary scenes say of other files, with pointers of both widths."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import scan_file
from core.formats.maya_scenes import Binary, ends, project
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def scene_bytes(*, wide: bool) -> bytes:
    """Return a scene with planted dependencies and traps."""
    b = Binary(wide=wide)
    reference = b.group(b"FREF", b.chunk(b"FREF", b"scenes/rig.ma\0rig\0rigRN\0"))
    script = b.text("b", "playbackOptions -min 3 -max 5 -ast 1 -aet 9 ")
    curve = b.chunk(b"DBL3", b"vt\0 " + b"\0" * 4096)
    connection = b.chunk(b"CWFL", b"\0expression1.out[0]\0fire.fe\0")
    return b.scene(
        reference,
        b.node(b"DMSH", "meshShape", curve, b.text("cuvs", "map1")),
        b.node(b"RTFT", "wood", b.text("ftn", "maps/wood.1001.png"), b.number("uvt", 3)),
        b.node(b"RTFT", "fire", b.text("ftn", "maps/fire.0001.png"), b.number("ufe", 1)),
        b.node(b"DEXP", "expression1", b.text("ixp", ".O[0]=frame")),
        b.node(b"\x00\x11\x5c\x01", "image", b.text("filename", "maps/skin.tx")),
        b.node(b"\x00\x99\x99\x99", "unknown1", b.text("abc_File", "cache/hero.abc")),
        b.node(b"AUDI", "line", b.text("f", "sound/line.wav")),
        b.node(b"REFN", "rigRN", b.text("fn[0]", "scenes/former.ma")),
        b.node(b"XFRM", "group1", b.text("icn", "icons/rig.png")),
        b.node(b"SCRP", "sceneConfigurationScriptNode", script),
        b.select(":defaultColorMgtGlobals", b.number("cfe", 1), b.text("cfp", "/studio/config.ocio")),
        b.select(":defaultRenderGlobals", b.text("ifp", "beauty/shot"), b.number("an", 1)),
        b.group(b"CONN", connection),
    )


@pytest.mark.parametrize("wide", [False, True], ids=["FOR4", "FOR8"])
def test_planted(tmp_path: Path, wide: bool) -> None:
    """Each planted path ends where it belongs, whatever the width of pointers."""
    files = ("maps/wood.1001.png", "maps/wood.1002.png", *(f"maps/fire.{i:04d}.png" for i in range(1, 9)))
    root = project(tmp_path, *files, "maps/skin.tx", "cache/hero.abc", "sound/line.wav")
    (root / "scenes" / "rig.ma").write_text('//Maya ASCII 2024 scene\nrequires maya "2024";\n')
    scene = root / "scenes" / "shot.mb"
    scene.write_bytes(scene_bytes(wide=wide))
    scan = scan_file(Survey(str(scene)))
    report = scan.report
    assert report.format == "maya-binary"
    assert [(d.as_written, d.kind, len(d.files)) for d in report.dependencies] == [
        ("scenes/rig.ma", "reference", 1),
        ("maps/wood.1001.png", "texture", 2),
        ("maps/fire.0001.png", "texture", 3),
        ("maps/skin.tx", "texture", 1),
        ("cache/hero.abc", "cache", 1),
        ("sound/line.wav", "sound", 1),
    ]
    assert [m.as_written for m in report.missing] == ["/studio/config.ocio"]
    traps = ("scenes/former.ma", "icons/rig.png", "beauty/shot")
    assert [ends(report, t) for t in traps] == ["ignored", "ignored", "outputs"]
    assert scan.facts is not None
    assert (scan.facts.software.version, scan.facts.frames) == ("2024", "3-5")
    assert not report.unresolved


def test_reference_of_another_form(tmp_path: Path) -> None:
    """A reference whose chunk is not as we know it is found by its node."""
    root = project(tmp_path, "scenes/rig.ma")
    b = Binary(wide=True)
    scene = root / "scenes" / "shot.mb"
    scene.write_bytes(b.scene(b.node(b"REFN", "rigRN", b.text("fn[0]", "scenes/rig.ma"), b.text("fn[1]", "scenes/old.ma"))))
    report = scan_file(Survey(str(scene))).report
    assert [d.as_written for d in report.dependencies] == ["scenes/rig.ma"]
    assert not report.missing


def test_cut_off(tmp_path: Path) -> None:
    """Of a scene that was cut off, what is whole is read, and the cut is said."""
    root = project(tmp_path, "maps/wood.1001.png")
    data = scene_bytes(wide=True)
    scene = root / "scenes" / "shot.mb"
    scene.write_bytes(data[: data.index(b"maps/fire") + 4])
    report = scan_file(Survey(str(scene))).report
    assert "maps/wood.1001.png" in [d.as_written for d in report.dependencies]
    assert report.unresolved


def test_deep_groups(tmp_path: Path) -> None:
    """Groups in groups in groups end in a report."""
    b = Binary(wide=False)
    data = b.node(b"RTFT", "wood", b.text("ftn", "a.png"))
    for _ in range(3000):
        data = b.group(b"XFRM", data)
    scene = tmp_path / "deep.mb"
    scene.write_bytes(b.scene(data, b.node(b"RTFT", "last", b.text("ftn", "b.png"))))
    report = scan_file(Survey(str(scene))).report
    assert [m.as_written for m in report.missing] == ["b.png"]
    assert ["deep" in u.reason for u in report.unresolved] == [True]


DATA = scene_bytes(wide=True)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, len(DATA) - 1), byte=st.integers(0, 255), cut=st.integers(0, len(DATA)), wide=st.booleans())
def test_damage(tmp_path: Path, at: int, byte: int, cut: int, wide: bool) -> None:
    """Whatever happened to a scene, there is a report or a clear error."""
    data = bytearray(scene_bytes(wide=wide))
    data[at % len(data)] = byte
    scene = tmp_path / "damaged.mb"
    scene.write_bytes(bytes(data[:cut]))
    with contextlib.suppress(SceneNotRead):
        scan_file(Survey(str(scene)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400))
def test_anything(tmp_path: Path, data: bytes) -> None:
    """Any bytes behind the right start end in a report or a clear error."""
    scene = tmp_path / "anything.mb"
    scene.write_bytes(b"FOR4\x00\x00\x01\x00Maya" + data)
    with contextlib.suppress(SceneNotRead):
        scan_file(Survey(str(scene)))
