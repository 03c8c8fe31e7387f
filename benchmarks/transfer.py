"""What moving files costs, each figure beside its limit, both measured in this run.

    .conductor/env/bin/python benchmarks/transfer.py [--small] [--part flow …] [--folder DIR] [--markdown FILE]

Each part is a module `transfer_<part>.py` beside this file with `rows(folder, small=…)`, which yields lines as they are
measured. Exit status 1: a limit does not hold, or a part could not be measured. Ctrl-C ends it, with all that it has started
and written; what was measured until then is shown.

Many small files are removed at the very end only. On an ext4 without a journal a file cannot have the number of one that was
removed in the last five minutes: after some hundred thousand of those, each new file takes ten times as long to make. For the
same reason, run it where nothing was cleaned up just before.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from transfer_rows import Row
from transfer_table import as_markdown, as_table, verdict

#: columns where nobody looks at a terminal: a log, a file, CI
WIDE = 160
#: of some hundred large files: their room is needed, and removing them slows nothing
_LARGE = ("ahead", "delta", "killed")
#: modules that are no parts
_OTHERS = ("rows", "table")

console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def main() -> int:
    """Measure and print the table."""
    known = sorted(p.stem.removeprefix("transfer_") for p in Path(__file__).parent.glob("transfer_*.py"))
    known = [part for part in known if part not in _OTHERS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a tenth of the files and fewer rounds: to see that it runs")
    parser.add_argument("--part", action="append", choices=known, help="only this part; may come several times")
    parser.add_argument("--folder", type=Path, help="where the files are made (default: the system's temporary folder)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too, with the machine it is of")
    arguments = parser.parse_args()
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, _stop)
    found: list[Row] = []
    whole, began = True, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="conductor-transfer-", dir=arguments.folder, ignore_cleanup_errors=True) as folder:
        try:
            for part in arguments.part or known:
                whole &= _measure(part, Path(folder, part), found, small=arguments.small)
        except KeyboardInterrupt:
            console.print("Stopped; what was written is removed.")
            whole = False
    _show(found, time.monotonic() - began)
    if arguments.markdown is not None:
        arguments.markdown.write_text(as_markdown(found, folder=arguments.folder or Path(tempfile.gettempdir())))
    return 0 if whole and all(row.holds() is not False for row in found) else 1


def _measure(part: str, folder: Path, found: list[Row], *, small: bool) -> bool:
    """Add the rows of a part, measured in a new folder; tell whether it could be measured to its end."""
    module = importlib.import_module(f"transfer_{part}")
    folder.mkdir()
    try:
        for row in module.rows(folder, small=small):
            console.print(f"{row.what}: {row.figure}  ({row.baseline})")
            found.append(row)
    except Exception:  # noqa: BLE001 - one part that breaks must not cost the figures of the others
        console.print_exception()
        return False
    finally:
        if part in _LARGE:
            shutil.rmtree(folder, ignore_errors=True)
    return True


def _stop(*_: object) -> None:
    """End the run; who asks again while processes and folders are removed changes nothing, or 20 GB would stay behind."""
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, signal.SIG_IGN)
    raise KeyboardInterrupt


def _show(rows: Sequence[Row], seconds: float) -> None:
    console.print(as_table(rows))
    for line in verdict(rows):
        console.print(line)
    console.print(f"{seconds / 60:.1f} minutes.")


if __name__ == "__main__":
    sys.exit(main())
