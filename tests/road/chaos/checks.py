"""What must be true of the frames after a round: accepted, published and brought home once, rendered again only if in flight."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from road.chaos.kills import Done
from road.chaos.watchers import Told
from road.chaos.world import Submitted, World

#: the clocks are one, but what the harness notes of a kill comes a moment before it or after it, seconds
BLUR = 0.5
#: what a runner has in hand at once: one frame renders, one is being published, two wait for that
IN_HAND = 4
#: kills of these cost no attempt: it goes on
HARMLESS = ("agent", "service", "inspector")


@dataclass(slots=True)
class Facts:
    """What a round came to."""

    frames: int = 0
    attempts: int = 0
    renders: int = 0
    #: rendered and not accepted when their attempt ended
    in_flight: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def rendered_again(self) -> int:
        """Return how many renders there were beyond one for each frame."""
        return self.renders - self.frames


def moment(text: str | None) -> float:
    """Return a time of the database as seconds; 0: none."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() if text else 0.0


def look(world: World, jobs: list[Submitted], kills: list[Done]) -> Facts:
    """Check all jobs of a round."""
    facts = Facts()
    for job in jobs:
        rows = world.database("SELECT * FROM job WHERE title = ?", job.seed)
        if len(rows) != 1:
            facts.violations.append(f"{job.seed}: the submission became {len(rows)} jobs")
            continue
        _look_at_job(world, job, rows[0], kills, facts)
    return facts


def _look_at_job(world: World, job: Submitted, row: sqlite3.Row, kills: list[Done], facts: Facts) -> None:
    outputs = world.database("SELECT * FROM output WHERE job_id = ? ORDER BY seq", row["id"])
    attempts = world.database("SELECT * FROM attempt WHERE job_id = ? ORDER BY number", row["id"])
    told = [t for t in world.renders.told if t.job == row["number"]]
    facts.frames += len(job.frames)
    facts.attempts += len(attempts)
    facts.renders += len(told)
    if row["state"] != "success":
        facts.violations.append(f"{job.seed}: ended as {row['state']}")
    found = [
        *_published(world, job, row, outputs),
        *_at_home(world, job, row, outputs),
        *_attempts(job, attempts, kills),
        *_renders(job, told, attempts, outputs, facts),
    ]
    facts.violations += [f"{job.seed}: {text}" for text in found]


def _published(world: World, job: Submitted, row: sqlite3.Row, outputs: list[sqlite3.Row]) -> Iterator[str]:
    """Each frame is accepted once, and is one version of one file of the project."""
    for path, count in Counter(str(job.home(frame)) for frame in job.frames).items():
        mine = [o for o in outputs if o["path"] == path]
        if len(mine) != count:
            yield f"{path} was accepted {len(mine)} times"
        versions = world.database("SELECT version FROM project_file WHERE path = ?", path)
        if [v["version"] for v in versions] != [1]:
            yield f"{path} has the versions {[v['version'] for v in versions]} in the project"
    if len(outputs) != len(job.frames):
        yield f"{len(outputs)} outputs of {len(job.frames)} frames"
    fences = world.database(
        "SELECT o.path FROM output o JOIN attempt a ON a.id = o.attempt_id WHERE o.job_id = ? "
        "AND (a.ended IS NOT NULL AND o.created > a.ended)",
        row["id"],
    )
    for late in fences:
        yield f"{late['path']} was accepted after its attempt had ended"


def _at_home(world: World, job: Submitted, row: sqlite3.Row, outputs: list[sqlite3.Row]) -> Iterator[str]:
    """Each frame was put into its place once, whole, with the bytes that were accepted."""
    digests = {o["path"]: o["digest"] for o in outputs}
    for frame in job.frames:
        path = job.home(frame)
        placed, touched = world.homecomings.placed[str(path)], world.homecomings.touched[str(path)]
        if (placed, touched) != (1, 0):
            yield f"frame {frame} was put into its place {placed} times, and touched there {touched} times"
        data = path.read_bytes() if path.exists() else b""
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != digests.get(str(path)):
            yield f"frame {frame} at home is not what was accepted"
        expected = world.renderer.expected(job.seed, frame)
        if expected is not None and data != expected:
            yield f"frame {frame} has wrong bytes"
    states = world.journal("SELECT path, state FROM outputs WHERE job = ?", row["id"])
    yield from (f"{s['path']} is {s['state']} in the journal" for s in states if s["state"] != "done")
    there = sorted(p.name for p in (job.folder / "render").iterdir())
    if there != sorted(job.home(frame).name for frame in job.frames):
        yield f"the folder of the frames has {there}"


