"""What instances cost: exact decimals, by the minute, ten minutes at least; pure functions.

An instance is billed from launch to end, idle time included. Its bill is shared among the jobs that ran on it by the time
their attempts took; the parts always add up to the whole, to the last digit (largest remainder).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from conductor_service.clock import milliseconds_between

MINIMUM_MINUTES = 10
#: amounts are kept to a hundredth of a cent
UNIT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Bill:
    """What one instance has cost so far."""

    milliseconds: int
    billed_minutes: int
    #: in `UNIT`s
    units: int

    @property
    def amount(self) -> Decimal:
        """The amount in the catalogue's currency."""
        return self.units * UNIT

    @property
    def minutes(self) -> Decimal:
        """The minutes it was there, to two places."""
        return (Decimal(self.milliseconds) / 60_000).quantize(Decimal("0.01"), ROUND_HALF_UP)


def bill(price_per_hour: Decimal, launched: datetime, ended: datetime) -> Bill:
    """Return the bill of an instance that was there from `launched` to `ended` (now, if it still is)."""
    milliseconds = milliseconds_between(launched, ended)
    minutes = max(MINIMUM_MINUTES, -(-milliseconds // 60_000))
    amount = (minutes * price_per_hour / 60).quantize(UNIT, ROUND_HALF_UP)
    return Bill(milliseconds, minutes, int(amount / UNIT))


def share(whole: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Return `whole` in parts proportional to `weights` that add up to it; all weights 0: alike.

    What the division leaves goes to the largest remainders, ties by key, so that the same question has one answer.
    """
    if not weights:
        return {}
    total = sum(weights.values())
    even = weights if total else dict.fromkeys(weights, 1)
    total = total or len(weights)
    parts = {key: whole * weight // total for key, weight in even.items()}
    remainders = sorted(even, key=lambda key: (-(whole * even[key] % total), key))
    for key in remainders[: whole - sum(parts.values())]:
        parts[key] += 1
    return parts


@dataclass(frozen=True, slots=True)
class Usage:
    """An instance's bill, and how many milliseconds each job's attempts took on it."""

    instance: str
    bill: Bill
    jobs: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class JobBill:
    """A job's part of all bills."""

    billed_minutes: int = 0
    units: int = 0

    @property
    def amount(self) -> Decimal:
        """The amount in the catalogue's currency."""
        return self.units * UNIT

    def plus(self, minutes: int, units: int) -> JobBill:
        """Return this with a part of one more instance."""
        return JobBill(self.billed_minutes + minutes, self.units + units)


def job_bills(usages: Iterable[Usage]) -> dict[str, JobBill]:
    """Return each job's part. An instance on which nothing ran is nobody's."""
    bills: dict[str, JobBill] = {}
    for usage in usages:
        minutes = share(usage.bill.billed_minutes, usage.jobs)
        units = share(usage.bill.units, usage.jobs)
        for job in usage.jobs:
            bills[job] = bills.get(job, JobBill()).plus(minutes[job], units[job])
    return bills


def money(amount: Decimal) -> str:
    """Return an amount as the API writes it."""
    return str(amount.quantize(UNIT))
