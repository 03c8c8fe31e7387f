"""What the agent answers the panel, as frozen values (docs/api.md, "The agent's local channel").

The panel lives in a host, which speaks neither to the service nor YAML: all that it must know beyond its scene comes from the
agent. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from conductor_core.report import ScanReport

#: where the bytes of a file stand: to be sent; in the store since an upload; in the store since a job rendered it; not on
#: disk; not known yet, since the file has not been read
FileStatus = Literal["new", "stored", "rendered", "missing", "unknown"]


@dataclass(frozen=True, slots=True)
class InstanceType:
    """A kind of machine that can be asked for."""

    name: str
    description: str = ""
    cores: int = 0
    memory_gb: float = 0.0
    #: model of its GPU; "": it has none
    gpu: str = ""
    #: decimal strings, in the offer's currency
    price_per_hour: str = "0"
    #: of the same machine where it may be taken away; "": it is not to be had so
    preemptible_price_per_hour: str = ""


@dataclass(frozen=True, slots=True)
class Package:
    """A software package that the farm has."""

    name: str
    version: str
    description: str = ""
    #: what it is a plug-in of (`maya`); "": it stands by itself
    plug_in_of: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What one can ask the farm for, and as whom."""

    #: address of the service
    service: str
    user: str
    email: str
    role: str
    account: str
    projects: tuple[str, ...]
    currency: str
    instance_types: tuple[InstanceType, ...]
    software: tuple[Package, ...]
    #: whether the service can send e-mails
    sends_email: bool = False
    #: address of the dashboard
    dashboard: str = ""
    #: folders with a studio's own validators, of the agent's settings
    validator_folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """One file of a submission to be, as the store has it."""

    path: str
    size: int
    status: FileStatus


@dataclass(frozen=True, slots=True)
class Check:
    """How far the comparison of some files with the store is: what would be sent, before anything is."""

    #: of the check, to ask again
    id: str
    done: bool
    files_total: int
    files_checked: int
    bytes_total: int
    #: of files that are `new`, the same content counted once; exact when `done` without a problem
    bytes_to_send: int
    #: those whose status is known since the last question (`after`)
    files: tuple[CheckedFile, ...] = ()
    #: give this as `after` the next time
    next: int = 0
    #: sentence on what keeps it from going on, or on what could not be read, with the next step; "": nothing
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a submission would cost and when it would be done; figures are the middle of what is likely."""

    #: seconds of one frame on the instance type, from the past; 0: nobody knows
    frame_seconds: float
    #: what `frame_seconds` rests on
    basis: Literal["scene", "project", "none"]
    #: frames rendered in the past that it rests on
    samples: int
    #: decimal string; "": nobody knows
    cost: str
    currency: str
    #: seconds from the submission's arrival to its last frame; 0: nobody knows
    wall_seconds: float
    instances: int
    billed_minutes: int


@dataclass(frozen=True, slots=True)
class SceneJob:
    """A job of this scene, from submission to the last frame at home."""

    #: of the submission
    id: str
    title: str
    scene: str
    #: of the submission: `hashing`, `uploading`, `committing`, `submitted` or `failed`
    upload_state: str
    bytes_to_send: int
    bytes_sent: int
    #: of the job; empty and 0 before the service has it
    job: str = ""
    number: int = 0
    state: str = ""
    #: by state of their tasks
    frames: Mapping[str, int] = field(default_factory=dict)
    cost: str = ""
    currency: str = ""
    #: the job's page on the dashboard
    page: str = ""
    #: files at home, of those there are
    files_home: int = 0
    files_total: int = 0
    #: local path of the frame that came home last
    last_frame: str = ""
    #: id of the newest output that has a preview (`AgentClient.preview`)
    last_output: str = ""
    #: verbs that the job allows now (`hold`, `resume`, `release`, `kill`, `retry`)
    verbs: tuple[str, ...] = ()
    #: sentence on what went wrong or is waited for, with the next step; "": nothing
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings by name: fields of the form and the values to give them."""

    name: str
    #: where it is kept: this user's, this project's, the studio's
    scope: Literal["personal", "project", "studio"]
    values: Mapping[str, Any]
    #: the file it stands in
    file: str = ""
    #: what is wrong with that file, as a sentence that names file and field; it has no values then; "": nothing
    problem: str = ""


@dataclass(frozen=True, slots=True)
class OwnReading:
    """What our own reading of the scene's file says, to be cross-checked with the host's answer."""

    report: ScanReport | None
    #: why there is none, or what it could not do; "": nothing
    problem: str = ""
