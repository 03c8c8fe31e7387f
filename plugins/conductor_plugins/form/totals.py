"""What a form comes to in frames and tasks; a range is read once, however often it is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from conductor_core.errors import FrameSpecError
from conductor_core.frames import FrameSet, format_frames, scout_frames

from conductor_plugins.form.situation import Situation


@dataclass(frozen=True, slots=True)
class Totals:
    """What would be rendered."""

    frames: int
    tasks: int
    #: of `frames`, those that run first
    scouts: int = 0


@lru_cache(maxsize=64)
def frames_in(spec: str) -> FrameSet | FrameSpecError:
    """Return the frames of a range, or what is wrong with it."""
    try:
        return FrameSet.parse(spec)
    except FrameSpecError as exc:
        return exc.with_traceback(None)


@lru_cache(maxsize=64)
def scouts_in(scouts: str, spec: str) -> tuple[int, ...] | FrameSpecError:
    """Return which frames of a range are scouts, or what is wrong with either text."""
    frames = frames_in(spec)
    if isinstance(frames, FrameSpecError):
        return frames
    try:
        return scout_frames(scouts, frames)
    except FrameSpecError as exc:
        return exc.with_traceback(None)


def tasks_in(frames: int, chunk_size: int) -> int:
    """Return how many tasks that many frames come to."""
    return -(-frames // max(1, chunk_size))


def totals(situation: Situation) -> Totals:
    """Return frames and tasks of all steps that are rendered; a step whose range cannot be read counts nothing."""
    frames = tasks = scouts = 0
    for _, choice in situation.chosen_steps():
        spec = situation.frames_of(choice)
        mine = frames_in(spec)
        if isinstance(mine, FrameSpecError):
            continue
        frames += len(mine)
        tasks += tasks_in(len(mine), situation.chunk_size_of(choice))
        first = scouts_in(situation.scouts_of(choice), spec)
        scouts += 0 if isinstance(first, FrameSpecError) else len(first)
    return Totals(frames, tasks, scouts)


def brief(frames: tuple[int, ...]) -> str:
    """Return frames as a text that fits into a line: `1-10, 15`, or the first and the last where they are many runs."""
    if len(frames) > 10_000:
        return f"{frames[0]} … {frames[-1]}"
    text = format_frames(frames).replace(",", ", ")
    return text if len(text) <= 60 else f"{frames[0]} … {frames[-1]}"
