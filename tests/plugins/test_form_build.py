"""From the form to a submission: every field arrives, the frames are those asked for, and a refusal names its field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from conductor_core.agent_answers import Package
from conductor_core.environment import EnvironmentVariable
from conductor_core.host import SceneStep
from conductor_core.submission import Exclusion, Notifications, Output, Retries, Scripts, Software
from conductor_plugins.form.build import Planned, planned
from conductor_plugins.form.errors import FormError
from conductor_plugins.form.model import Form, StepForm
from conductor_plugins.form.situation import Situation
from plugins.answering_agent import OFFER
from plugins.situations import BEAUTY, CHOSEN, FOG, REPORT, missing, on_windows, situation


def plan(now: Situation) -> Planned:
    return planned(now, identity="0123", is_file=lambda path: path.startswith("/studio"))


def with_form(**fields: Any) -> Planned:
    return plan(situation(replace(CHOSEN, **fields)))


def test_what_is_not_touched_is_as_scene_and_offer_have_it() -> None:
    """Title, frames, software and steps come from the scene."""
    job = with_form().submission
    assert (job.id, job.title, job.scene, job.project, job.instance_type) == (
        "0123",
        "shot",
        "/job/shot.scene",
        "dragons",
        "large",
    )
    assert [(s.name, s.frames, s.chunk_size, s.outputs) for s in job.steps] == [("beauty", "1-10", 1, BEAUTY.outputs)]
    assert job.software == Software("memory", "1.0")


FIELDS: dict[str, tuple[dict[str, Any], str, Any]] = {
    "title": ({"title": " shot 10 "}, "title", "shot 10"),
    "project": ({"project": "tests"}, "project", "tests"),
    "instance_type": ({"instance_type": "gpu"}, "instance_type", "gpu"),
    "preemptible": ({"preemptible": True}, "preemptible", True),
    "retries": ({"retries_failure": 3, "retries_preemption": 9}, "retries", Retries(3, 9)),
    "max_instances": ({"max_instances": 7}, "max_instances", 7),
    "priority": ({"priority": 80}, "priority", 80),
    "task_minutes": ({"task_minutes": 90}, "limits.task_seconds", 5400),
    "software": ({"software": "memory@2.0"}, "software", Software("memory", "2.0")),
    "plug_ins": ({"plug_ins": ("mtoa@5.4", "mtoa@5.4")}, "plug_ins", (Software("mtoa", "5.4"),)),
    "metadata": ({"metadata": (("shot", "10"), ("", ""))}, "metadata", {"shot": "10"}),
    "scripts": ({"scripts": Scripts(startup=("/job/a.py",))}, "scripts", Scripts(startup=("/job/a.py",))),
    "notifications": (
        {"notifications": Notifications((" mika@studio.test ", ""), ("failed",))},
        "notifications",
        Notifications(("mika@studio.test",), ("failed",)),
    ),
    "environment": (
        {"environment": (EnvironmentVariable("A", "1"),)},
        "environment",
        (EnvironmentVariable("A", "1", "exclusive", "the form"),),
    ),
    "excluded": ({"excluded": (Exclusion("/job/x", "big"),)}, "excluded", (Exclusion("/job/x", "big"),)),
}


@pytest.mark.parametrize(("fields", "place", "value"), FIELDS.values(), ids=FIELDS.keys())
def test_each_field_arrives(fields: dict[str, Any], place: str, value: Any) -> None:
    """What is chosen is what is submitted."""
    found: Any = with_form(**fields).submission
    for name in place.split("."):
        found = getattr(found, name)
    assert found == value


def test_steps_have_their_own_frames_chunks_scouts_and_places() -> None:
    """What is chosen for a step stands before what is chosen for all."""
    form = replace(CHOSEN, frames="1-20x2", chunk_size=5, scouts="fml:3")
    form = form.with_step("fog", enabled=True, frames="7,3", chunk_size=1, scouts="3", outputs=("/job/other/f_##.png",))
    beauty, fog = plan(situation(form)).submission.steps
    assert (beauty.frames, beauty.chunk_size, beauty.scouts) == ("1-19x2", 5, "fml:3")
    assert (fog.frames, fog.chunk_size, fog.scouts, fog.outputs[0].path) == ("7,3", 1, "3", "/job/other/f_##.png")


def test_a_steps_own_range_order_and_program_arrive() -> None:
    """A write node has its own range until the artist says another; what reads its files waits for it; a program renders by itself."""
    denoise = SceneStep("denoise", (Output("/job/d_####.exr"),), frames="5-8")
    comp = SceneStep("comp", (Output("/job/c_####.exr"),), after=("denoise", "off"))
    ass = SceneStep("kick", (Output("/job/k_####.exr"),), after=("denoise",), command=("kick", "-i", "/job/{frame}.ass"))
    first, second, third = plan(situation(CHOSEN, steps=[denoise, comp, ass])).submission.steps
    assert [step.frames for step in (first, second, third)] == ["5-8", "1-10", "1-10"]
    assert [step.after for step in (first, second, third)] == [(), ("denoise",), ("denoise",)]
    assert (second.kind, third.kind, third.command) == ("frames", "command", ("kick", "-i", "/job/{frame}.ass"))
    form = replace(CHOSEN, frames="1-4")
    assert [step.frames for step in plan(situation(form, steps=[denoise, comp])).submission.steps] == ["1-4", "1-4"]


def test_a_program_renders_what_was_moved() -> None:
    """An export that goes elsewhere is rendered from there; where the program itself writes, its scene says, and the panel says so."""
    export = SceneStep("rop", (Output("/job/s_####.ass"),))
    kick = SceneStep("kick", (Output("/job/k_####.exr"),), after=("rop",), command=("kick", "-i", "/job/s_{frame:04d}.ass"))
    form = CHOSEN.with_step("rop", enabled=True, outputs=("/job/other/s_####.ass",)).with_step("kick", enabled=True)
    _, second = plan(situation(form, steps=[export, kick])).submission.steps
    assert second.command == ("kick", "-i", "/job/other/s_{frame:04d}.ass")
    with pytest.raises(FormError, match="rendered by kick, which writes where its scene says"):
        plan(situation(form.with_step("kick", enabled=True, outputs=("/job/else_####.exr",)), steps=[export, kick]))


def test_scouts_for_all_steps_leave_out_a_step_that_has_none_of_them() -> None:
    """A list of scout frames for the whole job is no mistake where one step renders other frames."""
    form = replace(CHOSEN, scouts="1,5").with_step("fog", enabled=True, frames="100-110")
    assert [step.scouts for step in plan(situation(form)).submission.steps] == ["1,5", ""]


def test_an_output_that_is_not_moved_stays_where_the_scene_has_it() -> None:
    """An empty place moves nothing, and the command line is told up to the last that moves."""
    two = SceneStep("beauty", (Output("/job/a_#.exr"), Output("/job/b_#.exr"), Output("/job/c_#.exr")))
    form = CHOSEN.with_step("beauty", outputs=("", "/job/x_#.exr", ""))
    now = plan(situation(form, steps=[two]))
    assert [o.path for o in now.submission.steps[0].outputs] == ["/job/a_#.exr", "/job/x_#.exr", "/job/c_#.exr"]
    assert now.moved_outputs == (("beauty", ("/job/a_#.exr", "/job/x_#.exr")),)


def test_files_are_those_found_without_those_excluded_and_with_those_added() -> None:
    """The scene comes first; scripts bring their files along, and a program of the system stays where it is."""
    hooks = Scripts(
        ("/studio/nuke",), ("/studio/start.py",), ("/usr/bin/python3", "/studio/hook.py", "{frame}", "/elsewhere"), ()
    )
    form = replace(CHOSEN, added=("/job/notes",), excluded=(Exclusion("/job/tex", "slow"),), scripts=hooks)
    files = plan(situation(form)).files
    assert files == ("/job/shot.scene", "/job/notes", "/studio/nuke", "/studio/start.py", "/studio/hook.py")
    assert with_form().files == ("/job/shot.scene", "/job/tex/wood.exr")


def test_missing_files_that_may_be_missing_are_named_unless_they_are_excluded() -> None:
    """The job says which paths nobody is to look for, and why others were left out."""
    report = missing("/job/a.exr", "/job/b.exr")
    form = replace(CHOSEN, allow_missing=True, excluded=(Exclusion("/job/b.exr", "old"),))
    assert plan(situation(form, report=report)).submission.allowed_missing == ("/job/a.exr",)
    assert plan(situation(report=report)).submission.allowed_missing == ()


def test_plug_ins_are_those_of_the_host_until_somebody_says_otherwise() -> None:
    """None are sent where the list was emptied by hand."""
    scene = {"plug_ins": (Software("mtoa", "5.4"),)}
    assert plan(situation(scene=scene)).submission.plug_ins == (Software("mtoa", "5.4"),)
    assert plan(situation(replace(CHOSEN, plug_ins=()), scene=scene)).submission.plug_ins == ()


def test_a_plug_in_of_unknown_version_is_the_newest_of_the_farm() -> None:
    """Not every host can tell; where the farm has none, the name alone is asked for."""
    offer = replace(OFFER, software=(Package("mtoa", "5.4"), Package("mtoa", "5.10")))
    scene = {"plug_ins": (Software("mtoa", ""), Software("yeti", ""))}
    assert plan(situation(scene=scene, offer=offer)).submission.plug_ins == (Software("mtoa", "5.10"), Software("yeti", ""))


def test_what_is_set_by_hand_stands_in_the_place_of_what_is_replicated() -> None:
    """A path joins, a whole value replaces, and what the artist forbids does not go."""
    environment = {"OCIO": "/studio/a.ocio", "PXR_PLUGINPATH_NAME": "/studio/usd", "OCIO_ACTIVE_VIEWS": "film"}
    by_hand = (EnvironmentVariable("OCIO", "/job/b.ocio"), EnvironmentVariable("PXR_PLUGINPATH_NAME", "/job/usd", "prepend"))
    form = replace(CHOSEN, environment=by_hand, not_replicated=("OCIO_ACTIVE_VIEWS",))
    now = plan(situation(form, environment=environment)).submission.environment
    assert [(v.name, v.value, v.policy) for v in now] == [
        ("PXR_PLUGINPATH_NAME", "/studio/usd", "append"),
        ("OCIO", "/job/b.ocio", "exclusive"),
        ("PXR_PLUGINPATH_NAME", "/job/usd", "prepend"),
    ]


def test_a_secret_is_not_replicated_by_a_rule() -> None:
    """It goes only where somebody has written it into the form."""
    environment = {"SHOW_TOKEN": "abc"}
    report = replace(REPORT, dependencies=(replace(REPORT.dependencies[0], as_written="$SHOW_TOKEN/wood.exr"),))
    assert plan(situation(environment=environment, report=report)).submission.environment == ()


def test_windows_paths_are_submitted_as_windows_paths() -> None:
    """The flavour is the workstation's, and exclusions compare as Windows does."""
    form = replace(CHOSEN, excluded=(Exclusion(r"c:\JOB\tex", "slow"),))
    now = plan(on_windows(form))
    assert now.submission.flavour.value == "windows"
    assert now.files == ("C:/job/shot.scene",)


