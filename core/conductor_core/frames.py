"""Frame ranges as the field writes them: `1-10`, `1-100x5`, `1,5,9-12`, `-10--5`, `10-1`, `1-100,^40-50`.

The grammar is ours, validated and standard-library-only, because hosts import it and because a frame range that is
misread renders the wrong frames without a word (docs/decisions/0002-frame-grammar.md)::

    spec  = part *( "," part )          blanks and tabs around commas only
    part  = [ "^" ] range               ^ takes the frames out, wherever in the spec it stands
    range = frame [ "-" frame [ "x" step ] ]
    frame = [ "-" ] digits              whole numbers; leading zeros mean nothing
    step  = digits                      1 or more; a range that falls (10-1) counts down

The order is the order in which to render. A frame named twice is rendered once, at its first place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from conductor_core.errors import FrameSpecError

#: Frames that one spec may name, duplicates and exclusions counted: at 10 s a frame this is four months of rendering.
MAX_FRAMES = 1_000_000
#: Frames are 32-bit integers in every host.
MAX_FRAME_NUMBER = 2**31 - 1

_PART = re.compile(
    r"(?P<exclude>\^)?(?P<first>-?[0-9]+)(?:-(?P<last>-?[0-9]+)(?:x(?P<step>[0-9]+))?)?",
    re.ASCII,
)
_BLANKS = " \t"
_LONGEST_NUMBER = 64


@dataclass(frozen=True, slots=True)
class FrameSet:
    """The frames of a step: at least one, each once, in the order in which to render."""

    frames: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what no spec could say, so that a FrameSet is always right.

        Raises:
            FrameSpecError: no frame, a frame twice, too many frames, or a frame number beyond 32 bits.
        """
        if not self.frames:
            raise FrameSpecError("", "", "there is no frame")
        if len(self.frames) > MAX_FRAMES:
            raise FrameSpecError(f"{self.frames[0]}…", f"{len(self.frames)} frames", f"more than {MAX_FRAMES:,} frames")
        if len(set(self.frames)) != len(self.frames):
            raise FrameSpecError(f"{self.frames[0]}…", f"{len(self.frames)} frames", "a frame stands twice")
        for frame in (min(self.frames), max(self.frames)):
            if abs(frame) > MAX_FRAME_NUMBER:
                raise FrameSpecError(f"{self.frames[0]}…", str(frame), "the frame number is beyond 32 bits")

    @classmethod
    def parse(cls, spec: str) -> FrameSet:
        """Read a frame range.

        Raises:
            FrameSpecError: the text does not follow the grammar, names no frame, or more than a million.
        """
        wanted: dict[int, None] = {}
        excluded: set[int] = set()
        budget = MAX_FRAMES
        for text in spec.split(","):
            exclude, frames = _read_part(spec, text.strip(_BLANKS))
            budget -= len(frames)
            if budget < 0:
                raise FrameSpecError(spec, text.strip(_BLANKS), f"more than {MAX_FRAMES:,} frames")
            if exclude:
                excluded.update(frames)
            else:
                wanted.update(dict.fromkeys(frames))
        kept = tuple(f for f in wanted if f not in excluded) if excluded else tuple(wanted)
        if not kept:
            raise FrameSpecError(spec, spec.strip(), "no frame is left")
        return cls(kept)

    @property
    def spec(self) -> str:
        """Return the shortest text of these frames in this order: equal sets have equal texts."""
        return format_frames(self.frames)

    def chunks(self, size: int) -> tuple[tuple[int, ...], ...]:
        """Return the frames in runs of `size` (the last may be shorter), one run for each task.

        A chunk is the very frames and not their first and last: a chunk of `1-100x5` never renders a frame between.

        Raises:
            ValueError: `size` is below 1.
        """
        if size < 1:
            raise ValueError(f"a chunk has at least 1 frame, not {size}")
        return tuple(self.frames[i : i + size] for i in range(0, len(self.frames), size))

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[int]:
        return iter(self.frames)

    def __contains__(self, frame: object) -> bool:
        return frame in self.frames

    def __str__(self) -> str:
        return self.spec


