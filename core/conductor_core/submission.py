"""The submission: everything an artist asks for, in one frozen value, the same in every host, in CLI, API and database.

A submission says *what* to render; which files it needs travels beside it as a manifest (`conductor_core.manifest`).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from conductor_core.environment import EnvironmentVariable
from conductor_core.paths import Flavour

Parameter = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Software:
    """A package of the catalogue, as asked for."""

    #: catalogue name: `blender`, `maya`, `nuke`, `houdini`, or any other package
    name: str
    #: full or partial version (`4.5.15`, `4.5`); the service resolves it against its catalogue
    version: str


@dataclass(frozen=True, slots=True)
class Output:
    """Files that a step will write, under the artist's own path.

    The frame token is a run of `#`; the runner gives the task write access to the folder of `path`.
    """

    #: absolute client path, e.g. `/job/render/shot_####.exr`
    path: str
    kind: Literal["image", "movie", "cache", "other"] = "image"
    #: pixels; 0 where it is not known before rendering
    width: int = 0
    height: int = 0
    #: layer or pass names that a multilayer image must have; empty: not checked
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One render layer, write node, ROP or command of a job, with its frames."""

    #: unique in the job
    name: str
    #: frame range in the grammar of `conductor_core.frames`, in the order in which to render
    frames: str
    #: frames per task
    chunk_size: int = 1
    #: `frames`: a frame server of the software; `command`: `command` is run once per task
    kind: Literal["frames", "command"] = "frames"
    outputs: tuple[Output, ...] = ()
    #: names of steps that must succeed before this one starts
    after: tuple[str, ...] = ()
    #: argv of a command step; `{frame}`, `{frames}`, `{first}`, `{last}` are replaced in each word
    command: tuple[str, ...] = ()
    #: for the host's render.py: e.g. Blender `scene`, `view_layer`, `camera`
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a task is tried again, counted per cause: preemption apart from failure."""

    failure: int = 1
    preemption: int = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """When a task is given up on; seconds."""

    #: a task may run this long; 0: no limit
    task_seconds: int = 0
    #: no progress, log or output for this long means it hangs; 0: no limit
    silence_seconds: int = 3600


@dataclass(frozen=True, slots=True)
class Client:
    """Who submitted, from where: shown to people, never trusted."""

    user: str = ""
    host: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """One job as asked for."""

    #: made by the client (`new_submission_id`); the same id twice is the same job
    id: str
    #: project name
    project: str
    title: str
    #: absolute client path of the scene file; empty for jobs without one
    scene: str
    flavour: Flavour
    software: Software
    steps: tuple[Step, ...]
    instance_type: str
    preemptible: bool = False
    #: 0 … 100, higher first
    priority: int = 50
    #: instances this job may use at once; 0: as many as the account may have
    max_instances: int = 0
    retries: Retries = Retries()
    limits: Limits = Limits()
    environment: tuple[EnvironmentVariable, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    #: paths that the scan found missing and the artist agreed to do without
    allowed_missing: tuple[str, ...] = ()
    client: Client = Client()


def new_submission_id() -> str:
    """Return a fresh submission id (UUID4, hex)."""
    return uuid.uuid4().hex
