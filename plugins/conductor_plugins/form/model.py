"""All that can be chosen in the panel, as frozen values. Presets, the settings in the scene and validators speak of its fields."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from conductor_core.environment import EnvironmentVariable
from conductor_core.submission import Exclusion as Exclusion  # of the form too
from conductor_core.submission import Notifications, Scripts


@dataclass(frozen=True, slots=True)
class StepForm:
    """What is chosen for one step of the scene; what is empty is as in the form."""

    name: str
    #: rendered or not
    enabled: bool = True
    #: frame range of this step alone
    frames: str = ""
    #: frames per task of this step alone; 0: the form's
    chunk_size: int = 0
    #: scout frames of this step alone
    scouts: str = ""
    #: absolute patterns (`####` for the frame) to write to, in the order of the step's outputs; (): as the scene says
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """What is chosen. `Form()` is what one gets who chooses nothing; the defaults of a studio are a preset."""

    # Job
    #: "": the scene's file name without its ending
    title: str = ""
    #: "": the only one that the user is in
    project: str = ""
    #: those that were ever touched; a step of the scene that is not among them is as the scene has it
    steps: tuple[StepForm, ...] = ()

    # Frames
    #: "": the scene's own range
    frames: str = ""
    #: frames per task
    chunk_size: int = 1
    #: `1,50,100`, `auto:3`, `fml:3`; "": none
    scouts: str = ""

    # Machines
    #: "": the only one that there is
    instance_type: str = ""
    preemptible: bool = False
    #: how often a task is tried again after a failure of its own, and after its machine was taken away
    retries_failure: int = 1
    retries_preemption: int = 5
    #: 0: as many as the account may have
    max_instances: int = 0
    #: 0 … 100
    priority: int = 50
    #: minutes that one task may take; 0: no limit
    task_minutes: int = 0

    # Software
    #: `blender@4.5.15`; "": what the scene is open in
    software: str = ""
    #: `mtoa@5.4`; None: those that the host has detected
    plug_ins: tuple[str, ...] | None = None

    # Files
    #: files and folders sent beside what was found
    added: tuple[str, ...] = ()
    excluded: tuple[Exclusion, ...] = ()
    #: render even though files are missing
    allow_missing: bool = False
    #: bring frames home as they finish
    download: bool = True

    # Environment
    #: set on the instance beside what is replicated
    environment: tuple[EnvironmentVariable, ...] = ()
    #: names of this workstation's variables that are not to be replicated though a rule says so
    not_replicated: tuple[str, ...] = ()

    scripts: Scripts = field(default_factory=Scripts)
    #: in the artist's order
    metadata: tuple[tuple[str, str], ...] = ()
    notifications: Notifications = field(default_factory=Notifications)

    def step(self, name: str) -> StepForm | None:
        """Return what is chosen for a step, None where nothing was."""
        return next((s for s in self.steps if s.name == name), None)

    def switched(self, name: str, enabled: bool) -> Form:
        """Return the form with a step switched on or off, whatever else is chosen for it."""
        form = self.with_step(name, enabled=enabled)
        return replace(form, steps=tuple(replace(s, enabled=enabled) if s.name == name else s for s in form.steps))

    def with_step(self, name: str, *, enabled: bool = True, **changes: Any) -> Form:
        """Return the form with something chosen for a step; `enabled` counts where it was not touched before."""
        return self.with_choice(replace(self.step(name) or StepForm(name, enabled), **changes))

    def with_choice(self, choice: StepForm) -> Form:
        """Return the form with all that is chosen for a step, whether it is rendered included."""
        if self.step(choice.name) is None:
            return replace(self, steps=(*self.steps, choice))
        return replace(self, steps=tuple(choice if s.name == choice.name else s for s in self.steps))


#: section of the panel → the fields it shows, in its order
SECTIONS: dict[str, tuple[str, ...]] = {
    "Job": ("title", "project", "steps"),
    "Frames": ("frames", "chunk_size", "scouts"),
    "Machines": (
        *("instance_type", "preemptible", "retries_failure", "retries_preemption", "max_instances", "priority", "task_minutes"),
    ),
    "Software": ("software", "plug_ins"),
    "Files": ("added", "excluded", "allow_missing", "download"),
    "Environment": ("environment", "not_replicated"),
    "Scripts": ("scripts",),
    "Metadata": ("metadata",),
    "Notifications": ("notifications",),
}
