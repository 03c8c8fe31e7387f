"""Settings in the scene: what was chosen is there again, no secret is, and no text makes reading fail."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from conductor_core.environment import EnvironmentVariable
from conductor_core.submission import Notifications
from conductor_plugins.form.model import Form, StepForm
from conductor_plugins.form.secrets import is_secret
from conductor_plugins.form.sticky import from_text, to_text
from hypothesis import given
from hypothesis import strategies as st
from plugins.form_strategies import forms


@given(forms(6), forms(6))
def test_what_was_chosen_is_there_again(form: Form, defaults: Form) -> None:
    """On top of the same defaults, but for secrets and whom to write to."""
    form = replace(
        form,
        metadata=tuple({k: v for k, v in form.metadata if not is_secret(k, v)}.items()),
        environment=tuple(v for v in form.environment if not is_secret(v.name, v.value)),
        notifications=defaults.notifications,
    )
    assert from_text(to_text(form, defaults=defaults), defaults=defaults) == form


def test_nothing_chosen_leaves_nothing_in_the_scene() -> None:
    """A scene that was only looked at stays as it is."""
    assert to_text(Form()) == ""
    assert to_text(Form(priority=70), defaults=Form(priority=70)) == ""


def test_a_new_default_of_the_studio_reaches_an_old_scene() -> None:
    """Only what the artist chose is kept."""
    text = to_text(Form(chunk_size=4, priority=30), defaults=Form(priority=30))
    assert from_text(text, defaults=Form(priority=60)) == Form(chunk_size=4, priority=60)


def test_no_secret_and_no_address_is_left_in_a_scene() -> None:
    """Scenes are handed around."""
    form = Form(
        environment=(EnvironmentVariable("SHOW_TOKEN", "hunter2"), EnvironmentVariable("A", "1")),
        metadata=(("password", "hunter2"),),
        notifications=Notifications(("mika@studio.test",)),
    )
    text = to_text(form)
    assert "hunter2" not in text
    assert "mika" not in text
    assert '"A"' in text


def test_a_newer_version_is_read_as_far_as_it_is_understood() -> None:
    """Fields that this version does not know are left out, and so is one that has become something else."""
    form = {
        "frames": "1-5",
        "colour": "red",
        "chunk_size": {"frames": 5},
        "steps": [{"name": "fog", "enabled": False, "camera": "left"}],
    }
    text = json.dumps({"conductor": 99, "form": form, "more": 1})
    assert from_text(text) == Form(frames="1-5", steps=(StepForm("fog", enabled=False),))


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", '{"form": []}', '{"form": {"steps": 1}}', "[" * 100_000, '{"form": {"metadata": [["a"]]}}', "x" * (1 << 21)],
    ids=["empty", "cut", "null", "list", "no form", "no steps", "deep", "pairs of one", "huge"],
)  # fmt: skip
def test_a_broken_text_is_as_if_nobody_had_chosen(text: str) -> None:
    """An artist's scene opens, whatever stands in it."""
    assert from_text(text) == Form()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(Form.__slots__) | st.sampled_from(StepForm.__slots__), inner),
    max_leaves=8,
)


@given(st.text() | JSON.map(json.dumps) | JSON.map(lambda data: json.dumps({"form": data})))
def test_reading_never_fails(text: str) -> None:
    """And what comes out can be written again."""
    form = from_text(text)
    assert from_text(to_text(form)) == replace(
        form, environment=from_text(to_text(form)).environment, metadata=from_text(to_text(form)).metadata
    )


@given(forms(6))
def test_a_text_is_ascii(form: Form) -> None:
    """Hosts keep it in scene files of any encoding."""
    assert to_text(form).isascii()
