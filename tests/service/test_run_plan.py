"""A run that is played through in advance: by the scheduler's rules, and billed by the meter's own."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from conductor_service.metering import MINIMUM_MINUTES
from conductor_service.run_plan import Machines, Run, Work, plan_run
from hypothesis import given
from hypothesis import strategies as st

SECONDS = st.floats(0, 5000, allow_nan=False)
MACHINES = st.builds(Machines, st.integers(1, 5), st.floats(0, 300), st.floats(0, 300))
PRICES = st.decimals(0, 10, places=2)


@st.composite
def works(draw: st.DrawFn) -> list[Work]:
    """Return works each of which waits for some of those before it."""
    made: list[Work] = []
    for place in range(draw(st.integers(1, 4))):
        before = draw(st.sets(st.integers(0, place - 1))) if place else set()
        made.append(Work(tuple(draw(st.lists(SECONDS, max_size=6))), tuple(sorted(before)), draw(st.booleans())))
    return made


@given(works(), MACHINES)
def test_each_task_is_rendered_once_and_in_its_time(asked: list[Work], machines: Machines) -> None:
    """Every task has its seconds on one machine that is there, alone on it, after all that comes before it."""
    run = plan_run(asked, machines)
    for place, work in enumerate(asked):
        mine = [task for task in run.placed if task.work == place]
        assert sorted(task.end - task.start for task in mine) == pytest.approx(sorted(work.seconds), abs=1e-6)
        first = min((task.start for task in mine), default=0.0)
        for before in work.after:
            assert all(task.end <= first for task in run.placed if mine and task.work == before)
    for number, (launched, ended) in enumerate(run.machines):
        mine = sorted((t for t in run.placed if t.machine == number), key=lambda t: (t.start, t.end))
        assert mine, "no machine comes for nothing"
        assert launched + machines.boot <= mine[0].start + 1e-9
        assert max(t.end for t in mine) + machines.idle == pytest.approx(ended, abs=1e-6)
        assert all(one.end <= other.start for one, other in pairwise(mine))


@given(works(), MACHINES, PRICES)
def test_it_never_costs_less_than_the_meter_says(asked: list[Work], machines: Machines, price: Decimal) -> None:
    """Ten minutes for each machine at least, and all minutes of work and of waiting; no more at once than the limit."""
    run = plan_run(asked, machines)
    cost = run.cost(price)
    worked = sum(sum(work.seconds) for work in asked)
    assert cost.billed_minutes >= MINIMUM_MINUTES * len(run.machines)
    assert cost.billed_minutes * 60 >= worked + len(run.machines) * (machines.boot + machines.idle) - 1
    assert abs(cost.amount - cost.billed_minutes * price / 60) <= Decimal("0.00005") * len(run.machines)
    assert _most_at_once(run) <= machines.limit


def _most_at_once(run: Run) -> int:
    """Return how many machines were at work at one time, at most."""
    changes = sorted([(t.start, 1) for t in run.placed if t.end > t.start] + [(t.end, -1) for t in run.placed if t.end > t.start])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


@given(st.lists(SECONDS, min_size=1, max_size=12), MACHINES)
def test_time_lies_between_the_bounds_of_any_run(seconds: list[float], machines: Machines) -> None:
    """Not faster than the longest task and than all machines together; not slower than twice the best (Graham 1966)."""
    run = plan_run([Work(tuple(seconds))], machines)
    best = max(max(seconds), sum(seconds) / machines.limit)
    assert machines.boot + best - 1e-6 <= run.seconds <= machines.boot + 2 * best + 1e-6


@pytest.mark.parametrize(
    ("asked", "machines", "seconds", "spans"),
    [
        ([Work((60.0,) * 4)], Machines(2), 120.0, [(0, 120), (0, 120)]),
        ([Work((60.0,) * 4)], Machines(9, boot=30, idle=60), 90.0, [(0, 150)] * 4),
        ([Work((60.0,) * 3), Work((10.0,), (0,))], Machines(2, idle=60), 130.0, [(0, 190), (0, 120)]),
        ([Work((10.0, 100.0)), Work((5.0,) * 2, (0,))], Machines(2, idle=60), 105.0, [(0, 70), (0, 165), (100, 165)]),
        ([Work((60.0,), (), first=False), Work((60.0,), (), first=True)], Machines(1), 120.0, [(0, 120)]),
        ([Work(())], Machines(1), 0.0, []),
        ([Work(()), Work((5.0,), (0,))], Machines(1), 5.0, [(0, 5)]),
    ],
    ids=["two by two", "one each", "a step after", "gone meanwhile", "scouts first", "nothing", "after nothing"],
)
def test_runs(asked: list[Work], machines: Machines, seconds: float, spans: list[tuple[float, float]]) -> None:
    """What the scheduler would do, played by hand."""
    run = plan_run(asked, machines)
    assert (run.seconds, list(run.machines)) == (seconds, spans)


def test_scouts_are_handed_out_first() -> None:
    """Of all that is ready the scouts go first, wherever their step stands."""
    run = plan_run([Work((1.0, 1.0)), Work((1.0,), (), first=True)], Machines(1))
    assert [task.work for task in run.placed] == [1, 0, 0]


def test_a_long_chain_is_soon_played() -> None:
    """Thousands of steps each of which waits for the one before take no longer than as many that wait for nobody."""
    chain = [Work((1.0,), (place - 1,) if place else ()) for place in range(20_000)]
    assert plan_run(chain, Machines(3)).seconds == 20_000.0


@pytest.mark.parametrize(("asked", "limit"), [([Work((1.0,), (0,))], 1), ([Work((1.0,))], 0)], ids=["a cycle", "no machine"])
def test_what_cannot_run_is_refused(asked: list[Work], limit: int) -> None:
    """A run without an end is no estimate."""
    with pytest.raises(ValueError, match=r"wait for each other|needs a machine"):
        plan_run(asked, Machines(limit))
