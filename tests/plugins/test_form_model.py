"""The form: what is chosen for a step, and what the situation makes of it."""

from __future__ import annotations

from conductor_core.host import SceneStep
from conductor_core.submission import Software
from conductor_plugins.form.model import Form, StepForm
from conductor_plugins.form.situation import Situation
from conductor_plugins.host import HostScene


def situation(form: Form) -> Situation:
    scene = HostScene("/job/shot.scene", modified=False, software=Software("memory", "1.0"), frames="1-10")
    return Situation(scene, (SceneStep("beauty", ()), SceneStep("fog", (), enabled=False)), form)


def test_a_step_that_nobody_touched_is_as_the_scene_has_it() -> None:
    """The scene enables beauty alone."""
    assert [step.name for step, _ in situation(Form()).chosen_steps()] == ["beauty"]


def test_what_is_chosen_for_a_step_stands_before_what_is_chosen_for_all() -> None:
    """Frames, chunk size and scouts of a step override those of the form, which override the scene's."""
    form = Form(frames="1-5").with_step("fog", enabled=True, frames="7", chunk_size=2, scouts="fml:3")
    now = situation(form)
    (_, beauty), (_, fog) = now.chosen_steps()
    assert (now.frames_of(beauty), now.chunk_size_of(beauty), now.scouts_of(beauty)) == ("1-5", 1, "")
    assert (now.frames_of(fog), now.chunk_size_of(fog), now.scouts_of(fog)) == ("7", 2, "fml:3")


def test_a_second_choice_for_a_step_keeps_the_first() -> None:
    """Each field of a step is chosen by itself."""
    form = Form().with_step("fog", enabled=True).with_step("fog", frames="3")
    assert form.steps == (StepForm("fog", enabled=True, frames="3"),)


def test_a_step_is_switched_whatever_else_is_chosen_for_it() -> None:
    """On and off again, its own frames stay."""
    form = Form().with_step("fog", enabled=True, frames="3").switched("fog", False)
    assert form.steps == (StepForm("fog", enabled=False, frames="3"),)
    assert form.switched("beauty", True).steps[1] == StepForm("beauty")
