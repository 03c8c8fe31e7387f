"""How a job would run on an idle farm: which machine takes which task when, and what that would be billed. Pure functions.

The rules are those of the scheduler (`planning.py`), of the hand-out (`hand_out.py`) and of the bill (`metering.py`): a machine for
each task that is ready, within the limits; scout frames first; a machine without work goes after a while, and is billed until then.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from conductor_service.metering import Bill, JobBill, bill

_START = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Work:
    """Tasks that become ready at the same moment."""

    #: what each task takes, in the order in which they are handed out
    seconds: tuple[float, ...]
    #: places of the works that must be done first
    after: tuple[int, ...] = ()
    #: handed out before the others: scout frames
    first: bool = False


@dataclass(frozen=True, slots=True)
class Machines:
    """What the farm gives a job; times in seconds."""

    #: at once
    limit: int
    #: from launch to the first task
    boot: float = 0.0
    #: that it stays without work
    idle: float = 0.0


@dataclass(frozen=True, slots=True)
class Placed:
    """One task on one machine; seconds from the beginning."""

    work: int
    machine: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run; seconds from the beginning."""

    placed: tuple[Placed, ...]
    #: from when to when each machine is there, and billed
    machines: tuple[tuple[float, float], ...]

    @property
    def seconds(self) -> float:
        """When the last task is done."""
        return max((task.end for task in self.placed), default=0.0)

    def bills(self, price_per_hour: Decimal) -> list[Bill]:
        """Return the bill of each machine."""
        moments = [(_START + timedelta(seconds=a), _START + timedelta(seconds=b)) for a, b in self.machines]
        return [bill(price_per_hour, launched, ended) for launched, ended in moments]

    def cost(self, price_per_hour: Decimal) -> JobBill:
        """Return what all machines together are billed."""
        bills = self.bills(price_per_hour)
        return JobBill(sum(b.billed_minutes for b in bills), sum(b.units for b in bills))


def plan_run(works: Sequence[Work], machines: Machines) -> Run:
    """Play a run through.

    Raises:
        ValueError: works wait for each other, or there is no machine.
    """
    play = _Play(works, machines)
    while play.step():
        pass
    return play.run()


@dataclass(slots=True)
class _Machine:
    number: int
    launched: float
    #: since when, or from when on, it has nothing to do
    free: float
    ended: float | None = None


@dataclass(slots=True)
class _Play:
    """The state of a run that is played through, from one end of a task to the next."""

    works: Sequence[Work]
    machines: Machines
    now: float = 0.0
    #: (scouts first, place of the work, place in the work)
    ready: list[tuple[bool, int, int]] = field(default_factory=list)
    running: list[tuple[float, int, int]] = field(default_factory=list)
    idle: deque[_Machine] = field(default_factory=deque)
    all: list[_Machine] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    #: of each work: tasks that are still to end, works before it that are still to be done, works that wait for it
    left: list[int] = field(default_factory=list)
    blocked: list[int] = field(default_factory=list)
    followers: list[list[int]] = field(default_factory=list)
    #: works that are not ready yet
    waiting: int = 0

    def __post_init__(self) -> None:
        if self.machines.limit < 1:
            raise ValueError(f"a run needs a machine, not {self.machines.limit}")
        self.left = [len(work.seconds) for work in self.works]
        self.blocked = [len(set(work.after)) for work in self.works]
        self.followers = [[] for _ in self.works]
        self.waiting = len(self.works)
        for place, work in enumerate(self.works):
            for before in set(work.after):
                self.followers[before].append(place)
        self._open([place for place, blocked in enumerate(self.blocked) if not blocked])

    def step(self) -> bool:
        """Hand out what is ready, and go to the next end of a task; False when all is done."""
        self._retire()
        self._launch()
        while self.ready and self.idle:
            self._hand_out(self.idle.popleft())
        if not self.running:
            if self.waiting:
                raise ValueError("works wait for each other")
            return False
        self.now, number, work = heapq.heappop(self.running)
        machine = self.all[number]
        machine.free = self.now
        self.idle.append(machine)
        self.left[work] -= 1
        if not self.left[work]:
            self._open(self._freed_by(work))
        return True

    def _open(self, places: list[int]) -> None:
        """Let works become ready; one without tasks is done at once, and frees others."""
        while places:
            place = places.pop()
            work = self.works[place]
            self.waiting -= 1
            for number in range(len(work.seconds)):
                heapq.heappush(self.ready, (not work.first, place, number))
            if not work.seconds:
                places += self._freed_by(place)

    def _freed_by(self, done: int) -> list[int]:
        for follower in self.followers[done]:
            self.blocked[follower] -= 1
        return [follower for follower in self.followers[done] if not self.blocked[follower]]

    def _retire(self) -> None:
        while self.idle and self.now > self.idle[0].free and self.now - self.idle[0].free >= self.machines.idle:
            machine = self.idle.popleft()
            machine.ended = machine.free + self.machines.idle

    def _launch(self) -> None:
        live = len(self.idle) + len(self.running)
        for _ in range(min(len(self.ready) - len(self.idle), self.machines.limit - live)):
            machine = _Machine(len(self.all), self.now, self.now + self.machines.boot)
            self.all.append(machine)
            self.idle.append(machine)

    def _hand_out(self, machine: _Machine) -> None:
        _, place, number = heapq.heappop(self.ready)
        start = max(self.now, machine.free)
        end = start + self.works[place].seconds[number]
        self.placed.append(Placed(place, machine.number, start, end))
        heapq.heappush(self.running, (end, machine.number, place))

    def run(self) -> Run:
        """Return what was played."""
        spans = [(m.launched, m.free + self.machines.idle if m.ended is None else m.ended) for m in self.all]
        return Run(tuple(self.placed), tuple(spans))
