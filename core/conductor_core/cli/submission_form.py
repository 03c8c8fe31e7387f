"""From the command line and a scene's description to one Submission; pure, so that every rule is tested on its own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from conductor_core.cli.command_files import whole_words
from conductor_core.cli.step_wishes import StepWishes
from conductor_core.environment import EnvironmentVariable, Policy
from conductor_core.errors import ConductorError
from conductor_core.frames import FrameSet, format_frames
from conductor_core.host import SceneDescription
from conductor_core.paths import local_flavour
from conductor_core.steps import (
    after_of,
    check_version,
    choose_steps,
    command_words,
    commands_of,
    default_title,
    output_at,
    outputs_of,
    parse_software,
    this_client,
)
from conductor_core.submission import (
    Exclusion,
    Limits,
    Notifications,
    Retries,
    Scripts,
    Software,
    Step,
    Submission,
    new_submission_id,
    validate_submission,
)
from conductor_core.task_words import as_pattern, with_scene

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
    retries_preemption: int = 5
    #: 0: no limit
    task_minutes: int = 0
    scouts: str = ""
    steps: tuple[str, ...] = ()
    #: absolute path patterns
    outputs: tuple[str, ...] = ()
    by_step: StepWishes = field(default_factory=StepWishes)
    #: where outputs of steps are written from when their patterns are relative
    base: str = ""
    software: str = ""
    #: each `name@version`
    plug_ins: tuple[str, ...] = ()
    scripts: Scripts = field(default_factory=Scripts)
    notifications: Notifications = field(default_factory=Notifications)
    excluded: tuple[Exclusion, ...] = ()
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
    if wishes.outputs and len(chosen) > 1:
        raise ConductorError(
            "--output is for one step, and several are rendered.", "Choose one with --step, or say --step-output NAME=PATTERN."
        )
    names = [step.name for step in chosen]
    frames = _frames(scene, wishes, {step.name: step.frames or description.frames for step in chosen})
    moved = wishes.by_step.outputs_of(names, lambda text: output_pattern(text, wishes.base, "--step-output"))
    outputs = {step.name: outputs_of(step, moved.get(step.name, wishes.outputs)) for step in chosen}
    commands = commands_of((step, outputs[step.name]) for step in chosen)
    steps = tuple(
        Step(
            name=step.name,
            frames=frames[step.name].spec,
            kind="command" if step.command else "frames",
            after=after_of(step, names),
            command=commands[step.name],
            outputs=outputs[step.name],
            parameters=step.parameters,
        )
        for step in chosen
    )
    software = parse_software(wishes.software) if wishes.software else description.software
    check_version(scene, Software(description.software.name, description.saved_by), software, option="--software")
    return _submission(
        wishes, wishes.title or default_title(scene), software, steps, scene=scene, allowed_missing=allowed_missing
    )


def command_submission(command: str, wishes: Wishes) -> Submission:
    """Return the submission of a command that is run once per task, without a scene.

    Raises:
        ConductorError: no words, frames or outputs, or ones that do not fit.
    """
    words = words_of(command)
    outputs = tuple(output_at(path) for path in wishes.outputs)
    frames = _frames("", wishes, {"command": "1"})["command"].spec
    step = Step("command", frames, kind="command", outputs=outputs, command=words)
    software = parse_software(wishes.software) if wishes.software else COMMAND_SOFTWARE
    return _submission(wishes, wishes.title or words[0], software, (step,), scene="", allowed_missing=())


def words_of(command: str) -> tuple[str, ...]:
    """Return the words of `--command`; those that are files of this folder with their whole paths.

    Raises:
        ConductorError: none, or ones that cannot be split, or a placeholder that nothing stands for.
    """
    words = whole_words(command_words(command, "--command"))
    if not words:
        raise ConductorError("--command is empty.", "Write the program and its words.")
    return words


def by_command(submission: Submission, words: tuple[str, ...]) -> Submission:
    """Return the submission of a scene whose steps are rendered by a program of the artist's."""
    steps = tuple(
        replace(step, kind="command", command=with_scene(words, submission.scene, step.name)) for step in submission.steps
    )
    return replace(submission, steps=steps)


def command_places(submission: Submission) -> Iterator[tuple[tuple[str, ...], tuple[tuple[int, ...], ...], tuple[str, ...]]]:
    """Yield each command of a submission with the frames of its tasks, and the patterns that it writes."""
    for step in submission.steps:
        if step.command:
            tasks = FrameSet.parse(step.frames).chunks(step.chunk_size)
            yield step.command, tasks, tuple(output.path for output in step.outputs)


def _frames(scene: str, wishes: Wishes, own: Mapping[str, str]) -> dict[str, FrameSet]:
    """Return the frames of each step: those that the command line says for it or for all, or else its `own`, by name."""
    by_step = wishes.by_step.frames_of(tuple(own))
    texts = {name: by_step.get(name) or wishes.frames or text for name, text in own.items()}
    if not all(texts.values()):
        raise ConductorError(f"{scene} does not say which frames it has.", "Say --frames 1001-1100.")
    return {name: FrameSet.parse(text) for name, text in texts.items()}


def frames_beyond(description: SceneDescription, wishes: Wishes) -> str:
    """Return all frames that are rendered, where steps have some for which the scene was not looked at; "": there are none.

    Raises:
        ConductorError: a step or frame range that does not fit.
    """
    asked = wishes.frames or description.frames
    own = {step.name: step.frames or asked for step in choose_steps(description.steps, wishes.steps)}
    if not (asked and (wishes.by_step.frames or any(text != asked for text in own.values()))):
        return ""
    looked_at = FrameSet.parse(asked).frames
    rendered = dict.fromkeys(f for frames in _frames("", wishes, own).values() for f in frames)
    return "" if set(rendered) <= set(looked_at) else format_frames(sorted({*looked_at, *rendered}))


def _in_chunks(steps: tuple[Step, ...], wishes: Wishes) -> tuple[Step, ...]:
    """Return the steps with their chunk sizes and scout frames."""
    frames = {step.name: FrameSet.parse(step.frames) for step in steps}
    sizes = wishes.by_step.chunk_sizes_of(tuple(frames))
    scouts = wishes.by_step.scouts_of(wishes.scouts, frames)
    return tuple(replace(s, chunk_size=sizes.get(s.name, wishes.chunk_size), scouts=scouts[s.name]) for s in steps)


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


def output_pattern(text: str, base: str, option: str = "--output") -> str:
    """Return an output's absolute pattern, relative ones from folder `base`; `{frame:04}` is `####`, as in the words of a command.

    Raises:
        ConductorError: it names a folder only.
    """
    if text.endswith(("/", os.sep)):
        raise ConductorError(f"{option} {text!r} is a folder.", "Add a file name with # for the frame: FOLDER/shot_####.exr")
    return os.path.normpath(os.path.join(base, os.path.expanduser(as_pattern(text))))


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
        steps=_in_chunks(steps, wishes),
        instance_type=wishes.instance_type,
        preemptible=wishes.preemptible,
        priority=wishes.priority,
        max_instances=wishes.max_instances,
        retries=Retries(wishes.retries, wishes.retries_preemption),
        limits=Limits(task_seconds=wishes.task_minutes * 60),
        environment=wishes.environment,
        metadata=dict(wishes.metadata),
        allowed_missing=allowed_missing,
        excluded=wishes.excluded,
        plug_ins=tuple(parse_software(text) for text in wishes.plug_ins),
        scripts=wishes.scripts,
        notifications=wishes.notifications,
        client=this_client(),
    )
    validate_submission(submission)
    return submission
