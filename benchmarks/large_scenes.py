"""How fast large files of each text format are scanned, and in how much memory.

    .conductor/env/bin/python benchmarks/large_scenes.py [--megabytes 500] [--format maya-ascii]

Each file is a small scene (tests/core/formats/samples.py) that goes on with one kind of line, again and again; `scan_speed.py`
does a Maya scene as productions have it. Each is scanned in a process of its own, and compared with a file of a tenth of its
size: what takes ten times as long is linear.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from core.formats.samples import SAMPLES, Sample

_SCAN = """
import json, resource, sys, time
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import scan_file
def read(name):
    began = time.perf_counter()
    try:
        report = scan_file(Survey(name)).report
        said = f"{len(report.missing)} missing, {len(report.unresolved)} unresolved"
    except SceneNotRead as exc:
        said = exc.reason
    return time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, said
_, before, _ = read(sys.argv[1])
seconds, after, said = read(sys.argv[2])
print(json.dumps({"seconds": seconds, "held": after - before, "said": said}))
"""


def main() -> None:
    """Print a line per format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--format", default="")
    options = parser.parse_args()
    table = Table("format", "MB", "MB/s", "held, MB", "time for ten times as much", "report")
    for sample in SAMPLES.values():
        if sample.filler and options.format in ("", sample.format):
            tenth, whole = (_measured(sample, size) for size in (options.megabytes * 100_000, options.megabytes * 1_000_000))
            speed = options.megabytes / whole["seconds"]
            grown = whole["seconds"] / tenth["seconds"]
            held = f"{whole['held'] / 1e3:.1f}"
            table.add_row(sample.format, str(options.megabytes), f"{speed:.0f}", held, f"{grown:.1f} ×", whole["said"])
    Console().print(table)


def _measured(sample: Sample, size: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="conductor-large-") as folder:
        small, large = Path(folder, f"a{sample.extension}"), Path(folder, f"b{sample.extension}")
        small.write_bytes(sample.make([f"a{sample.reads}"]))
        block = sample.filler * (100_000 // len(sample.filler) + 1)
        with large.open("wb") as file:
            file.write(small.read_bytes())
            while file.tell() < size:
                file.write(block)
        ran = subprocess.run([sys.executable, "-c", _SCAN, small, large], capture_output=True, text=True, check=True)
        return dict(json.loads(ran.stdout))


if __name__ == "__main__":
    main()
