"""How much a reader takes in before it says that something is wrong with the file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep the memory of a scan small whatever the file holds."""

    #: bytes of one text value (a knob, an attribute, a parameter); longer ones are skipped and said so
    value: int = 1 << 20
    #: how deep groups, blocks and archives may lie in each other
    depth: int = 200
    #: bytes that one compressed file may come to
    unpacked: int = 16 << 30
    #: how many times larger than its packed form something may get (zip bombs)
    ratio: int = 2000
    #: files that one scan reads
    files: int = 100_000
    #: how often one scan reads the same file, each time for other frames or variables
    visits: int = 50
