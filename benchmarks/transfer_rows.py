"""One line of the transfer table: what was measured, against what, in the same run."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A figure beside its baseline; the ratio is what counts, since seconds are this machine's."""

    what: str
    #: as it is read: `1.23 s`, `15,200 files/s`
    figure: str
    #: what it is compared with, as it is read: `0.90 s (os.stat of each)`
    baseline: str
    #: figure over baseline, in the unit of `limit`; None where there is nothing to divide by
    ratio: float | None
    #: what must hold: the ratio is at most this (`at_least`: at least); None: told, not judged
    limit: float | None
    at_least: bool = False

    def holds(self) -> bool | None:
        """Tell whether the limit holds; None where there is none."""
        if self.ratio is None or self.limit is None:
            return None
        return self.ratio >= self.limit if self.at_least else self.ratio <= self.limit


def interleaved(baseline: Callable[[], object], product: Callable[[], object], *, rounds: int) -> tuple[float, float]:
    """Return the median seconds of two things done in turn, so that a busy machine is busy for both."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for spent, work in zip(seconds, (baseline, product), strict=True):
            began = time.perf_counter()
            work()
            spent.append(time.perf_counter() - began)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def settled() -> None:
    """Have all that was written before on disk: it would share the disk with what is measured next."""
    if hasattr(os, "sync"):
        os.sync()


def took(work: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
