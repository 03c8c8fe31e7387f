"""What a validator is: a function from the situation to problems, registered by name; a studio's own come from a folder.

@validator("no-camera")
def cameras(situation: Situation) -> Iterator[Problem]:
    for step, _ in situation.chosen_steps():
        if step.problem:
            yield Problem(ERROR, f"Step {step.name} {step.problem}.", "Add a camera, or switch the step off.", field="steps")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from conductor_plugins.form.model import Form
from conductor_plugins.form.situation import Situation

#: an error blocks Submit; a warning is asked about once
Severity = Literal["error", "warning"]
ERROR: Severity = "error"
WARNING: Severity = "warning"


@dataclass(frozen=True, slots=True)
class Fix:
    """How a problem can be mended by one click: a change of the form, or something that the host does."""

    #: of the button, e.g. `Save`
    label: str
    #: what the form becomes; None: the host does it
    form: Callable[[Form], Form] | None = None
    #: what the host does
    host: Literal["", "save"] = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong, in a sentence that says what and where, and one that says what to do."""

    severity: Severity
    what: str
    next_step: str = ""
    #: the field of the form that it is about, e.g. `frames`, `steps`; "": the scene
    field: str = ""
    fix: Fix | None = None
    #: referrers of findings, or names of steps, that *Select* shows in the host
    select: tuple[str, ...] = ()
    #: the validator that says so
    validator: str = ""

    def key(self) -> tuple[str, str]:
        """Return by what a warning is known again, once it was accepted."""
        return self.validator, self.what


Validator = Callable[[Situation], Iterable[Problem]]

_VALIDATORS: dict[str, Validator] = {}


def validator(name: str) -> Callable[[Validator], Validator]:
    """Register a function under a name; one of the same name is replaced, so that a studio can have its own in its place."""

    def register(function: Validator) -> Validator:
        _VALIDATORS[name] = function
        return function

    return register


def registered() -> dict[str, Validator]:
    """Return all validators by name, in the order in which they were registered."""
    return dict(_VALIDATORS)


def problems_of(situation: Situation) -> Iterator[Problem]:
    """Yield what is wrong, errors of all validators before their warnings."""
    found = [replace(p, validator=name) for name, function in registered().items() for p in function(situation)]
    yield from (p for p in found if p.severity == ERROR)
    yield from (p for p in found if p.severity == WARNING)
