"""How the paths of a .blend come to files, where Blender's way is not the general one.

Blender takes paths literally: `%04d` or `<f>` in one is part of a name, and which digits count a sequence is its own rule.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from conductor_core.discovery.reach import Found, has_file, or_lacking
from conductor_core.formats.blend.numbering import NumberedPath, tile_path
from conductor_core.sequences import DirectoryListing


@dataclass(frozen=True, slots=True)
class Itself:
    """The file of exactly this name."""

    #: extensions of files that are read beside it where they exist (`.oso` beside `.osl`)
    beside: tuple[str, ...] = ()

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the file, and what lies beside it."""
        if not has_file(pattern, listing):
            return Found((), (pattern,))
        stem = os.path.splitext(pattern)[0]
        others = (stem + extension for extension in self.beside)
        return Found((pattern, *(p for p in others if p != pattern and listing.has(p))))


@dataclass(frozen=True, slots=True)
class Numbers:
    """Some files of a numbered sequence."""

    path: NumberedPath
    #: None: which ones cannot be told, so all that are there
    wanted: tuple[int, ...] | None
    #: taken where they exist
    welcome: tuple[int, ...] = ()

    def find(self, _pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the files of the wanted numbers, and the path of each that has none."""
        if self.wanted is None:
            return or_lacking(self._all(listing), self.path.at(self.path.number))
        wanted = dict.fromkeys(self.path.at(n) for n in self.wanted)
        there = {p for p in wanted if has_file(p, listing)}
        welcome = (p for p in dict.fromkeys(self.path.at(n) for n in self.welcome) if p not in wanted and listing.has(p))
        return Found((*(p for p in wanted if p in there), *welcome), tuple(p for p in wanted if p not in there))

    def _all(self, listing: DirectoryListing) -> Iterator[str]:
        folder, head = os.path.split(self.path.head)
        tail = self.path.tail
        for name in sorted(listing.names(folder)):
            digits = name[len(head) : len(name) - len(tail)]
            if name == f"{head}{digits}{tail}" and digits.isdecimal() and len(digits) >= self.path.digits:
                yield os.path.join(folder, name)


@dataclass(frozen=True, slots=True)
class Tiles:
    """The tiles that an image names."""

    numbers: tuple[int, ...]

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return one file for each tile, and the path of each that has none."""
        return _each((tile_path(pattern, n) for n in self.numbers), listing)


@dataclass(frozen=True, slots=True)
class CacheFiles:
    """Those files of a folder that are of one simulation."""

    #: how their names start, lower case
    starts: tuple[str, ...]
    extensions: tuple[str, ...]
    #: take all of the folder where no name starts so: a cache that was renamed by hand
    or_all: bool = False

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the files, sorted."""
        names = sorted(n for n in listing.names(pattern) if n.lower().endswith(self.extensions))
        own = [n for n in names if n.lower().startswith(self.starts)]
        return or_lacking([os.path.join(pattern, n) for n in own or (names if self.or_all else ())], pattern)


def _each(paths: Iterable[str], listing: DirectoryListing) -> Found:
    known = {path: has_file(path, listing) for path in dict.fromkeys(paths)}
    return Found(tuple(p for p, there in known.items() if there), tuple(p for p, there in known.items() if not there))
