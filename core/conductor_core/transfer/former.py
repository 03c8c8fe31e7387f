"""A submission told by what stays of the one before: only the pages of files that changed are hashed, asked about and sent.

Decide (`plan_from_former`), ask the service one question (`Former.question`), and tell it the manifest in parts
(`Former.parts`). Wherever the service does not know the former manifest any more, the whole is told instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conductor_core.digest import Digest
from conductor_core.documents import to_json
from conductor_core.manifest import Entry
from conductor_core.transfer.hash_cache import RACY_NS
from conductor_core.transfer.listing import FoundFile, Listing, Page
from conductor_core.transfer.page_memory import PageMemory, Remembered


@dataclass(frozen=True, slots=True)
class Former:
    """Which pages of a listing a committed manifest has, and which have to be told."""

    manifest: Digest
    listing: Listing
    pages: Sequence[Page]
    #: fingerprint → number of the page's first entry in `manifest`
    places: Mapping[bytes, int]

    def changed(self) -> dict[str, FoundFile]:
        """Return the files of pages that the manifest does not have."""
        found: dict[str, FoundFile] = {}
        for page in self.pages:
            if page.fingerprint not in self.places:
                found.update(self.listing.files(page))
        return found

    def stays(self) -> int:
        """Return how many files stay as they are in the manifest."""
        return sum(page.end - page.first for page in self.pages if page.fingerprint in self.places)

    def parts(self, entries: Iterable[Entry]) -> list[dict[str, Any]]:
        """Return the manifest as the service takes it; `entries` are those of the changed files, and any beside the listing."""
        fresh = sorted(entries, key=lambda e: e.path)
        parts: list[dict[str, Any]] = []
        for page in (p for p in self.pages if p.fingerprint in self.places):
            first = self.places[page.fingerprint]
            before = list(_taken(fresh, self.listing.paths[page.first]))
            _add(parts, before, first, first + page.end - page.first)
        _add(parts, fresh, 0, 0)
        return [{**part, "entries": [to_json(e) for e in part["entries"]]} for part in parts]


def _taken(fresh: list[Entry], path: str) -> Iterator[Entry]:
    """Take from `fresh`, which is sorted, the entries that come before `path`."""
    count = next((n for n, entry in enumerate(fresh) if entry.path >= path), len(fresh))
    yield from fresh[:count]
    del fresh[:count]


def _add(parts: list[dict[str, Any]], before: Sequence[Entry], first: int, end: int) -> None:
    """Put entries, and then a run of the former manifest, behind what is there; runs that join are one."""
    if not before and parts and parts[-1]["end"] == first and not parts[-1]["entries"]:
        parts[-1]["end"] = end
        return
    if before and parts:
        parts[-1]["entries"] = list(before)
    elif before:
        parts.append({"first": 0, "end": 0, "entries": list(before)})
    if end > first:
        parts.append({"first": first, "end": end, "entries": []})


def plan_from_former(memory: PageMemory, listing: Listing, pages: Sequence[Page]) -> Former | None:
    """Return what of a listing a committed manifest has, where that is worth telling; None where it is not."""
    remembered: Remembered | None = memory.recall([page.fingerprint for page in pages])
    if remembered is None:
        return None
    places: dict[bytes, int] = {}
    last = 0
    for page in pages:  # as both are sorted by path, runs follow each other; anything else is left to be told
        first = remembered.places.get(page.fingerprint, -1)
        if first >= last:
            places[page.fingerprint] = first
            last = first + page.end - page.first
    former = Former(remembered.manifest, listing, pages, places)
    return former if former.stays() else None


def places_of(
    listing: Listing, pages: Iterable[Page], entries: Iterable[Entry], *, between: Iterable[str], looked: int
) -> dict[bytes, int]:
    """Return where each page begins in the manifest of `listing` and the paths `between`; `entries` are those hashed for it.

    Pages are left out in which something had changed so shortly before `looked` (nanoseconds) that it could change again
    under the same times, or lies in the future; and those of which a file was hashed in another state than it was listed in:
    their fingerprint is that of another content.
    """
    others = sorted(set(between))
    hashed = {entry.path: entry for entry in entries}
    places: dict[bytes, int] = {}
    for page in pages:
        settled = page.end > page.first and listing.newest(page) <= looked - RACY_NS
        if settled and listing.agrees(page, hashed):
            before = sum(1 for path in others if path < listing.paths[page.first])
            places[page.fingerprint] = page.first + before
    return places
