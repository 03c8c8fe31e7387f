"""The frames of a step as one range, for what writes all of them into one file: a movie, an Alembic cache."""

from __future__ import annotations

from conductor_core.frames import FrameSet

#: what an artist is to do where there is none
NEXT_STEP = "Choose a range such as 1-100 or 1-100x2."


def whole_range(spec: str) -> tuple[int, int, int] | None:
    """Return first, last and increment of a step's frames; None where they are not evenly spaced."""
    frames = sorted(FrameSet.parse(spec))
    by = frames[1] - frames[0] if len(frames) > 1 else 1
    return (frames[0], frames[-1], by) if frames == list(range(frames[0], frames[-1] + 1, by)) else None
