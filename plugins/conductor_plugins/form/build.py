"""From the form to one submission and the files that go with it: what is previewed, estimated, copied as a command and sent.

Everything here is decided from the situation alone, and each refusal names the field of the form that is to blame.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from conductor_core.errors import ConductorError, InvalidDocument
from conductor_core.exclusions import Exclusions
from conductor_core.paths import Flavour, is_absolute
from conductor_core.steps import check_version, files_among, parse_software, this_client
from conductor_core.submission import (
    Limits,
    Notifications,
    Retries,
    Scripts,
    Software,
    Submission,
    validate_submission,
)
from conductor_core.versions import serving_version

from conductor_plugins.form.errors import FormError
from conductor_plugins.form.fed import fed_of
from conductor_plugins.form.job_environment import job_environment
from conductor_plugins.form.job_steps import moved_outputs, steps_of
from conductor_plugins.form.of_report import files_of
from conductor_plugins.form.refusals import refused
from conductor_plugins.form.situation import Situation

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
    submission = submission_of(situation, identity=identity)
    excluded = Exclusions(submission.excluded, submission.flavour)
    extra = _without(extra_paths(situation, is_file=is_file), excluded)
    found = files_of(situation.report) if situation.report else ()
    return Planned(
        submission,
        tuple(dict.fromkeys((situation.scene.path, *_without(found, excluded), *extra))),
        situation.form.download,
        extra_files=extra,
        moved_outputs=tuple(moved_outputs(situation)),
        project_root=situation.scene.project_root,
    )


def submission_of(situation: Situation, *, identity: str) -> Submission:
    """Return what is asked for, without a look at the files.

    Raises:
        FormError: as `planned`.
    """
    if not situation.scene.path:
        raise FormError("", "The scene has no file yet.", "Save it under a name first.")
    _check_numbers(situation)
    form, offer = situation.form, situation.offer
    types = [found.name for found in offer.instance_types] if offer else []
    submission = Submission(
        id=identity,
        project=_chosen("project", "project", situation.project(), offer.projects if offer else ()),
        title=situation.title(),
        scene=situation.scene.path,
        flavour=situation.flavour,
        software=_software(situation),
        steps=steps_of(situation),
        instance_type=_chosen("instance_type", "kind of machine", situation.instance_type(), types),
        preemptible=form.preemptible,
        priority=form.priority,
        max_instances=form.max_instances,
        retries=Retries(form.retries_failure, form.retries_preemption),
        limits=Limits(task_seconds=form.task_minutes * 60),
        environment=job_environment(situation),
        metadata=_metadata(situation),
        allowed_missing=_allowed_missing(situation, _excluded(situation)),
        excluded=tuple(form.excluded),
        plug_ins=_plug_ins(situation),
        scripts=_scripts(situation),
        notifications=_notifications(situation),
        client=this_client(),
    )
    try:
        validate_submission(submission)
    except InvalidDocument as exc:
        raise refused(exc, submission) from exc
    return submission


def extra_paths(situation: Situation, *, is_file: Callable[[str], bool] = os.path.isfile) -> tuple[str, ...]:
    """Return the files and folders that go along beside those that were found: added by hand, and named by scripts."""
    return (*situation.form.added, *_files_of(situation.form.scripts, situation.flavour, is_file))


def plug_ins_of(situation: Situation) -> tuple[str, ...]:
    """Return the plug-ins as `name@version`: those chosen, or those that the host has detected.

    Of one whose version the host cannot tell it is the newest that the farm has.
    """
    if situation.form.plug_ins is not None:
        return situation.form.plug_ins
    return tuple(f"{p.name}@{p.version or _newest(p.name, situation)}" for p in situation.scene.plug_ins)


def read_plug_in(text: str) -> Software | None:
    """Return a plug-in of `name@version`, or of `name@` where nobody knows the version; None where it is neither."""
    name, at, version = text.strip().partition("@")
    return Software(name.strip(), version) if name.strip() and at else None


def _newest(name: str, situation: Situation) -> str:
    packages = situation.offer.software if situation.offer else ()
    return serving_version("", (p.version for p in packages if p.name == name)) or ""


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
    found = [read_plug_in(text) for text in plug_ins_of(situation)]
    for text, package in zip(plug_ins_of(situation), found, strict=True):
        if package is None:
            raise FormError(
                "plug_ins", f"{text!r} is not name@version.", "Write plug-ins like mtoa@5.4, or take it off the list."
            )
    return tuple(dict.fromkeys(package for package in found if package is not None))


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
    fed = fed_of(situation)
    lacking = (m.path for m in situation.report.missing if not (excluded.covers(m.path) or fed.maker_of(m.path)))
    return tuple(dict.fromkeys(lacking))


def _without(files: Iterable[str], excluded: Exclusions) -> tuple[str, ...]:
    if not excluded:
        return tuple(files)
    return tuple(dict.fromkeys(file for file in files if not excluded.covers(file)))


def _files_of(scripts: Scripts, flavour: Flavour, is_file: Callable[[str], bool]) -> Iterable[str]:
    """Yield what the scripts need: folders, files, and the words of programs that are the artist's files."""
    yield from scripts.plug_in_folders
    yield from scripts.startup
    yield from files_among((*scripts.before_task, *scripts.after_task), flavour, is_file)
