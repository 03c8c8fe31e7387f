"""Presets as files: what the panel saves the agent keeps, and what the documentation shows the form takes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_answers import Preset
from conductor_core.errors import ConductorError
from conductor_core.host import SceneStep
from conductor_plugins.form.model import Form
from conductor_plugins.form.preset import defaults, preset_values, with_preset
from conductor_plugins.form.schema import fields
from hypothesis import HealthCheck, given, settings
from plugins.form_strategies import forms

DOCS = Path(__file__).resolve().parents[2] / "docs" / "presets.md"
BROKEN = Preset("default", "studio", {}, "/studio/default.yaml", "/studio/default.yaml: line 3 is not YAML.")


def test_a_file_that_could_not_be_read_is_told() -> None:
    """Chosen, it says why it does nothing; as a default it is among the problems, and the others apply."""
    with pytest.raises(ConductorError, match=r"line 3 is not YAML\. Mend that file"):
        with_preset(Form(), BROKEN, ())
    layered = defaults([BROKEN, Preset("default", "personal", {"priority": 70})], ())
    assert (layered.form, layered.problems) == (Form(priority=70), (BROKEN.problem,))


@pytest.fixture(scope="module")
def preset_file() -> Any:
    """Give the agent's side of a preset; a host's Python has no YAML, and need not have any."""
    return pytest.importorskip("conductor_core.agent.preset_file")


def test_the_example_of_the_documentation(preset_file: Any) -> None:
    """It is a preset, and each of its fields does what it says."""
    example = re.search(r"```yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert example is not None
    preset = Preset("finals", "studio", preset_file.read_preset(example[1].encode()), "finals.yaml")
    form = with_preset(Form(), preset, (SceneStep("hero_fog", ()), SceneStep("util_z", ())))
    assert (form.instance_type, form.chunk_size, form.scouts, form.preemptible) == ("large", 4, "fml:3", True)
    assert [(step.name, step.enabled, step.chunk_size) for step in form.steps] == [("hero_fog", True, 10), ("util_z", False, 0)]
    assert form.metadata == (("show", "dragons"),)
    assert form.notifications.on == ("failed",)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(forms())
def test_every_form_survives_its_file(preset_file: Any, form: Form) -> None:
    """Whatever is chosen in the panel is the same after it was saved as a preset and read again."""
    values = preset_values(form, fields())
    assert preset_file.read_preset(preset_file.preset_text(values)) == values
    again = with_preset(Form(), Preset("x", "personal", values), ())
    assert replace(again, steps=form.steps, environment=(), metadata=()) == replace(form, environment=(), metadata=())
