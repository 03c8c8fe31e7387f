"""Two readers of one scene: the host's answer and our own reading of the file, as one report.

Each entry of the result says who sees it (`seen_by`); nothing that one of them sees is dropped, and nothing stands twice.
Where they disagree (docs/decisions/0011-two-readers.md):

1. *found* beats *missing*: who has found a file has seen it on the disk;
2. what the host reads, ignores or writes stands against what our reading of the scene takes the same text for: the host has
   evaluated it. A file that our reading found by way of another file stays: a host does not tell which file a text is in;
3. what one cannot resolve gives way to what the other says of the same text;
4. a path that only one sees stays as that one says it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from conductor_core.discovery.place import is_elsewhere
from conductor_core.report import Dependency, Ignored, Missing, ScanOutput, ScanReport, Unresolved

_EntryT = TypeVar("_EntryT", Dependency, Missing, Unresolved, ScanOutput, Ignored)

HOST = "host"
FILE = "file"
BOTH = (HOST, FILE)


def cross_checked(host: ScanReport, file: ScanReport) -> ScanReport:
    """Return both reports as one."""
    theirs = _Words(host)
    said = _Words(file).texts
    file = replace(
        file,
        dependencies=tuple(d for d in file.dependencies if not theirs.overrules(d)),
        missing=tuple(m for m in file.missing if not theirs.overrules(m)),
    )
    ours = _Words(file, also=said)
    return ScanReport(
        host.scene,
        host.format,
        dependencies=(*_host_dependencies(host, ours), *_our_dependencies(file, theirs)),
        missing=(*_host_missing(host, ours), *_our_missing(file, theirs)),
        unresolved=(
            *(_seen(u, ours) for u in host.unresolved if not (ours.reads(u.as_written) or ours.writes(u.as_written))),
            *(replace(u, seen_by=(FILE,)) for u in file.unresolved if not theirs.says(u.as_written)),
        ),
        outputs=(
            *(_seen(o, ours) for o in host.outputs),
            *(replace(o, seen_by=(FILE,)) for o in file.outputs if not theirs.decides_on_output(o)),
        ),
        ignored=(
            *(_seen(i, ours) for i in host.ignored),
            *(replace(i, seen_by=(FILE,)) for i in file.ignored if not theirs.says(i.as_written)),
        ),
    )


@dataclass(frozen=True, slots=True)
class Disagreement:
    """How many entries only one of two readers sees."""

    host_only: int
    file_only: int


def disagreement(report: ScanReport) -> Disagreement:
    """Count the dependencies, found or missing, that only one reader sees."""
    seen = [entry.seen_by for entries in (report.dependencies, report.missing) for entry in entries]
    return Disagreement(seen.count((HOST,)), seen.count((FILE,)))


class _Words:
    """What a report says, looked up by real path and by text."""

    def __init__(self, report: ScanReport, also: Iterable[str] = ()) -> None:
        self.found = _by(report.dependencies, lambda d: {real(f) for f in (*d.files, d.path)})
        self.files = {real(f) for d in report.dependencies for f in d.files}
        self.missing = _by(report.missing, lambda m: {real(m.path)})
        self.written = _by(report.outputs, lambda o: {real(o.path)})
        self._found_texts = {d.as_written for d in report.dependencies}
        self._missing_texts = {m.as_written for m in report.missing}
        self._written_texts = {o.as_written for o in report.outputs}
        self._ignored = {i.as_written for i in report.ignored}
        self._unresolved = {u.as_written for u in report.unresolved}
        read = self._found_texts | self._missing_texts
        #: whatever it speaks of, in whichever list
        self.texts = read | self._written_texts | self._ignored | self._unresolved | set(also)

    def reads(self, text: str) -> bool:
        return text in self._found_texts or text in self._missing_texts

    def writes(self, text: str) -> bool:
        return text in self._written_texts

    def says(self, text: str) -> bool:
        return text in self.texts

    def knows(self, path: str) -> Sequence[Dependency | Missing]:
        key = real(path)
        return (*self.found.get(key, ()), *self.missing.get(key, ()))

    def overrules(self, entry: Dependency | Missing) -> bool:
        """Tell whether the host has decided on a text of the scene itself, and has not found a path for it to read."""
        if entry.within:
            return False
        text = entry.as_written
        if isinstance(entry, Missing) and text in self._found_texts and text not in self._missing_texts:
            return True
        return not self.reads(text) and (text in self._ignored or (self.writes(text) and real(entry.path) in self.written))

    def seen_beside(self, text: str) -> tuple[str, ...]:
        """Return who sees a text that our reading has resolved: the host too, where it could not."""
        return BOTH if text in self._unresolved and not self.reads(text) else (FILE,)

    def decides_on_output(self, output: ScanOutput) -> bool:
        text = output.as_written
        return real(output.path) in self.written or self.writes(text) or text in self._ignored


def real(path: str) -> str:
    """Return the path by which two readers' words are compared."""
    if is_elsewhere(path):
        return path.replace("\\", "/")
    return os.path.realpath(path) if os.path.isabs(path) else path


