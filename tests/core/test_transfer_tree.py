"""From paths to manifest entries."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from conductor_core.digest import digest_of
from conductor_core.errors import FileVanished, TransferError
from conductor_core.manifest import Manifest
from conductor_core.paths import Flavour, local_flavour
from conductor_core.transfer.hash_cache import HashCache
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.tree import _collect, hash_tree, read_tree

posix = pytest.mark.skipif(os.name != "posix", reason="links, pipes and modes are posix")


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[HashCache]:
    cache = HashCache(tmp_path / "cache.sqlite")
    yield cache
    cache.close()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "a" / "empty").mkdir(parents=True)
    (folder / "a" / "one.png").write_bytes(b"one")
    (folder / "two.png").write_bytes(b"two")
    return folder


def _manifest(cache: HashCache, *paths: Path) -> Manifest:
    return hash_tree(read_tree(map(str, paths)), cache, Progress(), flavour=local_flavour())


def _kinds(manifest: Manifest, base: Path) -> dict[str, str]:
    return {os.path.relpath(e.path, base): e.kind for e in manifest.entries}


def test_a_folder_stands_for_everything_in_it(tree: Path, cache: HashCache) -> None:
    """Files come with digest, size, mode and time; empty folders come too, folders with something in them do not."""
    (tree / "two.png").chmod(0o750)
    manifest = _manifest(cache, tree)
    assert _kinds(manifest, tree) == {"a/empty": "directory", "a/one.png": "file", "two.png": "file"}
    two = next(e for e in manifest.entries if e.path.endswith("two.png"))
    found = (tree / "two.png").stat()
    assert (two.digest, two.size, two.mtime_ns) == (digest_of(b"two"), 3, found.st_mtime_ns)
    if os.name == "posix":
        assert two.mode == 0o750


SPELLINGS = {
    "small drive letter": (["c:\\t\\wood.png"], ["C:\\t\\wood.png"]),
    "slashes": (["C:/t/wood.png"], ["C:\\t\\wood.png"]),
    "one file in two cases": (["C:\\T\\wood.png", "C:\\t\\Wood.png"], ["C:\\T\\wood.png"]),
    "one file in two cases of the drive": (["c:\\t\\a.png", "C:\\t\\a.png"], ["C:\\t\\a.png"]),
    "two files": (["C:\\t\\a.png", "C:\\t\\b.png"], ["C:\\t\\a.png", "C:\\t\\b.png"]),
    "long path": (["\\\\?\\C:\\t\\a.png"], ["C:\\t\\a.png"]),
}


@posix
@pytest.mark.parametrize(("paths", "spelled"), SPELLINGS.values(), ids=SPELLINGS.keys())
def test_windows_paths_are_spelled_as_a_manifest_has_them(
    paths: list[str], spelled: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: HashCache
) -> None:
    """However a scene spells its files, the manifest has each place once, in its own spelling; here they are names in a folder."""
    monkeypatch.chdir(tmp_path)
    for path in spelled:
        Path(path).write_bytes(path.encode())
    manifest = hash_tree(_collect(paths, Flavour.WINDOWS), cache, Progress(), flavour=Flavour.WINDOWS)
    assert [e.path for e in manifest.entries] == spelled


@posix
def test_two_slashes_at_the_root_are_one(tree: Path, cache: HashCache) -> None:
    """POSIX leaves `//a` to the system, and Linux takes it for `/a`: so does the manifest."""
    manifest = _manifest(cache, Path(f"/{tree}/two.png"), tree / "two.png")
    assert hash_tree(read_tree([f"/{tree}/two.png"]), cache, Progress(), flavour=local_flavour()) == manifest


def test_the_same_file_twice_is_one_entry(tree: Path, cache: HashCache) -> None:
    """A file named alone, by its folder and by a detour is one entry."""
    detour = tree / "a" / ".." / "two.png"
    assert len(_manifest(cache, tree, tree / "two.png", detour).entries) == 3


@posix
def test_links_stay_links_and_bring_their_targets(tree: Path, cache: HashCache, tmp_path: Path) -> None:
    """A link to a file and a link to a folder stay links, and what they point to comes at its own path."""
    outside = tmp_path / "library"
    outside.mkdir()
    (outside / "wood.png").write_bytes(b"wood")
    (tree / "wood.png").symlink_to(outside / "wood.png")
    (tree / "lib").symlink_to("../library")
    (tree / "chain.png").symlink_to("wood.png")
    manifest = _manifest(cache, tree)
    assert _kinds(manifest, tmp_path) == {
        "tree/a/empty": "directory",
        "tree/a/one.png": "file",
        "tree/two.png": "file",
        "tree/wood.png": "symlink",
        "tree/lib": "symlink",
        "tree/chain.png": "symlink",
        "library/wood.png": "file",
    }
    assert {e.target for e in manifest.entries if e.kind == "symlink"} == {
        str(outside / "wood.png"),
        "../library",
        "wood.png",
    }


@posix
def test_a_file_behind_a_link_of_the_tree(tree: Path, cache: HashCache, tmp_path: Path) -> None:
    """A file named by way of a linked folder that comes along itself lies where the link leads to, once."""
    outside = tmp_path / "library" / "deep"
    outside.mkdir(parents=True)
    (outside / "wood.png").write_bytes(b"wood")
    (outside / "copy.png").symlink_to("wood.png")
    (tree / "lib").symlink_to("../library")
    (tree / "again").symlink_to("lib")
    manifest = _manifest(cache, tree, tree / "lib" / "deep" / "wood.png", tree / "again" / "deep" / "copy.png")
    found = {path: kind for path, kind in _kinds(manifest, tmp_path).items() if "a/" not in path}
    assert found == {
        "tree/two.png": "file",
        "tree/lib": "symlink",
        "tree/again": "symlink",
        "library/deep/wood.png": "file",
        "library/deep/copy.png": "symlink",
    }


@posix
def test_a_loop_of_folders_ends(tree: Path, cache: HashCache) -> None:
    """A link to a folder above does not go round for ever."""
    (tree / "a" / "up").symlink_to("..")
    assert _kinds(_manifest(cache, tree), tree)["a/up"] == "symlink"


@posix
def test_a_link_whose_text_leads_elsewhere_becomes_its_content(tmp_path: Path, cache: HashCache) -> None:
    """Where `..` climbs through a linked folder, text and file system disagree: the content takes the link's place."""
    real = tmp_path / "disk" / "deep" / "tex"
    real.mkdir(parents=True)
    (tmp_path / "disk" / "deep" / "wood.png").write_bytes(b"wood")
    (real / "wood.png").symlink_to("../wood.png")
    (real / "folder").symlink_to("../../deep")
    (tmp_path / "tex").symlink_to(real)
    manifest = _manifest(cache, tmp_path / "tex" / "wood.png")
    assert [(e.kind, e.digest) for e in manifest.entries] == [("file", digest_of(b"wood"))]
    with pytest.raises(TransferError, match="leads elsewhere"):
        read_tree([str(tmp_path / "tex" / "folder")])


