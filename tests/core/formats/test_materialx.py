"""What MaterialX documents point to."""

from __future__ import annotations

from pathlib import Path

import pytest
from conductor_core.discovery.limits import Limits
from conductor_core.discovery.survey import Survey
from conductor_core.formats import scan_file
from conductor_core.report import ScanReport
from hypothesis import given, settings
from hypothesis import strategies as st

DOCUMENT = """<?xml version="1.0"?>
<!-- <input type="filename" value="commented.png"/> -->
<materialx version="1.38" xmlns:xi="http://www.w3.org/2001/XInclude" fileprefix="tex/">
  <xi:include href="shared.mtlx"/>
  <xi:include href="libraries/stdlib/stdlib_defs.mtlx"/>
  <nodegraph name="wood" fileprefix="../other/" doc="see /job/doc.png">
    <token name="kind" type="string" value="oak"/>
    <image name="base" type="color3">
      <input name="file" type="filename" value="wood_&lt;UDIM&gt;.png" colorspace="srgb_texture"/>
      <input name="default" type="color3" value="0, 0, 0"/>
    </image>
    <image name="anim"><input name="file" type="filename" value="a.{04frame}.exr"/></image>
    <image name="tok"><input name="file" type="filename" value="[kind].png"/></image>
    <image name="geo"><input name="file" type="filename" value="{asset}.png"/></image>
  </nodegraph>
  <image name="plain"><parameter name="file" type="filename" value="plain.png"/></image>
  <image name="gone"><input name="file" type="filename" value="/nowhere/gone.png"/></image>
  <implementation name="im" file="noise.osl" nodedef="ND_x"/>
  <surface name="s"><input name="note" type="string" value="notes/v1.txt"/><input name="geom" type="string" value="/root/geo"/></surface>
</materialx>
"""


def scan(file: Path, **more: object) -> ScanReport:
    """Scan a document."""
    return scan_file(Survey(str(file), **more)).report  # type: ignore[arg-type]


def test_documents(tmp_path: Path) -> None:
    """Textures are found with prefixes, tokens and tiles; comments and notes are not."""
    names = [
        "other/wood_1001.png",
        "other/wood_1002.png",
        "other/a.0002.exr",
        "other/a.0003.exr",
        "other/oak.png",
        "tex/plain.png",
    ]
    for name in [*names, "noise.osl", "commented.png", "tex/commented.png", "other/a.0009.exr"]:
        (tmp_path / "m" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "m" / name).write_text("")
    (tmp_path / "m" / "shared.mtlx").write_text('<materialx><image name="i" type="filename" value="tex/plain.png"/></materialx>')
    file = tmp_path / "m" / "look.mtlx"
    file.write_text(DOCUMENT.replace("../other/", "other/"))
    report = scan(file, frames=(2, 3))
    found = {Path(f).relative_to(tmp_path / "m").as_posix() for d in report.dependencies for f in d.files}
    assert found == {*names, "noise.osl", "shared.mtlx"}
    assert [(d.as_written, d.kind, d.referrer) for d in report.dependencies][:2] == [
        ("shared.mtlx", "material", "include"),
        ("wood_<UDIM>.png", "texture", "wood/base/file.value"),
    ]
    assert [(u.as_written, u.reason) for u in report.unresolved] == [
        ("{asset}.png", "{asset} is set by the scene that uses the material"),
        ("notes/v1.txt", "no reader knows note of MaterialX"),
    ]
    assert [m.as_written for m in report.missing] == ["/nowhere/gone.png"]
    assert [(i.as_written, i.reason) for i in report.ignored] == [("libraries/stdlib/stdlib_defs.mtlx", "ships with MaterialX")]


def test_absolute_names_take_no_prefix(tmp_path: Path) -> None:
    """The prefix stands before every name, and a name that is absolute is itself."""
    (tmp_path / "a.png").write_text("")
    file = tmp_path / "x.mtlx"
    file.write_text(f'<materialx fileprefix="tex/"><input name="f" type="filename" value="{tmp_path}/a.png"/></materialx>')
    assert [d.path for d in scan(file).dependencies] == [str(tmp_path / "a.png")]


BOMB = (
    '<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><materialx><input type="filename" value="&b;"/></materialx>'
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "it declares an entity, a; what follows was not read"),
        ('<materialx><input type="filename" value="a.png"/><oops', "it is no well-formed XML"),
        ("<materialx>" + "<a>" * 400, "elements lie more than 200 deep in each other"),
        ('<materialx a="' + "x" * 3_000_000 + '"/>', "an element is longer than 1,048,576 bytes"),
        ('<?xml version="1.0" encoding="klingon"?><materialx/>', "it is no well-formed XML"),
    ],
    ids=["entities", "cut off", "deep", "long", "encoding"],
)
def test_damaged_documents(tmp_path: Path, text: str, reason: str) -> None:
    """What cannot be read is said, with its line; what came before counts."""
    file = tmp_path / "x.mtlx"
    file.write_text(text)
    report = scan(file, limits=Limits())
    assert [u.reason[: len(reason)] for u in report.unresolved] == [reason]
    assert all(u.referrer.startswith("line ") for u in report.unresolved)


@settings(max_examples=60)
@given(at=st.integers(0, len(DOCUMENT) - 1), byte=st.integers(0, 255), cut=st.booleans())
def test_any_damage(tmp_path_factory: pytest.TempPathFactory, at: int, byte: int, cut: bool) -> None:
    """A document that is cut off or has wrong bytes gives a report."""
    data = bytearray(DOCUMENT.encode())
    data[at] = byte
    file = tmp_path_factory.mktemp("damage") / "x.mtlx"
    file.write_bytes(b"<materialx >" + (data[:at] if cut else data))
    scan(file)


@pytest.mark.parametrize("there", [False, True])
def test_the_library_of_materialx(there: bool, tmp_path: Path) -> None:
    """What MaterialX finds along its own search path is ignored; a copy that lies beside the document is sent."""
    (tmp_path / "a.mtlx").write_text('<materialx version="1.38"><include href="standard_surface.mtlx"/></materialx>')
    if there:
        (tmp_path / "standard_surface.mtlx").write_text('<materialx version="1.38"/>')
    report = scan(tmp_path / "a.mtlx")
    assert [d.as_written for d in report.dependencies] == ["standard_surface.mtlx"] * there
    assert [i.reason for i in report.ignored] == ["ships with MaterialX"] * (not there)
    assert report.missing == ()
