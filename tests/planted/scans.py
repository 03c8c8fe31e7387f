"""A scan as the sets of texts in its five lists, and scenes that are made of a few texts."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import scan_file
from conductor_core.report import ScanReport


@dataclass(frozen=True)
class Lists:
    """The texts of a report's lists, as written."""

    found: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    unresolved: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()


def lists(
    *, found: str = "", missing: str = "", unresolved: str = "", outputs: str = "", ignored: str = "", parted_by: str = "|"
) -> Lists:
    """Return the lists with the texts that are given, parted by `|`."""

    def parts(text: str) -> frozenset[str]:
        return frozenset(t for t in text.split(parted_by) if t)

    return Lists(parts(found), parts(missing), parts(unresolved), parts(outputs), parts(ignored))


def report_of(scene: Path, **about: object) -> ScanReport:
    """Return the report of a scene."""
    return scan_file(Survey(str(scene), **about)).report  # type: ignore[arg-type]


def lists_of(report: ScanReport) -> Lists:
    """Return the texts of a report."""
    return Lists(
        frozenset(d.as_written for d in report.dependencies),
        frozenset(m.as_written for m in report.missing),
        frozenset(u.as_written for u in report.unresolved),
        frozenset(o.as_written for o in report.outputs),
        frozenset(i.as_written for i in report.ignored),
    )


def plant(folder: Path, files: Mapping[str, str | bytes] | str) -> None:
    """Write files below a folder; names alone (parted by blanks) are empty files."""
    given = dict.fromkeys(files.split(), "") if isinstance(files, str) else files
    for name, content in given.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def in_gzip(text: str) -> bytes:
    """Return a text packed."""
    return gzip.compress(text.encode())


def survives(folder: Path, name: str, content: bytes) -> None:
    """Check that damage ends in a report or in `SceneNotRead`, and in nothing else."""
    scene = folder / name
    scene.write_bytes(content)
    try:
        scan_file(Survey(str(scene)))
    except SceneNotRead:
        return


def damaged(content: bytes, cut: int, flips: list[int]) -> bytes:
    """Return a content that is cut off, with a bit turned in some bytes."""
    result = bytearray(content[: cut % (len(content) + 1)])
    for flip in flips:
        if result:
            result[flip % len(result)] ^= 1 << (flip % 8)
    return bytes(result)
