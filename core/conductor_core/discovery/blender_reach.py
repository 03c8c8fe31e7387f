"""How the paths of a .blend come to files, where Blender's way is not the general one.

Blender takes paths literally: `%04d` or `<f>` in one is part of a name, and which digits count a sequence is its own rule.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

from conductor_core.discovery.blender_numbers import NumberedPath, clip_number, tile_path
from conductor_core.discovery.reach import Folder, Found, NamesIn, each, has_file, or_lacking
from conductor_core.sequences import DirectoryListing

#: what a point cache writes: particles and cloth, and the smoke of old files
_POINT_CACHE_FILES = (".bphys", ".vdb", ".sim")


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
class FileOrFolder:
    """The file of exactly this name, or all of the folder: for a path of which nobody knows what it means."""

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the file, or the files of the folder."""
        return Folder().find(pattern, listing) if os.path.isdir(pattern) else Itself().find(pattern, listing)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Some files of a numbered sequence."""

    path: NumberedPath
    #: None: which ones cannot be told, so all that are there
    wanted: tuple[int, ...] | None
    #: taken where they exist: what motion blur may look at
    welcome: tuple[int, ...] = ()

    def find(self, _pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the files of the wanted numbers, and the path of each that has none."""
        if self.wanted is None:
            return or_lacking(self._all(listing), self.path.at(self.path.number))
        wanted = each((self.path.at(n) for n in self.wanted), listing)
        known = {*wanted.files, *wanted.lacking}
        welcome = (p for p in dict.fromkeys(self.path.at(n) for n in self.welcome) if p not in known and listing.has(p))
        return Found((*wanted.files, *welcome), wanted.lacking)

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
        return each((tile_path(pattern, n) for n in self.numbers), listing)


@dataclass(frozen=True, slots=True)
class TheseNames:
    """Files named one by one, in the folder of the path: the stills of a strip, of which Blender keeps one path for all."""

    names: tuple[str, ...]
    #: named too, but shown at no frame of the job
    spared: tuple[str, ...] = ()

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the files in the order of their names here."""
        found = each((os.path.join(pattern, n) for n in self.names), listing)
        return replace(found, spared=tuple(os.path.join(pattern, n) for n in self.spared))


def shown(path: str, reach: object) -> str:
    """Return the path as the report shows it: with `####` for the number of a sequence."""
    return reach.path.pattern if isinstance(reach, Numbers) else path


def clip_stills(path: NumberedPath, frames: tuple[int, ...], *, start: int, offset: int, length: int) -> Numbers:
    """Return the stills of a movie clip that frames show: beyond its length it shows nothing, which is no fault."""
    numbers = {clip_number(f, first=path.number, start=start, offset=offset) for f in frames}
    inside = tuple(sorted(n for n in numbers if 0 <= n - path.number < max(length, 1)))
    return Numbers(path, inside or (path.number,), welcome=tuple(sorted(numbers.difference(inside))))


def point_cache_folder(blend: str) -> str:
    """Return the folder of a .blend's own point caches, as it would be written in it (`ptcache_path`)."""
    name = os.path.splitext(os.path.basename(blend.replace("\\", "/")))[0]
    return f"//blendcache_{name}"


def point_cache_files(cache: str, owner: str, *, external: bool) -> NamesIn:
    """Return the files of one point cache by its name and that of its object or scene (`ptcache_filename`).

    They begin with the cache's name, plain or as hex, or the owner's as hex; an external cache may have been renamed by
    hand, so where none begins so all of the folder are taken.
    """
    names = {cache, *(n.encode("utf-8", "surrogateescape").hex() for n in (cache, owner))} - {""}
    return NamesIn(tuple(sorted(f"{n}_".lower() for n in names)), _POINT_CACHE_FILES, or_all=external)
