"""Fuzz every format, guided by coverage, for some seconds each.

    .conductor/env/bin/python benchmarks/fuzz.py [--seconds 60] [--format usda]

The fuzzer (atheris) is installed into an environment of its own under .conductor/peers, and begins from the right files of
tests/core/formats/seeds.py. A crash, a hang (20 s for one file) or more than 1 GB of memory ends a format; the file that did
it is kept in .conductor/fuzz, to become a test. It ends with 1 if there was any.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from discovery_peers import environment

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from core.formats.seeds import Seed, seeds

CLONE = Path(__file__).resolve().parents[1]
ATHERIS = ("atheris==3.0.0", "zstandard", "pyyaml")
_STATE = re.compile(r"#(?P<runs>[0-9]+)\s.*?cov: (?P<covered>[0-9]+)")


def main() -> None:
    """Print a line per format, as soon as it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--format", default="", help="only those whose name has this text")
    parser.add_argument("--after", default="", help="only this one and those whose names come after it")
    options = parser.parse_args()
    python = environment(CLONE / ".conductor" / "peers" / "atheris", *ATHERIS)
    if python is None:
        raise SystemExit(2)
    failed = False
    print(f"{'format':20} {'files tried':>12} {'branches seen':>14}  outcome")
    for name, seed in sorted(seeds().items()):
        if options.format in name and name >= options.after:
            runs, covered, outcome = _fuzz(python, name, seed, options.seconds)
            print(f"{name:20} {runs:>12} {covered:>14}  {outcome}", flush=True)
            failed |= outcome != "nothing wrong"
    raise SystemExit(int(failed))


def _fuzz(python: Path, name: str, seed: Seed, seconds: int) -> tuple[str, str, str]:
    """Return how many files were tried, how much they covered, and what came of it."""
    kept = CLONE / ".conductor" / "fuzz" / name
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="conductor-corpus-") as corpus:
        Path(corpus, "seed").write_bytes(seed.data)
        limits = (f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=1024", f"-max_len={max(4096, 2 * len(seed.data))}")
        command = [str(python), str(CLONE / "benchmarks" / "fuzz_one.py"), *limits, f"-artifact_prefix={kept}/", corpus]
        paths = {"PYTHONPATH": str(CLONE / "core"), "FUZZ_EXTENSION": seed.extension}
        ran = subprocess.run(
            command, capture_output=True, text=True, errors="replace", env=os.environ | paths, cwd=corpus, check=False
        )
    states = list(_STATE.finditer(ran.stderr))
    runs, covered = (states[-1]["runs"], states[-1]["covered"]) if states else ("0", "0")
    if ran.returncode == 0:
        return runs, covered, "nothing wrong"
    said = ran.stdout + ran.stderr
    lines = [
        line.strip() for line in said.splitlines() if re.match(r"\w*(Error|Exception)|SUMMARY|.*File \".*conductor_core", line)
    ]
    return runs, covered, f"{' / '.join(lines[-3:])} (kept in {kept})"


if __name__ == "__main__":
    main()
