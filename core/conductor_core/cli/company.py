"""What goes along with a scene by the command line: scripts, plug-in folders, and what stays at home."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from conductor_core.cli.command_files import whole_words
from conductor_core.errors import ConductorError
from conductor_core.paths import local_flavour
from conductor_core.steps import command_words, files_among
from conductor_core.submission import Exclusion, Scripts


def read_scripts(options: Mapping[str, Any]) -> tuple[Scripts, tuple[str, ...]]:
    """Return the scripts of the command line, with whole paths, and the files that must be sent for them.

    Raises:
        ConductorError: a program's words cannot be split.
    """
    folders = tuple(_whole(folder) for folder in options["plug_in_folders"])
    startup = tuple(_whole(file) for file in options["startup"])
    before = _program(options["before_task"], "--before-task")
    after = _program(options["after_task"], "--after-task")
    files = files_among((*before, *after), local_flavour(), os.path.isfile)
    return Scripts(folders, startup, before, after), tuple(dict.fromkeys((*folders, *startup, *files)))


def read_exclusions(texts: Sequence[str]) -> tuple[Exclusion, ...]:
    """Return what stays at home, from `PATH=REASON`; of several `=` the first behind a path that is there divides the two.

    Raises:
        ConductorError: there is no reason.
    """
    return tuple(_exclusion(text) for text in texts)


def _exclusion(text: str) -> Exclusion:
    pieces = text.split("=")
    splits: Iterable[tuple[str, str]] = (("=".join(pieces[:n]), "=".join(pieces[n:])) for n in range(1, len(pieces)))
    readable = [(path, reason) for path, reason in splits if path and reason.strip()]
    if not readable:
        raise ConductorError(
            f"--exclude {text!r} does not say why.", "Write it like --exclude cache/smoke.vdb=simulated on the farm."
        )
    path, reason = next((split for split in readable if os.path.lexists(_whole(split[0]))), readable[0])
    return Exclusion(_whole(path), reason.strip())


def _program(text: str, option: str) -> tuple[str, ...]:
    """Return a program's words; one that is a file in this folder gets its whole path, the first only where it has a `/`."""
    words = command_words(text, option) if text else ()
    if text and not words:
        raise ConductorError(f"{option} is empty.", "Write the program and its words.")
    return whole_words(words)


def _whole(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))
