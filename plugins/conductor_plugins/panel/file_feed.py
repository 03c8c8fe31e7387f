"""From what the desk learns (entries, checks, exclusions) to lines of the tree, a slice of the event loop at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice

from conductor_core.agent_answers import CheckedFile
from conductor_core.discovery.judge import Entry
from conductor_core.exclusions import Exclusions
from conductor_core.paths import local_flavour
from conductor_core.report import ScanReport
from conductor_core.submission import Exclusion
from qtpy.QtCore import QObject, Signal

from conductor_plugins.panel.excluding import covers, usable
from conductor_plugins.panel.file_ledger import FileLedger, Totals
from conductor_plugins.panel.file_rows import FileRow, Source, files_of, key_of, row_of
from conductor_plugins.panel.file_tree import FileTree
from conductor_plugins.panel.slices import Slices

#: files of one sequence that are taken in at one step
_STEP = 200
#: changed lines that are shown at once
_SHOWN = 600


#: who wants what no node of the scene does
_OWN: dict[Source, tuple[str, ...]] = {"scene": ("this job",), "added": ("you",), "exclusion": ("you",)}


class FileFeed(QObject):
    """Keeps a `FileTree` as the desk knows the files."""

    #: totals or lines have changed
    fed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.ledger = FileLedger()
        self.tree = FileTree(self.ledger, self)
        self._slices = Slices(self._settle, self)
        self._lines: dict[tuple[str, ...], FileRow] = {}
        self._numbers = 0
        self._reading = 0
        self._excluded: tuple[Exclusion, ...] = ()
        self._exclusions = Exclusions((), local_flavour())
        #: folders that something excluded lies in, at whatever depth
        self._above: frozenset[str] = frozenset()
        self._new: list[FileRow] = []
        self._touched: dict[int, FileRow] = {}
        self._unsorted = False

    @property
    def idle(self) -> bool:
        """Whether the tree shows all that it was told."""
        return self._slices.idle and not self._touched and not self._new

    @property
    def totals(self) -> Totals:
        """Return what goes along."""
        return self.ledger.totals

    def count(self, key: str) -> int:
        """Return how many lines a filter of `FILTERS` lets through."""
        return sum(row.fits((), key) for row in self._lines.values())

    def rows(self) -> list[FileRow]:
        """Return all lines."""
        return list(self._lines.values())

    def clear(self) -> None:
        """Forget the scan; what was added by hand must be told again."""
        self._slices.clear()
        self._new, self._touched = [], {}
        self._lines, self._reading = {}, 0
        self.ledger = FileLedger()
        self.tree.use(self.ledger)
        self.fed.emit()

    def add(self, entries: Sequence[Entry]) -> None:
        """Take entries of the scan in."""
        self._slices.add(self._read(entries, self._reading))

    def finish(self, report: ScanReport) -> None:
        """Take the report in: what it does not have any more goes."""
        self._reading += 1
        parts: tuple[Sequence[Entry], ...] = (
            *(report.missing, report.unresolved, report.dependencies, report.outputs, report.ignored),
        )
        for part in parts:
            self._slices.add(self._read(part, self._reading))
        self._slices.add(self._sweep(self._reading))
        self._slices.add(self._show_unmatched())

    def check(self, files: Sequence[CheckedFile]) -> None:
        """Take in where files stand."""
        self._slices.add(self._learn(files))

    def exclude(self, exclusions: Iterable[Exclusion]) -> None:
        """Show what is left at home."""
        exclusions = tuple(exclusions)
        self._exclusions = Exclusions(usable(exclusions), local_flavour())
        self._above = frozenset(folder for e in exclusions for folder in _folders_above(e.path))
        self._excluded = exclusions
        self._slices.add(self._judge_all())
        self._slices.add(self._show_unmatched())

    def show_scene(self, path: str) -> None:
        """Show the scene's own file."""
        self._replace("scene", {path: (path,)} if path else {})

    def show_added(self, added: Mapping[str, tuple[str, ...] | None]) -> None:
        """Show what was added by hand: each path with the files that lie there, None where that is not known yet."""
        self._replace("added", added)

    def _replace(self, source: Source, wanted: Mapping[str, tuple[str, ...] | None]) -> None:
        self._slices.add(self._drop(self._not_wanted(source, wanted)))
        self._slices.add(self._add_own(source, wanted))

    def _not_wanted(self, source: Source, wanted: Mapping[str, tuple[str, ...] | None]) -> Iterator[tuple[str, ...]]:
        for key, row in list(self._lines.items()):
            if row.source == source and (row.path not in wanted or (wanted[row.path] or ()) != row.files or row.listed is False):
                yield key

    def _add_own(self, source: Source, wanted: Mapping[str, tuple[str, ...] | None]) -> Iterator[None]:
        for path, files in wanted.items():
            if (source, path) not in self._lines:
                row = FileRow(self._number(), source, path, path, referrers=_OWN[source])
                row.kind = "scene" if source == "scene" else ""
                row.listed = files is not None
                row.reason = "there is nothing in it" if files == () and source == "added" else ""
                yield from self._enter((source, path), row, files or ())

    def _read(self, entries: Sequence[Entry], reading: int) -> Iterator[None]:
        for entry in entries:
            key = key_of(entry)
            row = self._lines.get(key)
            if row is None:
                row = row_of(self._number(), entry)
                row.reading = reading
                yield from self._enter(key, row, files_of(entry))
            else:
                yield from self._merge(key, row, entry, reading)
            yield

    def _enter(self, key: tuple[str, ...], row: FileRow, files: tuple[str, ...]) -> Iterator[None]:
        self._lines[key] = row
        row.files = files
        if row.sendable:
            yield from self._want(row, files)
        yield from self._judge(row)
        self._new.append(row)

    def _merge(self, key: tuple[str, ...], row: FileRow, entry: Entry, reading: int) -> Iterator[None]:
        fresh, files = row_of(0, entry), files_of(entry)
        if row.reading != reading and files != row.files:  # what an earlier reading said of its files counts no more
            yield from self._drop((key,))
            fresh.number, fresh.reading = self._number(), reading
            yield from self._enter(key, fresh, files)
            return
        if row.reading != reading:
            row.reading = reading
            yield from self._retell(row, fresh.referrers, fresh.seen_by, ())
            return
        have = frozenset(row.files) if files != row.files and len(files) > 1 else row.files
        new = () if files == row.files else tuple(f for f in files if f not in have)
        seen_by = row.seen_by if set(fresh.seen_by) <= set(row.seen_by) else (*row.seen_by, *fresh.seen_by)
        yield from self._retell(row, tuple(dict.fromkeys((*row.referrers, *fresh.referrers))), seen_by, new)

    def _retell(
        self, row: FileRow, referrers: tuple[str, ...], seen_by: tuple[str, ...], files: tuple[str, ...]
    ) -> Iterator[None]:
        """Give a line other words and further files."""
        if (referrers, seen_by) == (row.referrers, row.seen_by) and not files:
            return
        row.referrers, row.seen_by = referrers, seen_by
        was_single = len(row.files) < 2
        row.files += files
        row.forget_text()
        if row.sendable:
            yield from self._want(row, files)
        if was_single and len(row.files) > 1:
            self.tree.grown(row)
        self._touched[row.number] = row

    def _want(self, row: FileRow, files: tuple[str, ...]) -> Iterator[None]:
        for number, path in enumerate(files, 1):
            self.ledger.want(row, path)
            if number % _STEP == 0:
                yield

    def _sweep(self, reading: int) -> Iterator[None]:
        gone = [key for key, row in self._lines.items() if row.source not in _OWN and row.reading != reading]
        yield from self._drop(gone)

    def _drop(self, keys: Iterable[tuple[str, ...]]) -> Iterator[None]:
        for key in keys:
            row = self._lines.pop(key, None)
            if row is None:
                continue
            for number, path in enumerate(row.files if row.sendable else (), 1):
                self.ledger.drop(row, path)
                if number % _STEP == 0:
                    yield
            self._put_new()
            self.tree.remove([row])
            self._touched.pop(row.number, None)
            yield

    def _learn(self, files: Sequence[CheckedFile]) -> Iterator[None]:
        for file in files:
            for row in self.ledger.learn(file.path, file.status, file.size):
                self._touched[row.number] = row
            yield

    def _judge_all(self) -> Iterator[None]:
        for row in list(self._lines.values()):
            yield from self._judge(row)
            yield

    def _show_unmatched(self) -> Iterator[None]:
        """Show exclusions that cover nothing of the scene: a choice is never hidden. Before a scan has ended nobody knows."""
        if not self._reading:
            return
        out = [row.path for row in self._lines.values() if row.excluded and row.source != "exclusion"]
        wanted: dict[str, tuple[str, ...] | None] = {}
        for exclusion in self._excluded:
            if not self.ledger.rows(exclusion.path) and not any(covers(exclusion, path) for path in out):
                wanted[exclusion.path] = ()
            yield
        self._replace("exclusion", wanted)

    def _judge(self, row: FileRow) -> Iterator[None]:
        """Find out whether a line is left at home, or some of its files are."""
        if row.source == "exclusion":
            row.excluded = next((e.reason for e in self._excluded if e.path == row.path), row.excluded)
            return
        reason = self._exclusions.reason(row.path) if row.path and row.source != "output" else None
        if row.source == "missing" and reason is not None and not all(map(self._exclusions.covers, row.files)):
            reason = None
        if row.sendable:
            inside = reason is None and (row.path in self._above or os.path.dirname(row.path) in self._above)
            out = 0
            for number, path in enumerate(row.files, 1):
                left = reason is not None or (inside and self._exclusions.covers(path))
                out += left
                if self.ledger.leave_out(path, left):
                    self._touched[row.number] = row
                if number % _STEP == 0:
                    yield
            if inside and row.files and out == len(row.files):
                reason = self._exclusions.reason(row.files[0])
        if (reason or "") != row.excluded:
            row.excluded = reason or ""
            self._touched[row.number] = row

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _put_new(self) -> None:
        if self._new:
            self.tree.put(self._new)
            self._new = []
            self._unsorted = self.tree.is_sorted

    def _settle(self) -> None:
        """Show what has come, some hundreds of lines at a time."""
        self._put_new()
        touched = list(islice(self._touched.values(), _SHOWN))
        for row in touched:
            del self._touched[row.number]
        if touched:
            self.tree.touch(touched)
        if self._touched and self._slices.idle:
            self._slices.add(iter((None,)))  # the rest, with the next slice
        elif self._unsorted and self._slices.idle:
            self._unsorted = False
            self.tree.sort_again()
        self.fed.emit()


@lru_cache(maxsize=4096)
def _folders_above(path: str) -> tuple[str, ...]:
    folders = []
    while (folder := os.path.dirname(path)) != path:
        folders.append(folder)
        path = folder
    return tuple(folders)
