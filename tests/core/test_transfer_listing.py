"""The plain case is told as the general one, page by page, and whatever is not plain is left to that."""

from __future__ import annotations

import os
import zlib
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest
from conductor_core.transfer.listing import PAGE, Listing, look
from conductor_core.transfer.tree import read_tree


def _project(folder: Path) -> list[str]:
    for name in ("tex/a.png", "tex/b.png", "tex/more/c.png", "scene.ma", "cache/é.vdb"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return [str(folder / "tex"), str(folder / "scene.ma"), str(folder / "tex" / "a.png"), str(folder / "cache")]


@pytest.mark.skipif(os.name != "posix", reason="the plain case is posix's")
def test_plain_files_are_told_as_the_tree_has_them(tmp_path: Path) -> None:
    """Files and folders come to the same files, sizes and times as by the general way; each once, sorted."""
    named = _project(tmp_path)
    found, tree = look(named), read_tree(named)
    assert found is not None
    assert list(found.paths) == sorted(tree.files)
    files = {path: file for page in found.pages(b"") for path, file in found.files(page).items()}
    assert [tuple(files[p]) for p in found.paths] == [
        (s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino, s.st_mode) for s in map(os.lstat, found.paths)
    ]


@pytest.mark.skipif(os.name != "posix", reason="the plain case is posix's")
def test_what_is_left_out_is_not_looked_at(tmp_path: Path) -> None:
    """Neither a file that is excluded, nor anything in an excluded folder, nor a path whose content lies elsewhere."""
    named = _project(tmp_path)
    (tmp_path / "tex" / "more" / "link").symlink_to("nowhere")
    (tmp_path / "scene.ma").unlink()
    outside = str(tmp_path / "tex" / "more")
    found = look(named, left_out=lambda path: path == outside, without=[str(tmp_path / "scene.ma")])
    assert found is not None
    assert [os.path.basename(p) for p in found.paths] == ["é.vdb", "a.png", "b.png"]


ODD: dict[str, Callable[[Path], str]] = {
    "link": lambda p: _made(p / "link", lambda q: q.symlink_to("scene.ma")),
    "pipe": lambda p: _made(p / "pipe", os.mkfifo),
    "empty folder": lambda p: _made(p / "empty", Path.mkdir),
    "not there": lambda p: str(p / "gone"),
    "dots": lambda p: str(p / "tex" / ".." / "scene.ma"),
    "doubled slash": lambda p: f"{p}//scene.ma",
    "relative": lambda _: "scene.ma",
}


@pytest.mark.skipif(os.name != "posix", reason="the plain case is posix's")
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_is_not_plain_takes_the_general_way(tmp_path: Path, odd: Callable[[Path], str]) -> None:
    """One link, pipe, empty folder or other spelling, and the general way has the word."""
    named = _project(tmp_path)
    assert look([*named, odd(tmp_path)]) is None


def test_one_file_more_changes_one_page() -> None:
    """Pages depend on what is in them: a new file, or another state, leaves all but one page as they were."""
    paths = [f"/job/tex/{n:06}.tx" for n in range(PAGE * 40)]
    before = {p.fingerprint for p in _listing(paths).pages(b"s")}
    assert len(before) > 10
    more = {p.fingerprint for p in _listing(sorted([*paths, "/job/tex/000003b.tx"])).pages(b"s")}
    edited = {p.fingerprint for p in _listing(paths, edited=700).pages(b"s")}
    assert len(more - before) <= 2
    assert len(edited - before) == 1
    assert before.isdisjoint({p.fingerprint for p in _listing(paths).pages(b"another project")})


def test_no_page_goes_over_a_path_between() -> None:
    """Where another entry will stand between two files, a page ends."""
    listing = _listing([f"/t/{n}" for n in range(10)])
    pages = list(listing.pages(b"", between=["/t/35"]))
    assert 4 in {p.first for p in pages}
    assert [p.end for p in pages[:-1]] == [p.first for p in pages[1:]]


def _listing(paths: list[str], edited: int = -1) -> Listing:
    numbers = [x for n, path in enumerate(paths) for x in (1 + (n == edited), 5, 6, zlib.crc32(path.encode()), 0o100644)]
    return Listing(paths, array("q", numbers))


def _made(path: Path, make: Callable[[Path], object]) -> str:
    make(path)
    return str(path)
