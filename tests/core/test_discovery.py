"""What all readers stand on: places, variables, patterns on disk, verdicts, and the register of node types."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conductor_core.discovery import node as nodes
from conductor_core.discovery import tables
from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.judge import judged
from conductor_core.discovery.node import Ask, Node, files, is_known, readers_of, reads_node, rows
from conductor_core.discovery.place import absolute, is_foreign, looks_like_path
from conductor_core.discovery.reach import Folder, Frames, NamesIn, OneFile
from conductor_core.discovery.variables import Filled, fill_variables
from conductor_core.report import Dependency, Ignored, Missing
from conductor_core.sequences import DirectoryListing, files_of_pattern, frame_path, view_path
from hypothesis import given
from hypothesis import strategies as st

posix = pytest.mark.skipif(os.name == "nt", reason="what posix makes of it")


@posix
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/a/b.png", "/a/b.png"),
        ("tex/b.png", "/job/tex/b.png"),
        ("../b.png", "/b.png"),
        ("tex\\b.png", "/job/tex/b.png"),
        ("C:\\tex\\..\\b.png", "C:/b.png"),
        ("c:/tex/b.png", "c:/tex/b.png"),
        ("\\\\server\\share\\b.png", "//server/share/b.png"),
        ("//a//b.png", "/a/b.png"),
        ("<UDIM>.exr", "/job/<UDIM>.exr"),
    ],
)
def test_places(text: str, expected: str) -> None:
    """A text becomes one absolute path; a drive or share of Windows keeps its name, so that nothing local is taken for it."""
    assert absolute(text, "/job") == expected


@posix
@pytest.mark.parametrize(("text", "foreign"), [("C:/a", True), ("\\\\s\\a", True), ("/a", False), ("a:b", False), ("C:a", False)])
def test_paths_of_another_system(text: str, foreign: bool) -> None:
    """Drives and shares are absolute somewhere else."""
    assert is_foreign(text) is foreign


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("/a/b", True),
        ("a/b", True),
        ("C:\\a", True),
        ("wood.exr", True),
        ("", False),
        ("a note. And more", False),
        ("https://example.org/a.png", False),
        ("line\nbreak/x.png", False),
        ("/", True),
        ("wood", False),
        ("1.0 2.5", False),
    ],
)
def test_what_looks_like_a_path(text: str, looks: bool) -> None:
    """A slash or an extension makes a path of a text of which nothing is known; a sentence, an address and a word are none."""
    assert looks_like_path(text) is looks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$SHOW/tex/$A.png", Filled("/jobs/show/tex/x.png", ())),
        ("${SHOW}tex", Filled("/jobs/showtex", ())),
        ("%SHOW%\\tex", Filled("/jobs/show\\tex", ())),
        ("$NOBODY/$A", Filled("$NOBODY/x", ("NOBODY",))),
        ("$NESTED/b", Filled("/jobs/show/b", ())),
        ("f.%04d.%V.exr", Filled("f.%04d.%V.exr", ())),
        ("$LOOP", Filled("$LOOP", ("LOOP",))),
        ("50% of a%", Filled("50% of a%", ())),
    ],
)
def test_variables(text: str, expected: Filled) -> None:
    """Variables of three notations are filled in, those in their values too; unknown ones stay and are named."""
    known = {"SHOW": "/jobs/show", "A": "x", "NESTED": "$SHOW", "LOOP": "$LOOP"}
    assert fill_variables(text, known) == expected


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with a sequence that has a gap, tiles, views, and what only looks like them."""
    names = ["f.0001.exr", "f.0002.exr", "f.0004.exr", "f.12345.exr", "f.01.exr", "f.txt", "wood.1001.exr", "wood.1012.exr"]
    names += ["wood.1000.exr", "s_left.0001.exr", "s_right.0001.exr", "a.obj", "a.mtl", "cache_x.bin", "cache_y.txt"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "reach", "found", "lacking"),
    [
        ("a.obj", OneFile((".mtl",)), ["a.obj", "a.mtl"], []),
        ("b.obj", OneFile(), [], ["b.obj"]),
        ("f.%04d.exr", Frames((1, 2, 3)), ["f.0001.exr", "f.0002.exr"], ["f.0003.exr"]),
        ("f.####.exr", Frames((2,), welcome=(1, 3)), ["f.0002.exr", "f.0001.exr"], []),
        ("f.####.exr", Frames(None), ["f.0001.exr", "f.0002.exr", "f.0004.exr", "f.12345.exr"], []),
        ("f.####.exr", OneFile(), ["f.0001.exr", "f.0002.exr", "f.0004.exr", "f.12345.exr"], []),
        ("wood.<UDIM>.exr", OneFile(), ["wood.1001.exr", "wood.1012.exr"], []),
        ("wood.<UDIM>.png", Frames((1,)), [], ["wood.<UDIM>.png"]),
        ("s_%V.%04d.exr", Frames((1,), views=("left", "right")), ["s_left.0001.exr", "s_right.0001.exr"], []),
        ("s_%V.%04d.exr", Frames((2,), views=("left",)), [], ["s_left.0002.exr"]),
        ("s_%V.%04d.exr", OneFile(), ["s_left.0001.exr", "s_right.0001.exr"], []),
        ("", NamesIn(("cache_",), (".bin",)), ["cache_x.bin"], []),
        ("", Folder((".obj", ".mtl")), ["a.mtl", "a.obj"], []),
        ("gone", Folder(), [], ["gone"]),
    ],
)
def test_reach(shelf: Path, name: str, reach: OneFile, found: list[str], lacking: list[str]) -> None:
    """A pattern comes to exactly the files that the job needs, and each that is not there is named."""
    result = reach.find(os.path.normpath(os.path.join(shelf, name)), DirectoryListing())
    assert [os.path.relpath(f, shelf) for f in result.files] == found
    assert [os.path.relpath(f, shelf) for f in result.lacking] == lacking


