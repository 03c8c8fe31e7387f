"""Findings are held against the disk in one thread, while the host goes on to tell of more."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from conductor_core.report import Dependency, Ignored, Missing, ScanOutput, ScanReport, Unresolved

if TYPE_CHECKING:
    from conductor_core.discovery.finding import Finding
    from conductor_core.discovery.judge import Entry
    from conductor_core.sequences import DirectoryListing

_EntryT = TypeVar("_EntryT", Dependency, Missing, Unresolved, ScanOutput, Ignored)


class Judging:
    """One thread that judges the findings of one scan in their order; each entry comes out once."""

    def __init__(self) -> None:
        #: entries that nobody has taken yet
        self.ready: deque[Entry] = deque()
        #: every finding is judged; what they came to is in `ready` or was taken
        self.done = False
        self._pieces: queue.SimpleQueue[Sequence[Finding] | None] = queue.SimpleQueue()
        self._stopped = False
        threading.Thread(target=self._work, name="conductor judging", daemon=True).start()

    def add(self, piece: Sequence[Finding]) -> None:
        """Judge these too."""
        self._pieces.put(piece)

    def end(self) -> None:
        """Tell that there will be no more."""
        self._pieces.put(None)

    def stop(self) -> None:
        """Leave the rest: nobody waits for it."""
        self._stopped = True
        self.end()

    def _work(self) -> None:
        from conductor_core.sequences import DirectoryListing  # in the thread, and not while the panel opens

        listing = DirectoryListing()
        seen: set[Entry] = set()
        while (piece := self._pieces.get()) is not None and not self._stopped:
            for finding in piece:
                if self._stopped:
                    return
                for entry in _entries(finding, listing):
                    if entry not in seen:
                        seen.add(entry)
                        self.ready.append(entry)
        self.done = not self._stopped


def _entries(finding: Finding, listing: DirectoryListing) -> Iterable[Entry]:
    from conductor_core.discovery.judge import judged  # as above

    try:
        return tuple(judged(finding, listing))
    except Exception as exc:  # noqa: BLE001 - the worker's border: one odd finding of a host must not cost the others
        reason = f"it cannot be looked up on the disk ({type(exc).__name__}: {exc})"
        return (Unresolved(str(finding.as_written), str(finding.referrer), reason),)


def report_of(scene: str, format_name: str, entries: Iterable[Entry]) -> ScanReport:
    """Return a host's entries as a report."""
    known = tuple(entries)
    return ScanReport(
        scene,
        format_name,
        dependencies=_of(Dependency, known),
        missing=_of(Missing, known),
        unresolved=_of(Unresolved, known),
        outputs=_of(ScanOutput, known),
        ignored=_of(Ignored, known),
    )


def entries_of(report: ScanReport) -> list[Entry]:
    """Return all that a report says, in its order."""
    return [*report.dependencies, *report.missing, *report.unresolved, *report.outputs, *report.ignored]


def both(host: ScanReport, file: ScanReport, *, stale: bool) -> ScanReport:
    """Return the host's answer cross-checked with the reading of the scene's file.

    Where the file is older than what is open (`stale`), what it alone says of the scene itself counts only where it leads to a
    file: a path that the artist has mended since must not be called missing. To send a file too many does no harm.
    """
    from conductor_core.discovery.crosscheck import FILE, cross_checked  # as above

    def of_the_old_file(entry: Missing | Unresolved | ScanOutput) -> bool:
        return entry.seen_by == (FILE,) and not entry.within

    report = cross_checked(host, file)
    if not stale:
        return report
    return ScanReport(
        report.scene,
        report.format,
        report.dependencies,
        tuple(m for m in report.missing if not of_the_old_file(m)),
        tuple(u for u in report.unresolved if not of_the_old_file(u)),
        tuple(o for o in report.outputs if not of_the_old_file(o)),
        report.ignored,
    )


def _of(kind: type[_EntryT], entries: Sequence[Entry]) -> tuple[_EntryT, ...]:
    return tuple(entry for entry in entries if isinstance(entry, kind))
