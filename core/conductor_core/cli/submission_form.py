"""From the command line and a scene's description to one Submission; pure, so that every rule is tested on its own."""

from __future__ import annotations

import getpass
import os
import platform
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from conductor_core import __version__
from conductor_core.environment import EnvironmentVariable, Policy
from conductor_core.errors import ConductorError
from conductor_core.frames import FrameSet
from conductor_core.host import SceneDescription, SceneStep
from conductor_core.paths import local_flavour
from conductor_core.submission import Client, Output, Retries, Software, Step, Submission, new_submission_id, validate_submission

#: catalogue name of "any program that is installed on the instance"
COMMAND_SOFTWARE = Software("command", "1")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line says; empty where it says nothing."""

    project: str
    instance_type: str
    frames: str = ""
    chunk_size: int = 1
    title: str = ""
    priority: int = 50
    preemptible: bool = False
    max_instances: int = 0
    retries: int = 1
    steps: tuple[str, ...] = ()
    #: absolute path patterns
    outputs: tuple[str, ...] = ()
    software: str = ""
    environment: tuple[EnvironmentVariable, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()


def scene_submission(
    scene: str, description: SceneDescription, wishes: Wishes, *, allowed_missing: tuple[str, ...]
) -> Submission:
    """Return the submission of a scene.

    Raises:
        ConductorError: a step, frame range or output that does not fit; the sentence names it.
    """
    chosen = choose_steps(description.steps, wishes.steps)
    if not (wishes.frames or description.frames):
        raise ConductorError(f"{scene} does not say which frames it has.", "Say --frames 1001-1100.")
    frames = FrameSet.parse(wishes.frames or description.frames).spec
    steps = tuple(
        Step(
            name=step.name,
            frames=frames,
            chunk_size=wishes.chunk_size,
            outputs=outputs_of(step, wishes.outputs, only=len(chosen) == 1),
            parameters=step.parameters,
        )
        for step in chosen
    )
    software = parse_software(wishes.software) if wishes.software else description.software
    check_version(scene, description, software)
    title = wishes.title or os.path.splitext(os.path.basename(scene))[0]
    return _submission(wishes, title, software, steps, scene=scene, allowed_missing=allowed_missing)


def command_submission(command: str, wishes: Wishes) -> Submission:
    """Return the submission of a command that is run once per task, without a scene.

    Raises:
        ConductorError: no words, frames or outputs, or ones that do not fit.
    """
    try:
        words = tuple(shlex.split(command))
    except ValueError as exc:
        raise ConductorError(f"--command {command!r} cannot be split into words ({exc}).", "Check its quotes.") from None
    if not words:
        raise ConductorError("--command is empty.", "Write the program and its words.")
    outputs = tuple(_output(path) for path in wishes.outputs)
    frames = FrameSet.parse(wishes.frames or "1").spec
    step = Step("command", frames, wishes.chunk_size, kind="command", outputs=outputs, command=words)
    software = parse_software(wishes.software) if wishes.software else COMMAND_SOFTWARE
    return _submission(wishes, wishes.title or words[0], software, (step,), scene="", allowed_missing=())


def choose_steps(steps: Sequence[SceneStep], names: Sequence[str]) -> tuple[SceneStep, ...]:
    """Return the steps of these names, or those that the scene has enabled.

    Raises:
        ConductorError: there is no such step, or none is enabled.
    """
    if not steps:
        raise ConductorError(
            "The scene has nothing that renders: no write node, render layer, ROP or camera that this reading of it can see.",
            "Add one and save the scene, or give the program that renders it with --command.",
        )
    by_name = {step.name: step for step in steps}
    known = ", ".join(repr(name) for name in by_name) or "none"
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise ConductorError(f"The scene has no step {unknown[0]!r}.", f"It has: {known}.")
    chosen = tuple(by_name[name] for name in names) if names else tuple(step for step in steps if step.enabled)
    if not chosen:
        raise ConductorError("Nothing in the scene is enabled for rendering.", f"Name steps with --step; there are: {known}.")
    lame = next((step for step in chosen if step.problem), None)
    if lame is not None:
        raise ConductorError(
            f"Step {lame.name!r} {lame.problem}, so it cannot be rendered.",
            "Mend the scene and save it, or name other steps with --step.",
        )
    return chosen


def check_version(scene: str, description: SceneDescription, software: Software) -> None:
    """Refuse software that is older than what saved the scene: it could not open it, or would crash.

    Raises:
        ConductorError: with both versions.
    """
    if software.name != description.software.name:
        return
    chosen, needed = _numbers(software.version), _numbers(description.saved_by)
    if chosen[: len(needed)] < needed[: len(chosen)]:
        name = software.name.capitalize()
        raise ConductorError(
            f"{scene} was saved by {name} {description.saved_by}; {name} {software.version} cannot open it.",
            f"Render with {name} {description.saved_by} or later (--software), or save the scene with {name} {software.version}.",
        )


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of major and minor version; none where it is written otherwise."""
    parts = version.split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()


