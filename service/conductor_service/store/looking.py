"""How long many objects are: one after another on a disk, some at once over a network, where each answer takes its way."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from conductor_core.digest import Digest

from conductor_service.store.interfaces import Store

#: objects that one question looks for on a disk
_MOST = 2000
#: for all questions together: half of the connections that are kept to a server. They are begun when they are first needed
_lookers = ThreadPoolExecutor(16, thread_name_prefix="look")


def most_looks(store: Store) -> int:
    """Return for how many objects one question may look: a store over a network says how many of them are soon done."""
    return int(getattr(store, "looks_at_once", _MOST))


def sizes_of(store: Store, digests: Sequence[str]) -> list[int | None]:
    """Return the size of each object, or None where there is none."""
    names = [Digest(digest) for digest in digests]
    if len(names) < 2 or not hasattr(store, "looks_at_once"):
        return [store.size(name) for name in names]
    return list(_lookers.map(store.size, names))  # where one fails, those that have not begun are given up