def test_a_range_that_is_a_mistake_names_no_million_files(tmp_path: Path) -> None:
    """Of a sequence that lacks 20,000 frames half are named and the rest are counted: a report stays one that fits in memory."""
    usage = Usage("a.####.exr", "file1", "texture", (str(tmp_path / "a.####.exr"),), Frames(tuple(range(20_001))))
    (missing,) = judged(usage, DirectoryListing())
    assert isinstance(missing, Missing)
    assert missing.path == str(tmp_path / "a.####.exr")
    (tmp_path / "a.0001.exr").write_bytes(b"")
    found = list(judged(usage, DirectoryListing()))
    assert len(found) == 10_002
    assert isinstance(found[-1], Missing)
    assert (found[-1].path, found[-1].reason) == (str(tmp_path / "a.####.exr"), "and 10,000 more of its files are not there")


@pytest.mark.parametrize("name", ["home", "home/..", "home/../..", "/"])
def test_a_whole_disk_is_never_a_folder_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A cache's folder that came to `/` or to somebody's home by a missing word sends no disk; its reason says so."""
    (tmp_path / "home" / "show").mkdir(parents=True)
    (tmp_path / "home" / "show" / "a.bin").write_bytes(b"")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    place = os.path.normpath(os.path.join(tmp_path, name))
    (missing,) = judged(Usage(name, "cache1.cd", "cache", (place,), Folder()), DirectoryListing())
    assert isinstance(missing, Missing)
    assert "whole disk" in missing.reason
    assert Folder().find(str(tmp_path / "home" / "show"), DirectoryListing()).files


@given(st.integers(-20, 99999), st.sampled_from(["f.####.exr", "f.%04d.exr", "f.%d.exr", "f.#.exr", "f_##_##.exr"]))
def test_a_file_of_a_frame_is_a_file_of_the_pattern(frame: int, pattern: str) -> None:
    """Whatever frame is rendered, its name is among what "all that are there" takes."""
    name = frame_path(pattern, frame)
    assert files_of_pattern(pattern, DirectoryListing(lambda _folder: [name, "f.exr", "g.0001.exr"])) == (name,)


def test_views() -> None:
    """`%V` is a view's name and `%v` its first letter; without either the pattern is its own."""
    assert view_path("a_%V_%v.exr", ("left", "right")) == ("a_left_l.exr", "a_right_r.exr")
    assert view_path("a.exr", ("left", "right")) == ("a.exr",)


