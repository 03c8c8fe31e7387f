"""What a validator is: a function from the situation to problems, registered by name; a studio's own come from a folder.

@validator("no-camera")
def cameras(situation: Situation) -> Iterator[Problem]:
    for step, _ in situation.chosen_steps():
        if step.problem:
            yield Problem(ERROR, f"Step {step.name} {step.problem}.", "Add a camera, or switch the step off.", field="steps")

They run in a thread, each time that the artist pauses and once more on Submit, so that a host with a large scene goes on meanwhile: they
look at values, and at the disk for a few paths at most, and know neither Qt nor the host.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from conductor_plugins.form.model import Form
from conductor_plugins.form.situation import Situation

#: an error blocks Submit; a warning is asked about once
Severity = Literal["error", "warning"]
ERROR: Severity = "error"
WARNING: Severity = "warning"

#: the modules of ours that register validators, in the order in which their problems are shown
_OURS = (
    "scene",
    "colours",
    "job",
    "steps",
    "frames",
    "chunks",
    "outputs",
    "files",
    "software",
    "machines",
    "surroundings",
    "scripts",
)


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
#: what is put around a validator when it is registered: a studio's may raise whatever it likes
_guards: list[Callable[[str, Validator], Validator]] = []


def validator(name: str) -> Callable[[Validator], Validator]:
    """Register a function under a name; one of the same name is replaced, so that a studio can have its own in its place."""

    def register(function: Validator) -> Validator:
        guarded = function
        for guard in _guards:
            guarded = guard(name, guarded)
        _VALIDATORS[name] = guarded
        return function

    return register


@contextmanager
def guarded_by(guard: Callable[[str, Validator], Validator]) -> Iterator[None]:
    """Put something around each validator that is registered meanwhile; takes the name and the function."""
    _guards.append(guard)
    try:
        yield
    finally:
        _guards.remove(guard)


def load_ours() -> None:
    """Register our own validators; later ones of the same name stay."""
    for name in _OURS:
        importlib.import_module(f"conductor_plugins.validators.{name}")


def registered() -> dict[str, Validator]:
    """Return all validators by name, in the order in which they were registered."""
    return dict(_VALIDATORS)


def problems_of(situation: Situation) -> Iterator[Problem]:
    """Yield what is wrong, errors of all validators before their warnings; without an error, the situation can be submitted."""
    from conductor_plugins.validators import refusal, studio

    load_ours()
    found = [*studio.load_named(situation)]
    found += [replace(p, validator=name) for name, function in registered().items() for p in function(situation)]
    errors = [p for p in found if p.severity == ERROR]
    yield from errors or refusal.refusals(situation)
    yield from (p for p in found if p.severity == WARNING)
