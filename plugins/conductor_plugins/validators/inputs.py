"""What the scene reads, looked up by folder: a hundred thousand files are asked about with each pause of the artist."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from conductor_core.errors import PathError
from conductor_core.paths import ClientPath, Flavour

from conductor_plugins.form.build import extra_paths
from conductor_plugins.form.of_report import files_of
from conductor_plugins.form.situation import Situation


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files of a scan, but for the scene itself, by the folder that they lie in."""

    flavour: Flavour
    by_folder: dict[tuple[str, ...], list[str]] = field(default_factory=dict)

    def in_folder(self, folder: ClientPath) -> list[str]:
        """Return the files that lie directly in a folder."""
        return self.by_folder.get(folder.key, [])

    def near(self, head: str) -> Iterator[str]:
        """Yield the files of the folders that `head`, the beginning of a path as `compared` has it, may lead into."""
        for key, files in self.by_folder.items():
            folder = compared_key(key) + "/"
            if folder.startswith(head) or head.startswith(folder):
                yield from files


#: of the report that was looked at last: it stays the same while the form changes
_last: list[tuple[object, Inputs]] = []


def inputs_of(situation: Situation) -> Inputs:
    """Return what the scan has found that the scene reads; nothing before there is one."""
    if _last and _last[0][0] is situation.report and _last[0][1].flavour is situation.flavour:
        return _last[0][1]
    inputs = Inputs(situation.flavour)
    folders: dict[str, list[str]] = {}
    for file in files_of(situation.report)[1:] if situation.report else ():
        slashed = file.replace("\\", "/") if situation.flavour is Flavour.WINDOWS else file
        folders.setdefault(slashed.rpartition("/")[0] + "/", []).append(file)
    for text, files in folders.items():
        if (folder := path_of(text, situation.flavour)) is not None:
            inputs.by_folder.setdefault(folder.key, []).extend(files)
    _last[:] = [(situation.report, inputs)]
    return inputs


def input_folders(situation: Situation) -> tuple[ClientPath, ...]:
    """Return the folders that go along whole: those added by hand, and those of scripts; what lies in them is sent with them."""
    whole = situation.form.scripts.plug_in_folders
    paths = (path_of(p, situation.flavour) for p in dict.fromkeys(extra_paths(situation)) if p in whole or os.path.isdir(p))
    return tuple(path for path in paths if path is not None)


def path_of(text: str, flavour: Flavour) -> ClientPath | None:
    """Return a path; None where it is none of this system, which another validator says."""
    try:
        return ClientPath.parse(text, flavour)
    except PathError:
        return None


def compared(path: ClientPath) -> str:
    """Return a path as a text that is equal for all names of one place; tokens for frames are `#` in it."""
    return compared_key(path.key)


def compared_key(key: tuple[str, ...]) -> str:
    """Return the text of a path's key."""
    return "/".join((key[1].replace("\\", "/").rstrip("/"), *key[2:]))
