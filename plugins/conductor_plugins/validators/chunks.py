"""How frames become tasks: chunks that fit the range, movies in one piece, and scouts that leave something to hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conductor_core.errors import FrameSpecError
from conductor_core.frames import FrameSet, scout_frames
from conductor_core.host import SceneStep
from conductor_core.sequences import has_frame_token
from conductor_core.steps import movie_not_rendered, outputs_of
from conductor_core.submission import Output

from conductor_plugins.form.job_steps import patterns_of
from conductor_plugins.form.model import Form, StepForm
from conductor_plugins.form.situation import Situation, frames_in
from conductor_plugins.validators.changes import Change, setting, setting_step
from conductor_plugins.validators.validator import ERROR, WARNING, Fix, Problem, validator


@validator("chunk-size")
def chunk_size(situation: Situation) -> Iterator[Problem]:
    """Refuse chunks without a frame."""
    if situation.form.chunk_size < 1:
        what = f"A chunk has at least 1 frame, not {situation.form.chunk_size}."
        yield Problem(ERROR, what, "Choose 1 or more.", "chunk_size", Fix("Use 1", setting(chunk_size=1)))
    for step, choice in situation.chosen_steps():
        if choice.chunk_size < 0:
            what = f"Step {step.name!r}: a chunk has at least 1 frame, not {choice.chunk_size}."
            fix = Fix("As for all steps", setting_step(step, chunk_size=0))
            yield Problem(ERROR, what, "Choose 1 or more, or 0 for what counts for all.", "steps", fix)


@validator("chunk-larger-than-range")
def chunk_larger_than_range(situation: Situation) -> Iterator[Problem]:
    """Warn of a chunk that no step fills: one instance renders all of it, whatever the number says."""
    # a single frame cannot be spread anyway
    larger = [found for found in _steps(situation) if _size(situation, found[1]) > len(found[2]) > 1]
    for step, choice, frames in larger:
        if choice.chunk_size:
            what = (
                f"Step {step.name!r} has {_frames(frames)}, and {choice.chunk_size} to a chunk: one instance renders all of them."
            )
            fix = Fix(f"Use {len(frames)}", setting_step(step, chunk_size=len(frames)))
            yield Problem(WARNING, what, "Choose fewer frames per chunk, to render on several.", "steps", fix)
    shared = [(step, frames) for step, choice, frames in larger if not choice.chunk_size]
    if shared and situation.form.chunk_size > 1:
        fewest = min(len(frames) for _, frames in shared)
        who = " and ".join(f"step {step.name!r}" for step, _ in shared[:2]) if len(shared) < 3 else f"{len(shared)} steps"
        what = (
            f"A chunk has {situation.form.chunk_size} frames, and {who} {'has' if len(shared) == 1 else 'have'} fewer ({fewest})."
        )
        yield Problem(
            WARNING,
            f"{what} One instance renders all of them.",
            "Choose fewer frames per chunk, to render on several.",
            "chunk_size",
            Fix(f"Use {fewest}", setting(chunk_size=fewest)),
        )


@validator("movie-in-chunks")
def movie_in_chunks(situation: Situation) -> Iterator[Problem]:
    """Refuse a movie, or one file of a whole range, whose frames are rendered apart: each task would write over the others'."""
    for step, choice, frames in _steps(situation):
        outputs = outputs_of(step, patterns_of(step, choice)[: len(step.outputs)])
        if not step.command and (movie := movie_not_rendered(situation.software().name, outputs)):
            yield Problem(
                ERROR,
                f"Step {step.name!r} writes a movie, {movie}, and {situation.software().name.capitalize()} renders pictures only on the farm.",
                "Set a format of pictures, or write to a place that ends in .exr or .png.",
                "steps",
                select=(step.name,),
            )
            continue
        whole = next((word for output in outputs if (word := _of_all_frames(output))), "")
        if whole and not step.command and 1 <= _size(situation, choice) < len(frames):
            size = _size(situation, choice)
            yield Problem(
                ERROR,
                f"Step {step.name!r} writes one {whole} of {_frames(frames)}, and each task of {size} would write over the others'.",
                "Render it in one chunk, or write single frames.",
                "steps" if choice.chunk_size else "chunk_size",
                Fix("One chunk", setting_step(step, chunk_size=len(frames))),
                select=(step.name,),
            )


