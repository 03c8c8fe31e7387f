"""The submission: everything an artist asks for, in one frozen value, the same in every host, in CLI, API and database.

A submission says *what* to render; which files it needs travels beside it as a manifest (`conductor_core.manifest`).
"""

from __future__ import annotations

import graphlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from conductor_core.documents import to_json
from conductor_core.environment import EnvironmentVariable, check_variable, merge_environment
from conductor_core.errors import EnvironmentConflict, FrameSpecError, InvalidDocument, PathError
from conductor_core.frames import MAX_FRAMES, FrameSet, scout_frames
from conductor_core.paths import ClientPath, Flavour

Parameter = str | int | float | bool | None

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: enough to catch a slip of the pen, and nothing that mail programs read as a sign: `a(b)@c.de` would go to a@c.de
_SIGNS = r"@\s,;:<>()\[\]\\\"\x00-\x1f\x7f"
_EMAIL = re.compile(rf"[^{_SIGNS}]+@[^{_SIGNS}.]+(?:\.[^{_SIGNS}.]+)+")

#: who has more to tell has a list
MAX_EMAILS = 20
#: every pair is an entry of its own in what jobs are found by
MAX_METADATA = 200


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
    #: argv of a command step; `{frame}`, `{frames}`, `{first}`, `{last}` are replaced in each word, `{frame:04d}` with zeros before
    command: tuple[str, ...] = ()
    #: for the host's render.py: e.g. Blender `scene`, `view_layer`, `camera`
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    #: frames to render first, while the others hold until somebody lets them go: `1,50,100`, `auto:3` or `fml:3`
    #: (`conductor_core.frames.scout_frames`); a task with a scout frame in it is rendered whole. "": none
    scouts: str = ""


