"""What the scene reads, looked up by folder: a hundred thousand files are asked about with each pause of the artist."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from conductor_core.errors import PathError
from conductor_core.paths import ClientPath, Flavour
from conductor_core.report import ScanReport

from conductor_plugins.form.build import extra_paths
from conductor_plugins.form.of_report import OfReport, files_of
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


@OfReport
def _by_flavour(_report: ScanReport) -> dict[Flavour, Inputs]:
    """Return what is known of a report so far."""
    return {}


def inputs_of(situation: Situation) -> Inputs:
    """Return what the scan has found that the scene reads; nothing before there is one."""
    if situation.report is None:
        return Inputs(situation.flavour)
    known = _by_flavour(situation.report)
    if situation.flavour not in known:
        known[situation.flavour] = _inputs(situation.report, situation.flavour)
    return known[situation.flavour]


def _inputs(report: ScanReport, flavour: Flavour) -> Inputs:
    inputs = Inputs(flavour)
    folders: dict[str, list[str]] = {}
    for file in files_of(report)[1:]:
        slashed = file.replace("\\", "/") if flavour is Flavour.WINDOWS else file
        folders.setdefault(slashed.rpartition("/")[0] + "/", []).append(file)
    for text, files in folders.items():
        if (folder := path_of(text, flavour)) is not None:
            inputs.by_folder.setdefault(folder.key, []).extend(files)
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
