"""What the scheduler decides, as pure functions: which instances to launch, retire and give up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from conductor_service.metering import MINIMUM_MINUTES

#: what is billed of an instance in any case, less the time that it takes to ask it to leave
MINIMUM = timedelta(minutes=MINIMUM_MINUTES, seconds=-20)
GONE = "the instance is gone"
SILENT = "its runner was not heard of for too long"
#: ends that are noticed late: nobody knows that the instance was there after its runner was last heard of
NOTICED_LATE = frozenset({GONE, SILENT})


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
    #: for a licence
    waits: bool = False

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
    leaving = [i for i in live if i.id in ended and i.exists]
    launches, short = plan_launches(kept, demands, rules, leaving=leaving)
    idle = [i for i in kept if i.state == "ready" and i.idle_since and not i.retired]
    waiting = {d.kind for d in demands if d.waits}
    retire = {i.id for i in idle if i.idle_since and now - i.idle_since >= rules.idle and not _is_paid(i, waiting, now)}
    retire.update(_make_room([i for i in idle if i.id not in retire], short))
    return FleetPlan(tuple(launches), tuple(again), tuple(sorted(retire)), tuple(ends), tuple(strangers))


def _is_paid(instance: Live, waiting: Collection[Kind], now: datetime) -> bool:
    """Tell whether an idle instance costs nothing yet, and a job that waits for a licence may try on it before it does.

    The bill's first minutes are paid for anyway; to end it and launch another for the next try would pay them twice.
    """
    return instance.kind in waiting and now - instance.launched < MINIMUM


def _end_reason(instance: Live, rules: Rules, now: datetime) -> str:
    """Return why an instance is to be given up; empty where it is not."""
    if instance.state == "ready" and not instance.exists:
        return GONE
    if instance.state == "launching" and now - instance.launched > rules.launch:
        return "its runner never said hello"
    if instance.retired and now - instance.retired > rules.farewell:
        return "it did not shut down when asked to"
    if instance.state == "ready" and now - instance.seen > rules.silence:
        return SILENT
    return ""


@dataclass(frozen=True, slots=True)
class Shortage:
    """How many instances the limits left no room for, by kind."""

    #: where the account's own limit was in the way
    account: Counter[Kind] = field(default_factory=Counter)
    #: where the fleet was full
    fleet: Counter[Kind] = field(default_factory=Counter)


def plan_launches(
    live: Sequence[Live], demands: Sequence[Demand], rules: Rules, *, leaving: Sequence[Live] = ()
) -> tuple[list[Kind], Shortage]:
    """Return what to launch, best job first, within the limits; and what they left no room for.

    An instance that is `leaving` takes no work, and its place until it is gone: it is billed, and may take long.
    """
    available = Counter(i.kind for i in live if not i.retired)
    per_account = Counter(i.kind.account for i in (*live, *leaving))
    total = len(live) + len(leaving)
    launches: list[Kind] = []
    short = Shortage()
    for demand in sorted(demands, key=lambda d: (-d.priority, d.number)):
        kind = demand.kind
        lacking = demand.wanted() - min(demand.wanted(), available[kind])
        available[kind] -= demand.wanted() - lacking
        own = max(0, rules.account_limits.get(kind.account, 0) - per_account[kind.account])
        new = min(lacking, own, max(0, rules.fleet_limit - total))
        launches += [kind] * new
        per_account[kind.account] += new
        total += new
        (short.account if new == own else short.fleet)[kind] += lacking - new
    return launches, short


def _make_room(idle: Sequence[Live], short: Shortage) -> list[str]:
    """Return idle instances of kinds that nobody waits for, as many as others wait for.

    An account that is at its own limit is helped by its own instances only: no room elsewhere would be of use to it.
    """
    own: Counter[str] = Counter()
    for kind, count in short.account.items():
        own[kind.account] += count
    anywhere = short.fleet.total()
    room = []
    for instance in sorted(idle, key=lambda i: (i.idle_since, i.id)):
        if short.account[instance.kind] or short.fleet[instance.kind]:
            continue
        if own[instance.kind.account]:
            own[instance.kind.account] -= 1
        elif anywhere:
            anywhere -= 1
        else:
            continue
        room.append(instance.id)
    return room
