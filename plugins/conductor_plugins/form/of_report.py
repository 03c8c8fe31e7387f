"""What is worked out of a scan, once: its report stays the same while the form changes with every letter."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Generic, TypeVar

from conductor_core.report import ScanReport

T = TypeVar("T")

#: `$NAME`, `${NAME}`, `%NAME%`, Nuke's `[getenv NAME]`, Arnold's and Houdini's `[NAME]` and `<env:NAME>`
_USED = re.compile(r"\$\{?([A-Za-z_]\w*)|%([A-Za-z_]\w+)%|(?:getenv|env:?)\W{0,2}([A-Za-z_]\w*)|\[([A-Za-z_]\w*)\]")


class OfReport(Generic[T]):
    """A function of a report that remembers its answer for the last one; the report itself is what it goes by.

    Threads may ask at once: each gets the answer for its own report.
    """

    def __init__(self, function: Callable[[ScanReport], T]) -> None:
        self._function = function
        self._last: tuple[ScanReport, T] | None = None
        self.__doc__ = function.__doc__

    def __call__(self, report: ScanReport) -> T:
        """Return the answer for this report."""
        last = self._last
        if last is None or last[0] is not report:
            last = self._last = (report, self._function(report))
        return last[1]


@OfReport
def files_of(report: ScanReport) -> tuple[str, ...]:
    """Return each real file of a scan once, the scene first, the rest sorted."""
    return report.files()


@OfReport
def used_variables(report: ScanReport) -> frozenset[str]:
    """Return the names that the texts of a scene's paths may name as variables: more than there are, never fewer."""
    texts = {
        *(d.as_written for d in report.dependencies),
        *(m.as_written for m in report.missing),
        *(u.as_written for u in report.unresolved),
        *(o.as_written for o in report.outputs),
    }
    return frozenset(name for text in texts for m in _USED.finditer(text) for name in m.groups() if name)