#: a rule for scout frames with the number of frames that it picks
_SCOUT_RULE = re.compile(r"(?P<rule>auto|fml):(?P<count>[0-9]{1,7})", re.ASCII)


def scout_frames(spec: str, frames: Iterable[int]) -> tuple[int, ...]:
    """Return which of a step's frames are rendered first, in the order in which the step renders them.

    A list in the grammar of this module (`1,50,100`) picks those of its frames that the step has; `auto:N` picks N frames
    in the middle of N equal parts; `fml:N` picks the first, the last, and the rest evenly between them (`fml:3`: first,
    middle, last). Where N is as many as there are, all of them are scouts. "" picks none.

    Raises:
        FrameSpecError: it is none of these, names no frame of the step, or N is 0.
    """
    have = tuple(frames)
    if not spec.strip(_BLANKS):
        return ()
    rule = _SCOUT_RULE.fullmatch(spec.strip(_BLANKS))
    if rule is None:
        wanted = set(FrameSet.parse(spec).frames)
        picked = tuple(f for f in have if f in wanted)
        if not picked:
            raise FrameSpecError(spec, spec.strip(_BLANKS), "the step has none of these frames")
        return picked
    count = int(rule["count"])
    if count < 1:
        raise FrameSpecError(spec, rule[0], "the number of scout frames is 0")
    if count >= len(have):
        return have
    if rule["rule"] == "auto":
        places = [(2 * i + 1) * len(have) // (2 * count) for i in range(count)]
    elif count == 1:
        places = [0]
    else:
        places = [i * (len(have) - 1) // (count - 1) for i in range(count)]
    return tuple(have[place] for place in places)


def format_frames(frames: Iterable[int]) -> str:
    """Return frames as a compact range in the same order, a frame that comes again left out; "" for no frames.

    `FrameSet.parse(format_frames(frames)).frames` is `frames` again. Two frames become a range only when they are
    neighbours (`1-2`), three when they are evenly spaced (`1-9x4`).
    """
    rest = tuple(dict.fromkeys(frames))
    parts = []
    start = 0
    while start < len(rest):
        end = _run_end(rest, start)
        parts.append(_format_run(rest[start], rest[end - 1], end - start))
        start = end
    return ",".join(parts)


def _run_end(frames: tuple[int, ...], start: int) -> int:
    """Return the index after the evenly spaced run that begins at `start`."""
    if start + 1 == len(frames):
        return start + 1
    step = frames[start + 1] - frames[start]
    end = start + 2
    while end < len(frames) and frames[end] - frames[end - 1] == step:
        end += 1
    return end if end - start > 2 or abs(step) == 1 else start + 1


def _format_run(first: int, last: int, count: int) -> str:
    if count == 1:
        return str(first)
    step = abs(last - first) // (count - 1)
    return f"{first}-{last}" if step == 1 else f"{first}-{last}x{step}"


def _read_part(spec: str, part: str) -> tuple[bool, range]:
    """Return whether a part excludes, and its frames."""
    match = _PART.fullmatch(part)
    if match is None:
        raise FrameSpecError(spec, part, _reason(part))
    first = _number(spec, part, match["first"])
    last = first if match["last"] is None else _number(spec, part, match["last"])
    step = 1 if match["step"] is None else _number(spec, part, match["step"])
    if step == 0:
        raise FrameSpecError(spec, part, "the step must be 1 or more")
    frames = range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
    return match["exclude"] is not None, frames


def _number(spec: str, part: str, digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER or abs(int(digits)) > MAX_FRAME_NUMBER:
        raise FrameSpecError(spec, part, "the number is beyond 32 bits")
    return int(digits)


def _reason(part: str) -> str:
    """Say what is wrong with a part that does not match, in the words of the person who wrote it."""
    if not part:
        return "nothing stands between two commas, or before the first or after the last"
    if re.search(r"\s", part):
        return "blanks may stand around commas only"
    if "." in part:
        return "frames are whole numbers"
    if re.search(r"x-", part):
        return "a step is 1 or more; write a falling range like 10-1x2"
    if re.fullmatch(r"\^?-?[0-9]+x[0-9]+", part):
        return "a step needs a range before it"
    return "this is not a frame or a range"
