"""What metering needs, read from the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from conductor_service.clock import milliseconds_between
from conductor_service.metering import Bill, JobBill, Usage, bill, job_bills
from conductor_service.models import Attempt, Instance, OutputFile
from conductor_service.states import AttemptState


def bill_of(instance: Instance, now: datetime) -> Bill:
    """Return what an instance has cost up to `now`; one that never came up has cost nothing."""
    if instance.ended is not None and instance.ready is None:
        return Bill(0, 0, 0)
    return bill(Decimal(instance.price_per_hour), instance.launched, instance.ended or now)


def last_sign(session: Session, instance: Instance) -> datetime:
    """Return when an instance last did something that is on record: what was only in memory goes with a service that is killed."""
    said = Attempt.state.in_([AttemptState.SUCCESS, AttemptState.FAILED])
    own = Attempt.instance_id == instance.id
    queries = (
        select(func.max(Attempt.started)).where(own),
        select(func.max(Attempt.ended)).where(own, said),
        select(func.max(OutputFile.created)).join(Attempt, Attempt.id == OutputFile.attempt_id).where(own),
    )
    return max((at for query in queries if (at := session.scalar(query)) is not None), default=instance.launched)


def usages(session: Session, instances: Sequence[Instance], now: datetime) -> list[Usage]:
    """Return the bills of instances, with the time that each job's attempts took there."""
    ids = [i.id for i in instances]
    spent: dict[str, dict[str, int]] = {i: {} for i in ids} | _spent(session, Attempt.instance_id.in_(ids))
    return _with_running(session, instances, spent, now)


def _spent(session: Session, where: ColumnElement[bool]) -> dict[str, dict[str, int]]:
    """Return the milliseconds of ended attempts by instance and job; 0 where all still run."""
    spent: dict[str, dict[str, int]] = defaultdict(dict)
    ended = select(Attempt.instance_id, Attempt.job_id, func.sum(Attempt.milliseconds)).where(where)
    for instance, job, milliseconds in session.execute(ended.group_by(Attempt.instance_id, Attempt.job_id)):
        spent[instance][job] = int(milliseconds)
    return dict(spent)


def _with_running(
    session: Session, instances: Sequence[Instance], spent: dict[str, dict[str, int]], now: datetime
) -> list[Usage]:
    """Return the usage of instances, attempts that still run included."""
    ids = [i.id for i in instances]
    running = select(Attempt.instance_id, Attempt.job_id, Attempt.started).where(
        Attempt.released.is_(None), Attempt.ended.is_(None), Attempt.instance_id.in_(ids)
    )
    for instance, job, started in session.execute(running):
        spent[instance][job] += milliseconds_between(started, now)
    return [Usage(i.id, bill_of(i, now), spent[i.id]) for i in instances]


def instances_of_jobs(session: Session, jobs: Iterable[str]) -> Sequence[Instance]:
    """Return every instance on which an attempt of these jobs ran."""
    used = select(Attempt.instance_id).where(Attempt.job_id.in_(list(jobs))).distinct()
    return session.scalars(select(Instance).where(Instance.id.in_(used))).all()


def _instances(session: Session, ids: Sequence[str]) -> list[Instance]:
    """Return instances by id, asking only for those that the session does not have."""
    known = {row.id: row for row in session.identity_map.values() if isinstance(row, Instance)}
    lacking = [i for i in ids if i not in known]
    if lacking:
        known.update((row.id, row) for row in session.scalars(select(Instance).where(Instance.id.in_(lacking))))
    return [known[i] for i in ids]


def bills_of_jobs(session: Session, jobs: Sequence[str], now: datetime) -> dict[str, JobBill]:
    """Return what each of these jobs has cost so far."""
    used = select(Attempt.instance_id).where(Attempt.job_id.in_(jobs))
    spent = _spent(session, Attempt.instance_id.in_(used))
    found = job_bills(_with_running(session, _instances(session, list(spent)), spent, now))
    return {job: found.get(job, JobBill()) for job in jobs}