def _host_dependencies(host: ScanReport, ours: _Words) -> Iterator[Dependency]:
    for dependency in host.dependencies:
        others = next((o for o in map(ours.knows, (dependency.path, *dependency.files)) if o), ())
        if not others:
            yield _seen(dependency, ours)
            continue
        both = tuple(f for f in dependency.files if real(f) in ours.files)
        alone = tuple(f for f in dependency.files if real(f) not in ours.files)
        known = _known_from(dependency, others)
        if both or not alone:
            yield replace(known, files=both, seen_by=BOTH)
        if alone:
            # a file that our reading calls missing was found by the host: both see it
            told = tuple(f for f in alone if real(f) in ours.missing)
            rest = tuple(f for f in alone if real(f) not in ours.missing)
            yield from (replace(known, files=told, seen_by=BOTH) for _ in told[:1])
            yield from (replace(known, files=rest, seen_by=(HOST,)) for _ in rest[:1])


def _our_dependencies(file: ScanReport, theirs: _Words) -> Iterator[Dependency]:
    for dependency in file.dependencies:
        told = tuple(f for f in dependency.files if real(f) in theirs.missing and real(f) not in theirs.files)
        alone = tuple(f for f in dependency.files if real(f) not in theirs.missing and real(f) not in theirs.files)
        if told:
            yield replace(dependency, files=told, seen_by=BOTH)
        if alone:
            yield replace(dependency, files=alone, seen_by=theirs.seen_beside(dependency.as_written))


def _host_missing(host: ScanReport, ours: _Words) -> Iterator[Missing]:
    for missing in host.missing:
        key = real(missing.path)
        if key in ours.files:
            continue
        others = ours.missing.get(key, ())
        yield replace(_known_from(missing, others), seen_by=BOTH) if others else _seen(missing, ours)


def _our_missing(file: ScanReport, theirs: _Words) -> Iterator[Missing]:
    for missing in file.missing:
        key = real(missing.path)
        if not (key in theirs.files or key in theirs.missing):
            yield replace(missing, seen_by=theirs.seen_beside(missing.as_written))


def _seen(entry: _EntryT, ours: _Words) -> _EntryT:
    """Return an entry of the host with who sees it: our reading too, where it says anything of the same text."""
    return replace(entry, seen_by=BOTH if ours.says(entry.as_written) else (HOST,))


def _known_from(entry: _EntryT, others: Iterable[Dependency | Missing]) -> _EntryT:
    """Return an entry of the host with what only our reading knows: in which file it stands, and who read it there."""
    nearest = min(others, key=lambda other: other.within != "")
    return replace(entry, within=entry.within or nearest.within, reader=entry.reader or nearest.reader)


def _by(entries: Iterable[_EntryT], keys: Callable[[_EntryT], Iterable[str]]) -> dict[str, list[_EntryT]]:
    result: dict[str, list[_EntryT]] = {}
    for entry in entries:
        for key in keys(entry):
            result.setdefault(key, []).append(entry)
    return result
