"""What the service hands a runner: one task, and everything needed to run it (docs/api.md, Assignment)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from conductor_core.documents import from_json
from conductor_core.environment import EnvironmentVariable
from conductor_core.paths import Flavour
from conductor_core.submission import Limits, Scripts, Step

LaunchKind = Literal["bpy-module", "blender-binary", "mayapy", "nuke", "hython", "command"]


@dataclass(frozen=True, slots=True)
class AttemptRef:
    """The lease under which a task runs; the fence goes with every call."""

    id: str
    fence: int
    number: int
    #: the task is given up if its output is bad now: a picture that is only in doubt is accepted
    last_try: bool = False


@dataclass(frozen=True, slots=True)
class JobRef:
    """The job, for logs and for the name of its stage folder."""

    id: str
    number: int
    title: str
    project: str


@dataclass(frozen=True, slots=True)
class TaskRef:
    """The task: exactly these frames, in this order."""

    id: str
    index: int
    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Package:
    """A software package of the service's catalogue."""

    name: str
    version: str
    description: str = ""
    launch: LaunchKind = "command"
    #: the interpreter or binary on the instance; may be empty for `command`
    executable: str = ""
    #: folders the software needs to see, read-only
    roots: tuple[str, ...] = ()
    environment: tuple[EnvironmentVariable, ...] = ()
    #: what it is a plug-in of; "": it stands by itself
    plug_in_of: str = ""
    #: words put before the command of a command step, the first a program on the instance
    start: tuple[str, ...] = ()
    #: its tasks share the machine's network: what needs a licence server has to reach it (docs/security.md says what that gives up)
    network: bool = False


@dataclass(frozen=True, slots=True)
class Assignment:
    """One task to run."""

    attempt: AttemptRef
    job: JobRef
    task: TaskRef
    step: Step
    #: absolute client path; empty for jobs without a scene
    scene: str
    flavour: Flavour
    software: Package
    #: digest of the manifest's canonical bytes
    manifest: str
    environment: tuple[EnvironmentVariable, ...]
    limits: Limits
    #: tasks with the same session can share a loaded scene
    session: str
    #: further packages that the software must have: their roots are shown, their variables join its own
    plug_ins: tuple[Package, ...] = ()
    #: names what the steps before this one made, in the state that the task is for; "": there are none
    inputs: str = ""
    #: what the artist has sent along beside the scene
    scripts: Scripts = field(default_factory=Scripts)


def assignment_from_json(data: Any) -> Assignment:
    """Return the assignment in `data`.

    Raises:
        InvalidDocument: a field is missing, unknown or of another type.
    """
    return from_json(Assignment, data, document="assignment")
