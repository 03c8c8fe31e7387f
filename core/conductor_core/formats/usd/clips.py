"""Value clips: which of a prim's clips the frames of a job need.

https://openusd.org/release/api/_usd__page__value_clips.html; before 2016 they were metadata of their own (`clipAssetPaths` …).
"""

from __future__ import annotations

import math
import os
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from conductor_core.discovery.reach import Found, or_lacking
from conductor_core.formats.usd.layer import Value
from conductor_core.formats.usd.timing import Frames, needed
from conductor_core.sequences import DirectoryListing

#: times that one template may come to
_MOST = 100_000
_HASHES = re.compile(r"(?P<whole>#+)(?:\.(?P<part>#+))?")
#: of the old metadata: what it is called in the dictionary now
_OLD = {
    "clipAssetPaths": "assetPaths",
    "clipActive": "active",
    "clipTimes": "times",
    "clipManifestAssetPath": "manifestAssetPath",
    "clipPrimPath": "primPath",
    "clipTemplateAssetPath": "templateAssetPath",
    "clipTemplateStartTime": "templateStartTime",
    "clipTemplateEndTime": "templateEndTime",
    "clipTemplateStride": "templateStride",
    "clipTemplateActiveOffset": "templateActiveOffset",
}


@dataclass(frozen=True, slots=True)
class ClipSet:
    """One set of clips, as its dictionary says it."""

    name: str
    entries: dict[str, Value]

    def assets(self, frames: Frames) -> Iterator[tuple[str, bool]]:
        """Yield the clips that are listed, and whether a frame needs it."""
        paths = self.entries.get("assetPaths")
        if not isinstance(paths, list):
            return
        indices = self._active(frames)
        for index, path in enumerate(paths):
            if isinstance(path, str) and path:
                yield path, indices is None or index in indices

    def manifest(self) -> str:
        """Return the asset path of the manifest; "" where there is none."""
        path = self.entries.get("manifestAssetPath")
        return path if isinstance(path, str) else ""

    def template(self) -> str:
        """Return the template of asset paths; "" where there is none."""
        path = self.entries.get("templateAssetPath")
        return path if isinstance(path, str) else ""

    def reach(self, frames: Frames) -> TemplateClips:
        """Return how the template comes to files."""
        start, end = self._number("templateStartTime"), self._number("templateEndTime")
        stride = self._number("templateStride") or 1.0
        if start is None or end is None or stride <= 0 or end < start or (end - start) / stride > _MOST:
            return TemplateClips(None)
        times = [start + i * stride for i in range(math.floor((end - start) / stride + 1e-9) + 1)]
        shift = self._number("templateActiveOffset") or 0.0
        wanted = needed([t + shift for t in times], frames)
        near = {i + d for i in wanted for d in (-1, 1)} - wanted
        return TemplateClips(
            tuple(times[i] for i in sorted(wanted)), tuple(times[i] for i in sorted(near) if 0 <= i < len(times)), tuple(times)
        )

    def _number(self, name: str) -> float | None:
        value = self.entries.get(name)
        return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None

    def _active(self, frames: Frames) -> set[int] | None:
        """Return the numbers of the clips that frames need; None: all, since nothing says when each is active."""
        active = self.entries.get("active")
        pairs = [(p[0], p[1]) for p in active if isinstance(p, list) and len(p) == 2] if isinstance(active, list) else []
        times = sorted((float(t), int(i)) for t, i in pairs if _finite(t) and _finite(i))  # type: ignore[arg-type]
        if frames is None or not times:
            return None
        wanted = needed([t for t, _ in times], frames)
        # values between two clips are mixed from both, and motion blur looks over the edge
        wanted |= {i + d for i in wanted for d in (-1, 1) if 0 <= i + d < len(times)}
        return {times[i][1] for i in wanted}


def clip_sets(fields: dict[str, Value]) -> Iterator[ClipSet]:
    """Yield the sets of clips in a prim's metadata."""
    clips = fields.get("clips")
    if isinstance(clips, dict):
        for name, entries in clips.items():
            if isinstance(entries, dict):
                yield ClipSet(f"clips[{name}]", entries)
    old = {new: fields[name] for name, new in _OLD.items() if name in fields}
    if old:
        yield ClipSet("clips", old)


@dataclass(frozen=True, slots=True)
class TemplateClips:
    """The files of a template: `a.###.usd`, or `a.##.##.usd` with parts of a frame."""

    #: None: nobody says which times there are, so all files that fit
    times: tuple[float, ...] | None
    #: taken where they exist
    near: tuple[float, ...] = ()
    #: of the template; where the clip of a time lacks, the one before it holds
    all: tuple[float, ...] = ()

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the clips, and those that lack."""
        folder, name = os.path.split(pattern)
        hashes = _HASHES.search(name)
        if hashes is None:
            return or_lacking([pattern] if listing.has(pattern) else [], pattern)
        if self.times is None:
            number = r"-?[0-9]+" + (r"\.[0-9]+" if hashes["part"] else "")
            fits = re.compile(re.escape(name[: hashes.start()]) + number + re.escape(name[hashes.end() :]))
            names = sorted(n for n in listing.names(folder) if fits.fullmatch(n))
            return or_lacking([os.path.join(folder, n) for n in names], pattern)
        return self._of_times(folder, name, hashes, listing)

    def _of_times(self, folder: str, name: str, hashes: re.Match[str], listing: DirectoryListing) -> Found:
        names = listing.names(folder)
        there = [t for t in self.all if _named(name, hashes, t) in names]
        found: dict[str, None] = {}
        lacking: dict[str, None] = {}
        for time in self.times or ():
            one = _named(name, hashes, time)
            if one in names:
                found[os.path.join(folder, one)] = None
            else:
                lacking[os.path.join(folder, one)] = None
                before = bisect_left(there, time)
                if before:
                    found[os.path.join(folder, _named(name, hashes, there[before - 1]))] = None
        near = (os.path.join(folder, n) for n in (_named(name, hashes, t) for t in self.near) if n in names)
        found.update(dict.fromkeys(near))
        return Found(tuple(found), tuple(lacking))


def _named(name: str, hashes: re.Match[str], time: float) -> str:
    digits = len(hashes["part"] or "")
    whole, _, part = f"{abs(time):.{digits}f}".partition(".")
    text = ("-" if time < 0 else "") + whole.zfill(len(hashes["whole"])) + (f".{part}" if digits else "")
    return name[: hashes.start()] + text + name[hashes.end() :]


def _finite(value: Value) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
