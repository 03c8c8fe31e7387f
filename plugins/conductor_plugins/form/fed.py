"""What chosen steps make for other chosen steps, as the form stands now."""

from __future__ import annotations

from conductor_core.errors import FrameSpecError
from conductor_core.feeding import Fed, Maker, fed_by
from conductor_core.steps import after_of

from conductor_plugins.form.job_steps import patterns_of
from conductor_plugins.form.situation import Situation, frames_in


def fed_of(situation: Situation) -> Fed:
    """Return the files that are made within the job before they are read; a step that writes elsewhere makes nothing for others."""
    chosen = situation.chosen_steps()
    names = {step.name for step, _ in chosen}
    if not any(step.after for step, _ in chosen):
        return Fed()
    makers = []
    for step, choice in chosen:
        moved = patterns_of(step, choice)
        outputs = (*moved, *(output.path for output in step.outputs[len(moved) :]))
        try:
            frames = frames_in(situation.frames_of(choice))
        except FrameSpecError:  # another validator says so
            continue
        makers.append(Maker(step.name, outputs, frames, after_of(step, names)))
    return fed_by(makers)
