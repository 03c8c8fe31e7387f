"""Which process is killed when: drawn from a seed, done with SIGKILL, and what stood started again as a supervisor would."""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import psutil
from road.chaos.line_faults import half_an_upload
from road.chaos.watchers import instance_of, running
from road.chaos.world import Submitted, World, wait_for

Victim = Literal["agent", "service", "runner", "frame server", "sandbox", "inspector"]
VICTIMS: tuple[Victim, ...] = ("agent", "service", "runner", "frame server", "sandbox", "inspector")
#: how long a victim or an instant that does not come is waited for, seconds
WAITED_FOR = 6.0
#: how long the kernel may take to end what a killed process had started, seconds; the machine may be loaded
ENDED_WITHIN = 30.0

Instant = Literal["any", "half an upload", "half an object", "half a download", "a frame came home", "an instance was noted"]
#: narrow windows that a random instant seldom hits, by the process whose work they are
INSTANTS: dict[Victim, tuple[Instant, ...]] = {
    "agent": ("half a download", "a frame came home"),
    "service": ("half an object", "an instance was noted"),
    "runner": ("half an object",),
}


@dataclass(frozen=True, slots=True)
class Kill:
    """One step of a round."""

    #: seconds after the step before
    after: float
    victims: tuple[Victim, ...]
    #: seconds until what was killed and has a supervisor is started again
    away: float
    #: a number that chooses among several
    choice: int
    #: what the first of them is killed in the middle of
    instant: Instant = "any"

    def __str__(self) -> str:
        words = f"after {self.after:.2f} s kill {' and '.join(self.victims)} (choice {self.choice}), away {self.away:.2f} s"
        return words if self.instant == "any" else f"{words}, at the instant of {self.instant}"


@dataclass(frozen=True, slots=True)
class Done:
    """A kill that was done."""

    victim: Victim
    phase: str
    at: float
    #: of the processes of an instance
    instance: str = ""
    instant: Instant = "any"
    #: when agent or service answered again
    back: float = 0.0


def plan_kills(seed: str) -> list[Kill]:
    """Return the steps of a round: the same for the same seed."""
    draw = random.Random(f"kills {seed}")
    steps = []
    for _ in range(draw.randint(2, 4)):
        count = 2 if draw.random() < 0.25 else 1
        victims = tuple(draw.sample(VICTIMS, count))
        instants = INSTANTS.get(victims[0], ()) if draw.random() < 0.5 else ()
        away = draw.choice((0.0, draw.uniform(0.0, 2.0)))
        instant = draw.choice(instants or ("any",))
        steps.append(Kill(draw.uniform(0.0, 2.5), victims, away, draw.randrange(100), instant))
    return steps


def execute(world: World, jobs: list[Submitted], step: Kill) -> list[Done]:
    """Do one step: kill, wait, start again.

    Raises:
        NotInTime: what a killed process had started goes on.
    """
    time.sleep(step.after)
    done = []
    for victim in step.victims:
        found = _wait_for(world, victim, jobs, step.choice)
        if found is None:
            continue
        phase, instance = phase_of(world, jobs), instance_of(found)
        instant = step.instant if victim == step.victims[0] and _wait_for_instant(world, jobs, step.instant) else "any"
        with contextlib.suppress(psutil.NoSuchProcess):
            # of the service: its runners, which go on
            family = [] if victim in ("agent", "service") else found.children(recursive=True)
            found.kill()
            now = time.time()
            if victim == "runner":
                world.instances.note_kill(found.pid)
            if victim == "service":
                world.service.process.wait()
            done.append(Done(victim, phase, now, instance, instant))
            wait_for(f"what the {victim} had started ends with it", partial(_all_ended, family), seconds=ENDED_WITHIN)
    time.sleep(step.away)
    starts: dict[Victim, Callable[[], None]] = {"service": world.start_service, "agent": world.start_agent}
    for victim, start in starts.items():
        if any(d.victim == victim for d in done):
            start()
            done = [replace(d, back=time.time()) if d.victim == victim else d for d in done]
    return done


