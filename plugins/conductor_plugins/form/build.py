"""From the form to one submission and the files that go with it: what is previewed, estimated, copied as a command and sent.

Everything here is decided from the situation alone, and each refusal names the field of the form that is to blame.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from conductor_core.errors import ConductorError, FrameSpecError, InvalidDocument
from conductor_core.exclusions import Exclusions
from conductor_core.frames import FrameSet, scout_frames
from conductor_core.host import SceneStep
from conductor_core.paths import Flavour, is_absolute
from conductor_core.steps import check_renderable, check_version, files_among, outputs_of, parse_software, this_client
from conductor_core.submission import (
    Limits,
    Notifications,
    Output,
    Retries,
    Scripts,
    Software,
    Step,
    Submission,
    validate_submission,
)

from conductor_plugins.form.errors import FormError
from conductor_plugins.form.job_environment import job_environment
from conductor_plugins.form.model import StepForm
from conductor_plugins.form.refusals import refused
from conductor_plugins.form.situation import Situation, frames_in

#: what a column of the service holds
LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Planned:
    """What Submit would do."""

    submission: Submission
    #: files and folders to send, the scene first; what is excluded inside a folder the agent leaves out by itself
    files: tuple[str, ...]
    #: bring frames home as they finish
    download: bool = True
    #: those of `files` that were found by no scan: added by hand, and named by scripts
    extra_files: tuple[str, ...] = ()
    #: steps that write elsewhere than the scene says, each with a pattern for each output up to the last that moves
    moved_outputs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    #: folder from which the scene's paths are read, where the host knows one
    project_root: str = ""


def planned(situation: Situation, *, identity: str, is_file: Callable[[str], bool] = os.path.isfile) -> Planned:
    """Return what Submit would do.

    Before the scan is done its files are not there yet, and before the agent has answered a project that nobody chose is not.

    Args:
        situation: all that is known.
        identity: of the submission.
        is_file: whether a path is a file that is there; asked only about words of the programs that run before and after each task.

    Raises:
        FormError: naming the field that no submission can be made of; "" where the scene itself is to blame.
    """
    if not situation.scene.path:
        raise FormError("", "The scene has no file yet.", "Save it under a name first.")
    _check_numbers(situation)
    software = _software(situation)
    scripts = _scripts(situation)
    excluded = _excluded(situation)
    submission = Submission(
        id=identity,
        project=_chosen("project", "project", situation.project(), situation.offer.projects if situation.offer else ()),
        title=situation.title(),
        scene=situation.scene.path,
        flavour=situation.flavour,
        software=software,
        steps=_steps(situation),
        instance_type=_chosen(
            "instance_type",
            "kind of machine",
            situation.instance_type(),
            [t.name for t in situation.offer.instance_types] if situation.offer else (),
        ),
        preemptible=situation.form.preemptible,
        priority=situation.form.priority,
        max_instances=situation.form.max_instances,
        retries=Retries(situation.form.retries_failure, situation.form.retries_preemption),
        limits=Limits(task_seconds=situation.form.task_minutes * 60),
        environment=job_environment(situation),
        metadata=_metadata(situation),
        allowed_missing=_allowed_missing(situation, excluded),
        excluded=tuple(situation.form.excluded),
        plug_ins=_plug_ins(situation),
        scripts=scripts,
        notifications=_notifications(situation),
        client=this_client(),
    )
    try:
        validate_submission(submission)
    except InvalidDocument as exc:
        raise refused(exc, submission) from exc
    extra = _without(extra_paths(situation, is_file=is_file), excluded)
    found = situation.report.files() if situation.report else ()
    return Planned(
        submission,
        tuple(dict.fromkeys((situation.scene.path, *_without(found, excluded), *extra))),
        situation.form.download,
        extra_files=extra,
        moved_outputs=tuple(_moved(situation)),
        project_root=situation.scene.project_root,
    )


def extra_paths(situation: Situation, *, is_file: Callable[[str], bool] = os.path.isfile) -> tuple[str, ...]:
    """Return the files and folders that go along beside those that were found: added by hand, and named by scripts."""
    return (*situation.form.added, *_files_of(situation.form.scripts, situation.flavour, is_file))


def plug_ins_of(situation: Situation) -> tuple[str, ...]:
    """Return the plug-ins as `name@version`: those chosen, or those that the host has detected."""
    if situation.form.plug_ins is not None:
        return situation.form.plug_ins
    return tuple(f"{p.name}@{p.version}" for p in situation.scene.plug_ins)


def patterns_of(step: SceneStep, choice: StepForm) -> tuple[str, ...]:
    """Return the places that a step's outputs were moved to, up to the last that was; an empty text moves nothing."""
    patterns = [pattern.strip() for pattern in choice.outputs]
    while patterns and not patterns[-1]:
        patterns.pop()
    kept = [output.path for output in step.outputs] + patterns[len(step.outputs) :]
    return tuple(pattern or kept[number] for number, pattern in enumerate(patterns))


