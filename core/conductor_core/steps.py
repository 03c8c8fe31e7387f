"""From a scene's steps to those of a submission: the rules that the panel and the command line share.

Pure, and of the standard library only: a host imports it. Its sentences name neither options nor fields, since both show them.
"""

from __future__ import annotations

import getpass
import os
import platform
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import replace

from conductor_core import __version__
from conductor_core.errors import ConductorError
from conductor_core.host import SceneStep
from conductor_core.paths import Flavour, is_absolute
from conductor_core.submission import Client, Output, Software
from conductor_core.task_words import NotSplit, as_word, split_words

_PICTURES = (".exr", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dpx", ".hdr", ".tga", ".bmp")
_MOVIES = (".mov", ".mp4", ".mkv", ".avi", ".webm", ".mxf")
#: software whose frame server renders pictures only
_PICTURES_ONLY = frozenset({"blender"})
_SYSTEM_FOLDERS = ("/bin/", "/sbin/", "/usr/", "/lib/", "/lib64/", "/etc/", "/dev/", "/proc/", "/sys/", "/System/", "/Library/")


def choose_steps(steps: Sequence[SceneStep], names: Sequence[str]) -> tuple[SceneStep, ...]:
    """Return the steps of these names, in their order, or those that the scene has enabled.

    Raises:
        ConductorError: there is no such step, none is enabled, or one of them cannot be rendered.
    """
    if not steps:
        raise ConductorError(
            "The scene has nothing that renders: no write node, render layer, ROP or camera that this reading of it can see.",
            "Add one and save the scene, or submit the program that renders it as a command.",
        )
    by_name = {step.name: step for step in steps}
    known = ", ".join(repr(name) for name in by_name)
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise ConductorError(f"The scene has no step {unknown[0]!r}.", f"It has: {known}.")
    chosen = tuple(by_name[name] for name in names) if names else tuple(step for step in steps if step.enabled)
    if not chosen:
        raise ConductorError("Nothing in the scene is enabled for rendering.", f"Choose steps; there are: {known}.")
    check_renderable(chosen)
    return chosen


def check_renderable(steps: Sequence[SceneStep]) -> None:
    """Refuse a step that the host itself says cannot be rendered as it is.

    Raises:
        ConductorError: with the step's problem.
    """
    lame = next((step for step in steps if step.problem), None)
    if lame is not None:
        raise ConductorError(
            f"Step {lame.name!r} {lame.problem}, so it cannot be rendered.", "Mend the scene and save it, or choose other steps."
        )


def after_of(step: SceneStep, chosen: Container[str]) -> tuple[str, ...]:
    """Return the steps that must succeed before one: of those that it names, the ones that are rendered with it."""
    return tuple(name for name in step.after if name in chosen and name != step.name)


def outputs_of(step: SceneStep, patterns: Sequence[str]) -> tuple[Output, ...]:
    """Return a step's outputs, under other absolute paths where patterns say so: one per output, in their order.

    Raises:
        ConductorError: there are more patterns than outputs, or a program renders it that cannot be told where to write.
    """
    if len(patterns) > len(step.outputs):
        count = f"{len(step.outputs)} output{'' if len(step.outputs) == 1 else 's'}"
        what = f"Step {step.name!r} writes {count}, and {len(patterns)} places are named for it."
        raise ConductorError(what, "Take away the places that are too many.")
    moved = [_moved(output, path) for output, path in zip(step.outputs, patterns, strict=False)]
    for own, other in zip(step.outputs, moved, strict=False):
        if step.command and own != other and as_word(own.path) not in step.command:
            raise ConductorError(
                f"Step {step.name!r} is rendered by {step.command[0]}, which writes where its scene says: {own.path}.",
                "Change the place in the scene, or leave it as it is.",
            )
    return (*moved, *step.outputs[len(patterns) :])


def commands_of(chosen: Iterable[tuple[SceneStep, Sequence[Output]]]) -> dict[str, tuple[str, ...]]:
    """Return the command of each step, by name, for steps with the outputs that they get.

    A program that renders what another step has written reads it where that step now writes it.
    """
    steps = tuple(chosen)
    pairs = ((own.path, other.path) for step, outputs in steps for own, other in zip(step.outputs, outputs, strict=False))
    moved = {as_word(own): as_word(other) for own, other in pairs if own != other}
    return {step.name: tuple(moved.get(word, word) for word in step.command) for step, _ in steps}


def _moved(output: Output, path: str) -> Output:
    """Return an output at another place; the ending of a picture makes pictures of a movie."""
    pictures = output.kind == "movie" and path.lower().endswith(_PICTURES)
    return replace(output, path=path, kind="image" if pictures else output.kind)


def movie_not_rendered(software: str, outputs: Iterable[Output]) -> str:
    """Return the place of a movie that frame servers of this software (by catalogue name) do not render; "": there is none."""
    return next((output.path for output in outputs if output.kind == "movie" and software in _PICTURES_ONLY), "")


def output_at(path: str) -> Output:
    """Return an output of which nothing but its path is known."""
    name = path.lower()
    if name.endswith(_PICTURES):
        return Output(path, "image")
    return Output(path, "movie" if name.endswith(_MOVIES) else "other")


def check_version(scene: str, saved_with: Software, software: Software, *, option: str = "") -> None:
    """Refuse software that is older than what saved the scene: it could not open it, or would crash.

    `option` is how other software is asked for, where that is to be typed.

    Raises:
        ConductorError: with both versions.
    """
    if software.name != saved_with.name:
        return
    chosen, needed = _numbers(software.version), _numbers(saved_with.version)
    if chosen[: len(needed)] < needed[: len(chosen)]:
        name = software.name.capitalize()
        raise ConductorError(
            f"{scene} was saved by {name} {saved_with.version}; {name} {software.version} cannot open it.",
            f"Render with {name} {saved_with.version} or later{f' ({option})' if option else ''}, or save the scene with {name} {software.version}.",
        )


def default_title(scene: str) -> str:
    """Return what a job is called whose artist has said nothing: the scene's file name without its ending."""
    return os.path.splitext(os.path.basename(scene))[0]


def parse_software(text: str) -> Software:
    """Read `name@version`.

    Raises:
        ConductorError: it has another form.
    """
    name, at, version = text.strip().partition("@")
    if not (name and at and version):
        raise ConductorError(f"{text!r} is not name@version.", "Write it like blender@4.5.")
    return Software(name, version)


def command_words(text: str, place: str, *, windows: bool = os.name == "nt") -> tuple[str, ...]:
    """Split a program and its words as a shell does, on Windows with backslashes as they are; `place` is where the artist wrote it.

    Raises:
        ConductorError: a quote is open.
    """
    try:
        return split_words(text, windows=windows)
    except NotSplit as exc:
        raise ConductorError(f"{place} {text!r} cannot be split into words ({exc}).", "Check its quotes.") from None


def files_among(words: Iterable[str], flavour: Flavour, is_file: Callable[[str], bool]) -> tuple[str, ...]:
    """Return the words of a program that are files of the artist's, which must be sent along.

    Folders are not: a word may name any, and a whole disk would go along. Programs and libraries of a system are not either:
    every instance has its own.
    """
    whole = (word for word in words if is_absolute(word, flavour) and not is_of_the_system(word, flavour))
    return tuple(dict.fromkeys(word for word in whole if is_file(word)))


def is_of_the_system(path: str, flavour: Flavour) -> bool:
    r"""Tell whether an absolute path is a system's own, which every instance has: `/usr/bin/env`, `C:\Windows\…`."""
    if flavour is Flavour.WINDOWS:
        folders = path.replace("/", "\\").lower().split("\\")
        return folders[1:2] in (["windows"], ["program files"], ["program files (x86)"])
    return path.startswith(_SYSTEM_FOLDERS)


def this_client() -> Client:
    """Return who submits, and from where."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = ""
    return Client(user, platform.node(), __version__)


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of major and minor version; none where it is written otherwise."""
    parts = version.split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()
