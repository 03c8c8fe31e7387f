"""The ways in which an absolute pattern comes to files: one file, frames, tiles, a folder, names in a folder, `*`."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from conductor_core.sequences import (
    DirectoryListing,
    expand_frames,
    expand_udim,
    files_of_pattern,
    frame_path,
    has_frame_token,
    has_tile_token,
    has_view_token,
    view_path,
)

#: frames of a sequence of which nothing is there that are named each
_NAMED = 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """What a pattern came to on this machine."""

    files: tuple[str, ...]
    #: paths of frames, tiles or folders that are not there
    lacking: tuple[str, ...] = ()
    #: paths that are named too and that this job does not need
    spared: tuple[str, ...] = ()


class Reach(Protocol):
    """How a pattern comes to files."""

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the files that `pattern` (absolute) comes to."""
        ...


@dataclass(frozen=True, slots=True)
class OneFile:
    """The file itself; of a pattern with tokens, all that is there."""

    #: extensions of files that are read beside it where they exist (`.mtl` beside `.obj`)
    beside: tuple[str, ...] = ()

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the file, and what lies beside it."""
        if has_frame_token(pattern) or has_tile_token(pattern) or has_view_token(pattern):
            return Frames(None).find(pattern, listing)
        if not has_file(pattern, listing):
            return Found((), (pattern,))
        twins = (os.path.splitext(pattern)[0] + ext for ext in self.beside)
        return Found((pattern, *(t for t in twins if t != pattern and listing.has(t))))


@dataclass(frozen=True, slots=True)
class Frames:
    """The files of some frames, with all their tiles and views."""

    #: in the order of the job; None: nobody can tell which, so all that are there
    wanted: tuple[int, ...] | None
    #: taken where they exist: what motion blur or a hold may look at
    welcome: tuple[int, ...] = ()
    #: of a stereo or multi-view job; what `%V` and `%v` stand for. None known: all files that are there
    views: tuple[str, ...] = ()

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the files of the wanted frames, and the path of each frame that has none."""
        found: dict[str, None] = {}
        lacking: dict[str, None] = {}
        for one in view_path(pattern, self.views) if self.views else (pattern,):
            part = self._find(one, listing)
            found.update(dict.fromkeys(part.files))
            lacking.update(dict.fromkeys(part.lacking))
        return Found(tuple(found), tuple(lacking))

    def _find(self, pattern: str, listing: DirectoryListing) -> Found:
        if has_view_token(pattern):  # nobody said which views there are
            return or_lacking(files_of_pattern(pattern, listing), pattern)
        if not has_frame_token(pattern):
            files = expand_udim(pattern, listing) if has_tile_token(pattern) else _one(pattern, listing)
            return or_lacking(files, pattern)
        if self.wanted is None:
            return or_lacking(files_of_pattern(pattern, listing), pattern)
        if len(self.wanted) > _NAMED and not files_of_pattern(pattern, listing):
            return Found((), (pattern,))
        wanted = expand_frames(pattern, self.wanted, listing)
        welcome = expand_frames(pattern, self.welcome, listing).found
        return Found(tuple(dict.fromkeys((*wanted.found, *welcome))), wanted.missing)


@dataclass(frozen=True, slots=True)
class Folder:
    """Everything in a folder and in those below it; of a whole disk or home nothing, since nobody means all of it."""

    #: lower case, with the dot; empty: all
    extensions: tuple[str, ...] = ()

    def find(self, pattern: str, _listing: DirectoryListing, /) -> Found:
        """Return the files, sorted."""
        if not os.path.isdir(pattern) or is_whole_disk(pattern):
            return Found((), (pattern,))
        files = sorted(f for f in _files_below(pattern) if not self.extensions or f.lower().endswith(self.extensions))
        return or_lacking(files, pattern)


