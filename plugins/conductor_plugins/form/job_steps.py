"""From the steps of the scene and what is chosen for them to the steps of a submission: exactly the frames that were asked for."""

from __future__ import annotations

from collections.abc import Iterable

from conductor_core.errors import ConductorError, FrameSpecError
from conductor_core.frames import FrameSet, scout_frames
from conductor_core.host import SceneStep
from conductor_core.paths import Flavour, is_absolute
from conductor_core.steps import after_of, check_renderable, commands_of, outputs_of
from conductor_core.submission import Output, Step

from conductor_plugins.form.errors import FormError
from conductor_plugins.form.model import StepForm
from conductor_plugins.form.situation import Situation, frames_in


def steps_of(situation: Situation) -> tuple[Step, ...]:
    """Return the steps of the submission.

    Raises:
        FormError: there is none, or one that cannot be rendered as it is.
    """
    chosen = situation.chosen_steps()
    if not situation.steps:
        raise FormError("steps", "The scene has nothing that renders.", "Add a camera, write node or ROP, and open this again.")
    if not chosen:
        raise FormError("steps", "No step is switched on.", "Switch on what is to be rendered.")
    try:
        check_renderable([step for step, _ in chosen])
    except ConductorError as exc:
        raise FormError("steps", exc.what, exc.next_step) from exc
    frames = {step.name: _frames(situation, choice) for step, choice in chosen}
    scouts = _scouts(situation, frames)
    outputs = {step.name: _outputs(step, choice, situation.flavour) for step, choice in chosen}
    commands = commands_of((step, outputs[step.name]) for step, _ in chosen)
    return tuple(
        Step(
            name=step.name,
            frames=frames[step.name].spec,
            chunk_size=_chunk_size(situation, choice),
            kind="command" if step.command else "frames",
            outputs=outputs[step.name],
            after=after_of(step, frames),
            command=commands[step.name],
            parameters=step.parameters,
            scouts=scouts[step.name],
        )
        for step, choice in chosen
    )


def moved_outputs(situation: Situation) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Yield each step that writes elsewhere than the scene says, with a pattern for each output up to the last that moves."""
    for step, choice in situation.chosen_steps():
        patterns = patterns_of(step, choice)
        if patterns != tuple(output.path for output in step.outputs[: len(patterns)]):
            yield step.name, patterns


def patterns_of(step: SceneStep, choice: StepForm) -> tuple[str, ...]:
    """Return the places that a step's outputs were moved to, up to the last that was; an empty text moves nothing."""
    patterns = [pattern.strip() for pattern in choice.outputs]
    while patterns and not patterns[-1]:
        patterns.pop()
    kept = [output.path for output in step.outputs] + patterns[len(step.outputs) :]
    return tuple(pattern or kept[number] for number, pattern in enumerate(patterns))


def _frames(situation: Situation, choice: StepForm) -> FrameSet:
    spec = situation.frames_of(choice)
    field = "steps" if choice.frames else "frames"
    if not spec.strip():
        raise FormError(field, "The scene does not say which frames it has.", "Write them, like 1001-1100.")
    try:
        return frames_in(spec)
    except FrameSpecError as exc:
        where = f"Step {choice.name!r}: " if choice.frames else ""
        raise FormError(field, f"{where}{exc.what}", exc.next_step) from exc


def _scouts(situation: Situation, frames: dict[str, FrameSet]) -> dict[str, str]:
    """Return each step's scout frames; a list that is for all steps leaves out those that have none of its frames.

    Raises:
        FormError: a text that cannot be read, or frames that no step has.
    """
    result: dict[str, str] = {}
    unlucky: FrameSpecError | None = None
    for _, choice in situation.chosen_steps():
        spec = situation.scouts_of(choice).strip()
        try:
            result[choice.name] = spec if scout_frames(spec, frames[choice.name].frames) else ""
        except FrameSpecError as exc:
            if choice.scouts:
                raise FormError(
                    "steps", f"Step {choice.name!r}: {_of_scouts(exc)}", "Write scouts like 1,50,100 or fml:3."
                ) from exc
            result[choice.name], unlucky = "", exc
    if unlucky is not None and not any(result.values()):
        raise FormError("scouts", _of_scouts(unlucky), "Write scouts like 1,50,100, auto:3 or fml:3.") from unlucky
    return result


def _chunk_size(situation: Situation, choice: StepForm) -> int:
    size = situation.chunk_size_of(choice)
    if size < 1:
        raise FormError("steps", f"Step {choice.name!r}: a chunk has at least 1 frame, not {size}.", "Choose 1 or more.")
    return size


def _outputs(step: SceneStep, choice: StepForm, flavour: Flavour) -> tuple[Output, ...]:
    patterns = patterns_of(step, choice)
    for pattern in patterns:
        if not is_absolute(pattern, flavour):
            raise FormError(
                "steps", f"Step {step.name!r} cannot write to {pattern!r}: it is not a whole path.", "Write it from its root."
            )
    try:
        return outputs_of(step, patterns)
    except ConductorError as exc:
        raise FormError("steps", exc.what, exc.next_step) from exc


def _of_scouts(exc: FrameSpecError) -> str:
    return exc.what.replace("Frame range", "Scout frames", 1)
