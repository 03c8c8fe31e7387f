"""The rows of a run as a table for a terminal, or as Markdown with the machine that they were measured on."""

from __future__ import annotations

import os
import platform
import re
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
from rich.table import Table
from transfer_rows import Row

_HEADINGS = ("", "figure", "against", "ratio", "limit")


def as_table(rows: Sequence[Row]) -> Table:
    """Return the table for a terminal; what does not hold is red."""
    table = Table(title="Transfer: figures and limits of one run", title_justify="left")
    for heading in _HEADINGS:
        number = heading in ("ratio", "limit")
        table.add_column(heading, justify="right" if number else "left", no_wrap=number)
    for row in rows:
        table.add_row(*_cells(row), style="bold red" if row.holds() is False else "")
    return table


def as_markdown(rows: Sequence[Row], *, folder: Path) -> str:
    """Return the table with date, machine and command; `folder` is where the files were made."""
    lines = [*_machine(folder), "", f"| {' | '.join(_HEADINGS)} |", "| --- | --- | --- | ---: | ---: |"]
    for row in rows:
        cells = [cell.replace("|", "\\|") for cell in _cells(row)]
        lines.append(f"| {' | '.join(f'**{cell}**' if cell and row.holds() is False else cell for cell in cells)} |")
    return "\n".join([*lines, "", *verdict(rows), ""])


def verdict(rows: Sequence[Row]) -> Iterator[str]:
    """Yield which rows miss their limits, in words."""
    judged = [row for row in rows if row.holds() is not None]
    missed = [row for row in judged if row.holds() is False]
    yield f"{len(judged) - len(missed)} of {len(judged)} limits hold; {len(rows) - len(judged)} rows are told without one."
    for row in missed:
        yield f"- misses its limit: {row.what}: {_ratio(row)}, where {_limit(row)} was to be."


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    return (row.what, row.figure, row.baseline, _ratio(row), _limit(row))


def _ratio(row: Row) -> str:
    return "" if row.ratio is None else f"{row.ratio:,.0f}" if row.ratio >= 1000 else f"{row.ratio:.3g}"


def _limit(row: Row) -> str:
    return "" if row.limit is None else f"{'≥' if row.at_least else '≤'} {row.limit:,g}"


def _machine(folder: Path) -> Iterator[str]:
    program = Path(sys.argv[0]).name
    yield f"Measured on {time.strftime('%Y-%m-%d', time.gmtime())} by `benchmarks/{shlex.join([program, *_words()])}`:"
    memory = psutil.virtual_memory().total / 2**30
    yield f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB of memory, {_disk(folder)},"
    yield f"{platform.system()} {platform.release()}, Python {platform.python_version()}. Bold: misses its limit."


def _words() -> list[str]:
    """Return the words of the command that say what was measured, and not where on this machine."""
    words = iter(sys.argv[1:])
    kept = []
    for word in words:
        if word in ("--folder", "--markdown"):
            next(words, None)
        elif not word.startswith(("--folder=", "--markdown=")):
            kept.append(word)
    return kept


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def _disk(folder: Path) -> str:
    """Return the file system that a folder is on, and what kind of disk that is where the system tells."""
    parts = [p for p in psutil.disk_partitions(all=True) if folder.resolve().is_relative_to(p.mountpoint)]
    if not parts:
        return "a disk of unknown kind"
    part = max(parts, key=lambda p: len(p.mountpoint))
    device = Path(part.device).name
    if device.startswith(("vd", "xvd")):
        return f"{part.fstype} on a virtual disk"
    if device.startswith("loop"):
        return f"{part.fstype} in a file"
    try:
        block = Path("/sys/class/block", device).resolve()
        disk = block if (block / "queue").exists() else block.parent  # of a partition
        turns = disk / "queue" / "rotational"
        kind = " on a disk that turns" if turns.read_text().strip() == "1" else " on a disk without moving parts"
    except OSError:
        kind = ""
    return f"{part.fstype}{kind}"
