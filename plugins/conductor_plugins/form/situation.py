"""Everything that is known at one instant: what validators judge, what the preview shows, what a submission is made of."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conductor_core.frames import FrameSet
from conductor_core.paths import Flavour, local_flavour
from conductor_core.submission import Software

from conductor_plugins.form.model import Form, StepForm
from conductor_plugins.host import HostScene

if TYPE_CHECKING:
    from conductor_core.agent_answers import Check, Estimate, Offer, SceneJob
    from conductor_core.host import SceneStep
    from conductor_core.report import ScanReport


@functools.lru_cache(maxsize=64)
def frames_in(spec: str) -> FrameSet:
    """Return the frames of a range; read once, since a range that is a slip of the pen may name a million.

    Raises:
        FrameSpecError: it cannot be read.
    """
    return FrameSet.parse(spec)


@dataclass(frozen=True, slots=True)
class Situation:
    """The scene, the form, and what is known about both so far."""

    scene: HostScene
    steps: tuple[SceneStep, ...]
    form: Form = field(default_factory=Form)
    #: None: the scan is not done
    report: ScanReport | None = None
    #: None: the agent has not answered yet
    offer: Offer | None = None
    check: Check | None = None
    estimate: Estimate | None = None
    #: of the host's process
    environment: Mapping[str, str] = field(default_factory=dict)
    #: how this workstation writes paths
    flavour: Flavour = field(default_factory=local_flavour)
    #: of this scene, newest first, as far as they were looked for
    jobs: tuple[SceneJob, ...] = ()

    def chosen_steps(self) -> tuple[tuple[SceneStep, StepForm], ...]:
        """Return the steps that are rendered, in the scene's order, each with what is chosen for it."""
        chosen = {choice.name: choice for choice in self.form.steps}
        pairs = ((step, chosen.get(step.name) or StepForm(step.name, step.enabled)) for step in self.steps)
        return tuple((step, choice) for step, choice in pairs if choice.enabled)

    def frames_of(self, choice: StepForm) -> str:
        """Return the frame range of a step as it is written: chosen for it, for all, its own in the scene, or the scene's."""
        own = next((step.frames for step in self.steps if step.name == choice.name), "")
        return choice.frames or self.form.frames or own or self.scene.frames

    def scouts_of(self, choice: StepForm) -> str:
        """Return the scout frames of a step as they are written."""
        return choice.scouts or self.form.scouts

    def chunk_size_of(self, choice: StepForm) -> int:
        """Return the frames per task of a step."""
        return choice.chunk_size or self.form.chunk_size

    def title(self) -> str:
        """Return what the job is called."""
        return self.form.title.strip() or os.path.splitext(os.path.basename(self.scene.path))[0]

    def project(self) -> str:
        """Return the project's name; "" where none is chosen and there is not just one."""
        if self.form.project or self.offer is None:
            return self.form.project
        return self.offer.projects[0] if len(self.offer.projects) == 1 else ""

    def instance_type(self) -> str:
        """Return the instance type's name; "" where none is chosen and there is not just one."""
        if self.form.instance_type or self.offer is None:
            return self.form.instance_type
        return self.offer.instance_types[0].name if len(self.offer.instance_types) == 1 else ""

    def software(self) -> Software:
        """Return the package that renders."""
        name, at, version = self.form.software.partition("@")
        return Software(name, version) if at else self.scene.software