@dataclass(frozen=True, slots=True)
class Scripts:
    """Custom scripts and plug-ins that go along. Where a path of the artist's is named, it is among the job's files."""

    #: absolute client paths of folders where the software looks for scripts and plug-ins
    plug_in_folders: tuple[str, ...] = ()
    #: absolute client paths of Python files that the software runs, in this order, once it has loaded the scene
    startup: tuple[str, ...] = ()
    #: argv of a program that the instance runs, in the task's sandbox, before each task; `{frame}`, `{frames}`, `{first}`,
    #: `{last}` are replaced in each word. A task whose program fails is not rendered
    before_task: tuple[str, ...] = ()
    #: the same after each task whose frames were rendered; a failure fails the task
    after_task: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What is left at home though the scene wants it, and why: the job shows it to whoever wonders."""

    #: absolute client path of a file, or of a folder with all that is in it; `####` or `<UDIM>`: every file of the pattern
    path: str
    reason: str


#: what can be written about: the scout frames are there, the job has ended well, badly, or was killed
Occasion = Literal["scouts", "success", "failed", "killed"]


@dataclass(frozen=True, slots=True)
class Notifications:
    """Who gets an e-mail about the job, and when."""

    emails: tuple[str, ...] = ()
    on: tuple[Occasion, ...] = ("scouts", "success", "failed")


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
    #: what the artist left at home: the agent does not send it, whichever folder it lies in (`conductor_core.exclusions`)
    excluded: tuple[Exclusion, ...] = ()
    #: further packages of the catalogue that the instance's software must have (`mtoa`, `yeti`); the service resolves them
    plug_ins: tuple[Software, ...] = ()
    scripts: Scripts = Scripts()
    notifications: Notifications = Notifications()
    client: Client = Client()


def frames_with_scouts(step: Step) -> tuple[int, ...]:
    """Return the frames of those tasks of a step that have a scout frame in them, in its order: these are rendered first."""
    frames = FrameSet.parse(step.frames)
    scouts = frozenset(scout_frames(step.scouts, frames))
    return tuple(frame for chunk in frames.chunks(step.chunk_size) if not scouts.isdisjoint(chunk) for frame in chunk)


def new_submission_id() -> str:
    """Return a fresh submission id (UUID4, hex)."""
    return uuid.uuid4().hex


def is_email(text: str) -> bool:
    """Tell whether a text looks like an e-mail address; whether there is such an address only its server knows."""
    return _EMAIL.fullmatch(text) is not None


def validate_submission(submission: Submission) -> None:
    """Refuse a submission that makes no sense, in the panel before it is sent and in the service again.

    The types say what a field may hold (`documents.from_json`); these rules say what fits together. What only a catalogue
    knows (instance types, software, projects) is the service's to check.

    Raises:
        InvalidDocument: naming the first field that is wrong, and why.
    """
    _check_text(submission)
    _check_numbers(submission)
    _check_scene(submission)
    _check_environment(submission)
    _check_company(submission)
    _check_steps(submission)
    _check_order(submission.steps)


def _wrong(place: str, reason: str) -> InvalidDocument:
    return InvalidDocument("Submission", place, reason)


def _check_text(submission: Submission) -> None:
    if not _ID.fullmatch(submission.id):
        raise _wrong("id", "must be 1 to 64 letters, digits, '.', '_' or '-'")
    needed = {
        "project": submission.project,
        "title": submission.title,
        "software.name": submission.software.name,
        "instance_type": submission.instance_type,
    }
    for place, text in needed.items():
        if not text.strip():
            raise _wrong(place, "must not be empty")
    if len(submission.metadata) > MAX_METADATA:
        raise _wrong("metadata", f"has {len(submission.metadata)} entries; a job may have {MAX_METADATA}")
    try:
        json.dumps(to_json(submission), ensure_ascii=False).encode()
    except UnicodeEncodeError as exc:
        around = exc.object[max(0, exc.start - 20) : exc.start + 20]
        raise _wrong("(whole)", f"has text that is not Unicode: …{around!a}…") from None


def _check_numbers(submission: Submission) -> None:
    if not 0 <= submission.priority <= 100:
        raise _wrong("priority", f"must be 0 to 100, not {submission.priority}")
    not_negative = {
        "max_instances": submission.max_instances,
        "retries.failure": submission.retries.failure,
        "retries.preemption": submission.retries.preemption,
        "limits.task_seconds": submission.limits.task_seconds,
        "limits.silence_seconds": submission.limits.silence_seconds,
    }
    _check_not_negative(not_negative)


def _check_not_negative(numbers: Mapping[str, int]) -> None:
    for place, number in numbers.items():
        if number < 0:
            raise _wrong(place, f"must be 0 or more, not {number}")


def _check_scene(submission: Submission) -> None:
    if submission.scene:
        if not _client_path(submission.scene, submission.flavour, "scene").components:
            raise _wrong("scene", f"{submission.scene!r} is a root, not a file")
    elif any(step.kind == "frames" for step in submission.steps):
        raise _wrong("scene", "must be there, since a step renders frames of it")


def _check_environment(submission: Submission) -> None:
    for number, variable in enumerate(submission.environment):
        check_variable(variable, document="Submission", field=f"environment[{number}]")
    try:
        merge_environment([submission.environment], separator=":")
    except EnvironmentConflict as exc:
        raise _wrong("environment", f"contradicts itself: {exc.what}".rstrip(".")) from None


def _check_company(submission: Submission) -> None:
    """Check what goes along with the scene: plug-ins, scripts, and who is told."""
    for number, package in enumerate(submission.plug_ins):
        if not package.name.strip():
            raise _wrong(f"plug_ins[{number}].name", "must not be empty")
    scripts = submission.scripts
    for place, paths in {"plug_in_folders": scripts.plug_in_folders, "startup": scripts.startup}.items():
        for number, path in enumerate(paths):
            _client_path(path, submission.flavour, f"scripts.{place}[{number}]")
    for place, words in {"before_task": scripts.before_task, "after_task": scripts.after_task}.items():
        if words and not words[0].strip():
            raise _wrong(f"scripts.{place}", "must name a program")
        if any("\0" in word for word in words):
            raise _wrong(f"scripts.{place}", "has a NUL character in it")
    if scripts.startup and not any(step.kind == "frames" for step in submission.steps):
        raise _wrong("scripts.startup", "must be empty, since no step loads a scene")
    _check_excluded(submission)
    if len(submission.notifications.emails) > MAX_EMAILS:
        raise _wrong("notifications.emails", f"has {len(submission.notifications.emails)} addresses; a job may tell {MAX_EMAILS}")
    for number, address in enumerate(submission.notifications.emails):
        if not is_email(address):
            raise _wrong(f"notifications.emails[{number}]", f"{address!r} is not an e-mail address")


def _check_excluded(submission: Submission) -> None:
    for number, exclusion in enumerate(submission.excluded):
        place = f"excluded[{number}]"
        _client_path(exclusion.path, submission.flavour, f"{place}.path")
        if not exclusion.reason.strip():
            raise _wrong(f"{place}.reason", f"must say why {exclusion.path!r} is left out")
        if submission.scene and _leaves_out(exclusion, submission.scene, submission.flavour):
            raise _wrong(f"{place}.path", f"{exclusion.path!r} would leave the scene itself out")


def _leaves_out(exclusion: Exclusion, path: str, flavour: Flavour) -> bool:
    """Tell whether a path is left out: by the agent's own rule, which knows patterns (`shot_####.blend`) too."""
    from conductor_core.exclusions import Exclusions  # it needs this module, and few submissions need it

    return Exclusions((exclusion,), flavour).covers(path)


