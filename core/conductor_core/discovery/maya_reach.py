"""How what a Maya node names comes to files: textures with their converted twins, XGen's sidecars."""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass

from conductor_core.discovery.reach import Found, Reach, has_file
from conductor_core.sequences import DirectoryListing

#: what renderers make of a texture and read in its place: Arnold .tx, RenderMan .tex, Redshift .rstexbin, 3Delight .tdl
_TWINS = (".tx", ".tex", ".rstexbin", ".tdl")
#: Arnold names the colour spaces too: `wood_sRGB_ACEScg.png.tx`
_SPACES = re.compile(
    r"(?P<stem>.+?)_(?:sRGB|srgb|Raw|raw|ACES|scene-linear|Utility|lin|Linear|linear|Rec|rec|gamma|auto)[^/]*"
    r"(?P<extension>\.[^./]+)\.tx"
)


@dataclass(frozen=True, slots=True)
class WithTwins:
    """Textures, and where they exist what a renderer has converted them to."""

    plain: Reach

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the textures and their twins; a twin does not make up for a texture that lacks."""
        found = self.plain.find(pattern, listing)
        names = dict.fromkeys(found.files)
        for file in (*found.files, *found.lacking):
            names.update(dict.fromkeys(_twins(file, listing)))
        return Found(tuple(names), found.lacking)


@dataclass(frozen=True, slots=True)
class NamedSo:
    """A name with a token of a frame in it, which is the name itself where there is such a file: `chair#2.png`."""

    plain: Reach

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the file of this very name, or else those that the token stands for."""
        return Found((pattern,)) if listing.has(pattern) else self.plain.find(pattern, listing)


@dataclass(frozen=True, slots=True)
class Sidecars:
    """A file, and those whose names start with its own: `shot__hair.xgen`, `shot__hair__fur.abc`."""

    extensions: tuple[str, ...]

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the file and its sidecars."""
        if not has_file(pattern, listing):
            return Found((), (pattern,))
        folder, name = os.path.split(pattern)
        stem = os.path.splitext(name)[0]
        near = [n for n in listing.names(folder) if n != name and n.startswith((stem + ".", stem + "__"))]
        return Found((pattern, *(os.path.join(folder, n) for n in sorted(near) if n.endswith(self.extensions))))


@functools.lru_cache(maxsize=16)
def _with_spaces(names: frozenset[str]) -> dict[str, list[str]]:
    """Return the names of a folder that tell colour spaces, by the texture that they were made from."""
    found: dict[str, list[str]] = {}
    for name in sorted(n for n in names if n.endswith(".tx")):
        if match := _SPACES.fullmatch(name):
            found.setdefault(match["stem"] + match["extension"], []).append(name)
    return found


def _twins(file: str, listing: DirectoryListing) -> list[str]:
    folder, name = os.path.split(file)
    stem, extension = os.path.splitext(name)
    names = listing.names(folder)
    twins = [n for twin in _TWINS for n in (stem + twin, name + twin) if n in names and n != name]
    twins += _with_spaces(names).get(stem + extension, ())
    return [os.path.join(folder, n) for n in twins]
