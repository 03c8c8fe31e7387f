"""What moving files costs, each figure beside its limit, both measured in this run.

    .conductor/env/bin/python benchmarks/transfer.py [--small] [--part flow …] [--folder DIR]

Each part is a module `transfer_<part>.py` beside this file with `rows(folder, small=…)`, which yields lines as they are
measured. Exit status 1: a limit does not hold.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table
from transfer_rows import Row

console = Console(highlight=False)


def main() -> int:
    """Measure and print the table."""
    known = sorted(p.stem.removeprefix("transfer_") for p in Path(__file__).parent.glob("transfer_*.py"))
    known.remove("rows")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a tenth of the files and fewer rounds: to see that it runs")
    parser.add_argument("--part", action="append", choices=known, help="only this part; may come several times")
    parser.add_argument("--folder", type=Path, help="where the files are made (default: the system's temporary folder)")
    arguments = parser.parse_args()
    found: list[Row] = []
    for part in arguments.part or known:
        module = importlib.import_module(f"transfer_{part}")
        with tempfile.TemporaryDirectory(prefix=f"conductor-transfer-{part}-", dir=arguments.folder) as name:
            for row in module.rows(Path(name), small=arguments.small):
                console.print(f"{row.what}: {row.figure}  ({row.baseline})")
                found.append(row)
    _show(found)
    return 1 if any(row.holds() is False for row in found) else 0


def _show(rows: list[Row]) -> None:
    table = Table(title="Transfer: figures and limits of one run", title_justify="left")
    for heading in ("", "figure", "against", "ratio", "limit"):
        table.add_column(heading, justify="right" if heading in ("ratio", "limit") else "left")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:,.3g}"
        limit = "" if row.limit is None else f"{'≥' if row.at_least else '≤'} {row.limit:,g}"
        style = "bold red" if row.holds() is False else ""
        table.add_row(row.what, row.figure, row.baseline, ratio, limit, style=style)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