REFUSED: dict[str, tuple[Form, str, str]] = {
    "no project": (replace(CHOSEN, project=""), "project", "Choose one of: dragons, tests"),
    "no instance type": (replace(CHOSEN, instance_type=""), "instance_type", "small, large, gpu"),
    "frames that are none": (replace(CHOSEN, frames="1-"), "frames", "1-"),
    "frames of a step": (CHOSEN.with_step("beauty", frames="x"), "steps", "'beauty'"),
    "no step": (CHOSEN.with_step("beauty", enabled=False), "steps", "No step"),
    "too many places": (CHOSEN.with_step("beauty", outputs=("/a_#.exr", "/b_#.exr")), "steps", "2 places"),
    "a relative place": (CHOSEN.with_step("beauty", outputs=("out/a_#.exr",)), "steps", "not a whole path"),
    "a place with dot-dot": (CHOSEN.with_step("beauty", outputs=("/job/../a_#.exr",)), "steps", "without '..'"),
    "a chunk of 0": (replace(CHOSEN, chunk_size=0), "chunk_size", "at least 1"),
    "a chunk of -1 of a step": (CHOSEN.with_step("beauty", chunk_size=-1), "steps", "at least 1"),
    "a chunk beyond numbers": (replace(CHOSEN, chunk_size=2**40), "chunk_size", "more than"),
    "scouts that are none": (replace(CHOSEN, scouts="auto:x"), "scouts", "auto:x"),
    "scouts that no step has": (replace(CHOSEN, scouts="99"), "scouts", "none of these"),
    "scouts that the step has not": (CHOSEN.with_step("beauty", scouts="99"), "steps", "none of these"),
    "priority": (replace(CHOSEN, priority=101), "priority", "Priority must be 0 to 100"),
    "retries": (replace(CHOSEN, retries_failure=-1), "retries_failure", "Retries on failure must be 0 or more"),
    "preemptions": (replace(CHOSEN, retries_preemption=-1), "retries_preemption", "0 or more"),
    "instances": (replace(CHOSEN, max_instances=-1), "max_instances", "0 or more"),
    "minutes": (replace(CHOSEN, task_minutes=-1), "task_minutes", "-1 minutes"),
    "software": (replace(CHOSEN, software="memory"), "software", "name@version"),
    "old software": (replace(CHOSEN, software="memory@0.9"), "software", "saved by Memory 1.0"),
    "plug-in": (replace(CHOSEN, plug_ins=("mtoa",)), "plug_ins", "name@version"),
    "no reason": (replace(CHOSEN, excluded=(Exclusion("/job/x", " "),)), "excluded", "why /job/x"),
    "relative exclusion": (replace(CHOSEN, excluded=(Exclusion("x", "big"),)), "excluded", "not absolute"),
    "the scene excluded": (replace(CHOSEN, excluded=(Exclusion("/job", "big"),)), "excluded", "the scene itself"),
    "variable": (replace(CHOSEN, environment=(EnvironmentVariable("1", "x"),)), "environment", "not the name"),
    "variables that disagree": (
        replace(CHOSEN, environment=(EnvironmentVariable("A", "1"), EnvironmentVariable("A", "2"))),
        "environment",
        "contradicts itself",
    ),
    "relative script": (replace(CHOSEN, scripts=Scripts(startup=("a.py",))), "scripts", "not a whole path"),
    "program without a name": (replace(CHOSEN, scripts=Scripts(before_task=(" ",))), "scripts", "must name a program"),
    "key": (replace(CHOSEN, metadata=(("", "x"),)), "metadata", "no key"),
    "key twice": (replace(CHOSEN, metadata=(("a", "x"), ("a ", "y"))), "metadata", "stands twice"),
    "e-mail": (replace(CHOSEN, notifications=Notifications(("mika",))), "notifications", "not an e-mail address"),
    "not Unicode": (replace(CHOSEN, metadata=(("a", "\udcff"),)), "metadata", "not Unicode"),
    "title that is not Unicode": (replace(CHOSEN, title="\udcff"), "title", "not Unicode"),
}


@pytest.mark.parametrize(("form", "field", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refusal_names_the_field(form: Form, field: str, words: str) -> None:
    """The panel puts the keyboard where the mistake is."""
    with pytest.raises(FormError) as caught:
        plan(situation(form))
    assert caught.value.field == field
    assert words in str(caught.value)


def test_a_scene_without_a_file_is_the_scenes_own_fault() -> None:
    """No field of the form can mend it."""
    with pytest.raises(FormError) as caught:
        plan(situation(scene={"path": ""}))
    assert caught.value.field == ""


def test_a_step_that_cannot_be_rendered_is_refused_by_name() -> None:
    """Unless it is switched off."""
    lame = replace(FOG, enabled=True, problem="has no camera")
    with pytest.raises(FormError, match="'fog' has no camera"):
        plan(situation(steps=[BEAUTY, lame]))
    off = replace(CHOSEN, steps=(StepForm("fog", enabled=False),))
    assert len(plan(situation(off, steps=[BEAUTY, lame])).submission.steps) == 1
