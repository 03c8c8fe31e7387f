"""A scan report as a tree for people: totals by kind, why each file is in, and what only one of two readers sees."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.markup import escape
from rich.tree import Tree

from conductor_core.cli.progress import count_words, size_words
from conductor_core.discovery.crosscheck import FILE, HOST
from conductor_core.report import Dependency, Ignored, Missing, ScanOutput, ScanReport, Unresolved
from conductor_core.sequences import sequence_pattern

_Entry = Dependency | Missing | Unresolved | ScanOutput | Ignored

#: lines of one branch on a terminal; a pipe and --json have all
TERMINAL_LINES = 200
#: who wants one thing, by name; the others are counted
_NAMES = 3
_HOSTS = {"blend": "Blender"}


def report_tree(report: ScanReport, *, lines: int | None = None) -> Tree:
    """Return the report as a tree by kind, with totals; of each branch the first `lines` only."""
    files = report.files()
    total = f"{count_words(len(files), 'file')}, {size_words(_bytes(files))}"
    tree = Tree(f"[bold]{escape(report.scene)}[/bold]  {escape(report.format)}, {total}")
    chains = _Chains(report)
    by_kind: dict[str, list[Dependency]] = {}
    for dependency in report.dependencies:
        by_kind.setdefault(dependency.kind, []).append(dependency)
    for kind, dependencies in sorted(by_kind.items()):
        of_kind = {f for d in dependencies for f in d.files}
        size = size_words(_bytes(of_kind))
        branch = tree.add(f"[bold]{escape(kind)}[/bold]  {count_words(len(of_kind), 'file')}, {size}")
        _fill(branch, _grouped(dependencies, chains, _dependency, _file_key), lines)
    for title, style, found in (
        ("missing", "red", _missing_lines(report, chains)),
        ("unresolved", "yellow", _grouped(report.unresolved, chains, _reasoned, _reason_key)),
        ("writes", "cyan", _grouped(report.outputs, chains, _output, _output_path)),
        ("ignored", "dim", _grouped(report.ignored, chains, _reasoned, _reason_key)),
    ):
        texts = list(found)
        if texts:
            _fill(tree.add(f"[bold {style}]{title}[/]  {len(texts)}"), texts, lines)
    return tree


def _fill(branch: Tree, texts: Iterable[str], lines: int | None) -> None:
    texts = list(texts)
    for text in texts[:lines]:
        branch.add(text)
    if lines is not None and len(texts) > lines:
        branch.add(f"[dim]… and {len(texts) - lines} more: --json has all[/dim]")


class _Chains:
    """By which files the scan came to a file."""

    def __init__(self, report: ScanReport) -> None:
        self._scene = report.scene
        self._host = _HOSTS.get(report.format, "the host")
        self._parents: dict[str, str] = {}
        for dependency in report.dependencies:
            for file in dependency.files:
                self._parents.setdefault(file, dependency.within)

    def way(self, entry: _Entry) -> str:
        """Return ` in b.ma < a.ma`: the file that holds the text, and those that led to it."""
        chain = " < ".join(os.path.basename(f) for f in self._files(entry.within))
        return f" in {escape(chain)}" if chain else ""

    def mark(self, entry: _Entry) -> str:
        """Return the mark of what only one of two readers sees; who ignores what is no disagreement that matters."""
        if isinstance(entry, Ignored):
            return ""
        marks: dict[tuple[str, ...], str] = {
            (HOST,): f"only {self._host} sees this",
            (FILE,): "only our reading of the file sees this",
        }
        mark = marks.get(entry.seen_by, "")
        return f"  [magenta]{mark}[/magenta]" if mark else ""

    def _files(self, file: str) -> Iterator[str]:
        seen = {self._scene, ""}
        while file not in seen:
            yield file
            seen.add(file)
            file = self._parents.get(file, "")


def _grouped(
    entries: Iterable[_Entry],
    chains: _Chains,
    words: Callable[[Sequence[_Entry]], str],
    key: Callable[[_Entry], object],
) -> Iterator[str]:
    """Yield a line for those entries that are one thing wanted by several."""
    groups: dict[object, list[_Entry]] = {}
    for entry in entries:
        groups.setdefault((key(entry), entry.within, entry.seen_by), []).append(entry)
    for group in groups.values():
        reason = getattr(group[0], "reason", "")
        why = f": {escape(reason)}" if reason else ""
        yield f"{words(group)}  [dim]{_referrers(group)}{chains.way(group[0])}{why}[/dim]{chains.mark(group[0])}"


def _referrers(group: Sequence[_Entry]) -> str:
    names = list(dict.fromkeys(entry.referrer for entry in group))
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return escape(", ".join(names[:_NAMES]) + more)


def _file_key(entry: _Entry) -> object:
    return (entry.path, entry.files, entry.status) if isinstance(entry, Dependency) else entry


def _reason_key(entry: _Entry) -> object:
    return (entry.as_written, getattr(entry, "reason", ""))


def _dependency(group: Sequence[_Entry]) -> str:
    first = group[0]
    assert isinstance(first, Dependency)
    many = f"  ({count_words(len(first.files), 'file')})" if len(first.files) != 1 else ""
    partly = "  [yellow]partly missing[/yellow]" if first.status == "partial" else ""
    return f"{escape(first.path)}{many}{partly}"


def _output(group: Sequence[_Entry]) -> str:
    return escape(_output_path(group[0]))


def _output_path(entry: _Entry) -> str:
    assert isinstance(entry, ScanOutput)
    return entry.path


def _reasoned(group: Sequence[_Entry]) -> str:
    return escape(group[0].as_written) or "[dim](nothing written)[/dim]"


def _missing_lines(report: ScanReport, chains: _Chains) -> Iterator[str]:
    """Yield a line for each missing file; for the frames of one sequence one line, with how many."""

    def sequence(entry: _Entry) -> object:
        assert isinstance(entry, Missing)
        numbered = sequence_pattern(entry.path)
        return (entry.as_written, numbered.pattern if numbered else entry.path, entry.reason)

    def words(group: Sequence[_Entry]) -> str:
        paths = list(dict.fromkeys(entry.path for entry in group if isinstance(entry, Missing)))
        if len(paths) == 1:
            return escape(paths[0])
        numbers = [n.frame for n in map(sequence_pattern, paths) if n]
        pattern = sequence_pattern(paths[0])
        assert pattern is not None
        return f"{escape(pattern.pattern)}  ({len(paths)} files, {min(numbers)} to {max(numbers)})"

    return _grouped(report.missing, chains, words, sequence)


def _bytes(files: Iterable[str]) -> int:
    total = 0
    for file in files:
        try:
            total += os.stat(file).st_size
        except OSError:
            continue  # gone since the scan: the upload will name it
    return total