def _of_all_frames(output: Output) -> str:
    """Return what an output is that holds all frames of its step: a movie, a cache (.abc, .usd); "": there is a file for each."""
    if output.kind == "movie":
        return "movie"
    return "cache" if output.kind == "cache" and not has_frame_token(output.path) else ""


@validator("scouts")
def scouts(situation: Situation) -> Iterator[Problem]:
    """Refuse scout frames that cannot be read, or that no step has; warn of a step that has none of them."""
    lacking: list[str] = []
    refused: FrameSpecError | None = None
    shared = 0
    for step, choice, frames in _steps(situation):
        spec = situation.scouts_of(choice).strip()
        shared += bool(spec) and not choice.scouts
        try:
            scout_frames(spec, frames.frames)
        except FrameSpecError as exc:
            if choice.scouts:
                fix = Fix("No scouts of its own", setting_step(step, scouts=""))
                yield Problem(
                    ERROR, f"Step {step.name!r}: {_of_scouts(exc)}", "Write scouts like 1,50,100 or fml:3.", "steps", fix
                )
            else:
                lacking.append(step.name)
                refused = exc
    if refused is None:
        return
    off = Fix("No scouts", setting(scouts=""))
    if len(lacking) == shared:
        yield Problem(ERROR, _of_scouts(refused), "Write scouts like 1,50,100, auto:3 or fml:3.", "scouts", off)
        return
    names = ", ".join(map(repr, lacking))
    what = f"None of the scout frames {situation.form.scouts} is a frame of {names}: all of it is rendered at once."
    yield Problem(
        WARNING, what, "Choose scouts for that step, or auto:3 for all.", "scouts", Fix("Use auto:3", setting(scouts="auto:3"))
    )


@validator("scouts-are-all")
def scouts_are_all(situation: Situation) -> Iterator[Problem]:
    """Warn of scouts that leave nothing to hold: a task with a scout frame in it is rendered whole."""
    for step, choice, frames in _steps(situation):
        size = _size(situation, choice)
        try:
            first = set(scout_frames(situation.scouts_of(choice), frames.frames))
        except FrameSpecError:
            continue
        if not first or size < 1 or len(frames) < 2 or not all(first & set(chunk) for chunk in frames.chunks(size)):
            continue
        why = (
            "all its frames are scouts" if len(first) == len(frames) else f"with {size} frames to a chunk every task has a scout"
        )
        yield Problem(
            WARNING,
            f"Step {step.name!r}: {why}, so nothing is held until you have looked.",
            "Choose fewer scouts or smaller chunks.",
            "steps" if choice.scouts else "scouts",
            Fix("No scouts", Change(_without_scouts, (step.name,))),
        )


def _without_scouts(form: Form, name: str) -> Form:
    """Return the form in which a step has no scouts; those that count for all can only go for all."""
    choice = form.step(name)
    if choice is not None and choice.scouts:
        form = form.with_choice(replace(choice, scouts=""))
    return replace(form, scouts="")


def _steps(situation: Situation) -> Iterator[tuple[SceneStep, StepForm, FrameSet]]:
    """Yield the steps whose frames can be read."""
    for step, choice in situation.chosen_steps():
        try:
            yield step, choice, frames_in(situation.frames_of(choice))
        except FrameSpecError:
            continue


def _size(situation: Situation, choice: StepForm) -> int:
    return situation.chunk_size_of(choice)


def _of_scouts(exc: FrameSpecError) -> str:
    return exc.what.replace("Frame range", "Scout frames", 1)


def _frames(frames: FrameSet) -> str:
    return "1 frame" if len(frames) == 1 else f"{len(frames)} frames"
