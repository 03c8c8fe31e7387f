"""Which pages of files a manifest that was committed has, and where in it: what need not be told again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conductor_core.digest import Digest, is_digest
from conductor_core.transfer.cache_file import CacheFile

#: fingerprints in one look
_SLICE = 500
#: manifests of which pages are kept: scenes that are worked on
MOST_MANIFESTS = 200

_DROP_OLD = """
DELETE FROM pages WHERE manifest IN (SELECT manifest FROM pages GROUP BY manifest ORDER BY MAX(used) DESC LIMIT -1 OFFSET ?)
"""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A committed manifest, and where in it those pages begin that were looked for."""

    manifest: Digest
    #: fingerprint → number of its first entry
    places: Mapping[bytes, int]


class PageMemory:
    """Pages by fingerprint, each with the last manifest that it was in."""

    def __init__(self, file: CacheFile, today: Callable[[], int]) -> None:
        self._file = file
        self._today = today

    def recall(self, fingerprints: Sequence[bytes]) -> Remembered | None:
        """Return the manifest that has most of these pages; None where none has any."""
        rows: list[tuple[Any, ...]] = []
        for some in _batched(fingerprints):
            marks = ", ".join("?" * len(some))
            query = f"SELECT fingerprint, manifest, first FROM pages WHERE fingerprint IN ({marks})"  # noqa: S608 - marks alone
            rows += self._file.run(query, some)
        rows = [row for row in rows if isinstance(row[1], str) and is_digest(row[1])]
        if not rows:
            return None
        manifest = Counter(row[1] for row in rows).most_common(1)[0][0]
        return Remembered(Digest(manifest), {bytes(row[0]): int(row[2]) for row in rows if row[1] == manifest})

    def remember(self, manifest: str, places: Mapping[bytes, int]) -> None:
        """Keep that a committed manifest has these pages."""
        today = self._today()
        insert = "INSERT OR REPLACE INTO pages (fingerprint, manifest, first, used) VALUES (?, ?, ?, ?)"
        self._file.run_all([(insert, (fingerprint, manifest, first, today)) for fingerprint, first in places.items()])
        self._file.run(_DROP_OLD, (MOST_MANIFESTS,))

    def forget(self, manifest: str) -> None:
        """Drop a manifest that is not known any more."""
        self._file.run("DELETE FROM pages WHERE manifest = ?", (manifest,))


def _batched(fingerprints: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    return (fingerprints[n : n + _SLICE] for n in range(0, len(fingerprints), _SLICE))
