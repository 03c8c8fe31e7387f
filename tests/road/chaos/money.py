"""What must be true of bills: one interval per instance, no longer than its processes lived, and sums that add up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

import requests
from road.chaos.checks import moment
from road.chaos.world import World

#: seconds from the end of a runner's process to the service's note of it; the service may have been away
NOTED = 30.0
#: a request that was under way when its runner was killed is answered after that, later on a loaded machine, seconds
UNDER_WAY = 2.0
MINIMUM_MINUTES = 10


def check(world: World) -> list[str]:
    """Compare the service's bills with the fleet's processes as the harness saw them."""
    return [*_sums(world), *_intervals(world)]


def recomputed(world: World) -> dict[str, Decimal]:
    """Return each instance's bill, computed anew from the database alone."""
    bills = {}
    for row in world.database("SELECT * FROM instance"):
        minutes = 0
        if row["ready"] is not None:
            minutes = max(MINIMUM_MINUTES, math.ceil((moment(row["ended"]) - moment(row["launched"])) / 60))
        amount = Decimal(minutes) * Decimal(row["price_per_hour"]) / 60
        bills[row["id"]] = amount.quantize(Decimal("0.0001"), ROUND_HALF_UP)
    return bills


def _sums(world: World) -> Iterator[str]:
    headers = {"Authorization": f"Bearer {world.service.token}"}
    cost = requests.get(f"{world.service.url}/api/v1/cost", headers=headers, timeout=30).json()
    told = {i["id"]: Decimal(i["amount"]) for i in cost["instances"]}
    total, bills = Decimal(cost["total"]), recomputed(world)
    if len(told) != len(cost["instances"]):
        yield "an instance is billed twice"
    if told != bills:
        yield f"bills are {told}, recomputed {bills}"
    if sum(told.values()) != total:
        yield f"bills add up to {sum(told.values())}, the total says {total}"
    parts = sum(Decimal(job["amount"]) for job in cost["jobs"]) + Decimal(cost["unattributed"])
    if parts != total:
        yield f"jobs and rest add up to {parts}, the total says {total}"


def _intervals(world: World) -> Iterator[str]:
    """No instance is billed before its process was there, nor beyond its end; no two processes are one instance at once."""
    lives = list(world.instances.lives.values())
    rows = {row["id"]: row for row in world.database("SELECT * FROM instance")}
    for life in lives:
        row = rows.get(life.instance)
        if row is None:
            yield f"a runner of instance {life.instance}, of which the service knows nothing"
            continue
        launched, ended = moment(row["launched"]), moment(row["ended"])
        if life.born < launched - 2:
            yield f"instance {life.instance[:8]} was launched {launched - life.born:.1f} s after its process began"
        last = life.killed or life.seen
        allowed = UNDER_WAY if life.killed else NOTED
        if row["ready"] is not None and _last_of(life.instance, world) == life.pid and ended > last + allowed:
            yield f"instance {life.instance[:8]} is billed for {ended - last:.1f} s after its process ended"
        for other in lives:
            if (
                other.instance == life.instance
                and other.pid > life.pid
                and other.born < life.seen - 0.2
                and life.born < other.seen
            ):
                yield f"instance {life.instance[:8]} had two runners at once"


def _last_of(instance: str, world: World) -> int:
    return max((life for life in world.instances.lives.values() if life.instance == instance), key=lambda life: life.born).pid
