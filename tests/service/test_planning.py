"""What the scheduler decides, as tables: who is launched, retired, given up, and which job is served first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conductor_service.hand_out import Candidate, choose_job
from conductor_service.planning import Demand, Kind, Live, Rules, plan_fleet, plan_launches
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SMALL, LARGE = Kind("a", "small", False), Kind("a", "large", False)
RULES = Rules(
    account_limits={"a": 5, "b": 5},
    fleet_limit=8,
    idle=timedelta(seconds=60),
    silence=timedelta(seconds=180),
    launch=timedelta(seconds=120),
)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def live(name: str = "i", kind: Kind = SMALL, **changes: Any) -> Live:
    facts: dict[str, Any] = {"state": "ready", "launched": ago(300), "seen": ago(1), **changes}
    return Live(id=name, kind=kind, **facts)


def demand(kind: Kind = SMALL, **changes: Any) -> Demand:
    facts: dict[str, Any] = {"priority": 50, "number": 1, "ready": 1, "working": 0, "max_instances": 0, **changes}
    return Demand(kind=kind, **facts)


def plan(instances: list[Live], demands: list[Demand], **strangers: Any) -> Any:
    return plan_fleet(instances, demands, RULES, strangers=strangers.get("strangers", []), now=NOW)


@pytest.mark.parametrize(
    ("instances", "demands", "launched"),
    [
        ([], [], []),
        ([], [demand(ready=3)], [SMALL] * 3),
        ([live()], [demand(ready=3)], [SMALL] * 2),
        ([live()], [demand(ready=2, working=1)], [SMALL] * 2),
        ([live("x", LARGE)], [demand(ready=1)], [SMALL]),
        ([live(retired=ago(1))], [demand(ready=1)], [SMALL]),
        ([live(state="launching", launched=ago(10))], [demand(ready=1)], []),
        ([], [demand(ready=9)], [SMALL] * 5),
        ([], [demand(ready=9, max_instances=2)], [SMALL] * 2),
        ([], [demand(LARGE, ready=9, number=1), demand(SMALL, ready=1, number=2, priority=60)], [SMALL, *[LARGE] * 4]),
        ([], [demand(SMALL, ready=1, number=2), demand(LARGE, ready=9, number=1)], [LARGE] * 5),
        ([], [demand(ready=9), demand(Kind("b", "small", True), ready=9)], [SMALL] * 5 + [Kind("b", "small", True)] * 3),
    ],
    ids=[
        "nothing to do",
        "one instance per task",
        "those there count",
        "those at work count",
        "another type does not count",
        "a leaving one does not count",
        "a coming one counts",
        "account limit",
        "job limit",
        "priority first",
        "older job first",
        "fleet limit",
    ],
)
def test_launches(instances: list[Live], demands: list[Demand], launched: list[Kind]) -> None:
    """Instances are launched for ready tasks, best job first, within every limit."""
    assert list(plan(instances, demands).launch) == launched


@pytest.mark.parametrize(
    ("instance", "reason"),
    [
        (live(), ""),
        (live(exists=False), "the instance is gone"),
        (live(state="launching", launched=ago(10), exists=False), ""),
        (live(state="launching", launched=ago(121)), "its runner never said hello"),
        (live(seen=ago(181)), "its runner was not heard of for too long"),
        (live(retired=ago(10)), ""),
        (live(retired=ago(16)), "it did not shut down when asked to"),
    ],
    ids=["fine", "gone", "not there yet", "never came up", "silent", "leaving", "will not leave"],
)
def test_ends(instance: Live, reason: str) -> None:
    """An instance is given up when it is gone, silent, never came up, or does not leave when asked to."""
    assert plan([instance], []).end == (((instance.id, reason),) if reason else ())


def test_a_launch_that_did_not_happen_is_repeated() -> None:
    """An instance that the provider does not have yet is asked for again, under its own id, and not replaced."""
    decided = plan([live(state="launching", launched=ago(10), exists=False)], [demand()])
    assert (decided.again, decided.launch) == (("i",), ())


def test_idle_instances_are_retired() -> None:
    """Idle for as long as the settings say, an instance goes; one that works or has just stopped stays."""
    instances = [live("idle", idle_since=ago(60)), live("fresh", idle_since=ago(59)), live("busy")]
    assert plan(instances, []).retire == ("idle",)


def test_idle_instances_make_room_for_others() -> None:
    """At the account's limit, idle instances that nobody waits for are retired at once, as many as are needed."""
    instances = [live(f"s{n}", idle_since=ago(10 - n)) for n in range(5)]
    decided = plan(instances, [demand(LARGE, ready=2)])
    assert (decided.retire, decided.launch) == (("s0", "s1"), ())


def test_an_account_at_its_own_limit_takes_no_room_of_others() -> None:
    """Who has as many as it may is not helped by another's idle instance: that one stays; in a full fleet it goes."""
    theirs = Kind("b", "small", False)
    mine = [live(f"s{n}", LARGE, idle_since=None) for n in range(RULES.account_limits["a"])]
    idle = live("theirs", theirs, idle_since=ago(5))
    assert plan([*mine, idle], [demand(LARGE, ready=9)]).retire == ()
    full = replace(RULES, account_limits={"a": 99, "b": 99}, fleet_limit=len(mine) + 1)
    assert plan_fleet([*mine, idle], [demand(LARGE, ready=9)], full, strangers=[], now=NOW).retire == ("theirs",)


def test_strangers_are_terminated() -> None:
    """What the provider has and the service does not know is ended: it would be billed to nobody."""
    assert plan([], [], strangers=["x"]).strangers == ("x",)
    assert plan([], [], strangers=["x"])
    assert not plan([], [])


KINDS = st.builds(Kind, st.sampled_from("ab"), st.sampled_from(["small", "large"]), st.booleans())
DEMANDS = st.builds(
    Demand,
    kind=KINDS,
    priority=st.integers(0, 100),
    number=st.integers(1, 99),
    ready=st.integers(1, 9),
    working=st.integers(0, 3),
    max_instances=st.integers(0, 4),
)


@given(st.lists(KINDS, max_size=8), st.lists(DEMANDS, max_size=6))
def test_no_limit_is_ever_passed(kinds: list[Kind], demands: list[Demand]) -> None:
    """Whatever is asked for, launches stay within the account's and the fleet's limits, and within what is wanted."""
    instances = [live(str(n), kind) for n, kind in enumerate(kinds)]
    launches, _ = plan_launches(instances, demands, RULES)
    everything = [*kinds, *launches]
    if launches:
        assert len(everything) <= RULES.fleet_limit
        for account in {k.account for k in launches}:
            assert sum(k.account == account for k in everything) <= RULES.account_limits[account]
    for kind in set(launches):
        assert launches.count(kind) <= sum(d.wanted() for d in demands if d.kind == kind)


def test_jobs_are_served_by_priority_then_age() -> None:
    """A higher priority goes first, then the older job; a job at its limit takes only instances that it has."""
    here, there = frozenset({"i"}), frozenset({"x", "y"})
    candidates = [
        Candidate("young", 50, 9, 0, frozenset()),
        Candidate("old", 50, 2, 0, frozenset()),
        Candidate("urgent", 80, 8, 0, frozenset()),
        Candidate("full", 99, 1, 2, there),
        Candidate("mine", 90, 7, 1, here),
    ]
    assert choose_job(candidates, "i") == ["mine", "urgent", "old", "young"]
