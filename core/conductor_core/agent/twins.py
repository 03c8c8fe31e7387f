"""Names that a disk at home may take for one: `Beauty.exr` and `beauty.exr`, or an `é` that is made of one sign or of two.

On the farm they are two files, and two tasks may write them. At home the second would take the place of the first.
"""

from __future__ import annotations

import os
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from conductor_core.agent.journal_rows import DownloadRow, NewOutput
from conductor_core.paths import ClientPath, local_flavour
from conductor_core.transfer.long_paths import on_disk
from conductor_core.transfer.odd_names import PART_ENDING

#: by default: NTFS, APFS and HFS+ take names of other case for one
_TAKEN_FOR_ONE = sys.platform in ("win32", "darwin")


class Places(Protocol):
    """Where files of what is followed lie, or will lie."""

    def places(self, row: DownloadRow) -> Iterable[tuple[str, str]]:
        """Return places with the jobs that the files come from, the earliest published first."""


class Twins:
    """Find twins among the files of one job: what a later job writes under another spelling is a new version, wanted in its place."""

    def __init__(self, places: Places) -> None:
        self._places = places
        #: of what is followed: what its places come to, by hash; a set of whole paths would take five times the memory
        self._met: dict[tuple[str, str], set[int]] = {}

    def among(self, row: DownloadRow, outputs: Sequence[NewOutput]) -> dict[str, str]:
        """Return for places of `outputs` that of an earlier published file which differs in its spelling alone."""
        keys = {one.path: (one.origin, folded(one.path)) for one in outputs}
        met = self._met.get((row.service, row.job))
        if met is None:
            met = {hash((origin, folded(path))) for path, origin in self._places.places(row)}
            self._met[row.service, row.job] = met
        first: dict[tuple[str, str], str] = {}
        asked = {key for key in keys.values() if hash(key) in met}
        for path, origin in self._places.places(row) if asked else ():
            key = (origin, folded(path))
            if key in asked:
                first.setdefault(key, path)
        met.update(map(hash, keys.values()))
        return {path: twin for path, key in keys.items() if (twin := first.setdefault(key, path)) != path}


def folded(path: str) -> str:
    """Return what places come to whose names some disk takes for one; no more than a hint that it may be so."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def is_one_file(path: str, other: str, *, exists: Callable[[str], bool] = os.path.lexists) -> bool:
    """Tell whether the disk that both shall lie on takes two names for one; it is tried there, and nothing of that stays.

    Where that cannot be tried, what the system usually does is taken for the truth.
    """
    place, twin = ClientPath.parse(path, local_flavour()), ClientPath.parse(other, local_flavour())
    pairs = list(zip(place.components, twin.components, strict=False))
    shared = next((n for n, (one, two) in enumerate(pairs) if one != two), len(pairs) - 1)
    folder = on_disk(ClientPath(place.flavour, place.anchor, place.components[:shared]).text)
    one, two = pairs[shared]
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".twins-", suffix=PART_ENDING, dir=folder) as tried:
            os.mkdir(os.path.join(tried, one))
            return exists(os.path.join(tried, two))
    except OSError:
        return _TAKEN_FOR_ONE
