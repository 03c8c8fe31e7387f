"""Killed anywhere, the long form: rounds of jobs during which real processes are killed with SIGKILL at seeded instants.

    .conductor/env/bin/python benchmarks/chaos.py [--rounds 40] [--seed S] [--renderer fake|bpy] [--frames F] [--minutes M] [--only N]

Each round submits two jobs by the agent, over a line that cuts bodies in their middle, loses answers and answers with storms of
5xx as the seed says, kills two to six times (agent, service, runner, frame server, sandbox, decoder of
pictures), starts agent and service again as a supervisor would, waits with no hand laid on, and checks all that must be true
(tests/road/chaos). It ends after the rounds or the minutes, whichever comes first. Exit code 1: something was not true; the
seed and the steps that show it are printed. `--only N` runs round N of a seed alone.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "tests"))

from faults.faulty_line import Proxy  # noqa: E402
from road.chaos import money  # noqa: E402 - the harness lies with the tests
from road.chaos.kills import INSTANTS, VICTIMS  # noqa: E402
from road.chaos.line_faults import TROUBLES  # noqa: E402
from road.chaos.renderers import Bpy, Fake, Renderer  # noqa: E402
from road.chaos.rounds import Round, run_round  # noqa: E402
from road.chaos.world import World, open_world  # noqa: E402

PHASES = ("sending", "starting", "rendering", "bringing home", "ending", "after")
console = Console(highlight=False)


def main() -> int:
    """Run the rounds, print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seed", default="chaos")
    parser.add_argument("--renderer", choices=("fake", "bpy"), default="fake")
    parser.add_argument("--frames", type=int, default=8, help="frames of a job, two more or fewer")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--only", type=int, metavar="N", help="run this round of the seed alone")
    parser.add_argument("--blender", type=Path, default=REPO / ".conductor" / "blender" / "4.5.15" / "bin" / "python")
    arguments = parser.parse_args()
    renderer: Renderer = Fake() if arguments.renderer == "fake" else Bpy(arguments.blender.absolute())
    numbers = [arguments.only] if arguments.only is not None else range(1, arguments.rounds + 1)
    with tempfile.TemporaryDirectory(prefix="conductor-chaos-") as name, open_world(Path(name), renderer, Proxy()) as world:
        rounds = _run(world, arguments.seed, numbers, arguments)
        _report(world, rounds, arguments.renderer)
    bad = [r for r in rounds if r.violations]
    for one in bad:
        console.print(one.story(), style="red", markup=False)
    return 1 if bad else 0


def _run(world: World, seed: str, numbers: Sequence[int], arguments: argparse.Namespace) -> list[Round]:
    began = time.monotonic()
    rounds: list[Round] = []
    for number in numbers:
        if time.monotonic() - began > arguments.minutes * 60:
            break
        rounds.append(run_round(world, f"{seed} {number}", frames=arguments.frames))
        last = rounds[-1]
        console.print(
            f"round {number}: {last.seconds:.1f} s, {len(last.kills)} kills, {last.facts.frames} frames, "
            f"{last.facts.rendered_again} rendered again, {len(last.violations)} violations"
        )
    return rounds


def _report(world: World, rounds: list[Round], renderer: str) -> None:
    console.print(_kills(rounds))
    console.print(_line(rounds))
    console.print(_recoveries(rounds))
    table = Table(title=f"{len(rounds)} rounds, renderer {renderer}", title_justify="left", show_header=False)
    bills = money.recomputed(world)
    rows = {
        "seconds, median and longest round": f"{statistics.median(r.seconds for r in rounds):.1f}, {max(r.seconds for r in rounds):.1f}",
        "kills": sum(len(r.kills) for r in rounds),
        **{
            f"  of these in the middle of: {instant}": sum(k.instant == instant for r in rounds for k in r.kills)
            for instant in dict.fromkeys(("half an upload", *(i for some in INSTANTS.values() for i in some)))
        },
        "jobs": sum(len(r.jobs) for r in rounds),
        "frames accepted, published and home once": sum(r.facts.frames for r in rounds),
        "attempts": sum(r.facts.attempts for r in rounds),
        "frames in flight at a kill": sum(r.facts.in_flight for r in rounds),
        "frames rendered again": sum(r.facts.rendered_again for r in rounds),
        "instances billed": sum(bill > 0 for bill in bills.values()),
        "money, as the service says and recomputed": f"{sum(bills.values())}",
        "violations": sum(len(r.violations) for r in rounds),
    }
    for what, value in rows.items():
        table.add_row(what, str(value))
    console.print(table)


def _kills(rounds: list[Round]) -> Table:
    table = Table(title="kills by process and phase of the jobs", title_justify="left")
    for heading in ("", *PHASES, "all"):
        table.add_column(heading, justify="left" if not heading else "right")
    counts = Counter((kill.victim, kill.phase) for r in rounds for kill in r.kills)
    for victim in VICTIMS:
        numbers = [counts[victim, phase] for phase in PHASES]
        table.add_row(victim, *(str(n or "") for n in numbers), str(sum(numbers)))
    return table


def _line(rounds: list[Round]) -> Table:
    table = Table(title="the line between agent and service", title_justify="left")
    table.add_column("trouble")
    table.add_column("rounds", justify="right")
    table.add_column("times", justify="right")
    for trouble in TROUBLES:
        times = [r.troubles[trouble] for r in rounds if r.troubles.get(trouble)]
        table.add_row(trouble, str(len(times)), str(sum(times)))
    return table


def _recoveries(rounds: list[Round]) -> Table:
    table = Table(
        title="recovery: agent and service answer again (pause of 0-2 s before their start included); "
        "the task of a killed process of an instance is begun again",
        title_justify="left",
    )
    for heading in ("", "times", "median s", "longest s"):
        table.add_column(heading, justify="left" if not heading else "right")
    for victim in VICTIMS:
        seconds = [s for r in rounds for name, s in r.recoveries if name == victim]
        if seconds:
            table.add_row(victim, str(len(seconds)), f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
