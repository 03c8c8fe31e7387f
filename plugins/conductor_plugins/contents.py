"""What stands in files that only the open scene leads to.

The agent reads the scene's saved file and all that it leads to. A stage or stand-in that was added since is in no saved file, so
the host alone has told of it: then it is read by itself, and what it reads in turn is sent as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from conductor_core.discovery.crosscheck import FILE, HOST, real
from conductor_core.discovery.kinds import FOLLOWED
from conductor_core.report import Dependency, Missing, ScanReport, Unresolved

_EntryT = TypeVar("_EntryT", Dependency, Missing, Unresolved)
#: files that are read at most: who has added more since the last save is told so by the list itself
MOST = 50

Read = Callable[[str], ScanReport | None]


def with_contents(report: ScanReport, read: Read) -> ScanReport:
    """Return a cross-checked report with what the files of the host alone lead to; a file that cannot be read leads to nothing."""
    found: list[Dependency] = []
    missing: list[Missing] = []
    unresolved: list[Unresolved] = []
    known = {real(file) for entry in report.dependencies for file in entry.files} | {real(m.path) for m in report.missing}
    for file in _of_the_host_alone(report):
        contents = read(file)
        if contents is None:
            continue
        for dependency in contents.dependencies:
            files = tuple(f for f in dependency.files if real(f) not in known)
            if files:
                known.update(map(real, files))
                found.append(_within(replace(dependency, files=files), file))
        for entry in contents.missing:
            if real(entry.path) not in known:
                known.add(real(entry.path))
                missing.append(_within(entry, file))
        unresolved += [_within(entry, file) for entry in contents.unresolved]
    return replace(
        report,
        dependencies=(*report.dependencies, *found),
        missing=(*report.missing, *missing),
        unresolved=(*report.unresolved, *unresolved),
    )


def _of_the_host_alone(report: ScanReport) -> Iterator[str]:
    files = (
        file
        for entry in report.dependencies
        if entry.seen_by == (HOST,) and entry.kind in FOLLOWED and not entry.within
        for file in entry.files
    )
    for number, file in enumerate(dict.fromkeys(files)):
        if number < MOST:
            yield file


def _within(entry: _EntryT, file: str) -> _EntryT:
    return replace(entry, within=entry.within or file, seen_by=(FILE,))
