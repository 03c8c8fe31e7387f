"""Which files are brought home in one go: large ones by themselves, small ones of one project together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from conductor_core.agent.journal_rows import OutputRow

#: files and bytes of one go: small enough that a load is home within a second or so, large enough that waits do not count
LOAD_FILES, LOAD_BYTES = 512, 32 << 20

#: bytes of a file up to which it comes with others; a larger one is gone on from in its middle, one in a bundle comes anew
SMALL = 256 << 10

#: what is fetched in one go
Load = tuple[OutputRow, ...]


@dataclass(slots=True)
class _Filling:
    rows: list[OutputRow] = field(default_factory=list)
    bytes: int = 0

    def has_room(self, row: OutputRow) -> bool:
        return len(self.rows) < LOAD_FILES and self.bytes + row.size <= LOAD_BYTES

    def add(self, row: OutputRow) -> None:
        self.rows.append(row)
        self.bytes += row.size


def plan_loads(rows: Sequence[OutputRow], *, together: bool = True) -> list[Load]:
    """Return `rows` in loads, each at the place of its first file: frames come home in their order.

    Not `together`: the service is too old to bundle, and each file comes by itself.
    """
    loads: list[_Filling] = []
    filling: dict[tuple[str, str], _Filling] = {}
    for row in rows:
        small = together and row.size <= SMALL
        load = filling.get((row.job, row.project)) if small else None
        if load is None or not load.has_room(row):
            load = _Filling()
            loads.append(load)
            if small:
                filling[row.job, row.project] = load
        load.add(row)
    return [tuple(load.rows) for load in loads]
