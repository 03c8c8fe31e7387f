"""`conductor scan --explain PATTERN`: which reader said what, on which ground, and what became of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.markup import escape
from rich.tree import Tree

from conductor_core.cli.progress import count_words
from conductor_core.discovery.crosscheck import HOST
from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.judge import Entry
from conductor_core.discovery.node import source_of
from conductor_core.report import Dependency, Ignored, Missing, ScanOutput, ScanReport, Unresolved

_LINK = re.compile(r"https?://[^\s`]+")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one reader said of one text."""

    as_written: str
    referrer: str
    #: the file that holds the text
    file: str
    format: str
    reader: str
    #: the page that the reader rests on; "": the reader says it itself
    source: str
    #: absolute patterns, in the order in which they were looked at
    places: tuple[str, ...]
    #: what became of it, in words
    verdicts: tuple[str, ...]


@dataclass(slots=True)
class Explaining:
    """A listener that keeps what fits a pattern."""

    #: text in which `*` and `?` stand for anything; without those, a part of text, path or referrer is enough
    pattern: str
    found: list[Explanation] = field(default_factory=list)

    def __call__(self, file: str, format_name: str, finding: Finding, entries: tuple[Entry, ...], /) -> None:
        """Take a finding."""
        if any(map(self._fits, _texts(finding, entries))):
            places = finding.places if isinstance(finding, Usage) else ()
            verdicts = tuple(map(_verdict, entries))
            reader, source = finding.reader, source_of(finding.reader) or _link_of(finding.reader)
            told = Explanation(finding.as_written, finding.referrer, file, format_name, reader, source, places, verdicts)
            self.found.append(told)

    def hear_host(self, report: ScanReport) -> None:
        """Take what the host sees, from a report that was cross-checked."""
        for entries in (report.dependencies, report.missing, report.unresolved, report.outputs, report.ignored):
            for entry in entries:
                if HOST in entry.seen_by and any(map(self._fits, (entry.as_written, entry.referrer, *_paths((entry,))))):
                    verdicts = (_verdict(entry),)
                    told = Explanation(
                        entry.as_written, entry.referrer, report.scene, report.format, "the host", "", (), verdicts
                    )
                    self.found.append(told)

    def _fits(self, text: str) -> bool:
        parts = re.escape(self.pattern).replace(r"\*", ".*").replace(r"\?", ".")
        whole = any(c in self.pattern for c in "*?")
        regex = re.compile(parts, re.IGNORECASE | re.DOTALL)
        return bool(regex.fullmatch(text) if whole else regex.search(text))


def _link_of(reader: str) -> str:
    """Return the first page that a format's reader names in the docstring of its module; "" where there is none."""
    module = sys.modules.get(reader.rpartition(".")[0])
    link = _LINK.search(module.__doc__ or "") if module else None
    return link[0].rstrip(".,;:)") if link else ""


def explanation_tree(explaining: Explaining) -> Tree:
    """Return what was found for people."""
    tree = Tree(f"[bold]{escape(explaining.pattern)}[/bold]  {count_words(len(explaining.found), 'finding')}")
    for told in explaining.found:
        branch = tree.add(f"{escape(told.as_written)}  [dim]{escape(told.referrer)}[/dim]")
        branch.add(f"in {escape(told.file)} ({escape(told.format)})")
        branch.add(f"reader {escape(told.reader)}" + (f"  [dim]{escape(told.source)}[/dim]" if told.source else ""))
        for place in told.places:
            branch.add(f"looked at {escape(place)}")
        for verdict in told.verdicts:
            branch.add(escape(verdict))
    return tree


def _texts(finding: Finding, entries: tuple[Entry, ...]) -> Iterator[str]:
    yield finding.as_written
    yield finding.referrer
    if isinstance(finding, Usage):
        yield from finding.places
    yield from _paths(entries)


def _paths(entries: tuple[Entry, ...]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, Dependency):
            yield from entry.files
        if isinstance(entry, Dependency | Missing | ScanOutput):
            yield entry.path


def _verdict(entry: Entry) -> str:
    if isinstance(entry, Dependency):
        many = f" ({count_words(len(entry.files), 'file')})" if len(entry.files) != 1 else ""
        return f"{entry.status}: {entry.kind} {entry.path}{many}"
    if isinstance(entry, Missing):
        return f"missing: {entry.kind} {entry.path}: {entry.reason}"
    if isinstance(entry, ScanOutput):
        return f"written: {entry.path}"
    assert isinstance(entry, Unresolved | Ignored)
    return f"{'ignored' if isinstance(entry, Ignored) else 'unresolved'}: {entry.reason}"
