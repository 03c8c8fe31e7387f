"""What the scheduler decides, as pure functions: which instances to launch, retire and give up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """What an instance is asked for as."""

    account: str
    type: str
    preemptible: bool


@dataclass(frozen=True, slots=True)
class Live:
    """An instance that has not ended, as the service knows it."""

    id: str
    kind: Kind
    state: str
    launched: datetime
    #: when its runner was last heard of
    seen: datetime
    idle_since: datetime | None = None
    retired: datetime | None = None
    #: whether the provider has it
    exists: bool = True


@dataclass(frozen=True, slots=True)
class Demand:
    """A job that has ready tasks."""

    kind: Kind
    priority: int
    number: int
    #: tasks ready now
    ready: int
    #: instances at work on it
    working: int
    #: 0: no limit
    max_instances: int

    def wanted(self) -> int:
        """Return how many instances it could use at once."""
        wanted = self.ready + self.working
        return min(wanted, self.max_instances) if self.max_instances else wanted


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits to plan by."""

    #: instances that each account may have
    account_limits: Mapping[str, int]
    #: instances that the fleet may have
    fleet_limit: int
    idle: timedelta
    #: a runner that was not heard of for this long is given up
    silence: timedelta
    #: an instance that has not said hello after this long is given up
    launch: timedelta
    #: a retired instance gets this long to say goodbye
    farewell: timedelta = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What to do."""

    launch: tuple[Kind, ...] = ()
    #: asked for, but not there: launch again under the same id
    again: tuple[str, ...] = ()
    #: to be asked to shut down
    retire: tuple[str, ...] = ()
    #: to be ended by force, with the reason
    end: tuple[tuple[str, str], ...] = ()
    #: at the provider, but none of ours
    strangers: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.launch or self.again or self.retire or self.end or self.strangers)


def plan_fleet(
    live: Sequence[Live], demands: Sequence[Demand], rules: Rules, *, strangers: Sequence[str], now: datetime
) -> FleetPlan:
    """Return what to do with the fleet."""
    ends = [(i.id, reason) for i in live if (reason := _end_reason(i, rules, now))]
    ended = {instance for instance, _ in ends}
    kept = [i for i in live if i.id not in ended]
    again = [i.id for i in kept if not i.exists]
    launches, unmet = plan_launches(kept, demands, rules)
    idle = [i for i in kept if i.state == "ready" and i.idle_since and not i.retired]
    retire = {i.id for i in idle if i.idle_since and now - i.idle_since >= rules.idle}
    retire.update(_make_room([i for i in idle if i.id not in retire], unmet))
    return FleetPlan(tuple(launches), tuple(again), tuple(sorted(retire)), tuple(ends), tuple(strangers))


def _end_reason(instance: Live, rules: Rules, now: datetime) -> str:
    """Return why an instance is to be given up; empty where it is not."""
    if instance.state == "ready" and not instance.exists:
        return "the instance is gone"
    if instance.state == "launching" and now - instance.launched > rules.launch:
        return "its runner never said hello"
    if instance.retired and now - instance.retired > rules.farewell:
        return "it did not shut down when asked to"
    if instance.state == "ready" and now - instance.seen > rules.silence:
        return "its runner was not heard of for too long"
    return ""


def plan_launches(live: Sequence[Live], demands: Sequence[Demand], rules: Rules) -> tuple[list[Kind], Counter[Kind]]:
    """Return what to launch, best job first, within the limits; and by kind what the limits did not leave room for."""
    available = Counter(i.kind for i in live if not i.retired)
    per_account = Counter(i.kind.account for i in live)
    total = len(live)
    launches: list[Kind] = []
    unmet: Counter[Kind] = Counter()
    for demand in sorted(demands, key=lambda d: (-d.priority, d.number)):
        kind = demand.kind
        lacking = demand.wanted() - min(demand.wanted(), available[kind])
        available[kind] -= demand.wanted() - lacking
        for _ in range(lacking):
            if total >= rules.fleet_limit or per_account[kind.account] >= rules.account_limits.get(kind.account, 0):
                unmet[kind] += 1
                continue
            launches.append(kind)
            per_account[kind.account] += 1
            total += 1
    return launches, unmet


def _make_room(idle: Sequence[Live], unmet: Mapping[Kind, int]) -> list[str]:
    """Return idle instances of kinds that nobody waits for, as many as others wait for."""
    wanted = sum(unmet.values())
    spare = sorted((i for i in idle if not unmet.get(i.kind)), key=lambda i: (i.idle_since, i.id))
    return [i.id for i in spare[:wanted]]
