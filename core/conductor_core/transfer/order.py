"""In what order files are sent: the scene, what every frame needs, then what the frames need in the order of their rendering."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from conductor_core.digest import Digest
from conductor_core.errors import FrameSpecError, PathError
from conductor_core.frames import FrameSet, scout_frames
from conductor_core.manifest import Entry
from conductor_core.paths import ClientPath
from conductor_core.submission import Submission

#: the last number before an extension: a tenth of the cost of `sequence_pattern`, whose care for signs no order needs
_NUMBER = re.compile(r"([0-9]{1,9})[^0-9/\\]*(?:\.[^./\\]*)?$")
#: bytes, or objects, that are sent together while it is not known yet what comes after them
PART_BYTES, PART_FILES = 8 << 20, 2048
#: so many times that at most: each part waits for its last file, so a long reading has few of them
_LARGEST_PART = 32
#: places of the scene, and of what belongs to no single frame; frames come after these
_SCENE, _ALL_FRAMES = 0, 1


def frames_in_order(submission: Submission) -> dict[int, int]:
    """Return each frame of a job with its place in the order of rendering: the scout frames of all steps come first."""
    scouts: list[int] = []
    others: list[int] = []
    for step in submission.steps:
        try:
            frames = FrameSet.parse(step.frames)
            scouts += scout_frames(step.scouts, frames) if step.scouts else ()
            others += frames
        except FrameSpecError:
            continue  # the service says so when the job is made
    return {frame: place for place, frame in enumerate(dict.fromkeys((*scouts, *others)))}


@dataclass(frozen=True, slots=True)
class SendingOrder:
    """In what order the files of a submission are sent."""

    submission: Submission
    #: absolute paths of files that no scout frame needs
    later: frozenset[str] = frozenset()

    def sort(self, entries: Iterable[Entry]) -> list[Entry]:
        """Return files in the order in which to send them."""
        scene = self.submission.scene
        with contextlib.suppress(PathError):  # a manifest spells paths in one way
            scene = ClientPath.parse(scene, self.submission.flavour).text
        ordered = sending_order(entries, scene=scene, frames=frames_in_order(self.submission))
        return sorted(ordered, key=lambda entry: entry.path in self.later) if self.later else ordered


def sending_order(entries: Iterable[Entry], *, scene: str, frames: Mapping[int, int]) -> list[Entry]:
    """Return files in the order in which to send them; `frames` has each frame's place.

    A file belongs to a frame when its number is one of the job's and it is one of several with other numbers: a lone
    `wood_2.png`, and tiles that are no frames of the job, are needed by all of them. Of one place the largest come first: a
    great file that starts last leaves the other connections idle.
    """
    # one key after the other, of which the last counts most, and numbers found twice: keeping either takes 30 MB for
    # two hundred thousand files
    files = sorted(entries, key=lambda entry: entry.path)
    files.sort(key=lambda entry: entry.size, reverse=True)
    members = Counter(found[0] for e in files if (found := _numbered(e.path))) if frames else Counter()

    def place(entry: Entry) -> int:
        if entry.path == scene:
            return _SCENE
        found = _numbered(entry.path) if frames else None
        if found is None or members[found[0]] < 2 or found[1] not in frames:
            return _ALL_FRAMES
        return _ALL_FRAMES + 1 + frames[found[1]]

    files.sort(key=place)
    return files


def first_of(entries: Iterable[Entry], parts: int = 0) -> Iterator[Digest]:
    """Yield the objects that are sent together, of files in their order: one at least, and twice as much after each of `parts`."""
    size, times = 0, min(1 << parts, _LARGEST_PART)
    for number, entry in enumerate(entries):
        size += entry.size
        if number and (size > PART_BYTES * times or number >= PART_FILES * times):
            return
        yield Digest(entry.digest)


def _numbered(path: str) -> tuple[tuple[str, str], int] | None:
    """Return what stands around a file's number, and the number."""
    found = _NUMBER.search(path)
    return ((path[: found.start(1)], path[found.end(1) :]), int(found[1])) if found else None