def _check_numbers(situation: Situation) -> None:
    form = situation.form
    numbers = {
        "chunk_size": form.chunk_size,
        "retries_failure": form.retries_failure,
        "retries_preemption": form.retries_preemption,
        "max_instances": form.max_instances,
        "task_minutes": form.task_minutes * 60,
        "steps": max((choice.chunk_size for _, choice in situation.chosen_steps()), default=0),
    }
    for field, number in numbers.items():
        if number > LARGEST:
            raise FormError(field, f"{number:,} is more than anybody can ask for.", "Choose a smaller number.")
    if form.chunk_size < 1:
        raise FormError("chunk_size", f"A chunk has at least 1 frame, not {form.chunk_size}.", "Choose 1 or more.")
    if form.task_minutes < 0:
        raise FormError("task_minutes", f"A task cannot take {form.task_minutes} minutes.", "Choose 0 for no limit.")


def _chosen(field: str, words: str, chosen: str, there_are: Iterable[str]) -> str:
    if not chosen.strip():
        names = ", ".join(there_are)
        raise FormError(field, f"No {words} is chosen.", f"Choose one of: {names}." if names else "Choose one.")
    return chosen


def _software(situation: Situation) -> Software:
    try:
        software = parse_software(situation.form.software) if situation.form.software else situation.scene.software
        saved_with = Software(situation.scene.software.name, situation.scene.saved_by)
        check_version(situation.scene.path, saved_with, software)
    except ConductorError as exc:
        raise FormError("software", exc.what, exc.next_step) from exc
    if not software.name.strip():
        raise FormError("software", "Nothing says which software renders the scene.", "Write it like blender@4.5.")
    return software


def _plug_ins(situation: Situation) -> tuple[Software, ...]:
    try:
        return tuple(dict.fromkeys(parse_software(text) for text in plug_ins_of(situation)))
    except ConductorError as exc:
        raise FormError("plug_ins", exc.what, "Write plug-ins like mtoa@5.4, or take it off the list.") from exc


def _steps(situation: Situation) -> tuple[Step, ...]:
    chosen = situation.chosen_steps()
    if not situation.steps:
        raise FormError("steps", "The scene has nothing that renders.", "Add a camera, write node or ROP, and open this again.")
    if not chosen:
        raise FormError("steps", "No step is switched on.", "Switch on what is to be rendered.")
    try:
        check_renderable([step for step, _ in chosen])
    except ConductorError as exc:
        raise FormError("steps", exc.what, exc.next_step) from exc
    frames = {step.name: _frames(situation, choice) for step, choice in chosen}
    scouts = _scouts(situation, frames)
    return tuple(
        Step(
            name=step.name,
            frames=frames[step.name].spec,
            chunk_size=_chunk_size(situation, choice),
            outputs=_outputs(step, choice, situation.flavour),
            parameters=step.parameters,
            scouts=scouts[step.name],
        )
        for step, choice in chosen
    )


def _frames(situation: Situation, choice: StepForm) -> FrameSet:
    spec = situation.frames_of(choice)
    field = "steps" if choice.frames else "frames"
    if not spec.strip():
        raise FormError(field, "The scene does not say which frames it has.", "Write them, like 1001-1100.")
    try:
        return frames_in(spec)
    except FrameSpecError as exc:
        where = f"Step {choice.name!r}: " if choice.frames else ""
        raise FormError(field, f"{where}{exc.what}", exc.next_step) from exc


