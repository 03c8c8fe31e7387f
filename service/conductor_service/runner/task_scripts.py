"""What an artist sends along beside the scene, as the software sees it: plug-in folders, startup files, programs around a task."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from conductor_core.errors import PathError
from conductor_core.paths import ClientPath, stage_path
from conductor_core.task_words import fill_words

from conductor_service.runner.assignment import Assignment
from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.places import Places
from conductor_service.runner.stages import Stage

Moment = Literal["before", "after"]
#: a Python of the instance, for `.py` files where the software's own is no program
_PYTHON = "python3"
#: ways to start software by a program that is a Python, and takes no licence before it is told to
_PYTHONS = ("bpy-module", "mayapy")
_BY_ENDING = {".sh": ("/bin/sh",), ".bash": ("bash",)}
#: what a shell, and `prlimit`, say by an exit code (POSIX, "Exit Status for Commands")
_HINTS = {
    126: " It cannot be run: give it a first line such as #!/bin/sh, an ending such as .py or .sh, or the mode of a program.",
    127: " There is no such program on the instance: send it along, or name another.",
}
#: of a program in a sentence
_SHOWN = 300
#: of a file's first line, as the kernel reads it (execve(2), "Interpreter scripts")
_FIRST_LINE = 256


@dataclass(frozen=True, slots=True)
class Program:
    """A program that runs before or after a task."""

    #: as the artist wrote it, with the frames in it
    shown: str
    argv: tuple[str, ...]


class TaskScripts:
    """The scripts of one session's job."""

    def __init__(self, assignment: Assignment, stage: Stage, places: Places, mapped: Callable[[str], str]) -> None:
        """Take `mapped`, which says where a word that is a path of the artist's lies for the software."""
        self._scripts = assignment.scripts
        self._software = assignment.software
        self._stage = stage
        self._places = places
        self._mapped = mapped

    @property
    def after_task(self) -> bool:
        """Tell whether a program runs after each task."""
        return bool(self._scripts.after_task)

    def plug_in_folders(self) -> tuple[str, ...]:
        """Return the plug-in folders as the software sees them.

        Raises:
            TaskFailed: (missing-file) one is not among the job's files.
        """
        return tuple(self._seen(path, "plug-in folder") for path in self._scripts.plug_in_folders)

    def startup(self) -> tuple[str, ...]:
        """Return the startup files as the software sees them.

        Raises:
            TaskFailed: (missing-file) one is not among the job's files.
        """
        return tuple(self._seen(path, "startup script") for path in self._scripts.startup)

    def program(self, moment: Moment, frames: Sequence[int]) -> Program | None:
        """Return the program that runs before or after a task of these frames; None: there is none."""
        asked = self._scripts.before_task if moment == "before" else self._scripts.after_task
        if not asked:
            return None
        shown = shlex.join(fill_words(asked, frames)).replace("\n", "⏎")
        return Program(shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…", self.argv(asked, frames))

    def argv(self, asked: Sequence[str], frames: Sequence[int]) -> tuple[str, ...]:
        """Return a program's words for a task of these frames, its paths as the software sees them."""
        words = fill_words(asked, frames)
        return (*self._interpreter(words[0]), *(self._mapped(word) for word in words))

    def _seen(self, text: str, what: str) -> str:
        path = ClientPath.parse(text, self._places.flavour)
        if not os.path.lexists(self._stage.folder / stage_path(path)):
            raise TaskFailed("missing-file", f"The {what} {text} is not among the job's files. Submit again, with it.")
        return self._places.seen(path)

    def _interpreter(self, word: str) -> tuple[str, ...]:
        """Return the words that run a file of the job's: by its first line, else by its ending; none for any other program.

        A file from Windows has no mode that says it is a program, and one that was made elsewhere may lack it.
        """
        try:
            path = ClientPath.parse(word, self._places.flavour)
        except PathError:
            return ()
        staged = stage_path(path)
        if all(file.path != staged for file in self._stage.plan.files):
            return ()
        by_line = _first_line(self._stage.folder / staged)
        ending = os.path.splitext(path.name)[1].lower()
        if by_line:
            return by_line
        if ending == ".py":
            return (self._software.executable if self._software.launch in _PYTHONS else _PYTHON,)
        return _BY_ENDING.get(ending, ())


def failure_of_program(moment: Moment, program: Program, failure: TaskFailed) -> TaskFailed:
    """Return a failure whose first line names the artist's own program, and what to do where it is none."""
    head, _, rest = failure.what.partition("\n")
    name = f"The script {moment} the task, {program.shown},"
    ended = head.startswith("The software")
    sentence = name + head.removeprefix("The software") if ended else f"{name} failed: {head}"
    hint = _HINTS.get(failure.exit_code or 0, "") if ended else ""
    return TaskFailed(failure.cause, f"{sentence}{hint}\n{rest}".rstrip(), exit_code=failure.exit_code)


def _first_line(file: Path) -> tuple[str, ...]:
    """Return the interpreter that a file's `#!` line names, and its one argument."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ()
    with os.fdopen(descriptor, "rb") as stream:
        head = stream.read(_FIRST_LINE).split(b"\n")[0]
    if not head.startswith(b"#!"):
        return ()
    return tuple(os.fsdecode(head[2:]).strip().split(None, 1))
