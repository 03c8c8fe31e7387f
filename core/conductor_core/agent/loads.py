"""Which files are brought home in one go: large ones by themselves, small ones of one project together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from conductor_core.agent.journal_rows import OutputRow

#: files and bytes of one go: small enough that a load is home within a second or so, large enough that waits do not count
LOAD_FILES, LOAD_BYTES = 512, 32 << 20
#: files below which a load is not made smaller so that all threads have one
LEAST_FILES = 128

#: bytes of a file up to which it comes with others; a larger one is gone on from in its middle, one in a bundle comes anew
SMALL = 256 << 10

#: what is fetched in one go
Load = tuple[OutputRow, ...]


@dataclass(slots=True)
class _Filling:
    most: int
    rows: list[OutputRow] = field(default_factory=list)
    bytes: int = 0

    def has_room(self, row: OutputRow) -> bool:
        return len(self.rows) < self.most and self.bytes + row.size <= LOAD_BYTES

    def add(self, row: OutputRow) -> None:
        self.rows.append(row)
        self.bytes += row.size


def load_files(due: int, threads: int) -> int:
    """Return how many files a load shall have: of some hundred files each thread has its share, and the first are home sooner."""
    return max(LEAST_FILES, min(LOAD_FILES, -(-due // threads)))


def lacks_loads(total: int, own: int, *, threads: int, share: int) -> bool:
    """Tell whether a service is to be given loads: of `total` at work or waiting, `own` are its own, of `share` at the most.

    Where each thread has one, only when half of its share is done: each question to the journal for more reads thousands of rows.
    """
    return own < share and (total < threads or (total < threads * 2 and own <= share // 2))


def plan_loads(rows: Sequence[OutputRow], *, together: bool = True, most: int = LOAD_FILES) -> list[Load]:
    """Return `rows` in loads of `most` files at the most, each at the place of its first file: frames come home in their order.

    Not `together`: the service is too old to bundle, and each file comes by itself.
    """
    loads: list[_Filling] = []
    filling: dict[tuple[str, str], _Filling] = {}
    for row in rows:
        small = together and row.size <= SMALL
        load = filling.get((row.job, row.project)) if small else None
        if load is None or not load.has_room(row):
            load = _Filling(most)
            loads.append(load)
            if small:
                filling[row.job, row.project] = load
        load.add(row)
    return [tuple(load.rows) for load in loads]
