"""Presets: some fields of the form with their values, kept under a name for one artist, a project or a studio.

Those called `default` apply by themselves, one on another: the studio's, the project's, the artist's own; then what an artist
chose in this scene before (`conductor_plugins.form.sticky`), then what is chosen now. *Reset to defaults* is the first three.
A layer says what it has to say and no more: metadata and environment are joined by name, anything else is replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from conductor_core.agent_answers import Preset
from conductor_core.environment import EnvironmentVariable
from conductor_core.errors import ConductorError, InvalidDocument
from conductor_core.host import SceneStep

from conductor_plugins.form.errors import PresetError
from conductor_plugins.form.model import Form, StepForm
from conductor_plugins.form.schema import differing, fields, read_field, write_field
from conductor_plugins.form.secrets import is_secret

__all__ = ["DEFAULT", "Layered", "defaults", "differing", "preset_values", "with_preset"]

#: name of the preset of each scope that applies by itself
DEFAULT = "default"
_SCOPES = ("studio", "project", "personal")


@dataclass(frozen=True, slots=True)
class Layered:
    """What some presets come to, and a sentence for each of their mistakes: a slip in a studio's file stops nobody."""

    form: Form
    problems: tuple[str, ...] = ()


def defaults(presets: Iterable[Preset], steps: Sequence[SceneStep]) -> Layered:
    """Return the form of an artist who has chosen nothing: the presets called `default`, from the widest to the nearest."""
    form, problems = Form(), []
    own = [preset for preset in presets if preset.name == DEFAULT and preset.scope in _SCOPES]
    problems += [preset.problem for preset in own if preset.problem]
    for preset in sorted(own, key=lambda preset: _SCOPES.index(preset.scope)):
        for name, value in preset.values.items():
            try:
                form = _with_field(form, preset, name, value, steps)
            except PresetError as exc:
                problems.append(str(exc))
    return Layered(form, tuple(problems))


def with_preset(form: Form, preset: Preset, steps: Sequence[SceneStep]) -> Form:
    """Return the form with what a preset says.

    Args:
        form: what is chosen so far.
        preset: as the agent has it.
        steps: of the scene; those whose names fit the patterns of the preset's steps get what it says for them.

    Raises:
        PresetError: naming the preset's file and the field that does not fit.
        ConductorError: its file could not be read.
    """
    if preset.problem:
        raise ConductorError(preset.problem, "Mend that file, or remove it.")
    for name, value in preset.values.items():
        form = _with_field(form, preset, name, value, steps)
    return form


def preset_values(form: Form, chosen: Iterable[str]) -> dict[str, Any]:
    """Return what a preset of these fields holds; what looks like a secret is left out, since presets are files.

    `differing(form, defaults)` are the fields to offer.
    """
    values = {name: getattr(form, name) for name in fields() if name in set(chosen)}
    if "environment" in values:
        values["environment"] = tuple(v for v in form.environment if not is_secret(v.name, v.value))
    if "metadata" in values:
        values["metadata"] = tuple((key, text) for key, text in form.metadata if not is_secret(key, text))
    return {name: write_field(name, value) for name, value in values.items()}


def _with_field(form: Form, preset: Preset, name: str, data: Any, steps: Sequence[SceneStep]) -> Form:
    try:
        if name == "steps":
            return _with_steps(form, data, steps)
        value = read_field(name, data, document=preset.name)
    except InvalidDocument as exc:
        raise PresetError(preset.file or f"The {preset.scope} preset {preset.name!r}", exc.field, exc.reason) from None
    if name == "environment":
        value = _joined(form.environment, value)
    elif name == "metadata":
        value = tuple({**dict(form.metadata), **dict(value)}.items())
    return replace(form, **{name: value})


def _joined(before: tuple[EnvironmentVariable, ...], after: tuple[EnvironmentVariable, ...]) -> tuple[EnvironmentVariable, ...]:
    named = {variable.name for variable in after}
    return (*(variable for variable in before if variable.name not in named), *after)


def _with_steps(form: Form, data: Any, steps: Sequence[SceneStep]) -> Form:
    """Return the form in which each step of the scene has what the patterns that fit its name say, the last one standing."""
    rules = read_field("steps", data)
    for step in steps:
        choice = form.step(step.name) or StepForm(step.name, step.enabled)
        said = [
            {name: getattr(rule, name) for name in written if name != "name"}
            for rule, written in zip(rules, data, strict=True)
            if fnmatchcase(step.name, rule.name)
        ]
        for changes in said:
            choice = replace(choice, **changes)
        if said:
            form = form.with_choice(choice)
    return form