def _all_ended(family: list[psutil.Process]) -> bool:
    return not any(running(process) for process in family)


def _wait_for(world: World, victim: Victim, jobs: list[Submitted], choice: int) -> psutil.Process | None:
    deadline = time.monotonic() + WAITED_FOR
    while time.monotonic() < deadline:
        found = sorted(find(world, victim), key=lambda p: p.pid)
        if found:
            return found[choice % len(found)]
        if phase_of(world, jobs) == "after":
            return None
        time.sleep(0.02)
    return None


def _wait_for_instant(world: World, jobs: list[Submitted], instant: Instant) -> bool:
    """Wait for a narrow window; tell whether it came."""
    if instant == "any":
        return False
    if instant == "half an upload" and world.line is None:
        return False
    look, home = _looks(world, jobs)[instant], _came_home(jobs)
    deadline = time.monotonic() + WAITED_FOR
    while time.monotonic() < deadline and home < sum(len(job.frames) for job in jobs):
        if look():
            return True
        time.sleep(0.0005)
    return False


def _looks(world: World, jobs: list[Submitted]) -> dict[Instant, Callable[[], object]]:
    home = _came_home(jobs)
    return {
        "half an upload": lambda: world.line is not None and half_an_upload(world.line),
        "half an object": lambda: any((world.data / "store" / "tmp").iterdir()),
        "half a download": lambda: any(name.startswith(".") for job in jobs for name in os.listdir(job.folder / "render")),
        "a frame came home": lambda: _came_home(jobs) > home,
        "an instance was noted": lambda: any(_is_noted(path) for path in world.ledger.glob("*/instance.json")),
    }


def _is_noted(ledger: Path) -> bool:
    """Tell whether an instance is written down and not started yet."""
    with contextlib.suppress(OSError, ValueError):
        return json.loads(ledger.read_bytes())["pid"] is None
    return False


def _came_home(jobs: list[Submitted]) -> int:
    return sum(not name.startswith(".") for job in jobs for name in os.listdir(job.folder / "render"))


def find(world: World, victim: Victim) -> list[psutil.Process]:
    """Return the processes that may be meant."""
    if victim == "agent":
        agent = world.agent_process()
        return [] if agent is None else [agent]
    if victim == "service":
        process = world.service.process
        return [psutil.Process(process.pid)] if process.poll() is None else []
    runners = world.instances.runners()
    if victim == "runner":
        return runners
    found = []
    for runner in runners:
        with contextlib.suppress(psutil.Error):
            found += [p for p in runner.children(recursive=True) if _is(p, victim)]
    return found


def _is(process: psutil.Process, victim: Victim) -> bool:
    try:
        name, words = process.name(), process.cmdline()
    except (psutil.Error, OSError):
        return False
    if not running(process):
        return False
    if victim == "sandbox":
        return name == "bwrap"
    script = "render.py" if victim == "frame server" else "inspect_images.py"
    return name not in ("bwrap", "prlimit") and any(word.endswith(script) for word in words)


def phase_of(world: World, jobs: list[Submitted]) -> str:
    """Return how far the jobs are: what a kill now falls into."""
    rows = world.database("SELECT id, manifest, title FROM job")
    mine = {row["id"]: row for row in rows if row["title"] in {job.seed for job in jobs}}
    if len(mine) < len(jobs) or any(row["manifest"] is None for row in mine.values()):
        return "sending"
    frames = sum(len(job.frames) for job in jobs)
    published = sum(row["job_id"] in mine for row in world.database("SELECT job_id FROM output"))
    if not published:
        return "starting"
    if published < frames:
        return "rendering"
    if sum(job.home(frame).exists() for job in jobs for frame in job.frames) < frames:
        return "bringing home"
    ended = all(row["state"] == "submitted" for row in world.journal("SELECT state FROM submissions"))
    unfinished = world.database("SELECT id FROM task WHERE state NOT IN ('success')")
    return "after" if ended and not unfinished else "ending"
