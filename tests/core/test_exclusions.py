"""Exclusions: what is left at home is exactly what was named: a file, a folder with all in it, the files of a pattern."""

from __future__ import annotations

from pathlib import Path

import pytest
from conductor_core.exclusions import Exclusions
from conductor_core.paths import Flavour, local_flavour
from conductor_core.submission import Exclusion
from conductor_core.transfer.tree import read_tree

POSIX, WINDOWS = Flavour.POSIX, Flavour.WINDOWS


@pytest.mark.parametrize(
    ("excluded", "path", "flavour", "left_out"),
    [
        pytest.param("/job/a.exr", "/job/a.exr", POSIX, True, id="the file itself"),
        pytest.param("/job/a.exr", "/job/A.exr", POSIX, False, id="another case, where case counts"),
        pytest.param(r"C:\Job\a.exr", "c:/job/A.EXR", WINDOWS, True, id="another case on Windows"),
        pytest.param("/job/cache", "/job/cache/deep/x.vdb", POSIX, True, id="in a folder"),
        pytest.param("/job/cache", "/job/cache2/x.vdb", POSIX, False, id="a folder whose name begins alike"),
        pytest.param("/job/p.####.exr", "/job/p.0007.exr", POSIX, True, id="a frame"),
        pytest.param("/job/p.####.exr", "/job/p.left.exr", POSIX, False, id="no frame"),
        pytest.param("/job/p.%04d.exr", "/job/p.0007.exr", POSIX, True, id="a frame in printf's words"),
        pytest.param(r"D:\p.%04d.exr", r"d:\P.0007.exr", WINDOWS, True, id="a frame in printf's words on Windows"),
        pytest.param("/job/w.<UDIM>.png", "/job/w.1012.png", POSIX, True, id="a tile"),
        pytest.param("/job/#4/w.png", "/job/44/w.png", POSIX, False, id="a lone # in a folder is a #"),
        pytest.param("/job/%V/w.png", "/job/left/w.png", POSIX, True, id="a view"),
        pytest.param("/job/a.exr", "relative.exr", POSIX, False, id="what is no path of this system"),
    ],
)
def test_what_is_left_out(excluded: str, path: str, flavour: Flavour, left_out: bool) -> None:
    """A path is left out by its name, by a folder above it or by a pattern, as its system compares names."""
    assert Exclusions([Exclusion(excluded, "why")], flavour).covers(path) is left_out


def test_each_has_its_reason() -> None:
    """The first reason that was given for a place counts."""
    exclusions = Exclusions([Exclusion("/a", "old"), Exclusion("/b", "huge"), Exclusion("/a", "again")], POSIX)
    assert [exclusions.reason(path) for path in ("/a/x", "/b", "/c")] == ["old", "huge", None]


def test_a_folder_goes_along_without_what_is_left_out_in_it(tmp_path: Path) -> None:
    """The agent walks a folder that was added, and takes neither an excluded file nor an excluded folder of it."""
    for name in ("keep.txt", "drop.txt", "old/gone.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    exclusions = Exclusions([Exclusion(str(tmp_path / "drop.txt"), "x"), Exclusion(str(tmp_path / "old"), "x")], local_flavour())
    tree = read_tree([str(tmp_path)], left_out=exclusions.covers)
    assert [Path(path).name for path in tree.files] == ["keep.txt"]
    assert not tree.empty_directories
