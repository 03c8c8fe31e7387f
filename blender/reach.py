# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways in which a path comes to files: one file, the numbers of a sequence, tiles, a folder, the names in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from conductor_core.sequences import DirectoryListing

from .frame_maps import NumberedName, numbered_name
from .usage import Found

_UDIM, _UVTILE = "<UDIM>", "<UVTILE>"


@dataclass(frozen=True, slots=True)
class OneFile:
    """The file itself."""

    #: extensions of files that are read beside it where they exist (`.oso` beside `.osl`)
    beside: tuple[str, ...] = ()

    def shown(self, path: str) -> str:
        """Return the path: there is nothing to hide in it."""
        return path

    def find(self, path: str, listing: DirectoryListing, /) -> Found:
        """Return the file, and what lies beside it."""
        if not has_file(path, listing):
            return Found((), (path,))
        twins = (os.path.splitext(path)[0] + ext for ext in self.beside)
        return Found((path, *(t for t in twins if t != path and listing.has(t))))


@dataclass(frozen=True, slots=True)
class Numbers:
    """Some files of a numbered sequence."""

    #: None: which ones cannot be told, so all that are there
    wanted: tuple[int, ...] | None
    #: taken where they exist (what motion blur may look at)
    welcome: tuple[int, ...] = ()
    #: the number stands right before the extension
    at_end: bool = False

    def shown(self, path: str) -> str:
        """Return the path with `####` for its number."""
        name = numbered_name(path, at_end=self.at_end)
        return name.pattern() if name else path

    def find(self, path: str, listing: DirectoryListing, /) -> Found:
        """Return the files of the wanted numbers."""
        name = numbered_name(path, at_end=self.at_end)
        if name is None:
            return OneFile().find(path, listing)
        if self.wanted is None:
            return _or_lacking(_all_numbers(name, listing), path)
        wanted = dict.fromkeys(name.at(n) for n in self.wanted)
        lacking = tuple(p for p in wanted if not has_file(p, listing))
        gone = set(lacking)
        welcome = (p for p in dict.fromkeys(name.at(n) for n in self.welcome) if p not in wanted and listing.has(p))
        return Found((*(p for p in wanted if p not in gone), *welcome), lacking)


@dataclass(frozen=True, slots=True)
class Tiles:
    """The tiles of a `<UDIM>` or `<UVTILE>` set that the image names."""

    numbers: tuple[int, ...]

    def shown(self, path: str) -> str:
        """Return the path, its token kept."""
        return path

    def find(self, path: str, listing: DirectoryListing, /) -> Found:
        """Return one file for each tile."""
        paths = tuple(dict.fromkeys(tile_path(path, n) for n in self.numbers))
        return Found(tuple(p for p in paths if has_file(p, listing)), tuple(p for p in paths if not has_file(p, listing)))


@dataclass(frozen=True, slots=True)
class Folder:
    """Everything in a folder and in those below it."""

    def shown(self, path: str) -> str:
        """Return the path of the folder."""
        return path

    def find(self, path: str, _listing: DirectoryListing, /) -> Found:
        """Return all files, sorted."""
        return _or_lacking(sorted(_files_below(path)), path)


@dataclass(frozen=True, slots=True)
class NamesIn:
    """Those files of a folder whose name starts in one of some ways."""

    #: lower case
    prefixes: tuple[str, ...]
    #: take every file of `extensions` where no name starts so (an external cache renamed by hand)
    or_all: bool = False
    extensions: tuple[str, ...] = ()

    def shown(self, path: str) -> str:
        """Return the path of the folder."""
        return path

    def find(self, path: str, listing: DirectoryListing, /) -> Found:
        """Return the files, sorted."""
        names = sorted(n for n in listing.names(path) if not self.extensions or n.lower().endswith(self.extensions))
        matching = [n for n in names if n.lower().startswith(self.prefixes)]
        if not matching and self.or_all:
            matching = names
        return _or_lacking([os.path.join(path, n) for n in matching], path)


@dataclass(frozen=True, slots=True)
class TheseNames:
    """Files named one by one, in the folder of the path."""

    names: tuple[str, ...]
    #: named too, but shown at no frame of the job
    spared: tuple[str, ...] = ()

    def shown(self, path: str) -> str:
        """Return the folder, or the only file in it."""
        return os.path.join(path, self.names[0]) if len(self.names) == 1 else path

    def find(self, path: str, listing: DirectoryListing, /) -> Found:
        """Return the files in the order of their names here."""
        paths = [os.path.join(path, n) for n in dict.fromkeys(self.names)]
        there = tuple(p for p in paths if has_file(p, listing))
        lacking = tuple(p for p in paths if p not in there)
        return Found(there, lacking, tuple(os.path.join(path, n) for n in self.spared))


def tile_path(path: str, number: int) -> str:
    """Return the file of a UDIM tile: 1001 + u + 10 v, or `u1_v1` (`BKE_image_set_filepath_from_tile_number`)."""
    index = number - 1001
    return path.replace(_UDIM, str(number)).replace(_UVTILE, f"u{index % 10 + 1}_v{index // 10 + 1}")


def has_file(path: str, listing: DirectoryListing) -> bool:
    """Tell whether a file is there; a name that differs in case only counts where this machine's disk says so."""
    return listing.has(path) or os.path.isfile(path)


def _or_lacking(files: Iterable[str], path: str) -> Found:
    found = tuple(files)
    return Found(found) if found else Found((), (path,))


def _all_numbers(name: NumberedName, listing: DirectoryListing) -> Iterator[str]:
    folder, head = os.path.split(name.head)
    for candidate in sorted(listing.names(folder)):
        middle = candidate[len(head) : len(candidate) - len(name.tail)]
        if candidate == f"{head}{middle}{name.tail}" and middle.isdecimal() and len(middle) >= name.digits:
            yield os.path.join(folder, candidate)


def _files_below(folder: str) -> Iterator[str]:
    seen = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (os.path.join(root, n) for n in names)
