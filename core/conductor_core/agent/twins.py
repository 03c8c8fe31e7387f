"""Names that a disk at home may take for one: `Beauty.exr` and `beauty.exr`, or an `é` that is made of one sign or of two.

On the farm they are two files, and two tasks may write them. At home the second would take the place of the first.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from conductor_core.agent.journal_rows import DownloadRow, NewOutput
from conductor_core.paths import ClientPath, local_flavour
from conductor_core.transfer.long_paths import on_disk
from conductor_core.transfer.odd_names import PART_ENDING

#: places that are kept in mind, which is some 35 MB; of a single project all are
MOST_KEPT = 400_000
#: by default: NTFS, APFS and HFS+ take names of other case for one
_TAKEN_FOR_ONE = sys.platform in ("win32", "darwin")


class Places(Protocol):
    """Where files of what is followed lie, or will lie."""

    def places(self, row: DownloadRow) -> Iterable[tuple[str, str]]:
        """Return places with the jobs that the files come from, the earliest published first."""

    def origins_at(self, row: DownloadRow, paths: Iterable[str]) -> Mapping[str, str]:
        """Return of those of `paths` where files lie, or will lie, the jobs that they come from; found by an index."""


class Twins:
    """Find twins among the files of one job: what a later job writes under another spelling is a new version, wanted in its place."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._lock = threading.Lock()
        #: of what is followed and still goes on, the last asked about last
        self._met: dict[tuple[str, str], _Met] = {}

    def among(self, row: DownloadRow, outputs: Sequence[NewOutput]) -> dict[str, str]:
        """Return for places of `outputs` that of an earlier published file which differs in its spelling alone.

        All places are asked for once; what comes again under its own name, as a render that is done again does, asks nothing.
        """
        keys = {one.path: (one.origin, folded(one.path)) for one in outputs}
        if not keys:
            return {}
        with self._lock:
            met = self._met.pop((row.service, row.job), None)
        if met is None:
            met = self._all(row)
        earlier = {path: spelling for path, key in keys.items() if (spelling := met.first(key, path)) != path}
        there = self._places.origins_at(row, set(earlier.values())) if earlier else {}
        first: dict[tuple[str, str], str] = {}
        for path, key in keys.items():
            if path in earlier and there.get(earlier[path]) == key[0]:
                first.setdefault(key, earlier[path])
            first.setdefault(key, path)
        for key, path in first.items():
            met.note(key, path)
        self._keep(row, met)
        return {path: first[key] for path, key in keys.items() if first[key] != path}

    def forget(self, service: str, job: str) -> None:
        """Drop what is kept in mind of something of which no more is to come; it can be had again from the journal."""
        with self._lock:
            self._met.pop((service, job), None)

    def _all(self, row: DownloadRow) -> _Met:
        met = _Met()
        for path, origin in self._places.places(row):
            met.note((origin, folded(path)), path, again=False)
        return met

    def _keep(self, row: DownloadRow, met: _Met) -> None:
        with self._lock:
            self._met[row.service, row.job] = met
            while len(self._met) > 1 and sum(map(len, self._met.values())) > MOST_KEPT:
                del self._met[next(iter(self._met))]


class _Met:
    """The places of one download, in a third of the memory that whole paths need: what they come to by its hash, and how it is spelled.

    The spelling is what makes the path of what it comes to: the same few bits for all frames of a pass.
    """

    def __init__(self) -> None:
        self._spellings: dict[int, int | str] = {}
        self._bits: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._spellings)

    def note(self, key: tuple[str, str], path: str, *, again: bool = True) -> None:
        """Keep how the first path that comes to `key` is spelled; not `again`: where nothing is known of it."""
        spelling: int | str = path
        if path.isascii():
            bits = _bits(path) ^ _bits(key[1])
            spelling = self._bits.setdefault(bits, bits)
        if again:
            self._spellings[hash(key)] = spelling
        else:
            self._spellings.setdefault(hash(key), spelling)

    def first(self, key: tuple[str, str], path: str) -> str:
        """Return the first path that came to `key`, `path` itself where none did; two hashes may be one, so that it is a guess."""
        spelling = self._spellings.get(hash(key))
        if spelling is None or isinstance(spelling, str):
            return spelling or path
        if not key[1].isascii() or spelling.bit_length() > 8 * len(key[1]):
            return path
        return (_bits(key[1]) ^ spelling).to_bytes(len(key[1]), "little").decode()


def _bits(text: str) -> int:
    return int.from_bytes(text.encode(), "little")


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