def _check_steps(submission: Submission) -> None:
    if not submission.steps:
        raise _wrong("steps", "must have at least one step")
    names: set[str] = set()
    frames = 0
    for number, step in enumerate(submission.steps):
        place = f"steps[{number}]"
        if not step.name.strip():
            raise _wrong(f"{place}.name", "must not be empty")
        if step.name in names:
            raise _wrong(f"{place}.name", f"{step.name!r} is the name of an earlier step")
        names.add(step.name)
        frames += _check_step(step, place, submission.flavour)
    if frames > MAX_FRAMES:
        raise _wrong("steps", f"come to {frames:,} frames; a job may have {MAX_FRAMES:,}")


def _check_step(step: Step, place: str, flavour: Flavour) -> int:
    """Check one step by itself, and return how many frames it has."""
    try:
        frames = FrameSet.parse(step.frames)
    except FrameSpecError as exc:
        raise _wrong(f"{place}.frames", f"cannot be read: {exc}".rstrip(".")) from None
    try:
        scout_frames(step.scouts, frames)
    except FrameSpecError as exc:
        raise _wrong(f"{place}.scouts", f"cannot be read: {exc.what}".rstrip(".")) from None
    if step.chunk_size < 1:
        raise _wrong(f"{place}.chunk_size", f"must be 1 or more, not {step.chunk_size}")
    if step.kind == "command" and not (step.command and step.command[0].strip()):
        raise _wrong(f"{place}.command", "must name a program, since the step is a command")
    if step.kind == "frames" and step.command:
        raise _wrong(f"{place}.command", "must be empty, since the step renders frames")
    if any("\0" in word for word in step.command):
        raise _wrong(f"{place}.command", "has a NUL character in it")
    for number, output in enumerate(step.outputs):
        _check_output(output, f"{place}.outputs[{number}]", flavour)
    return len(frames)


def _check_output(output: Output, place: str, flavour: Flavour) -> None:
    path = _client_path(output.path, flavour, f"{place}.path")
    ends_in_slash = output.path.endswith("/" if flavour is Flavour.POSIX else ("/", "\\"))
    if ends_in_slash or not path.components:
        raise _wrong(f"{place}.path", f"{output.path!r} has no file name")
    _check_not_negative({f"{place}.width": output.width, f"{place}.height": output.height})


def _client_path(text: str, flavour: Flavour, place: str) -> ClientPath:
    if ".." in text.replace("\\", "/").split("/"):
        raise _wrong(place, f"{text!r} must be written without '..'")
    try:
        return ClientPath.parse(text, flavour)
    except PathError as exc:
        raise _wrong(place, f"is not a usable path: {exc.what}".rstrip(".")) from None


def _check_order(steps: tuple[Step, ...]) -> None:
    """Refuse steps that wait for nobody, for themselves, or for each other."""
    numbers = {step.name: number for number, step in enumerate(steps)}
    for number, step in enumerate(steps):
        for n, name in enumerate(step.after):
            if name not in numbers:
                raise _wrong(f"steps[{number}].after[{n}]", f"{name!r} is not a step of this job")
    try:
        graphlib.TopologicalSorter({step.name: step.after for step in steps}).prepare()
    except graphlib.CycleError as exc:
        cycle: list[str] = exc.args[1]
        raise _wrong(f"steps[{numbers[cycle[-1]]}].after", f"waits for itself: {' → '.join(reversed(cycle))}") from None
