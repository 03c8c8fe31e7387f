"""Read a scene and all that it points to, each file once, and report where everything that looks like a path ends."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from conductor_core.discovery.finding import Facts, Finding, Usage
from conductor_core.discovery.judge import Entry, judged
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats.format import Format, format_of, known_formats
from conductor_core.formats.own_outputs import with_writers
from conductor_core.formats.read_states import ReadStates
from conductor_core.report import Dependency, Ignored, Missing, ScanOutput, ScanReport, Unresolved
from conductor_core.sequences import has_frame_token

_EntryT = TypeVar("_EntryT", Dependency, Missing, Unresolved, ScanOutput, Ignored)


class Listener(Protocol):
    """Is told each finding as it comes, with the file that holds it, the format it was read as, and what became of it."""

    def __call__(self, file: str, format_name: str, finding: Finding, entries: tuple[Entry, ...], /) -> None:
        """Take a finding; its `reader` is the name of who found it."""
        ...


@dataclass(frozen=True, slots=True)
class Scan:
    """A report, and what the scene says of itself."""

    report: ScanReport
    facts: Facts | None


def _nobody_listens(_file: str, _format: str, _finding: Finding, _entries: tuple[Entry, ...], /) -> None:
    """Take a finding and do nothing."""


def scan_file(survey: Survey, *, listen: Listener = _nobody_listens, states: ReadStates | None = None) -> Scan:
    """Scan `survey.file` and what it points to; `states` takes in which state each file was, of a snapshot nothing.

    Raises:
        SceneNotRead: no reader knows the scene's format, or the scene itself is damaged; files that it points to are
            `unresolved` then, with the reason.
    """
    return _Walk(survey, listen, states).scan()


class _Walk:
    """The files of one scan, breadth first, so that each is reached on its shortest way."""

    def __init__(self, survey: Survey, listen: Listener, states: ReadStates | None) -> None:
        self._survey = survey
        self._states = states
        self._scene = os.path.realpath(survey.file)
        self._listen = listen
        self._waiting: deque[Survey] = deque([survey])
        self._seen: set[object] = set()
        self._worlds: dict[tuple[tuple[str, str], ...], int] = {}
        #: how often each file was read
        self._visits: dict[str, int] = {}
        self._entries: dict[Entry, None] = {}
        #: file of a sequence → the sequence
        self._sequences: dict[str, str] = {}
        #: what a sequence's files say: each of a thousand frames names the same textures
        self._said: set[tuple[str, Entry]] = set()
        self._facts: Facts | None = None
        self._format = ""

    def scan(self) -> Scan:
        read = 0
        while self._waiting:
            survey = self._waiting.popleft()
            if not self._is_new(survey):
                continue
            read += 1
            if read > self._survey.limits.files:
                reason = f"it points to more than {self._survey.limits.files:,} files that may point on; the others were not read"
                self._add(Unresolved(self._survey.file, os.path.basename(self._survey.file), reason), self._survey)
                break
            self._read(survey)
        return Scan(_report(self._survey.file, self._format, self._entries), self._facts)

    def _is_new(self, survey: Survey) -> bool:
        """Tell whether a file was not read yet; with other frames or variables it may say other things."""
        place = (os.path.realpath(survey.file), survey.search, survey.project_root)
        # a number for the variables: a key for each of 100,000 files must not hold a whole environment
        world = self._worlds.setdefault(tuple(survey.variables.items()), len(self._worlds))
        key = (*place, survey.frames, survey.given, survey.errand, world)
        if key in self._seen:
            return False
        self._seen.add(key)
        self._visits[place[0]] = self._visits.get(place[0], 0) + 1
        if self._visits[place[0]] == self._survey.limits.visits + 1:
            reason = (
                f"it is read for more than {self._survey.limits.visits} different frame ranges, as when scripts name each other"
            )
            self._add(Unresolved(survey.file, os.path.basename(survey.file), reason), survey)
        return self._visits[place[0]] <= self._survey.limits.visits

    def _read(self, survey: Survey) -> None:
        top = survey is self._survey
        states = None if survey.snapshot else self._states
        try:
            with states.of(survey.file) if states is not None else contextlib.nullcontext():
                self._read_as(format_of(survey.content), survey)
        except SceneNotRead as exc:
            if top:
                raise
            self._add(Unresolved(survey.file, os.path.basename(survey.file), exc.reason), survey)
        except OSError as exc:
            reason = exc.strerror or str(exc)
            if top:
                raise SceneNotRead(survey.file, f"it cannot be read ({reason})") from exc
            self._add(Unresolved(survey.file, os.path.basename(survey.file), f"it cannot be read ({reason})"), survey)

    def _read_as(self, found: Format | None, survey: Survey) -> None:
        top = survey is self._survey
        if found is None:
            if top:
                known = ", ".join(sorted(f.name for f in known_formats()))
                raise SceneNotRead(survey.file, "no reader knows its format", f"Known are: {known}.")
            return
        if top:
            self._format = found.name
        for finding in found.read(survey):
            self._take(finding, survey, found)

    def _take(self, finding: Finding | Facts, survey: Survey, found: Format) -> None:
        if isinstance(finding, Facts):
            if survey is self._survey:
                self._facts = finding
            return
        if not finding.reader:
            finding = replace(finding, reader=found.reader)
        entries = tuple(judged(finding, survey.listing))
        self._listen(survey.file, found.name, finding, entries)
        for entry in entries:
            self._add(entry, survey)
            if isinstance(entry, Dependency) and isinstance(finding, Usage) and finding.followed:
                under = finding.under or survey
                if len(entry.files) > 1 and has_frame_token(entry.path):
                    self._sequences.update(dict.fromkeys(entry.files, entry.path))
                self._waiting.extend(under.of(file) for file in entry.files)

    def _add(self, entry: Entry, survey: Survey) -> None:
        """Keep an entry; what the frames of a sequence all say stands once, within the first that says it."""
        if sequence := self._sequences.get(survey.file):
            if (sequence, entry) in self._said:
                return
            self._said.add((sequence, entry))
        within = "" if os.path.realpath(survey.file) == self._scene else survey.file
        self._entries.setdefault(replace(entry, within=within))


def _report(scene: str, format_name: str, entries: dict[Entry, None]) -> ScanReport:
    own = (o for o in _of(ScanOutput, entries) if not o.within)
    return ScanReport(
        scene,
        format_name,
        dependencies=tuple(_of(Dependency, entries)),
        missing=tuple(with_writers(_of(Missing, entries), own)),
        unresolved=tuple(_of(Unresolved, entries)),
        outputs=tuple(_of(ScanOutput, entries)),
        ignored=tuple(_of(Ignored, entries)),
    )


def _of(kind: type[_EntryT], entries: dict[Entry, None]) -> Iterator[_EntryT]:
    return (entry for entry in entries if isinstance(entry, kind))
