"""The preset of the docs: YAML as the agent reads it, and a form as the panel makes of it."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from conductor_core.agent_answers import Preset
from conductor_core.host import SceneStep
from conductor_plugins.form.model import Form, StepForm
from conductor_plugins.form.preset import with_preset

DOCS = Path(__file__).parents[2] / "docs"


def test_the_example_fits_the_form() -> None:
    """Copied as it stands it says what it seems to say."""
    (text,) = re.findall(r"```yaml\n(.*?)```", (DOCS / "presets.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    steps = [SceneStep("hero_fog", ()), SceneStep("util_z", ())]
    form = with_preset(Form(), Preset("example", "studio", yaml.safe_load(text)), steps)
    assert (form.chunk_size, form.metadata, form.notifications.on) == (4, (("show", "dragons"),), ("failed",))
    assert form.steps == (StepForm("hero_fog", chunk_size=10), StepForm("util_z", enabled=False))
