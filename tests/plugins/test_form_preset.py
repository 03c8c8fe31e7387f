"""Presets: layers that each say what they have to say, and mistakes that are named with file and field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from conductor_core.agent_answers import Preset
from conductor_core.environment import EnvironmentVariable
from conductor_core.submission import Notifications
from conductor_plugins.form.errors import PresetError
from conductor_plugins.form.model import SECTIONS, Form, StepForm
from conductor_plugins.form.preset import defaults, differing, preset_values, with_preset
from conductor_plugins.form.schema import fields, read_field, write_field
from hypothesis import given
from plugins.form_strategies import forms
from plugins.situations import BEAUTY, FOG

STEPS = (BEAUTY, FOG)


def preset(scope: Any = "personal", name: str = "default", /, **values: Any) -> Preset:
    return Preset(name, scope, values, f"/presets/{scope}.yaml")


def test_presets_called_default_apply_by_themselves_from_the_widest_to_the_nearest() -> None:
    """The artist's own stands before the project's, which stands before the studio's, however they come in."""
    layers = [
        preset("personal", priority=70),
        preset("studio", priority=30, chunk_size=5, frames="1-5"),
        preset("project", priority=60, chunk_size=2),
        preset("personal", "night", chunk_size=99),
    ]
    assert defaults(layers, STEPS).form == Form(priority=70, chunk_size=2, frames="1-5")


def test_metadata_and_environment_of_layers_join_by_name() -> None:
    """A project adds to what the studio wants noted, and replaces what has the same name."""
    layers = [
        preset(
            "studio",
            metadata={"site": "north", "show": "?"},
            environment=[{"name": "A", "value": "1"}, {"name": "B", "value": "1"}],
        ),
        preset("project", metadata={"show": "dragons"}, environment=[{"name": "B", "value": "2", "policy": "append"}]),
    ]
    form = defaults(layers, STEPS).form
    assert form.metadata == (("site", "north"), ("show", "dragons"))
    assert form.environment == (EnvironmentVariable("A", "1"), EnvironmentVariable("B", "2", "append"))


def test_steps_are_chosen_by_patterns_of_their_names() -> None:
    """Only what a pattern says is chosen; a step is rendered or not as the scene has it; the last that fits stands."""
    form = defaults(
        [preset(steps=[{"name": "*", "chunk_size": 4}, {"name": "fo?", "chunk_size": 8, "enabled": True}])], STEPS
    ).form
    assert form.steps == (StepForm("beauty", enabled=True, chunk_size=4), StepForm("fog", enabled=True, chunk_size=8))


def test_a_pattern_leaves_what_was_chosen_for_a_step() -> None:
    """Its frames stay where the preset is about chunks."""
    form = Form().with_step("fog", enabled=False, frames="7")
    changed = with_preset(form, preset(steps=[{"name": "fog", "chunk_size": 8}]), STEPS)
    assert changed.steps == (StepForm("fog", enabled=False, frames="7", chunk_size=8),)


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown field": ({"chunksize": 4}, "chunksize", "is no field of the form; there are: title"),
    "a text for a number": ({"chunk_size": "4"}, "chunk_size", "must be int"),
    "a number for a text": ({"frames": 7}, "frames", "must be str"),
    "a yes for a number": ({"priority": True}, "priority", "must be int"),
    "a text for a list": ({"added": "/job"}, "added", "must be a list"),
    "in a list": ({"environment": [{"name": "A", "value": "1", "policy": "add"}]}, "environment[0].policy", "append, prepend"),
    "in a step": ({"steps": [{"name": "fog", "chunk_size": "4"}]}, "steps[0].chunk_size", "must be int"),
    "a step without a name": ({"steps": [{"chunk_size": 4}]}, "steps[0].name", "is missing"),
    "steps that are no list": ({"steps": {"fog": {}}}, "steps", "must be a list"),
    "a number in metadata": ({"metadata": {"shot": 10}}, "metadata.shot", "must be a text"),
    "metadata that is no object": ({"metadata": "shot"}, "metadata", "must be an object"),
    "an occasion": ({"notifications": {"on": ["done"]}}, "notifications.on[0]", "must be one of scouts"),
}


@pytest.mark.parametrize(("values", "field", "reason"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_named_with_file_and_field(values: dict[str, Any], field: str, reason: str) -> None:
    """Whoever wrote it finds the line."""
    with pytest.raises(PresetError) as caught:
        with_preset(Form(), preset("studio", **values), STEPS)
    assert (caught.value.file, caught.value.field) == ("/presets/studio.yaml", field)
    assert reason in str(caught.value)


def test_a_mistake_in_a_default_stops_nobody() -> None:
    """The other fields of the preset count, and a sentence says what does not."""
    layered = defaults([preset("studio", chunk_size="4", priority=30)], STEPS)
    assert layered.form == Form(priority=30)
    assert layered.problems == ("/presets/studio.yaml: chunk_size must be int. Correct it there, or choose another preset.",)


def test_a_preset_holds_what_was_chosen_for_it() -> None:
    """No more than the named fields, and nothing that looks like a secret."""
    form = Form(
        frames="1-5",
        priority=80,
        environment=(EnvironmentVariable("SHOW_TOKEN", "abc"), EnvironmentVariable("SHOW", "/show")),
        metadata=(("api key", "abc"), ("shot", "10")),
        notifications=Notifications(on=("failed",)),
        steps=(StepForm("fog", enabled=False, chunk_size=3),),
    )
    assert differing(form, Form()) == ("steps", "frames", "priority", "environment", "metadata", "notifications")
    assert preset_values(form, ("priority", "environment", "metadata", "notifications", "steps")) == {
        "priority": 80,
        "environment": [{"name": "SHOW", "value": "/show", "policy": "exclusive", "source": ""}],
        "metadata": {"shot": "10"},
        "notifications": {"on": ["failed"]},
        "steps": [{"name": "fog", "enabled": False, "chunk_size": 3}],
    }


def test_every_field_of_the_form_is_in_a_section() -> None:
    """A field that no section shows could be set by a preset and never be seen."""
    assert sorted(fields()) == sorted(name for section in SECTIONS.values() for name in section)


@given(forms(6))
def test_what_a_preset_holds_is_read_back(form: Form) -> None:
    """Field by field; a key of the metadata that stands twice is one in a preset."""
    form = replace(form, metadata=tuple(dict(form.metadata).items()))
    for name in fields():
        assert read_field(name, write_field(name, getattr(form, name))) == getattr(form, name)


@pytest.mark.parametrize("key", ["on", True, "true"])
def test_the_occasions_of_a_preset_are_read_as_yaml_has_them(key: Any) -> None:
    """What a person writes as `on:` YAML reads as a yes."""
    form = with_preset(Form(), preset(notifications={key: ["failed"]}), STEPS)
    assert form.notifications.on == ("failed",)
