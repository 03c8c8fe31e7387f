"""Frame ranges: they can be read, and are what somebody would mean."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from conductor_core.errors import FrameSpecError
from conductor_core.frames import FrameSet, format_frames
from conductor_core.host import SceneStep

from conductor_plugins.form.situation import Situation, frames_in
from conductor_plugins.validators.changes import Change, setting, setting_step
from conductor_plugins.validators.validator import ERROR, WARNING, Fix, Problem, validator

#: frames of one step beyond which a slip of the pen is likelier than a film
MANY = 20_000


@dataclass(frozen=True, slots=True)
class Range:
    """A range as it is written, and who renders it."""

    spec: str
    #: None: all steps that have none of their own
    step: SceneStep | None
    frames: FrameSet

    @property
    def field(self) -> str:
        """The field of the form that it stands in."""
        return "steps" if self.step else "frames"

    @property
    def words(self) -> str:
        """How a sentence about it begins."""
        return f"Step {self.step.name!r}: frame range {self.spec!r}" if self.step else f"The frame range {self.spec!r}"

    def becoming(self, spec: str) -> Change:
        """Return the change that writes another range in its place; "": the one that counts without it."""
        return setting_step(self.step, frames=spec) if self.step else setting(frames=spec)


@validator("frames-unreadable")
def frames_unreadable(situation: Situation) -> Iterator[Problem]:
    """Refuse a range that cannot be read, or that names no frame."""
    own = _readable(situation.scene.frames)
    for spec, step in _specs(situation):
        becomes = setting_step(step, frames=situation.scene.frames) if step else setting(frames="")
        fix = Fix("Use the scene's", becomes) if own and (situation.form.frames or step) else None
        if not spec.strip():
            what = "Nothing says which frames to render."
            yield Problem(ERROR, what, "Write them, like 1001-1100.", "steps" if step else "frames", fix)
            continue
        try:
            frames_in(spec)
        except FrameSpecError as exc:
            where = f"Step {step.name!r}: " if step else ""
            yield Problem(ERROR, where + exc.what, exc.next_step, "steps" if step else "frames", fix)


@validator("frames-beyond-scene")
def frames_beyond_scene(situation: Situation) -> Iterator[Problem]:
    """Warn of frames that the scene's own range does not have: there may be no animation, no cache, no plate."""
    scene = _readable(situation.scene.frames)
    if scene is None:
        return
    low, high = min(scene), max(scene)
    for found in _ranges(situation):
        beyond = [frame for frame in found.frames if not low <= frame <= high]
        if beyond:
            which = "all of it" if len(beyond) == len(found.frames) else _some(beyond)
            yield Problem(
                WARNING,
                f"{found.words} goes beyond the scene's own ({situation.scene.frames}): {which}.",
                "Render them if the scene has something there.",
                found.field,
                Fix("Use the scene's", found.becoming(situation.scene.frames if found.step else "")),
            )


@validator("frames-many")
def frames_many(situation: Situation) -> Iterator[Problem]:
    """Warn of a range so long that a slip of the pen is likelier."""
    for found in _ranges(situation):
        if len(found.frames) > MANY:
            what = f"{found.words} has {len(found.frames):,} frames: {min(found.frames)} to {max(found.frames)}."
            yield Problem(WARNING, what, "Check that no digit is too many.", found.field)


@validator("frames-reversed")
def frames_reversed(situation: Situation) -> Iterator[Problem]:
    """Warn of a range that is rendered from its end."""
    for found in _ranges(situation):
        frames = found.frames.frames
        if len(frames) > 1 and all(a > b for a, b in itertools.pairwise(frames)):
            yield Problem(
                WARNING,
                f"{found.words} is rendered from its last frame to its first.",
                "Turn it round, unless the end is what you want to see first.",
                found.field,
                Fix("Turn it round", found.becoming(format_frames(sorted(frames)))),
            )


@validator("frames-twice")
def frames_twice(situation: Situation) -> Iterator[Problem]:
    """Warn of frames that are named twice: they are rendered once, so something else may have been meant."""
    for found in _ranges(situation):
        if len(found.frames) > MANY:
            continue
        named = [FrameSet.parse(part) for part in found.spec.split(",") if not part.strip().startswith("^")]
        seen: set[int] = set()
        twice = [frame for part in named for frame in part if frame in seen or seen.add(frame)]  # type: ignore[func-returns-value]
        if twice:
            yield Problem(
                WARNING,
                f"{found.words} names frames twice: {_some(twice)}. Each is rendered once.",
                "Check that no other frames were meant.",
                found.field,
                Fix("Write each once", found.becoming(found.frames.spec)),
            )


@validator("frames-miss-last")
def frames_miss_last(situation: Situation) -> Iterator[Problem]:
    """Warn of a step that does not come to the last frame: 1-100x5 ends with 96."""
    for found in _ranges(situation):
        for part in found.spec.split(","):
            last = _missed(part.strip())
            # where it was taken out by hand it is not missed
            if last is not None and last not in found.frames and last in FrameSet.parse(f"{found.spec},{last}"):
                yield Problem(
                    WARNING,
                    f"{found.words} does not come to frame {last}: {part.strip()} ends with {FrameSet.parse(part).frames[-1]}.",
                    "Add the last frame, if the shot is to be seen to its end.",
                    found.field,
                    Fix(f"Render {last} too", found.becoming(f"{found.spec},{last}")),
                )


def _specs(situation: Situation) -> Iterator[tuple[str, SceneStep | None]]:
    """Yield each range that counts once, with the step that alone has it."""
    shared = False
    for step, choice in situation.chosen_steps():
        if choice.frames:
            yield choice.frames, step
        elif not shared:
            shared = True
            yield _default(situation), None


def _ranges(situation: Situation) -> Iterator[Range]:
    """Yield those that can be read and that somebody has written."""
    for spec, step in _specs(situation):
        frames = _readable(spec)
        if frames is not None and (step is not None or situation.form.frames):
            yield Range(spec, step, frames)


def _default(situation: Situation) -> str:
    return situation.form.frames or situation.scene.frames


def _readable(spec: str) -> FrameSet | None:
    try:
        return frames_in(spec)
    except FrameSpecError:
        return None


def _some(frames: list[int]) -> str:
    text = format_frames(frames)
    return text if len(text) <= 60 else f"{len(frames):,} frames, from {frames[0]}"


def _missed(part: str) -> int | None:
    """Return the frame at which a part says it ends and does not."""
    if part.startswith("^") or "x" not in part:
        return None
    whole = FrameSet.parse(part.partition("x")[0]).frames[-1]
    return None if FrameSet.parse(part).frames[-1] == whole else whole