@dataclass(frozen=True, slots=True)
class NamesIn:
    """Those files of a folder whose name starts in one of some ways."""

    #: lower case
    prefixes: tuple[str, ...]
    #: lower case, with the dot; empty: all
    extensions: tuple[str, ...] = ()
    #: take all of these extensions where no name starts so: files that were renamed by hand
    or_all: bool = False

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the files, sorted."""
        names = sorted(n for n in listing.names(pattern) if not self.extensions or n.lower().endswith(self.extensions))
        own = [n for n in names if n.lower().startswith(self.prefixes)]
        return or_lacking([os.path.join(pattern, n) for n in own or (names if self.or_all else ())], pattern)


@dataclass(frozen=True, slots=True)
class WithTwins:
    """What another reach finds, and what lies beside each of its files under another extension (`.tx` beside `.exr`)."""

    of: Reach
    #: with the dot
    extensions: tuple[str, ...]

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the files, each followed by its twins."""
        found = self.of.find(pattern, listing)
        files: dict[str, None] = {}
        for path in found.files:
            stem = _stem(path)
            files |= dict.fromkeys((path, *(stem + e for e in self.extensions if listing.has(stem + e))))
        return Found(tuple(files), found.lacking)


@dataclass(frozen=True, slots=True)
class Matching:
    """Those files that fit a pattern of the shell: `*`, `?` and `[…]` in its name or in the folders above."""

    #: what a frame token in it stands for; None: for any number
    wanted: tuple[int, ...] | None = None

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the files, sorted by folder and name."""
        if not has_frame_token(pattern):
            return or_lacking(self._fitting(pattern, listing), pattern)
        patterns = [frame_path(pattern, f) for f in self.wanted] if self.wanted is not None else [_any_frame(pattern)]
        found = {p: self._fitting(p, listing) for p in patterns}
        return Found(tuple(f for files in found.values() for f in files), tuple(p for p, files in found.items() if not files))

    def _fitting(self, pattern: str, listing: DirectoryListing) -> tuple[str, ...]:
        folder, name = os.path.split(pattern)
        fixed, parts = folder, [name]
        while _is_shell_pattern(fixed) and os.path.dirname(fixed) != fixed:
            fixed, part = os.path.split(fixed)
            parts.insert(0, part)
        places = [fixed]
        for part in parts:
            fits = re.compile(fnmatch.translate(part))
            places = [os.path.join(p, n) for p in places for n in sorted(listing.names(p)) if fits.match(n)]
        return tuple(p for p in places if os.path.isfile(p))


def _any_frame(pattern: str) -> str:
    return re.sub(r"#+|%(?:0[0-9]{1,2})?d|<f>", "*", pattern)


def _is_shell_pattern(text: str) -> bool:
    return any(c in text for c in "*?[")


@dataclass(frozen=True, slots=True)
class TheseFiles:
    """Files that the reader has listed by itself; the pattern is only shown."""

    files: tuple[str, ...]
    lacking: tuple[str, ...] = ()

    def find(self, _pattern: str, _listing: DirectoryListing, /) -> Found:
        """Return them."""
        return Found(self.files, self.lacking)


@dataclass(frozen=True, slots=True)
class EachOf:
    """Files that the reader has reckoned by itself, one by one; the pattern is only shown."""

    paths: tuple[str, ...]

    def find(self, _pattern: str, listing: DirectoryListing, /) -> Found:
        """Return which of them are there."""
        return each(self.paths, listing)


def has_file(path: str, listing: DirectoryListing) -> bool:
    """Tell whether a file (no folder) is there; a name that differs in case only counts where this machine's disk says so."""
    return (listing.has(path) and not os.path.isdir(path)) or os.path.isfile(path)


def each(paths: Iterable[str], listing: DirectoryListing) -> Found:
    """Return which of some files are there, and which lack."""
    known = {path: has_file(path, listing) for path in dict.fromkeys(paths)}
    return Found(tuple(p for p, there in known.items() if there), tuple(p for p, there in known.items() if not there))


def is_whole_disk(folder: str) -> bool:
    """Tell whether a folder is the top of a disk, somebody's home, or above it."""
    path, home = os.path.realpath(folder), os.path.realpath(os.path.expanduser("~"))
    return os.path.dirname(path) == path or path == home or home.startswith(os.path.join(path, ""))


def or_lacking(files: Iterable[str], path: str) -> Found:
    """Return some files, or that `path` lacks where there are none."""
    found = tuple(files)
    return Found(found) if found else Found((), (path,))


def _stem(path: str) -> str:
    """Return a path without its extension; `.ass.gz` is one."""
    stem, extension = os.path.splitext(path)
    return os.path.splitext(stem)[0] if extension.lower() == ".gz" else stem


def _one(path: str, listing: DirectoryListing) -> tuple[str, ...]:
    return (path,) if has_file(path, listing) else ()


def _files_below(folder: str) -> Iterator[str]:
    seen = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (os.path.join(root, n) for n in names)