def _scouts(situation: Situation, frames: dict[str, FrameSet]) -> dict[str, str]:
    """Return each step's scout frames; a list that is for all steps leaves out those that have none of its frames.

    Raises:
        FormError: a text that cannot be read, or frames that no step has.
    """
    result: dict[str, str] = {}
    unlucky: FrameSpecError | None = None
    for _, choice in situation.chosen_steps():
        spec = situation.scouts_of(choice).strip()
        try:
            result[choice.name] = spec if scout_frames(spec, frames[choice.name].frames) else ""
        except FrameSpecError as exc:
            if choice.scouts:
                raise FormError("steps", f"Step {choice.name!r}: {exc.what}", "Write scouts like 1,50,100 or fml:3.") from exc
            result[choice.name], unlucky = "", exc
    if unlucky is not None and not any(result.values()):
        raise FormError("scouts", unlucky.what, "Write scouts like 1,50,100, auto:3 or fml:3.") from unlucky
    return result


def _chunk_size(situation: Situation, choice: StepForm) -> int:
    size = situation.chunk_size_of(choice)
    if size < 1:
        raise FormError("steps", f"Step {choice.name!r}: a chunk has at least 1 frame, not {size}.", "Choose 1 or more.")
    return size


def _outputs(step: SceneStep, choice: StepForm, flavour: Flavour) -> tuple[Output, ...]:
    patterns = patterns_of(step, choice)
    for pattern in patterns:
        if not is_absolute(pattern, flavour):
            raise FormError(
                "steps", f"Step {step.name!r} cannot write to {pattern!r}: it is not a whole path.", "Write it from its root."
            )
    try:
        return outputs_of(step, patterns)
    except ConductorError as exc:
        raise FormError("steps", exc.what, "Take away the places that are too many.") from exc


def _moved(situation: Situation) -> Iterable[tuple[str, tuple[str, ...]]]:
    for step, choice in situation.chosen_steps():
        patterns = patterns_of(step, choice)
        if patterns != tuple(output.path for output in step.outputs[: len(patterns)]):
            yield step.name, patterns


def _metadata(situation: Situation) -> dict[str, str]:
    result: dict[str, str] = {}
    for key, value in situation.form.metadata:
        if not key.strip() and not value.strip():
            continue  # a line that nobody has filled in
        if not key.strip():
            raise FormError("metadata", f"The value {value!r} has no key.", "Give it one, or remove the line.")
        if key.strip() in result:
            raise FormError("metadata", f"The key {key.strip()!r} stands twice.", "Remove one of them.")
        result[key.strip()] = value
    return result


def _notifications(situation: Situation) -> Notifications:
    emails = (email.strip() for email in situation.form.notifications.emails)
    return Notifications(tuple(dict.fromkeys(filter(None, emails))), situation.form.notifications.on)


def _scripts(situation: Situation) -> Scripts:
    scripts = situation.form.scripts
    for path in (*scripts.plug_in_folders, *scripts.startup):
        if not is_absolute(path, situation.flavour):
            raise FormError(
                "scripts", f"{path!r} is not a whole path.", "Write it from its root, or choose it from the list of files."
            )
    return scripts


def _excluded(situation: Situation) -> Exclusions:
    for exclusion in situation.form.excluded:
        if not exclusion.reason.strip():
            raise FormError("excluded", f"Nothing says why {exclusion.path} is left out.", "Write the reason: the job shows it.")
    try:
        return Exclusions(situation.form.excluded, situation.flavour)
    except ConductorError as exc:
        raise FormError("excluded", exc.what, exc.next_step) from exc


def _allowed_missing(situation: Situation, excluded: Exclusions) -> tuple[str, ...]:
    if situation.report is None or not situation.form.allow_missing:
        return ()
    return tuple(dict.fromkeys(m.path for m in situation.report.missing if not excluded.covers(m.path)))


def _without(files: Iterable[str], excluded: Exclusions) -> tuple[str, ...]:
    return tuple(dict.fromkeys(file for file in files if not excluded.covers(file)))


def _files_of(scripts: Scripts, flavour: Flavour, is_file: Callable[[str], bool]) -> Iterable[str]:
    """Yield what the scripts need: folders, files, and the words of programs that are the artist's files."""
    yield from scripts.plug_in_folders
    yield from scripts.startup
    yield from files_among((*scripts.before_task, *scripts.after_task), flavour, is_file)