@posix
def test_a_link_to_nothing_is_named(tree: Path) -> None:
    """A dangling link is an error that names it and what it says."""
    (tree / "gone.png").symlink_to("nowhere.png")
    with pytest.raises(TransferError, match=r"gone\.png: is a link to 'nowhere\.png', where there is nothing"):
        read_tree([str(tree)])


def test_what_is_not_there_is_named(tree: Path) -> None:
    """A path at which nothing lies is an error that names it."""
    with pytest.raises(FileVanished, match=r"no\.png"):
        read_tree([str(tree / "no.png")])


@posix
def test_pipes_and_sockets_are_refused_by_name(tmp_path: Path) -> None:
    """What is no file is refused, with the word for it, also behind a link that reads otherwise."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TransferError, match="pipe: is a named pipe"):
        read_tree([str(tmp_path / "pipe")])
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "sock"))
        with pytest.raises(TransferError, match="sock: is a socket"):
            read_tree([str(tmp_path / "sock")])
    with pytest.raises(TransferError, match="/dev/null: is a device"):
        read_tree(["/dev/null"])


@posix
def test_a_detour_to_a_pipe_is_refused(tmp_path: Path) -> None:
    """Also where the content would take a link's place, it has to be a file."""
    real = tmp_path / "disk" / "deep" / "tex"
    real.mkdir(parents=True)
    os.mkfifo(tmp_path / "disk" / "deep" / "pipe")
    (real / "link").symlink_to("../pipe")
    (tmp_path / "tex").symlink_to(real)
    with pytest.raises(TransferError, match="is a link to a named pipe"):
        read_tree([str(tmp_path / "tex" / "link")])


def test_names_of_any_kind(tmp_path: Path, cache: HashCache) -> None:
    """Blanks, quotes, line breaks and other scripts in names come through."""
    names = ["a b.png", "it's.png", "Übung_文字.png", "x" * 200 + ".png"]
    if os.name == "posix":
        names += ["line\nbreak.png", os.fsdecode(b"not text \xff.png")]
    for name in names:
        (tmp_path / "t").mkdir(exist_ok=True)
        (tmp_path / "t" / name).write_bytes(b"x")
    assert sorted(_kinds(_manifest(cache, tmp_path / "t"), tmp_path / "t")) == sorted(names)
