"""Which frames of a clip a Nuke node reads for the frames that are asked of it.

Rules: https://learn.foundry.com/nuke/content/reference_guide/image_nodes/read.html (frame range, before, after, frame, missing
frames) and https://learn.foundry.com/nuke/content/reference_guide/time_nodes/timeoffset.html and framehold.html there. That an
offset moves the clip later: http://www.opticalenquiry.com/nuke/index.php?title=Read (a clip from 200 with -100 starts at 100).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conductor_core.discovery.reach import Found, Frames
from conductor_core.sequences import DirectoryListing, files_of_pattern, frame_of, has_frame_token, view_path

#: frames that one node may be asked for; more than that are all that are there
MOST_FRAMES = 20_000


@dataclass(frozen=True, slots=True)
class Clip:
    """The range of a Read node, and what it shows outside of it."""

    #: None: not stored, so nothing is known of the range
    first: int | None = None
    last: int | None = None
    before: str = "hold"
    after: str = "hold"

    def shown(self, frame: int) -> int | None:
        """Return the frame of the clip that is read for a frame of the clip; None where it shows black."""
        if self.first is None or self.last is None or self.last < self.first:
            return frame
        if self.first <= frame <= self.last:
            return frame
        how = self.before if frame < self.first else self.after
        return _outside(frame, self.first, self.last, how)


def _outside(frame: int, first: int, last: int, how: str) -> int | None:
    length = last - first + 1
    if how == "black":
        return None
    if how == "loop":
        return first + (frame - first) % length
    if how == "bounce" and length > 1:
        # the ends are shown once: 3 2 1 2 3
        place = (frame - first) % (2 * length - 2)
        return first + min(place, 2 * length - 2 - place)
    return first if frame < first else last


def held(frame: int, first: int, increment: int) -> int:
    """Return the frame that FrameHold asks for: `first`, or every so many frames from it on."""
    return first + (frame - first) // increment * increment if increment > 0 else first


@dataclass(frozen=True, slots=True)
class AsFound:
    """Frames of which any may lack: a missing one is shown as black or as its neighbour, or nobody knows which are needed."""

    #: None: all between `first` and `last`
    wanted: tuple[int, ...] | None
    #: the neighbour of a frame that lacks is needed
    nearest: bool = False
    first: int | None = None
    last: int | None = None
    views: tuple[str, ...] = ()

    def find(self, pattern: str, listing: DirectoryListing, /) -> Found:
        """Return the files that are there; the pattern lacks where none is."""
        found: dict[str, None] = {}
        for one in view_path(pattern, self.views) if self.views else (pattern,):
            found.update(dict.fromkeys(self._of_view(one, listing)))
        return Found(tuple(found)) if found else Found((), (pattern,))

    def _of_view(self, pattern: str, listing: DirectoryListing) -> Iterable[str]:
        if not has_frame_token(pattern):
            return Frames(None).find(pattern, listing).files
        files = {frame: path for path in files_of_pattern(pattern, listing) if (frame := frame_of(pattern, path)) is not None}
        if not files:
            return files_of_pattern(pattern, listing)
        low = min(files) if self.first is None else self.first
        high = max(files) if self.last is None else self.last
        if self.wanted is None:
            return [files[f] for f in sorted(files) if low <= f <= high]
        there = [f for f in self.wanted if f in files]
        if self.nearest:
            there += [min(files, key=lambda f: abs(f - lacking)) for lacking in self.wanted if lacking not in files]
        return [files[f] for f in dict.fromkeys(there)]
