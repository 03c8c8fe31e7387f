"""What a Fix does to the form, as values: two that do the same are equal, so that a problem that stays is the same problem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from conductor_core.host import SceneStep

from conductor_plugins.form.model import Form, StepForm


@dataclass(frozen=True, slots=True)
class Change:
    """A function of the form with its further arguments."""

    function: Callable[..., Form]
    arguments: tuple[Any, ...] = ()

    def __call__(self, form: Form) -> Form:
        """Return the changed form."""
        return self.function(form, *self.arguments)


def setting(**fields: Any) -> Change:
    """Give fields of the form these values."""
    return Change(_set, (tuple(fields.items()),))


def adding(field: str, *items: Any) -> Change:
    """Put items behind those that a field has."""
    return Change(_add, (field, items))


def removing(field: str, *items: Any) -> Change:
    """Take items out of a field, each as often as it stands there."""
    return Change(_remove, (field, items))


def setting_step(step: SceneStep, **choices: Any) -> Change:
    """Choose something for a step; the rest stays as it was, and a step that nobody touched is rendered as the scene has it."""
    return Change(_set_step, (step.name, step.enabled, tuple(choices.items())))


def _set(form: Form, fields: tuple[tuple[str, Any], ...]) -> Form:
    return replace(form, **dict(fields))


def _add(form: Form, field: str, items: tuple[Any, ...]) -> Form:
    return _set(form, ((field, (*getattr(form, field), *items)),))


def _remove(form: Form, field: str, items: tuple[Any, ...]) -> Form:
    return _set(form, ((field, tuple(item for item in getattr(form, field) if item not in items)),))


def _set_step(form: Form, name: str, enabled: bool, choices: tuple[tuple[str, Any], ...]) -> Form:
    return form.with_choice(replace(form.step(name) or StepForm(name, enabled), **dict(choices)))
