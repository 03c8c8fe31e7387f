from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from conductor_core.digest import digest_of
from conductor_core.errors import InvalidDocument
from conductor_core.manifest import Entry, Manifest, check_manifest, make_manifest, parse_manifest
from conductor_core.paths import Flavour
from hypothesis import given
from hypothesis import strategies as st

P, W = Flavour.POSIX, Flavour.WINDOWS
ABC = digest_of(b"abc")
XYZ = digest_of(b"xyz!")


def file(path: str, digest: str = ABC, **fields: Any) -> Entry:
    return Entry(path, digest=digest, size=len(b"abc") if digest == ABC else len(b"xyz!"), mode=0o644, **fields)


def test_a_manifest_is_sorted_and_says_each_path_once() -> None:
    """The order in which files are found does not change the manifest."""
    one, two, folder = file("/b"), file("/a", XYZ), Entry("/dir", "directory", mode=0o755)
    manifest = make_manifest(P, [one, folder, two, one])
    assert [e.path for e in manifest.entries] == ["/a", "/b", "/dir"]
    assert manifest == make_manifest(P, [folder, two, one])
    assert manifest.digest() == make_manifest(P, [two, one, folder]).digest()


def test_the_objects_of_a_manifest_are_its_files_contents() -> None:
    """A content that lies at two paths is one object; folders and links are none."""
    link = Entry("/l", "symlink", target="a")
    manifest = make_manifest(P, [file("/a"), file("/b"), file("/c", XYZ), link, Entry("/d", "directory")])
    assert manifest.objects() == {ABC: 3, XYZ: 4}


def test_any_change_changes_the_digest() -> None:
    """Path, content, mode and time are all part of what a manifest says."""
    entry = file("/a", mtime_ns=1)
    changed = [
        entry,
        replace(entry, path="/b"),
        replace(entry, mode=0o600),
        replace(entry, mtime_ns=2),
        file("/a", XYZ, mtime_ns=1),
    ]
    assert len({make_manifest(P, [e]).digest() for e in changed}) == len(changed)
    assert make_manifest(P, []).digest() != make_manifest(W, []).digest()


def test_a_path_cannot_have_two_contents() -> None:
    """A file that was read twice and differed is not sent as either."""
    with pytest.raises(InvalidDocument, match="twice, with different content"):
        make_manifest(P, [file("/a"), file("/a", XYZ)])


REFUSED: dict[str, tuple[Flavour, list[Entry], str, str]] = {
    "relative": (P, [file("a")], "entries[0].path", "not absolute"),
    "dot-dot": (P, [file("/a/../b")], "entries[0].path", "must be written '/b'"),
    "doubled slash": (P, [file("/a//b")], "entries[0].path", "must be written '/a/b'"),
    "trailing slash": (P, [Entry("/a/", "directory")], "entries[0].path", "must be written '/a'"),
    "above the root": (P, [file("/../a")], "entries[0].path", "above its root"),
    "other flavour": (P, [file("C:\\a")], "entries[0].path", "not absolute"),
    "windows, slashes": (W, [file("C:/a")], "entries[0].path", "must be written 'C:\\\\a'"),
    "windows, one place in two spellings": (W, [file("C:\\A"), file("C:\\a")], "entries[1].path", "same place as 'C:\\\\A'"),
    "windows device": (W, [file("C:\\nul")], "entries[0].path", "device"),
    "a root as file": (P, [file("/")], "entries[0].path", "is a root"),
    "not sorted": (P, [file("/b"), file("/a")], "entries[1].path", "not sorted"),
    "twice": (P, [file("/a"), file("/a")], "entries[1].path", "not sorted"),
    "no digest": (P, [Entry("/a")], "entries[0].digest", "not a digest"),
    "bad digest": (P, [file("/a", "sha256:../../etc")], "entries[0].digest", "not a digest"),
    "a folder with content": (P, [Entry("/a", "directory", digest=ABC)], "entries[0].digest", "empty for a directory"),
    "negative size": (P, [Entry("/a", digest=ABC, size=-1)], "entries[0].size", "must be 0"),
    "a folder with a size": (P, [Entry("/a", "directory", size=1)], "entries[0].size", "must be 0"),
    "one content, two sizes": (P, [file("/a"), Entry("/b", digest=ABC, size=4)], "entries[1].size", "another entry"),
    "link without target": (P, [Entry("/a", "symlink")], "entries[0].target", "must be there"),
    "file with target": (P, [file("/a", target="b")], "entries[0].target", "nothing else"),
    "NUL in a target": (P, [Entry("/a", "symlink", target="b\0")], "entries[0].target", "NUL"),
    "mode with type bits": (P, [Entry("/a", "directory", mode=0o40755)], "entries[0].mode", "permission bits"),
    "negative mode": (P, [Entry("/a", "directory", mode=-1)], "entries[0].mode", "permission bits"),
    "inside a file": (P, [file("/a"), file("/a/b/c")], "/a/b/c", "inside '/a', which is a file"),
    "inside a link": (P, [Entry("/a", "symlink", target="/etc"), file("/a/b")], "/a/b", "inside '/a', which is a symlink"),
    "inside a link, by another case": (
        W,
        [Entry("C:\\A", "symlink", target="x"), file("C:\\a\\b")],
        "C:\\a\\b",
        "which is a symlink",
    ),
}


@pytest.mark.parametrize(("flavour", "entries", "place", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_manifest_that_cannot_be_laid_out_is_refused(flavour: Flavour, entries: list[Entry], place: str, reason: str) -> None:
    """What comes over the line is checked before any of it becomes a path on an instance."""
    with pytest.raises(InvalidDocument) as caught:
        parse_manifest(Manifest(flavour, tuple(entries)).to_bytes())
    assert (caught.value.document, caught.value.field) == ("Manifest", place)
    assert reason in caught.value.reason


def test_neighbours_that_begin_alike_are_not_inside_each_other() -> None:
    """/a.b and /a-b/c do not lie in the file /a."""
    check_manifest(make_manifest(P, [file("/a"), file("/a.b"), file("/a-b/c"), Entry("/d", "directory"), file("/d/e")]))


def test_bytes_that_are_no_manifest_are_refused() -> None:
    """Unknown fields and kinds are named."""
    data = json.loads(make_manifest(P, [file("/a")]).to_bytes())
    data["entries"][0]["kind"] = "device"
    with pytest.raises(InvalidDocument, match=r"entries\[0\]\.kind"):
        parse_manifest(json.dumps(data).encode())


names = st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=4).filter(lambda n: n not in (".", ".."))
entries = st.one_of(
    st.builds(file, names.map(lambda n: f"/f-{n}/x"), st.sampled_from([ABC, XYZ]), mtime_ns=st.integers(-(10**18), 10**18)),
    st.builds(Entry, names.map(lambda n: f"/d-{n}"), st.just("directory"), mode=st.integers(0, 0o7777)),
    st.builds(Entry, names.map(lambda n: f"/l-{n}"), st.just("symlink"), target=names),
)


@given(st.lists(entries, max_size=8, unique_by=lambda e: e.path))
def test_a_manifest_survives_the_line(found: list[Entry]) -> None:
    """Bytes and back is the same manifest, names that are not UTF-8 included, and it has the same digest."""
    manifest = make_manifest(P, found)
    again = parse_manifest(manifest.to_bytes())
    assert again == manifest
    assert again.digest() == manifest.digest() == digest_of(manifest.to_bytes())
