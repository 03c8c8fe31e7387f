"""Where steps write: to places that an instance can have, each frame to a file of its own, and over nothing that is read."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator

from conductor_core.errors import PathError
from conductor_core.paths import ClientPath, Flavour
from conductor_core.sequences import frame_of, has_frame_token, output_folder

from conductor_plugins.form.fed import fed_of
from conductor_plugins.form.situation import Situation
from conductor_plugins.validators.inputs import compared, input_folders, inputs_of, path_of
from conductor_plugins.validators.places import Place, places_of, same_file
from conductor_plugins.validators.validator import ERROR, WARNING, Problem, validator

#: cleared by the system when it likes; also where hosts write that nobody has told where to
_TEMPORARY = ("/tmp", "/var/tmp", "/private/tmp", "/private/var/tmp", "/private/var/folders", "/var/folders", "/dev/shm")  # noqa: S108
_TEMPORARY_WINDOWS = re.compile(r"(?i)\A[a-z]:/(?:windows/temp|temp|tmp|users/[^/]+/appdata/local/temp)(?:/|\Z)")


@validator("output-unusable")
def output_unusable(situation: Situation) -> Iterator[Problem]:
    """Refuse a place that no instance can have: relative, of another system, a device, or the root of a disk."""
    for place in places_of(situation):
        reason = _unusable(place.output.path, situation.flavour)
        if reason:
            yield Problem(
                ERROR,
                f"{place.words} cannot write to {place.output.path!r}: {reason}.",
                "Write to a folder of the project, by its whole path.",
                "steps",
                place.elsewhere("Write beside the scene"),
                select=(place.step.name,),
            )


@validator("output-temporary")
def output_temporary(situation: Situation) -> Iterator[Problem]:
    """Warn of a folder that the system clears: frames that come home there may be gone tomorrow."""
    if _is_temporary(situation.scene.path, situation.flavour):
        return  # who works there knows
    for place in places_of(situation):
        if place.path is not None and _is_temporary(place.path.text, situation.flavour):
            yield Problem(
                WARNING,
                f"{place.words} writes to {place.path.parent}, a temporary folder: your system may clear it at any time.",
                "Write to a folder of the project.",
                "steps",
                place.elsewhere("Write beside the scene"),
                select=(place.step.name,),
            )


@validator("output-over-input")
def output_over_input(situation: Situation) -> Iterator[Problem]:
    """Refuse to render over files that the scene reads: what it reads would depend on which frame was home first."""
    scene = situation.scene.path
    for place in places_of(situation):
        file = _overwritten(place, situation)
        if file:
            yield Problem(
                ERROR,
                f"{place.words} would write over {file}, which {'is the scene' if file == scene else 'the scene itself reads'}.",
                "Write elsewhere.",
                "steps",
                place.elsewhere("Write elsewhere"),
                select=(place.step.name,),
            )


@validator("output-among-inputs")
def output_among_inputs(situation: Situation) -> Iterator[Problem]:
    """Warn of frames that come home among what the scene reads: the next submission would send them, or take them for plates."""
    inputs, folders = inputs_of(situation), input_folders(situation)
    for place in places_of(situation):
        if place.path is None:
            continue
        folder = output_folder(place.path)
        whole = next((f for f in folders if folder.is_within(f)), None)
        beside = inputs.in_folder(folder)
        if whole is None and not beside:
            continue
        why = (
            f"which is in {whole}, and that is sent with each submission" if whole else f"from where the scene reads {beside[0]}"
        )
        yield Problem(
            WARNING,
            f"{place.words} writes to {folder}, {why}.",
            "Write to a folder of its own.",
            "steps",
            place.elsewhere("Write elsewhere"),
            select=(place.step.name,),
        )


@validator("output-twice")
def output_twice(situation: Situation) -> Iterator[Problem]:
    """Refuse two outputs that come to the same file: one of them would be lost, and nobody could say which."""
    places = list(places_of(situation))
    for number, place in enumerate(places):
        for earlier in places[:number]:
            file = same_file(earlier, place)
            if file:
                yield Problem(
                    ERROR,
                    f"{earlier.words} and {place.words[0].lower()}{place.words[1:]} both write to {file}.",
                    "Give each a place of its own.",
                    "steps",
                    place.apart(),
                    select=(earlier.step.name, place.step.name),
                )
                break


@validator("output-without-frame")
def output_without_frame(situation: Situation) -> Iterator[Problem]:
    """Refuse a picture that has one name for all frames: each would be written over the one before."""
    for place in places_of(situation):
        if place.output.kind == "image" and place.frames is not None and len(place.frames) > 1:
            if place.path is None or has_frame_token(place.path.slashed):
                continue
            yield Problem(
                ERROR,
                f"{place.words} writes all {len(place.frames)} frames to {place.output.path}: only the last would be left.",
                "Put #### for the frame into the name.",
                "steps",
                place.with_frame(),
                select=(place.step.name,),
            )


@validator("output-none")
def output_none(situation: Situation) -> Iterator[Problem]:
    """Warn of a step of which nothing would come home."""
    for step, _ in situation.chosen_steps():
        if not step.outputs and not step.problem:
            yield Problem(
                WARNING,
                f"Step {step.name!r} writes no file that can be seen here, so nothing of it would come home.",
                "Give it a file to write, or switch it off.",
                "steps",
                select=(step.name,),
            )


@validator("output-not-writable")
def output_not_writable(situation: Situation) -> Iterator[Problem]:
    """Refuse a folder of this machine that frames cannot come home to; one that is not there yet is made."""
    if not situation.form.download:
        return
    seen = set()
    for place in places_of(situation):
        folder = output_folder(place.path).text if place.path is not None else ""
        if folder and folder not in seen and os.path.isdir(folder) and not os.access(folder, os.W_OK):
            seen.add(folder)
            yield Problem(
                ERROR,
                f"{folder} cannot be written, so no frame of step {place.step.name!r} could come home.",
                "Make it writable, write elsewhere, or leave the frames on the farm.",
                "steps",
                place.elsewhere("Write elsewhere"),
            )


def _overwritten(place: Place, situation: Situation) -> str:
    """Return a file of the scene's that one of the step's frames would be written over; "" where there is none."""
    if place.path is None or place.frames is None:
        return ""
    pattern = compared(place.path)
    head = re.split("[#<]", pattern, maxsplit=1)[0]
    inputs, fed = inputs_of(situation), fed_of(situation)
    # most patterns have their token in the name: then only one folder needs to be looked at
    alone = "/" not in pattern[len(head) :]
    near: Iterable[str] = inputs.in_folder(place.path.parent) if alone else inputs.near(head)
    for file in (situation.scene.path, *near):
        path = path_of(file, situation.flavour)
        text = compared(path) if path is not None else ""
        written = text == pattern or (text.startswith(head) and frame_of(pattern, text) in place.frames)
        # what a step makes for another may be there from an earlier job
        if written and fed.maker_of(file) != place.step.name:
            return file
    return ""


def _unusable(text: str, flavour: Flavour) -> str:
    slashed = text.replace("\\", "/") if flavour is Flavour.WINDOWS else text
    if ".." in slashed.split("/"):
        return "it is written with '..', which means another folder where one is a link"
    if flavour is Flavour.POSIX and text.startswith("//"):
        return "it is a share of a Windows network"
    try:
        path = ClientPath.parse(text, flavour)
    except PathError as exc:
        return f"it {exc.what.removeprefix(f'Path {exc.path!r} ')}".rstrip(".")
    if slashed.endswith("/") or not path.components:
        return "it is a folder, not a file"
    if flavour is Flavour.POSIX and not output_folder(path).components:
        return "it lies in the root of the disk, of which no instance can give a task all"
    return ""


def _is_temporary(text: str, flavour: Flavour) -> bool:
    path = path_of(text, flavour)
    if path is None:
        return False
    if flavour is Flavour.WINDOWS:
        return _TEMPORARY_WINDOWS.match(path.slashed) is not None
    folders = (path_of(folder, flavour) for folder in (*_TEMPORARY, tempfile.gettempdir()))
    return any(folder is not None and path.is_within(folder) for folder in folders)
