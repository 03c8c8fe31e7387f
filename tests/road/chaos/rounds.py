"""A round: some jobs, some kills, the wait for their end with no hand laid on, and all the checks."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from conductor_core.api.answers import FINISHED
from conductor_core.errors import AgentError
from road.chaos import checks, leftovers, money
from road.chaos.kills import Done, Kill, execute, plan_kills
from road.chaos.line_faults import BadLine, LineFault, Trouble, plan_faults
from road.chaos.world import NotInTime, Submitted, World, wait_for


@dataclass(slots=True)
class Round:
    """What a round was and what came of it."""

    seed: str
    steps: list[Kill]
    faults: list[LineFault] = field(default_factory=list)
    kills: list[Done] = field(default_factory=list)
    jobs: list[Submitted] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    facts: checks.Facts = field(default_factory=checks.Facts)
    #: kind of process → seconds from its kill until the next sign of life of what it did
    recoveries: list[tuple[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    #: what went wrong on the line, how often
    troubles: Mapping[Trouble, int] = field(default_factory=dict)

    def story(self) -> str:
        """Return what happened, for whoever has to find out why."""
        lines = [f"seed {self.seed}, {self.seconds:.1f} s", *(f"  {step}" for step in (*self.faults, *self.steps))]
        lines += [
            f"  killed: {kill.victim} {kill.instance[:8]} while {kill.phase}, instant: {kill.instant}, at {kill.at:.3f}"
            for kill in self.kills
        ]
        return "\n".join([*lines, *(f"  VIOLATION: {violation}" for violation in self.violations)])


def kill_by_plan(world: World, this: Round) -> None:
    """Do the steps of a round."""
    for step in this.steps:
        done = execute(world, this.jobs, step)
        this.kills += done
        this.recoveries += [(k.victim, k.back - k.at) for k in done if k.back]


def run_round(
    world: World,
    seed: str,
    *,
    frames: int = 5,
    steps: list[Kill] | None = None,
    faults: list[LineFault] | None = None,
    during: Callable[[World, Round], None] = kill_by_plan,
) -> Round:
    """Submit two jobs, kill by the plan of the seed (or by other `steps`, or otherwise), wait, check; a world with a line has `faults` on it."""
    draw = random.Random(f"jobs {seed}")
    this = Round(seed, plan_kills(seed) if steps is None else steps)
    bad_line = None
    if world.line is not None:
        this.faults = plan_faults(seed) if faults is None else faults
        if steps is None and draw.random() < 0.5:
            this.steps.insert(0, Kill(0.0, ("agent",), draw.uniform(0.0, 1.0), 0, "half an upload"))
        in_the_middle = any(step.instant == "half an upload" for step in this.steps)
        bad_line = BadLine(world.line, this.faults, slow=2 if in_the_middle else 0)
    began = time.monotonic()
    for number in range(2):
        chunk = draw.randint(1, 4)
        count = draw.randint(max(1, frames - 2), frames + 2)
        this.jobs.append(world.submit(f"{seed} job {number}", range(1, count + 1), chunk=chunk))
    try:
        during(world, this)
        wait_for("every job ends and is home", lambda: _home(world, this.jobs))
        wait_for("every instance ends", lambda: not world.instances.runners() and not leftovers.unended(world))
        wait_for("nothing is left behind", lambda: not leftovers.find(world), seconds=30)
    except NotInTime as exc:
        this.violations.append(str(exc))
    this.seconds = time.monotonic() - began
    if bad_line is not None:
        this.troubles = bad_line.end()
    this.violations += leftovers.find(world)
    this.facts = checks.look(world, this.jobs, this.kills)
    this.violations += [*this.facts.violations, *money.check(world)]
    this.recoveries += checks.recoveries(world, this.jobs, this.kills)
    return this


def _home(world: World, jobs: list[Submitted]) -> bool:
    """Tell whether the agent says that every job has ended and every file is home."""
    try:
        agent = world.agent()
        rows = {row["id"]: row for row in agent.submissions()}
        downloads = {row["job"]: row for row in agent.downloads()}
    except AgentError:
        return False
    wanted = [rows.get(job.submission, {}).get("job", "") for job in jobs]
    return all(job in downloads and downloads[job]["complete"] and downloads[job]["state"] in FINISHED for job in wanted)
