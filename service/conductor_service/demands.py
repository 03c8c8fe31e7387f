"""Which jobs want instances, read from the database for the scheduler."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from conductor_service import licences
from conductor_service.models import Attempt, Job, Task
from conductor_service.planning import Demand, Kind
from conductor_service.states import AttemptState, JobState, TaskState


def demands(session: Session, now: datetime) -> list[Demand]:
    """Return the jobs that have ready tasks, with what they use now.

    One that waits for a licence wants what works for it, and one more when it is time to try.
    """
    ready = (
        select(Task.job_id, func.count().label("count"))
        .join(Job, Job.id == Task.job_id)
        .where(Job.state.in_([JobState.PENDING, JobState.RUNNING]), Task.state == TaskState.READY)
        .group_by(Task.job_id)
        .subquery()
    )
    columns = (Job.id, Job.account_id, Job.instance_type, Job.preemptible, Job.priority, Job.number, Job.max_instances)
    rows = session.execute(select(*columns, ready.c.count.label("ready")).join(ready, ready.c.job_id == Job.id)).all()
    working = (
        select(Attempt.job_id, func.count(func.distinct(Attempt.instance_id)))
        .where(Attempt.released.is_(None), Attempt.state == AttemptState.RUNNING)
        .group_by(Attempt.job_id)
    )
    used = dict(session.execute(working).all())
    waits = licences.waits_of(session, [job.id for job in rows])
    return [
        Demand(
            kind=Kind(job.account_id, job.instance_type, job.preemptible),
            priority=job.priority,
            number=job.number,
            ready=licences.to_try(waits.get(job.id), job.ready, now),
            waits=job.id in waits,
            working=used.get(job.id, 0),
            max_instances=job.max_instances,
        )
        for job in rows
    ]