def _attempts(job: Submitted, attempts: list[sqlite3.Row], kills: list[Done]) -> Iterator[str]:
    """An attempt ends without success only where a kill hit its instance while it ran."""
    for attempt in attempts:
        if attempt["released"] is None:
            yield f"attempt {attempt['id'][:8]} is not released"
        if attempt["state"] == "success":
            continue
        began, ended = moment(attempt["started"]) - BLUR, moment(attempt["released"]) + BLUR
        hit = [
            kill
            for kill in kills
            if kill.instance == attempt["instance_id"] and kill.victim not in HARMLESS and began <= kill.at <= ended
        ]
        if not hit:
            yield (
                f"attempt {attempt['id'][:8]} on {attempt['instance_id'][:8]} ended as {attempt['state']} ({attempt['cause']}: "
                f"{attempt['message']}), {attempt['started']} to {attempt['ended']}, though nothing of its instance was killed"
            )


def _renders(
    job: Submitted, told: list[Told], attempts: list[sqlite3.Row], outputs: list[sqlite3.Row], facts: Facts
) -> Iterator[str]:
    """A frame is rendered again only where it was in flight when the attempt before ended without success."""
    accepted = {o["frame"]: moment(o["created"]) for o in outputs}
    by_attempt = _by_attempt(told, attempts)
    for frame in job.frames:
        times = [t.at for t in told if t.frame == frame]
        if not times:
            yield f"nobody was asked for frame {frame}"
        late = [at for at in times if at > accepted.get(frame, at) + BLUR]
        if late:
            yield f"frame {frame} was rendered again {late[0] - accepted[frame]:.2f} s after it was accepted"
    for attempt in attempts:
        frames = [t.frame for t in by_attempt.get(attempt["id"], ())]
        if len(frames) != len(set(frames)):
            yield f"attempt {attempt['id'][:8]} rendered {sorted(frames)}"
        own = {o["frame"] for o in outputs if o["attempt_id"] == attempt["id"]}
        lost = set(frames) - own
        if attempt["state"] == "success" and lost:
            yield f"attempt {attempt['id'][:8]} succeeded, and its frames {sorted(lost)} came from another"
        if len(lost) > IN_HAND:
            yield f"attempt {attempt['id'][:8]} lost frames {sorted(lost)}: more than can be in flight"
        facts.in_flight += len(lost)


def _by_attempt(told: list[Told], attempts: list[sqlite3.Row]) -> Mapping[str, list[Told]]:
    """Return the renders of each attempt: those of its instance since it began, up to the next attempt there.

    Chunks are of different frames, so frame and instance say which task is meant.
    """
    found: dict[str, list[Told]] = {}
    for said in told:
        fitting = [a for a in attempts if a["instance_id"] == said.instance and moment(a["started"]) <= said.at + 0.01]
        if fitting:
            latest = max(fitting, key=lambda a: moment(a["started"]))
            found.setdefault(latest["id"], []).append(said)
    return found


def recoveries(world: World, jobs: list[Submitted], kills: list[Done]) -> Iterator[tuple[str, float]]:
    """Give, for each kill on an instance that cost an attempt, the seconds until its task was begun again."""
    for job in jobs:
        query = "SELECT a.* FROM attempt a JOIN job j ON j.id = a.job_id WHERE j.title = ? ORDER BY a.task_id, a.number"
        attempts = world.database(query, job.seed)
        for attempt, following in pairwise(attempts):
            if attempt["task_id"] != following["task_id"]:
                continue
            hits = [k for k in kills if k.instance == attempt["instance_id"] and k.victim not in HARMLESS]
            hits = [k for k in hits if moment(attempt["started"]) - BLUR <= k.at <= moment(attempt["released"]) + BLUR]
            if hits:
                yield hits[-1].victim, max(0.0, moment(following["started"]) - hits[-1].at)
