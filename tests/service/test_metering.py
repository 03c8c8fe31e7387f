"""Bills: exact to the last digit, and the parts are always the whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from conductor_service.metering import Usage, bill, job_bills, money, share
from hypothesis import given
from hypothesis import strategies as st

T = datetime(2026, 1, 1, tzinfo=UTC)
WEIGHTS = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), st.integers(0, 10**9), max_size=8)


@pytest.mark.parametrize(
    ("seconds", "price", "minutes", "amount"),
    [
        (0, "1.20", 10, "0.2000"),
        (599, "1.20", 10, "0.2000"),
        (600, "1.20", 10, "0.2000"),
        (600.001, "1.20", 11, "0.2200"),
        (661, "0.10", 12, "0.0200"),
        (3600, "0.40", 60, "0.4000"),
        (60 * 11, "0.10", 11, "0.0183"),
        (60 * 13, "0.005", 13, "0.0011"),
        (-50, "1.20", 10, "0.2000"),
    ],
    ids=["at once", "below", "ten", "a millisecond more", "up", "hour", "down", "half", "clock set back"],
)
def test_bill(seconds: float, price: str, minutes: int, amount: str) -> None:
    """Ten minutes at least, then each begun minute; rounded once, half up, to a hundredth of a cent."""
    result = bill(Decimal(price), T, T + timedelta(seconds=seconds))
    assert (result.billed_minutes, money(result.amount)) == (minutes, amount)


@given(st.integers(0, 10**12), WEIGHTS)
def test_parts_add_up_to_the_whole(whole: int, weights: dict[str, int]) -> None:
    """Nothing is lost or billed twice when a bill is shared."""
    parts = share(whole, weights)
    assert sum(parts.values()) == (whole if weights else 0)
    assert all(part >= 0 for part in parts.values())


@given(st.integers(0, 10**9), WEIGHTS.filter(lambda w: sum(w.values()) > 0))
def test_parts_are_fair(whole: int, weights: dict[str, int]) -> None:
    """No part is a whole unit away from its exact share, and who used more never pays less."""
    parts, total = share(whole, weights), sum(weights.values())
    assert all(abs(parts[k] * total - whole * w) < total for k, w in weights.items())
    assert all(parts[a] <= parts[b] for a in weights for b in weights if weights[a] < weights[b])


@given(st.integers(0, 10**6), WEIGHTS)
def test_the_same_question_has_one_answer(whole: int, weights: dict[str, int]) -> None:
    """The order in which jobs come from the database changes nothing."""
    assert share(whole, weights) == share(whole, dict(reversed(weights.items())))


def test_idle_time_is_shared_alike() -> None:
    """Jobs that took no measurable time share an instance evenly."""
    assert share(11, {"a": 0, "b": 0}) == {"a": 6, "b": 5}


@given(
    st.lists(st.tuples(st.integers(0, 10**5), st.decimals(0, 100, places=4), WEIGHTS), max_size=6),
)
def test_jobs_pay_what_instances_cost(fleet: list[tuple[int, Decimal, dict[str, int]]]) -> None:
    """All jobs' bills add up to the bills of the instances that anything ran on, in money and in minutes."""
    usages = [
        Usage(str(i), bill(price, T, T + timedelta(seconds=seconds)), jobs) for i, (seconds, price, jobs) in enumerate(fleet)
    ]
    bills = job_bills(usages)
    used = [u for u in usages if u.jobs]
    assert sum((b.amount for b in bills.values()), Decimal()) == sum((u.bill.amount for u in used), Decimal())
    assert sum(b.billed_minutes for b in bills.values()) == sum(u.bill.billed_minutes for u in used)