def outputs_of(step: SceneStep, patterns: Sequence[str], *, only: bool) -> tuple[Output, ...]:
    """Return a step's outputs, under other paths where patterns say so: one pattern per output, in their order.

    Raises:
        ConductorError: more patterns than outputs, or several steps that would write to one place.
    """
    if not patterns:
        return step.outputs
    if not only:
        raise ConductorError("--output is for one step, and several are rendered.", "Choose one with --step.")
    if len(patterns) > len(step.outputs):
        raise ConductorError(f"Step {step.name!r} writes {len(step.outputs)} outputs, and {len(patterns)} --output are given.")
    moved = [replace(output, path=path) for output, path in zip(step.outputs, patterns, strict=False)]
    return (*moved, *step.outputs[len(patterns) :])


def parse_software(text: str) -> Software:
    """Read `name@version`.

    Raises:
        ConductorError: it has another form.
    """
    name, at, version = text.partition("@")
    if not (name and at and version):
        raise ConductorError(f"--software {text!r} is not name@version.", "Write it like blender@4.5.")
    return Software(name, version)


def parse_pair(text: str, option: str) -> tuple[str, str]:
    """Read `KEY=VALUE`.

    Raises:
        ConductorError: there is no `=`, or nothing before it.
    """
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ConductorError(f"{option} {text!r} is not NAME=VALUE.", f"Write it like {option} NAME=VALUE.")
    return name, value


def parse_environment(texts: Sequence[str], policy: Policy, option: str) -> tuple[EnvironmentVariable, ...]:
    """Read variables of one policy."""
    pairs = [parse_pair(text, option) for text in texts]
    return tuple(EnvironmentVariable(name, value, policy, "command line") for name, value in pairs)


def output_pattern(text: str, base: str) -> str:
    """Return an output's absolute pattern, relative ones from folder `base`; `{frame}` and `%04d` are not for this place.

    Raises:
        ConductorError: it names a folder only.
    """
    if text.endswith(("/", os.sep)):
        raise ConductorError(f"--output {text!r} is a folder.", "Add a file name with # for the frame: FOLDER/shot_####.exr")
    return os.path.normpath(os.path.join(base, text))


def _submission(
    wishes: Wishes,
    title: str,
    software: Software,
    steps: tuple[Step, ...],
    *,
    scene: str,
    allowed_missing: tuple[str, ...],
) -> Submission:
    submission = Submission(
        id=new_submission_id(),
        project=wishes.project,
        title=title,
        scene=scene,
        flavour=local_flavour(),
        software=software,
        steps=steps,
        instance_type=wishes.instance_type,
        preemptible=wishes.preemptible,
        priority=wishes.priority,
        max_instances=wishes.max_instances,
        retries=Retries(failure=wishes.retries),
        environment=wishes.environment,
        metadata=dict(wishes.metadata),
        allowed_missing=allowed_missing,
        client=Client(_user(), platform.node(), __version__),
    )
    validate_submission(submission)
    return submission


def _output(path: str) -> Output:
    images = (".exr", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dpx", ".hdr", ".tga", ".bmp")
    return Output(path, "image" if path.lower().endswith(images) else "other")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
