"""What the service answers, as frozen values (docs/api.md, "Shapes").

Reading is tolerant of fields this client does not know, so that a newer service can be spoken to; a field that is
missing or of another type is an error that names it.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from conductor_core.documents import from_json
from conductor_core.submission import Submission

T = TypeVar("T")

#: job states that no longer change by themselves
FINISHED = ("success", "failed", "killed")


@dataclass(frozen=True, slots=True)
class Named:
    """An id with the name people use."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class AccountAnswer:
    """The studio that the token belongs to."""

    id: str
    name: str
    instance_limit: int = 0


@dataclass(frozen=True, slots=True)
class UserAnswer:
    """The person that the token belongs to."""

    id: str
    name: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class Me:
    """Who the token says I am."""

    account: AccountAnswer
    user: UserAnswer
    role: str
    projects: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class InstanceType:
    """One line of the catalogue of machines."""

    name: str
    description: str = ""
    cores: int = 0
    memory_gb: float = 0.0
    gpu: str | int | None = None
    price_per_hour: str = "0"
    #: of the same machine where it may be taken away; empty: it is not to be had so
    preemptible_price_per_hour: str | None = ""


@dataclass(frozen=True, slots=True)
class Package:
    """One software package that instances have."""

    name: str
    version: str
    description: str = ""
    #: what it is a plug-in of; empty: it stands by itself
    plug_in_of: str | None = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What can be asked for."""

    instance_types: tuple[InstanceType, ...]
    software: tuple[Package, ...]
    currency: str = ""
    #: whether the service can send e-mails
    sends_email: bool = False


@dataclass(frozen=True, slots=True)
class StepAnswer:
    """A step of a job with its derived state."""

    id: str
    name: str
    frames: str
    state: str


@dataclass(frozen=True, slots=True)
class Scouts:
    """How far a job's scout frames are, by tasks."""

    total: int = 0
    #: ended, well or not
    done: int = 0
    #: tasks that wait until somebody has seen them
    held: int = 0


@dataclass(frozen=True, slots=True)
class LicenceWait:
    """That a job's software gets no licence: its tasks wait, and are not on an instance."""

    #: tasks
    waiting: int = 0
    #: in a row, without a licence
    tries: int = 0
    since: str = ""
    next_try: str = ""
    #: whether an instance tries now
    trying: bool = False
    #: what the software said
    message: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is now."""

    id: str
    number: int
    title: str
    project: str
    state: str
    frames: Mapping[str, int]
    tasks: Mapping[str, int]
    uploading: bool = False
    created: str = ""
    finished: str | None = None
    submitted_by: str | None = ""
    priority: int = 50
    instance_type: str = ""
    preemptible: bool = False
    scene: str = ""
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    scouts: Scouts = Scouts()
    #: None: it does not wait for one
    licence: LicenceWait | None = None
    cost: str = "0"
    billed_minutes: int = 0
    submission: Submission | None = None
    steps: tuple[StepAnswer, ...] = ()
    last_output: str | None = None
    #: moves that would change something now; None: a service that does not say
    verbs: tuple[str, ...] | None = None

    def ended(self) -> bool:
        """Tell whether the job no longer changes by itself."""
        return self.state in FINISHED


@dataclass(frozen=True, slots=True)
class Hold:
    """A named reason why a task waits."""

    name: str
    actor: str | None = ""
    reason: str | None = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a task on an instance."""

    id: str
    number: int
    state: str
    task: str = ""
    instance: str | None = ""
    started: str | None = None
    ended: str | None = None
    cause: str | None = None
    exit_code: int | None = None
    message: str | None = ""
    peak_memory: int | None = 0
    log_size: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """One chunk of frames."""

    id: str
    job: str
    step: str
    index: int
    frames: tuple[int, ...]
    state: str
    version: int = 0
    frames_done: tuple[int, ...] = ()
    holds: tuple[Hold, ...] = ()
    progress: float = 0.0
    attempts_made: int = 0
    cause: str | None = None
    message: str | None = ""
    attempts: tuple[Attempt, ...] | None = None


@dataclass(frozen=True, slots=True)
class OutputFile:
    """One published file of a job."""

    seq: int
    id: str
    job: str
    path: str
    digest: str
    size: int
    mode: int = 0
    mtime_ns: int = 0
    task: str = ""
    attempt: str = ""
    step: str = ""
    frame: int | None = None
    width: int | None = 0
    height: int | None = 0
    layers: tuple[str, ...] | None = ()
    created: str = ""
    preview: bool = False
    #: of its job, and the project's name; only where files of several jobs are told of
    number: int = 0
    project: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What became of a question for files of which several agents share the bringing home."""

    #: theirs to bring who asked
    granted: tuple[int, ...]
    #: another has brought them
    home: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PublishedPage:
    """Files of several jobs, by rising number."""

    outputs: tuple[OutputFile, ...]
    #: the service has looked at everything up to this number
    seq: int
    more: bool = False


@dataclass(frozen=True, slots=True)
class Instance:
    """One machine, what it does and what it costs."""

    id: str
    type: str
    state: str
    preemptible: bool = False
    launched: str | None = None
    ready: str | None = None
    ended: str | None = None
    minutes: str = "0"
    billed_minutes: int = 0
    amount: str = "0"
    current: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobCost:
    """What one job has cost so far."""

    job: str
    number: int
    title: str
    billed_minutes: int | str
    amount: str


@dataclass(frozen=True, slots=True)
class InstanceCost:
    """What one instance has cost so far."""

    id: str
    type: str
    minutes: str
    billed_minutes: int
    amount: str


@dataclass(frozen=True, slots=True)
class Cost:
    """The bill so far."""

    currency: str
    total: str
    billed_minutes: int
    jobs: tuple[JobCost, ...] = ()
    instances: tuple[InstanceCost, ...] = ()


@dataclass(frozen=True, slots=True)
class PartialUpload:
    """How far the service is with an object that comes in parts."""

    upload: str
    part_bytes: int
    #: numbers of the parts that it has, from 1
    have: tuple[int, ...] = ()
    #: parts may go straight to the store
    direct: bool = False

    def __post_init__(self) -> None:
        """Refuse parts that would never end."""
        if self.part_bytes < 1:
            raise ValueError(f"part_bytes {self.part_bytes} is less than 1")


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What the store takes within a quarter of an hour from whoever sends exactly the bytes that it was signed for."""

    method: str
    url: str
    headers: dict[str, str]


def read_answer(kind: type[T], data: Any) -> T:
    """Build a `kind` from parsed JSON, leaving out fields that are not known here.

    Raises:
        InvalidDocument: a field is missing or of another type.
    """
    return from_json(kind, _known(kind, data), document=f"the service's {kind.__name__}")


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _known(kind: Any, data: Any) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(data, Mapping):
            return data
        hints = _hints(kind)
        return {name: _known(hints[name], value) for name, value in data.items() if name in hints}
    origin = typing.get_origin(kind)
    if origin is tuple and isinstance(data, list):
        item = typing.get_args(kind)[0]
        return [_known(item, value) for value in data] if _holds_dataclass(item) else data
    if origin in (typing.Union, types.UnionType) and data is not None:
        inner = next((o for o in typing.get_args(kind) if _holds_dataclass(o)), None)
        return data if inner is None else _known(inner, data)
    return data


def _holds_dataclass(kind: Any) -> bool:
    return dataclasses.is_dataclass(kind) or any(_holds_dataclass(a) for a in typing.get_args(kind))
