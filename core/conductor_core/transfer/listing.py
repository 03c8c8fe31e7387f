"""A hundred thousand files, looked at as fast as `stat` is, and told in pages of which each has a fingerprint.

This is the road of the plain case: posix paths, each in its one spelling, of plain files, or of folders with nothing but
plain files and folders in them. Whatever else is met (links, empty folders, another spelling) is for `read_tree`.
"""

from __future__ import annotations

import bisect
import hashlib
import os
import stat
import sys
import zlib
from array import array
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from dataclasses import dataclass
from itertools import pairwise, repeat
from typing import NamedTuple

from conductor_core.manifest import Entry
from conductor_core.manifest_speed import spelled_plainly
from conductor_core.transfer.file_state import CTIME
from conductor_core.transfer.odd_names import LONGEST_PATH, WIDEST, is_part

#: about so many files to a page
PAGE = 128
#: numbers for each file: size, mtime_ns, ctime_ns (0: of no account), inode, mode
_WIDTH = 5
_MTIME, _CTIME, _MODE = 1, 2, 4


class FoundFile(NamedTuple):
    """Of what `stat` says, that which matters here; a tenth of the memory."""

    st_size: int
    st_mtime_ns: int
    st_ctime_ns: int
    st_ino: int
    st_mode: int


@dataclass(frozen=True, slots=True)
class Page:
    """A run of files that lie side by side in the order of their paths."""

    first: int
    end: int
    #: changes with any path, size, time, ctime, inode or mode in it
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Listing:
    """Plain files sorted by path, and what `stat` said of each."""

    paths: Sequence[str]
    numbers: array[int]

    def sizes(self) -> array[int]:
        """Return the bytes of each file."""
        return self.numbers[::_WIDTH]

    def newest(self, page: Page) -> int:
        """Return the latest change in a page, in nanoseconds: of a time or a ctime."""
        first, end = page.first * _WIDTH, page.end * _WIDTH
        return max(max(self.numbers[first + n : end : _WIDTH]) for n in (_MTIME, _CTIME))

    def agrees(self, page: Page, hashed: Mapping[str, Entry]) -> bool:
        """Tell whether the files of a page have the size and time that `hashed` has of them, where it has any."""
        numbers = self.numbers
        return all(
            (entry.size, entry.mtime_ns) == (numbers[n * _WIDTH], numbers[n * _WIDTH + _MTIME])
            for n in range(page.first, page.end)
            if (entry := hashed.get(self.paths[n])) is not None
        )

    def files(self, page: Page) -> dict[str, FoundFile]:
        """Return what was found of each file of a page."""
        return {self.paths[n]: self.found(n) for n in range(page.first, page.end)}

    def found(self, number: int) -> FoundFile:
        """Return what was found of one file."""
        return FoundFile(*self.numbers[number * _WIDTH : (number + 1) * _WIDTH])

    def pages(self, salt: bytes, *, between: Iterable[str] = (), usual: int = PAGE) -> Iterator[Page]:
        """Yield pages that depend on what is in them alone, so that one file more changes one page and no other.

        About `usual` files make a page, and none goes over the place of a path of `between`. Pages end where a checksum of the path says so, as chunks of
        content do (content-defined chunking).
        """
        crc = zlib.crc32
        cuts = {n for n, path in enumerate(self.paths) if not crc(path.encode(errors="surrogateescape")) % usual}
        cuts.update(bisect.bisect_left(self.paths, path) for path in between)
        edges = sorted(cuts | {0, len(self.paths)})
        for first, end in pairwise(edges):
            yield from self._cut(first, end, salt, 8 * usual)

    def _cut(self, first: int, end: int, salt: bytes, most: int) -> Iterator[Page]:
        """Yield the run as pages of at most so many files."""
        for start in range(first, end, most):
            stop = min(start + most, end)
            sha = hashlib.sha256(salt)
            sha.update("\0".join(self.paths[start:stop]).encode(errors="surrogateescape"))
            sha.update(memoryview(self.numbers)[start * _WIDTH : stop * _WIDTH])
            yield Page(start, stop, sha.digest())


