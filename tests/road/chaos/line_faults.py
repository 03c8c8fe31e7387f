"""What goes wrong on the line between agent and service while processes are killed: drawn from a seed, done by the faulty line."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from faults.faulty_line import Fault, Proxy, page

Trouble = Literal["cut upload", "cut download", "lost answer", "storm"]
TROUBLES: tuple[Trouble, ...] = ("cut upload", "cut download", "lost answer", "storm")
#: bytes into a body at most; the jobs' larger files have 1.2 MB, their frames a few hundred
DEEPEST = 1_000_000
UPLOADS = "(PUT|POST) .*/(objects/sha256|packs)"
_DOWNLOADS = "(GET .*/objects/sha256|POST .*/objects/bundle)"
_STATUSES = ("500 Oops", "502 Bad Gateway", "503 Busy", "504 Late")


@dataclass(frozen=True, slots=True)
class LineFault:
    """One thing that goes wrong."""

    trouble: Trouble
    times: int
    #: bytes of a body that come through
    size: int = 0

    def __str__(self) -> str:
        return f"{self.trouble} {self.times} times" + (f", after {self.size:,} bytes" if self.size else "")


def plan_faults(seed: str) -> list[LineFault]:
    """Return what goes wrong in a round: the same for the same seed."""
    draw = random.Random(f"line {seed}")
    some = draw.sample(TROUBLES, draw.randint(1, 3))
    deepest = {"cut upload": DEEPEST, "cut download": 400}
    return [LineFault(one, draw.randint(1, 3), draw.randint(0, deepest.get(one, 0))) for one in some]


class BadLine:
    """Have a line do what was planned, and count what it did."""

    def __init__(self, line: Proxy, faults: Sequence[LineFault], *, slow: int = 0) -> None:
        """So many uploads are `slow`, a second or so each: somebody is to be killed in the middle of one."""
        self._line = line
        line.add("slow", UPLOADS, times=slow)
        self._armed: list[tuple[Trouble, Fault]] = []
        for fault in faults:
            self._arm(fault)

    def _arm(self, fault: LineFault) -> None:
        if fault.trouble == "storm":
            for status in _STATUSES:
                storm = self._line.add("answer", "(PUT|POST|GET) .*", answer=page(status), times=fault.times)
                self._armed.append((fault.trouble, storm))
        elif fault.trouble == "cut upload":
            self._armed.append((fault.trouble, self._line.add("cut-request", UPLOADS, size=fault.size, times=fault.times)))
        elif fault.trouble == "cut download":
            self._armed.append((fault.trouble, self._line.add("cut-response", _DOWNLOADS, size=fault.size, times=fault.times)))
        else:
            self._armed.append((fault.trouble, self._line.add("answer-lost", UPLOADS, times=fault.times)))

    def end(self) -> dict[Trouble, int]:
        """Let everything pass again, and return how often each trouble came."""
        self._line.faults.clear()
        return {trouble: sum(fault.hits for one, fault in self._armed if one == trouble) for trouble, _ in self._armed}


def half_an_upload(line: Proxy) -> bool:
    """Tell whether a file is in the middle of its way to the service."""
    return any(seen.sent and not (seen.received or seen.over) and re.match(UPLOADS, seen.line) for seen in list(line.seen)[-20:])
