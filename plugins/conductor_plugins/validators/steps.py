"""The steps: something is rendered, and each of them can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conductor_plugins.form.model import Form, StepForm
from conductor_plugins.form.situation import Situation
from conductor_plugins.validators.changes import Change, setting_step
from conductor_plugins.validators.validator import ERROR, WARNING, Fix, Problem, validator


@validator("no-step")
def no_step(situation: Situation) -> Iterator[Problem]:
    """Refuse to render nothing."""
    if not situation.steps:
        yield Problem(
            ERROR,
            "The scene has nothing that renders.",
            "Add a camera, a write node or a ROP to it, then read the scene again.",
            field="steps",
        )
    elif not situation.chosen_steps():
        sound = tuple(step.name for step in situation.steps if not step.problem)
        fix = Fix("Switch them on", Change(_switched_on, (sound,))) if sound else None
        yield Problem(ERROR, "No step is switched on, so nothing would be rendered.", "Switch on what you want.", "steps", fix)


@validator("step-problem")
def step_problem(situation: Situation) -> Iterator[Problem]:
    """Refuse a step that the host itself says cannot be rendered as it is: without a camera, of a damaged node."""
    for step, _ in situation.chosen_steps():
        if step.problem:
            yield Problem(
                ERROR,
                f"Step {step.name!r} {step.problem}, so it cannot be rendered.",
                "Mend the scene, or switch the step off.",
                "steps",
                Fix("Switch it off", setting_step(step, enabled=False)),
                select=(step.name,),
            )


@validator("step-gone")
def step_gone(situation: Situation) -> Iterator[Problem]:
    """Warn of choices for a step that the scene does not have any more: a renamed layer loses its settings without a word."""
    names = {step.name for step in situation.steps}
    for choice in situation.form.steps:
        touched = replace(choice, enabled=True) != StepForm(choice.name)
        if situation.steps and choice.name not in names and choice.enabled and touched:
            yield Problem(
                WARNING,
                f"Something is chosen for step {choice.name!r}, which the scene does not have (any more).",
                "Choose it anew if the step has another name now.",
                "steps",
                Fix("Forget it", Change(_without_step, (choice.name,))),
            )


def _switched_on(form: Form, names: tuple[str, ...]) -> Form:
    for name in names:
        form = form.with_choice(replace(form.step(name) or StepForm(name), enabled=True))
    return form


def _without_step(form: Form, name: str) -> Form:
    return replace(form, steps=tuple(choice for choice in form.steps if choice.name != name))
