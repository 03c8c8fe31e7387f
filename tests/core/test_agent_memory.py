"""What an agent holds in memory of very many files, and what it keeps of them on disk."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from conductor_core.agent.allocator import give_memory_back
from conductor_core.agent.kept_manifest import packed, unpacked
from conductor_core.errors import InvalidDocument
from conductor_core.manifest import Entry, Manifest, make_manifest
from conductor_core.paths import Flavour
from conductor_core.transfer.listing import ListedFiles, look

MANIFESTS = {
    "none": Manifest(Flavour.POSIX, ()),
    "all kinds": make_manifest(
        Flavour.POSIX,
        [
            Entry("/a/f", "file", f"sha256:{7:064x}", 5, 0o644, 2**62),
            Entry("/a/odd\udcff\n", "file", f"sha256:{8:064x}", 1 << 40),
            Entry("/a/link", "symlink", target="f"),
            Entry("/b", "directory", mode=0o755, mtime_ns=-1),
        ],
    ),
    "Windows": make_manifest(Flavour.WINDOWS, [Entry("C:\\a\\ü.tx", "file", f"sha256:{9:064x}", 1)]),
    "many": make_manifest(Flavour.POSIX, [Entry(f"/m/{n:05}", "file", f"sha256:{n:064x}", n) for n in range(12_345)]),
}


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_is_kept_as_it_is(manifest: Manifest) -> None:
    """What the journal keeps is the manifest, to the last entry; an agent of before kept its canonical bytes."""
    assert unpacked(packed(manifest)) == manifest
    assert unpacked(manifest.to_bytes()) == manifest


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
def test_the_pieces_of_a_manifest_are_its_bytes(manifest: Manifest) -> None:
    """What is sent piece by piece is what has the manifest's digest."""
    assert b"".join(manifest.pieces()) == manifest.to_bytes()


@pytest.mark.parametrize(
    "kept",
    [b"", b"not packed", packed(MANIFESTS["many"])[:-1000], packed(MANIFESTS["none"])[:3]],
    ids=["empty", "other", "cut", "begun"],
)
def test_a_damaged_manifest_is_said_to_be_one(kept: bytes) -> None:
    """A journal that was cut or overwritten fails the submission by a sentence, and is never taken for fewer files."""
    with pytest.raises(InvalidDocument, match="damaged"):
        unpacked(kept)


def test_a_kept_manifest_is_small() -> None:
    """A journal does not grow by all the words that each entry has in common with the next."""
    manifest = MANIFESTS["many"]
    assert len(packed(manifest)) < len(manifest.to_bytes()) / 4


@pytest.mark.skipif(sys.platform == "win32", reason="listings are of posix paths")
def test_listed_files_are_what_stat_says(tmp_path: Path) -> None:
    """Each way to look at listed files tells the same of them, and nothing of others."""
    for number in range(5):
        (tmp_path / f"f{number}").write_bytes(b"x" * number)
    listing = look([str(tmp_path)])
    assert listing is not None
    files = ListedFiles(listing)
    plain = {str(path): path.stat().st_size for path in tmp_path.iterdir()}
    assert {path: files[path].st_size for path in files} == plain
    assert {path: found.st_size for path, found in files.items()} == plain
    assert sorted(found.st_size for found in files.values()) == sorted(plain.values())
    assert len(files) == len(plain)
    for other in (str(tmp_path / "f"), str(tmp_path / "f9"), ""):
        assert other not in files


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of Linux's C library")
def test_asking_the_c_library_does_no_harm() -> None:
    """It may be asked more than once, and says whether it knows what is meant."""
    assert give_memory_back() == give_memory_back()
