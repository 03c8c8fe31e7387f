"""How what a Maya node names comes to files: textures with their converted twins, caches of many files, XGen's sidecars."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from conductor_core.discovery.reach import Found, Reach, has_file
from conductor_core.sequences import DirectoryListing

#: what renderers make of a texture and read in its place: Arnold .tx, RenderMan .tex, Redshift .rstexbin, 3Delight .tdl
_TWINS = (".tx", ".tex", ".rstexbin", ".tdl")
#: Arnold names the colour spaces too: `wood_sRGB_ACEScg.png.tx`
_SPACES = r"_(?:sRGB|srgb|Raw|raw|ACES|scene-linear|Utility|lin|Linear|linear|Rec|rec|gamma|auto)[^/]*"
#: files of one simulation cache: `hair.mcx`, `hairFrame12.mcx`, `hairFrame12Tick600.mcx`
_CACHE_DATA = r"(?:Frame-?\d+(?:Tick\d+)?)?\.(?:mcx|mcc|mc)"


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
class CacheFiles:
    """A simulation cache: its .xml, and the data files that belong to it.

    https://docs.huihoo.com/autodesk/maya/2017/english/Commands/cacheFile.html (one file, or one for each frame)
    """

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the description and all of its data."""
        folder, name = os.path.split(pattern)
        stem = os.path.splitext(name)[0]
        data = re.compile(re.escape(stem) + _CACHE_DATA, re.IGNORECASE)
        files = [os.path.join(folder, n) for n in sorted(listing.names(folder)) if data.fullmatch(n)]
        if has_file(pattern, listing):
            files.insert(0, pattern)
        if not files:
            return Found((), (pattern,))
        lacking = [pattern] if files[0] != pattern else [] if len(files) > 1 else [os.path.join(folder, stem + ".mcx")]
        return Found(tuple(files), tuple(lacking))


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


def _twins(file: str, listing: DirectoryListing) -> list[str]:
    folder, name = os.path.split(file)
    stem, extension = os.path.splitext(name)
    names = listing.names(folder)
    twins = [n for twin in _TWINS for n in (stem + twin, name + twin) if n in names and n != name]
    start, end = stem + "_", extension + ".tx"
    long = [n for n in names if n.startswith(start) and n.endswith(end)]
    if long:
        of_spaces = re.compile(re.escape(stem) + _SPACES + re.escape(end))
        twins += sorted(n for n in long if of_spaces.fullmatch(n))
    return [os.path.join(folder, n) for n in twins]
