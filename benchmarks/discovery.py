"""What our readers find in real scenes, against the answers that lie beside those, and against what peers find.

    .conductor/env/bin/python benchmarks/discovery.py [--host maya] [--differences] [--peers] [--json]

The scenes are not part of the project: a folder with a `manifest.json`, named by $CONDUCTOR_SCENES, else `../shared/scenes`
beside the clone. How an answer is scored stands in `discovery_score.py`; peers are run in processes and environments of
their own (`discovery_peers.py`). Times are of this machine, and of the reading alone: no host is asked.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from conductor_core.discovery.kinds import FOLLOWED
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import scan_file
from conductor_core.report import ScanReport
from discovery_peers import peers_of
from discovery_score import Score, own_score, row_of
from rich.console import Console
from rich.table import Table

CLONE = Path(__file__).resolve().parents[1]
COLUMNS = (
    "",
    "scenes",
    "crashes",
    "not read",
    "true",
    "found",
    "told unresolved",
    "told otherwise",
    "in no list",
    "recall %",
    "false",
    "precision %",
    "unresolved",
    "ms/MB",
    "ms (median)",
)


def main() -> None:
    """Scan every scene, and print a line per host."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, default=scenes_folder())
    parser.add_argument("--host", default="", help="maya, nuke, houdini, blender or usd")
    parser.add_argument("--match", default="", help="only scenes whose path has this text")
    parser.add_argument("--differences", action="store_true", help="print each entry that differs from the answer")
    parser.add_argument("--peers", action="store_true", help="run peers too; their packages are installed under .conductor/peers")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args()
    if not (options.scenes / "manifest.json").is_file():
        print(f"{options.scenes} has no manifest.json: nothing to measure. Name the folder with $CONDUCTOR_SCENES.")
        return
    cases = list(_chosen(options))
    scores = [_scan(case, options.scenes) for case in cases]
    if options.peers:
        scores += _peer_scores(cases, options.scenes)
    if options.as_json:
        print(json.dumps([dataclasses.asdict(score) for score in scores], indent=1))
        return
    if options.differences:
        _print_differences(scores, f"{options.scenes}{os.sep}")
    _print_table(scores)


def scenes_folder() -> Path:
    """Return where the scenes are looked for."""
    named = os.environ.get("CONDUCTOR_SCENES")
    beside = (parent / "shared" / "scenes" for parent in CLONE.parents)
    return Path(named) if named else next((p for p in beside if p.is_dir()), CLONE.parent / "shared" / "scenes")


def _chosen(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    manifest = json.loads((options.scenes / "manifest.json").read_text("utf-8"))
    for case in manifest["cases"]:
        if options.host in ("", case["host"]) and options.match in case["file"]:
            yield case


def _scan(case: dict[str, Any], scenes: Path) -> Score:
    """Return our answer to one scene, scored."""
    scene = str(scenes / case["file"])
    began = time.perf_counter()
    try:
        report = scan_file(Survey(scene, variables=dict(os.environ))).report
    except SceneNotRead as exc:
        return own_score(case, scenes, None, problem=exc.reason)
    except Exception as exc:  # noqa: BLE001 - what a reader must never do is what is counted here
        where = traceback.extract_tb(sys.exc_info()[2])[-1]
        return own_score(case, scenes, None, problem=f"{exc!r} at {where.filename}:{where.lineno}", crashed=True)
    seconds = time.perf_counter() - began
    return dataclasses.replace(own_score(case, scenes, report), seconds=seconds, megabytes=_megabytes(report))


def _megabytes(report: ScanReport) -> float:
    """Return how much was read: the scene, and each file that is read in turn."""
    read = {report.scene, *(file for d in report.dependencies if d.kind in FOLLOWED for file in d.files)}
    return sum(os.path.getsize(file) for file in read if os.path.isfile(file)) / 1e6


def _peer_scores(cases: Sequence[dict[str, Any]], scenes: Path) -> Iterator[Score]:
    for peer in peers_of(CLONE / ".conductor" / "peers"):
        yield from (peer.score(case, scenes) for case in cases if peer.takes(case))


def _print_differences(scores: Iterable[Score], folder: str) -> None:
    for score in scores:
        if score.differences or score.problem:
            print(f"\n{score.who}: {score.file}")
            if score.problem:
                print(f"  {'CRASH' if score.crashed else 'not read'}: {score.problem}")
            for line in score.differences:
                print(f"  {line.replace(folder, '')}")
    print()


def _print_table(scores: Sequence[Score]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table(*COLUMNS)
    for who in dict.fromkeys(score.who for score in scores):
        table.add_row(*row_of(who, [score for score in scores if score.who == who]))
    console.print(table)
    console.print(
        "true: dependencies in the given answers; told otherwise: as an output, or ignored with a reason; found: told as found or missing (or as the file's own host or nature has it:"
        " discovery_score.py);\nfalse: outputs, traps or anything else told as a dependency that the answer does not have.\n"
        "Times of peers are of whole processes, with the start of their interpreter."
    )


if __name__ == "__main__":
    main()