def test_the_first_place_with_files_wins(tmp_path: Path) -> None:
    """A host looks in several places; when none has the file, the first is named and the others are told."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.png").write_bytes(b"")
    places = (str(tmp_path / "a" / "x.png"), str(tmp_path / "b" / "x.png"))
    (found,) = judged(Usage("x.png", "file1.ftn", "texture", places), DirectoryListing())
    assert isinstance(found, Dependency)
    assert (found.path, found.files) == (places[1], (places[1],))
    (missing,) = judged(Usage("x.png", "file1.ftn", "texture", (places[0], str(tmp_path / "c" / "x.png"))), DirectoryListing())
    assert isinstance(missing, Missing)
    assert (missing.path, missing.reason) == (places[0], f"there is no such file, nor in {tmp_path / 'c'}")


def test_a_name_in_other_case(tmp_path: Path) -> None:
    """A file whose name differs in upper and lower case only is missing where the disk tells them apart, and is named."""
    (tmp_path / "Wood.PNG").write_bytes(b"")
    if os.path.exists(tmp_path / "wood.png"):
        pytest.skip("this disk does not tell them apart")
    (missing,) = judged(Usage("wood.png", "file1.ftn", "texture", (str(tmp_path / "wood.png"),)), DirectoryListing())
    assert isinstance(missing, Missing)
    assert missing.reason == "there is no such file, but Wood.PNG: names must match in upper and lower case, too"


@posix
def test_what_lies_here_is_not_what_is_meant_elsewhere(tmp_path: Path) -> None:
    """A share or drive of Windows is never taken for the local file that posix sees under that name."""
    (tmp_path / "wood.png").write_bytes(b"")
    share = absolute("\\\\" + str(tmp_path / "wood.png")[1:].replace("/", "\\"), "/job")
    assert os.path.isfile(share), "posix reads it as a local file"
    for reach in (OneFile(), Frames((1,)), Folder()):
        place = os.path.dirname(share) if isinstance(reach, Folder) else share
        (missing,) = judged(Usage("x", "file1.ftn", "texture", (place,), reach), DirectoryListing())
        assert isinstance(missing, Missing)
        assert (missing.path, missing.reason.partition(",")[0]) == (place, "it is a path of another system")


def test_absent_without_fault(tmp_path: Path) -> None:
    """A bake that was not made, and a sequence of which the job shows no frame, are told and do not count as missing."""
    usage = Usage("c", "cloth", "cache", (str(tmp_path / "c"),), absent_is="it is not baked")
    assert list(judged(usage, DirectoryListing())) == [Ignored("c", "cloth", "it is not baked")]
    usage = Usage("f.####.exr", "read", "image", (str(tmp_path / "f.####.exr"),), Frames(()))
    assert list(judged(usage, DirectoryListing())) == [Ignored("f.####.exr", "read", "no frame of this job shows it")]


@dataclass
class _Node:
    type: str
    name: str
    values: dict[str, str] = field(default_factory=dict)


def test_a_node_type_is_one_line_or_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row or a function makes a type known; its source is kept beside it; `*` looks at every type."""
    tables.load("vray")
    monkeypatch.setattr(nodes, "_READERS", {**nodes._READERS, "vray": {**nodes._READERS["vray"]}})
    monkeypatch.setattr(nodes, "_ROWS", list(nodes._ROWS))
    files("vray", "TestBitmap", "file", kind="texture", source="https://example.org/bitmap")

    @reads_node("vray", "TestMesh", source="https://example.org/mesh")
    def mesh(node: Node, ask: Ask) -> Iterator[Finding]:
        yield from ask.read(node, "file", "proxy")

    assert is_known("vray", "TestBitmap")
    assert not is_known("vray", "TestNothing")
    assert [r.source for r in readers_of("vray", "TestMesh") if "TestMesh" in r.name or r.read is mesh] == [
        "https://example.org/mesh"
    ]
    assert [r.attributes for r in rows("vray") if r.type == "TestBitmap"] == [("file",)]


def test_folders_are_walked_once_even_when_links_lead_back(tmp_path: Path) -> None:
    """A link to the folder above does not make the walk endless."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "f.vdb").touch()
    try:
        (tmp_path / "data" / "loop").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("links are not allowed here")
    found = Folder().find(str(tmp_path), DirectoryListing())
    assert [Path(f).name for f in found.files] == ["f.vdb"]
