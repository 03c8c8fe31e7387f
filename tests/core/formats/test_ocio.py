"""What colour configurations and colour transforms point to."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from conductor_core.errors import SceneNotRead
from hypothesis import given, settings
from hypothesis import strategies as st
from planted.scans import damaged, lists, lists_of, plant, report_of, survives

VERSION_1 = """ocio_profile_version: 1

search_path: luts:$SHOW/luts
strictparsing: true
description: see /show/colour.txt

roles:
  default: raw

displays:
  sRGB:
    - !<View> {name: Film, colorspace: srgb8}

colorspaces:
  - !<ColorSpace>
    name: raw
    isdata: true
  - !<ColorSpace>
    name: srgb8
    to_reference: !<FileTransform> {src: srgb.spi1d, interpolation: linear}
    from_reference: !<GroupTransform>
      children:
        - !<FileTransform> {src: film.spi3d, interpolation: linear}
        - !<ColorSpaceTransform> {src: lnf.exr, dst: raw}
        - !<FileTransform> {src: film.spi3d, interpolation: linear}
looks:
  - !<Look>
    name: grade
    process_space: raw
    transform: !<FileTransform> {src: "${SHOT}/grade.ccc", cccid: "${SHOT}", interpolation: best}
"""

VERSION_2 = """ocio_profile_version: 2.3

environment:
  SHOT: sh000
search_path:
  - luts
  - /elsewhere/luts
file_rules:
  - !<Rule> {name: exr, colorspace: raw, pattern: "*", extension: exr}
  - !<Rule> {name: tex, colorspace: raw, regex: "/tex/.*\\\\.tif"}
  - !<Rule> {name: Default, colorspace: raw}
shared_views:
  - !<View> {name: Film, view_transform: film, display_colorspace: srgb}
view_transforms:
  - !<ViewTransform>
    name: film
    from_scene_reference: &film !<FileTransform> {src: film.clf}
display_colorspaces:
  - !<ColorSpace>
    name: srgb
    from_display_reference: *film
named_transforms:
  - !<NamedTransform>
    name: inverse
    inverse_transform: !<FileTransform> {src: $SHOT.cube}
colorspaces:
  - !<ColorSpace>
    name: raw
  - !<ColorSpace>
    name: built in
    to_scene_reference: !<BuiltinTransform> {style: ACES-AP0_to_AP1}
  - !<ColorSpace>
    name: gone
    to_scene_reference: !<FileTransform> {src: gone.csp}
  - !<ColorSpace>
    name: unknown
    to_scene_reference: !<FileTransform> {src: $NOBODY/x.cube}
"""

CLF = """<?xml version="1.0" encoding="UTF-8"?>
<ProcessList id="x" compCLFversion="2.0"><Reference path="inner.ctf"/><Reference alias="display"/></ProcessList>
"""


@pytest.fixture
def show(tmp_path: Path) -> Path:
    plant(
        tmp_path, "v1/luts/srgb.spi1d v1/show/luts/film.spi3d v1/show/luts/sh010/grade.ccc v2/luts/sh000.cube v2/luts/sh010.cube"
    )
    plant(tmp_path, {"v1/config.ocio": VERSION_1, "v2/config.ocio": VERSION_2, "v2/luts/film.clf": CLF, "v2/luts/inner.ctf": ""})
    return tmp_path


def test_version_1(show: Path) -> None:
    """Tables are looked for in each search path, with the shot's variables; a colour space's name is no file."""
    report = report_of(show / "v1/config.ocio", variables={"SHOW": str(show / "v1/show"), "SHOT": "sh010"})
    assert report.format == "ocio"
    assert lists_of(report) == lists(found="srgb.spi1d|film.spi3d|${SHOT}/grade.ccc", ignored="luts:$SHOW/luts")
    assert {d.kind for d in report.dependencies} == {"lut"}


@pytest.mark.parametrize(
    ("variables", "file"), [({}, "sh000.cube"), ({"SHOT": "sh010"}, "sh010.cube")], ids=["default", "environment"]
)
def test_version_2(show: Path, variables: dict[str, str], file: str) -> None:
    """The environment comes before the configuration's defaults; rules are patterns and no files; a `.clf` is read on."""
    report = report_of(show / "v2/config.ocio", variables=variables)
    assert lists_of(report) == lists(
        found="film.clf|inner.ctf|$SHOT.cube",
        missing="gone.csp",
        unresolved="$NOBODY/x.cube",
        ignored="luts|/elsewhere/luts|display",
    )
    assert [Path(f).name for d in report.dependencies if d.as_written == "$SHOT.cube" for f in d.files] == [file]


def test_a_missing_table_names_its_colour_space(show: Path) -> None:
    """Whoever reads of a missing table must see for which colour space it matters."""
    assert [m.referrer for m in report_of(show / "v2/config.ocio").missing] == ["gone.src"]


def test_archive(tmp_path: Path) -> None:
    """The tables of an archive are in it; only absolute ones lie elsewhere."""
    packed = io.BytesIO()
    text = VERSION_2.replace("gone.csp", "/abs/gone.csp")
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in (("config.ocio", text), ("luts/film.clf", CLF), ("luts/sh000.cube", "")):
            archive.writestr(name, content)
    plant(tmp_path, {"studio.ocioz": packed.getvalue()})
    report = report_of(tmp_path / "studio.ocioz")
    assert report.format == "ocio-archive"
    assert lists_of(report) == lists(missing="/abs/gone.csp", unresolved="$NOBODY/x.cube", ignored="film.clf|$SHOT.cube")


def test_aliases_cost_nothing(tmp_path: Path) -> None:
    """Aliases of aliases of aliases are not unrolled."""
    bomb = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40))
    plant(tmp_path, {"config.ocio": f"ocio_profile_version: 2\na0: &a0 [x]\n{bomb}\n"})
    assert lists_of(report_of(tmp_path / "config.ocio")) == lists()


def test_a_conflict_is_named(tmp_path: Path) -> None:
    """Where a merge left its marks, the line is said, and what stands before it is in the report."""
    plant(tmp_path, {"config.ocio": VERSION_1.replace("looks:", "<<<<<<< HEAD\nlooks:")})
    report = report_of(tmp_path / "config.ocio")
    assert {m.as_written for m in report.missing} == {"srgb.spi1d", "film.spi3d"}
    assert "no YAML from line" in report.unresolved[0].reason


def test_depth_is_bounded(tmp_path: Path) -> None:
    """Lists in lists in lists are refused."""
    plant(tmp_path, {"config.ocio": "ocio_profile_version: 2\nx: " + "[" * 5000})
    with pytest.raises(SceneNotRead, match=r"nested|no YAML"):
        report_of(tmp_path / "config.ocio")


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(0, 3000), flips=st.lists(st.integers(0, 3000), max_size=6))
def test_damage_of_any_kind(tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[int]) -> None:
    """Cut off and with turned bits, a configuration, an archive and a transform end in a report or a clear error."""
    folder = tmp_path_factory.mktemp("damaged")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.ocio", VERSION_2)
    survives(folder, "config.ocio", damaged(VERSION_2.encode(), cut, flips))
    survives(folder, "a.ocioz", damaged(packed.getvalue(), cut, flips))
    survives(folder, "a.clf", damaged(CLF.encode(), cut, flips))
