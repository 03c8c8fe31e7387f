"""From a finding to the entries of the report: what is on disk, what lacks, and why."""

from __future__ import annotations

import os
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.place import is_elsewhere
from conductor_core.discovery.reach import Found, is_whole_disk
from conductor_core.report import Dependency, Ignored, Missing, ScanOutput, Unresolved
from conductor_core.sequences import DirectoryListing

#: files of one sequence that are named each where they lack; of a scene whose range is a mistake a million may
_NAMED = 10_000

Entry = Dependency | Missing | Unresolved | ScanOutput | Ignored


def judged(finding: Finding, listing: DirectoryListing) -> Iterator[Entry]:
    """Yield the report's entries for one finding; a sequence with gaps is a dependency and, for each gap, missing."""
    if isinstance(finding, Usage):
        yield from _looked_up(finding, listing)
    else:
        yield finding


def _looked_up(usage: Usage, listing: DirectoryListing) -> Iterator[Entry]:
    place, found = _first_with_files(usage, listing)
    if not found.files and usage.absent_is:
        yield Ignored(usage.as_written, usage.referrer, usage.absent_is, reader=usage.reader)
        return
    if not found.files and not found.lacking:
        yield Ignored(usage.as_written, usage.referrer, "no frame of this job shows it", reader=usage.reader)
        return
    if found.files:
        status = "partial" if found.lacking else "found"
        yield Dependency(usage.as_written, place, found.files, usage.kind, usage.referrer, status, reader=usage.reader)  # type: ignore[arg-type]
    for path in found.lacking[:_NAMED]:
        reason = _why_missing(path, usage, listing)
        yield Missing(usage.as_written, path, usage.kind, usage.referrer, reason, reader=usage.reader)
    if (more := len(found.lacking) - _NAMED) > 0:
        reason = f"and {more:,} more of its files are not there"
        yield Missing(usage.as_written, place, usage.kind, usage.referrer, reason, reader=usage.reader)


def _first_with_files(usage: Usage, listing: DirectoryListing) -> tuple[str, Found]:
    first: tuple[str, Found] | None = None
    for place in usage.places:
        found = usage.reach.find(place, listing)
        if found.files and is_elsewhere(place):
            found = Found((), found.lacking or (place,))  # what lies here under such a name is another file
        if found.files:
            return place, found
        first = first or (place, found)
    return first or ("", Found(()))


def _why_missing(path: str, usage: Usage, listing: DirectoryListing) -> str:
    if is_elsewhere(path):
        return "it is a path of another system, which this machine cannot reach"
    if os.path.isdir(path) and is_whole_disk(path):
        return "it is a whole disk or somebody's home, of which not everything can be meant"
    folder = os.path.dirname(path)
    problem = listing.problem(folder)
    if problem and os.path.isdir(folder):
        return f"{folder} cannot be read: {problem}"
    if other := listing.in_other_case(path):
        return f"there is no such file, but {other}: names must match in upper and lower case, too"
    elsewhere = [os.path.dirname(p) for p in usage.places[1:] if p != path]
    return "there is no such file" + (f", nor in {', '.join(dict.fromkeys(elsewhere))}" if elsewhere else "")
