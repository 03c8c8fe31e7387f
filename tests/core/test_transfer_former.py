"""What is told of a former manifest comes to the same manifest as told in full."""

from __future__ import annotations

import itertools
import random
from array import array
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent.resubmission import Again
from conductor_core.digest import digest_of
from conductor_core.documents import from_json
from conductor_core.errors import Refused
from conductor_core.manifest import Entry, Manifest
from conductor_core.paths import Flavour
from conductor_core.transfer.former import Former, places_of, plan_from_former
from conductor_core.transfer.hash_cache import RACY_NS, HashCache
from conductor_core.transfer.listing import Listing
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = 10**18
_FILES = st.dictionaries(st.integers(0, 3000), st.integers(0, 3), min_size=300, max_size=1500)


def _path(number: int) -> str:
    return f"/job/{number:05}.tx"


def _listing(files: dict[int, int], *, ctime_ns: int = 4) -> Listing:
    numbers = [x for n in sorted(files) for x in (files[n], 5, ctime_ns, n, 0o100644)]
    return Listing([_path(n) for n in sorted(files)], array("q", numbers))


def _entry(path: str, version: int) -> Entry:
    return Entry(path, digest=f"sha256:{version:064x}", size=version, mode=0o644, mtime_ns=5)


def _manifest(files: dict[int, int], scenes: dict[str, int]) -> Manifest:
    entries = [_entry(_path(n), version) for n, version in files.items()] + [_entry(p, v) for p, v in scenes.items()]
    return Manifest(Flavour.POSIX, tuple(sorted(entries, key=lambda e: e.path)))


def _put_together(base: Manifest, parts: list[dict[str, Any]]) -> Manifest:
    entries: list[Entry] = []
    for part in parts:
        entries += base.entries[part["first"] : part["end"]]
        entries += [from_json(Entry, e) for e in part["entries"]]
    return Manifest(base.flavour, tuple(entries))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    edits=st.dictionaries(st.integers(0, 3000), st.integers(4, 6), max_size=3),
    gone=st.integers(0, 3000),
)
def test_the_parts_are_the_manifest(
    seed: int, edits: dict[int, int], gone: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Files edited, added and removed, and scenes in their midst and at the end: the service puts the same together."""
    chance = random.Random(seed)
    files = {n: chance.randrange(4) for n in range(3000) if chance.random() < 0.3}
    cache = HashCache(tmp_path_factory.mktemp("cache") / "c.sqlite")
    try:
        base = _manifest(files, {"/job/01000b.ma": 7})
        listing = _listing(files)
        scenes = ["/job/01000b.ma", "/job/z.ma"]
        pages = tuple(listing.pages(b"", between=scenes, usual=30))
        cache.pages.remember(base.digest(), places_of(listing, pages, (), between=["/job/01000b.ma"], looked=NOW))
        after = {**files, **edits}
        after.pop(gone, None)
        listing = _listing(after)
        former = plan_from_former(cache.pages, listing, tuple(listing.pages(b"", between=scenes, usual=30)))
        assert former is not None
        told = [_entry(path, file.st_size) for path, file in former.changed().items()]
        parts = former.parts([*told, *(_entry(path, 9) for path in scenes)])
        assert _put_together(base, parts) == _manifest(after, dict.fromkeys(scenes, 9))
        assert len(told) + former.stays() == len(after)
    finally:
        cache.close()


def test_nothing_changed_is_one_run(tmp_path: Path) -> None:
    """All of it stays: one part, no entries."""
    cache = HashCache(tmp_path / "c.sqlite")
    files = dict.fromkeys(range(5000), 1)
    listing = _listing(files)
    pages = tuple(listing.pages(b""))
    digest = _manifest(files, {}).digest()
    cache.pages.remember(digest, places_of(listing, pages, (), between=(), looked=NOW))
    former = plan_from_former(cache.pages, listing, pages)
    assert former is not None
    assert former.parts([]) == [{"first": 0, "end": 5000, "entries": []}]
    cache.pages.forget(digest)
    assert plan_from_former(cache.pages, listing, pages) is None
    cache.close()


def test_a_page_that_could_change_unseen_is_not_remembered() -> None:
    """Where a file was written within two seconds of the look, if only by its ctime, or its time lies ahead, the page is told again."""
    for changed, listing in ((5, _listing({1: 1})), (9, _listing({1: 1}, ctime_ns=9))):
        pages = tuple(listing.pages(b""))
        assert places_of(listing, pages, (), between=(), looked=changed + RACY_NS) != {}
        assert places_of(listing, pages, (), between=(), looked=changed + RACY_NS - 1) == {}
        assert places_of(listing, pages, (), between=(), looked=0) == {}


def test_a_file_with_another_ctime_changes_its_page() -> None:
    """One that was written in place and given its former time is told again."""
    pages = [tuple(_listing(dict.fromkeys(range(3000), 1), ctime_ns=ctime).pages(b"")) for ctime in (4, 5)]
    assert {p.fingerprint for p in pages[0]}.isdisjoint(p.fingerprint for p in pages[1])


def test_a_page_that_was_hashed_in_another_state_is_not_remembered() -> None:
    """A file that changed between the look and its hashing, and is then put back as it was, must not pass for what was sent."""
    listing = _listing({1: 1, 2: 1})
    pages = tuple(listing.pages(b"", usual=1))
    as_listed, since_edited = _entry(_path(1), 1), Entry(_path(2), digest=f"sha256:{9:064x}", size=1, mtime_ns=6)
    kept = places_of(listing, pages, [as_listed, since_edited], between=(), looked=NOW)
    assert list(kept.values()) == [0]


def test_runs_that_lie_behind_are_told_again(tmp_path: Path) -> None:
    """A memory whose places do not rise cannot be of a sorted manifest: what does not fit is told in full."""
    cache = HashCache(tmp_path / "c.sqlite")
    listing = _listing(dict.fromkeys(range(3000), 1))
    pages = tuple(listing.pages(b""))
    places = {page.fingerprint: 3000 - page.end for page in pages}
    cache.pages.remember(f"sha256:{1:064x}", places)
    former = plan_from_former(cache.pages, listing, pages)
    assert former is None or _rises(former)
    cache.close()


def _rises(former: Former) -> bool:
    runs = [(p["first"], p["end"]) for p in former.parts([])]
    return all(a[1] <= b[0] for a, b in itertools.pairwise(runs))


def test_what_is_refused_in_parts_is_told_in_full() -> None:
    """A name that is no text fits into no JSON: the manifest itself says it, and what is truly wrong is refused there."""

    class Client:
        def put_manifest_from(self, *_: object) -> None:
            raise Refused("is not JSON", status=400, code="invalid")

    former = Former(digest_of(b"manifest"), Listing((), array("q")), (), {})
    assert Again(former, ()).commit(Client(), "job") is None  # type: ignore[arg-type]