class ListedFiles(Mapping[str, FoundFile]):
    """What was found of each file of a listing, made when it is looked at: as a dict it takes 50 MB for two hundred thousand."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing

    def __len__(self) -> int:
        return len(self._listing.paths)

    def __iter__(self) -> Iterator[str]:
        return iter(self._listing.paths)

    def __getitem__(self, path: str) -> FoundFile:
        paths = self._listing.paths
        place = bisect.bisect_left(paths, path)
        if place == len(paths) or paths[place] != path:
            raise KeyError(path)
        return self._listing.found(place)

    def items(self) -> ItemsView[str, FoundFile]:
        """Return paths and what was found of them; in turn, which takes no search for each."""
        return _Items(self)

    def values(self) -> ValuesView[FoundFile]:
        """Return what was found, in the order of the paths."""
        return _Values(self)

    def in_turn(self) -> Iterator[FoundFile]:
        """Yield what was found of each file."""
        return map(self._listing.found, range(len(self)))


class _Items(ItemsView[str, FoundFile]):
    _mapping: ListedFiles

    def __iter__(self) -> Iterator[tuple[str, FoundFile]]:
        return zip(self._mapping, self._mapping.in_turn(), strict=True)


class _Values(ValuesView[FoundFile]):
    _mapping: ListedFiles

    def __iter__(self) -> Iterator[FoundFile]:
        return self._mapping.in_turn()


def look(files: Iterable[str], *, left_out: Callable[[str], bool] | None = None, without: Iterable[str] = ()) -> Listing | None:
    """Return what lies at `files`, folders opened up; None where that is not the plain case.

    What is `left_out`, and the paths of `without`, are not looked at.
    """
    wanted, apart = sorted(files), frozenset(without)
    paths: list[str] = []
    numbers: array[int] = array("q")
    while wanted:
        if apart or left_out is not None:
            wanted = [p for p in wanted if p not in apart and not (left_out is not None and left_out(p))]
        if wanted and not (spelled_plainly(wanted) and _fits(wanted)):
            return None
        found = _look_at(wanted)
        if found is None:
            return None
        plain, some, wanted = found
        paths += plain
        numbers += some
    if not all(a < b for a, b in pairwise(paths)):
        return _in_order(paths, numbers)
    return Listing(paths, numbers)


def _fits(paths: Sequence[str]) -> bool:
    """Tell whether an instance has room for paths that lie on this disk; a name on Linux has at most the bytes that one has there."""
    fits = len(max(paths, key=len)) * WIDEST <= LONGEST_PATH
    return fits and (sys.platform == "linux" or all(map(str.isascii, paths)))


def _look_at(paths: list[str]) -> tuple[list[str], array[int], list[str]] | None:
    """Return the plain files of `paths`, their numbers, and what lies in the folders among them."""
    try:
        seen: list[int] = []
        for s in map(os.lstat, paths):
            seen += s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino, s.st_mode
        numbers = array("q", seen)
        del seen  # of two hundred thousand files 30 MB
        if not CTIME.counts:
            numbers[_CTIME::_WIDTH] = array("q", bytes(8 * len(paths)))
        modes = numbers[_MODE::_WIDTH]
        kinds = {stat.S_IFMT(mode) for mode in set(modes)}
        if kinds <= {stat.S_IFREG}:
            return paths, numbers, []
        if kinds - {stat.S_IFREG, stat.S_IFDIR}:
            return None
        inside: list[str] = []
        plain = [n for n, mode in enumerate(modes) if stat.S_ISREG(mode)]
        for n in sorted(set(range(len(paths))).difference(plain)):
            names = [name for name in os.listdir(paths[n]) if not is_part(name)]
            if not names:
                return None
            inside += map("/".join, zip(repeat(paths[n]), sorted(names), strict=False))
    except (OSError, OverflowError):  # said in its own words by who looks closer; an inode may be beyond 63 bits
        return None
    return [paths[n] for n in plain], _picked(numbers, plain), inside


def _in_order(paths: list[str], numbers: array[int]) -> Listing:
    """Return each path once, sorted."""
    places = {path: n for n, path in enumerate(paths)}
    kept = sorted(places)
    return Listing(kept, _picked(numbers, [places[path] for path in kept]))


def _picked(numbers: array[int], places: Iterable[int]) -> array[int]:
    picked: array[int] = array("q")
    for n in places:
        picked += numbers[n * _WIDTH : (n + 1) * _WIDTH]
    return picked
