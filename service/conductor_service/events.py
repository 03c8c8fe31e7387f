"""Events: written at the end of the transaction of the change they tell of, read by their number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, delete, func, insert, select
from sqlalchemy.orm import Session

from conductor_service.database import Unit
from conductor_service.models import Event, Job
from conductor_service.states import ENDED, derive_job_state
from conductor_service.views import Counts, counts_by_job, instance_views, job_summaries, output_view, task_views

#: events given at once to one reader
BATCH = 500
# The table and not the class: the class's bulk insert makes a statement of its own for rows with a None.
_INSERT = insert(cast(Table, Event.__table__))


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it goes out."""

    seq: int
    kind: str
    data: str


def finish(unit: Unit) -> None:
    """Derive the states of the jobs that a transaction touched, and write its events."""
    if not unit.changed:
        return
    counts = _derive(unit)
    rows = [*_task_events(unit), *_output_events(unit), *_instance_events(unit), *_job_events(unit, counts)]
    unit.session.execute(_INSERT, rows)


def _derive(unit: Unit) -> dict[str, Counts]:
    """Bring `job.state` and `job.finished` up to date from the tasks, and return the counts."""
    for job_id in {t.job_id for t in unit.tasks.values()} - unit.jobs.keys():
        unit.job_changed(unit.session.get_one(Job, job_id))
    if not unit.jobs:
        return {}
    counts = counts_by_job(unit.session, list(unit.jobs))
    for job in unit.jobs.values():
        job.state = derive_job_state(uploading=job.manifest is None, tasks=counts[job.id].tasks)
        ended = all(state in ENDED for state in counts[job.id].tasks)
        job.finished = (job.finished or unit.now) if ended else None
    unit.session.flush()
    return counts


def _row(job: Job, kind: str, data: Any, now: datetime) -> dict[str, Any]:
    return {
        "account_id": job.account_id,
        "project_id": job.project_id,
        "job_id": job.id,
        "kind": kind,
        "data": _dump(data),
        "created": now,
    }


def _dump(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"))


def _task_events(unit: Unit) -> list[dict[str, Any]]:
    tasks = list({**unit.progress, **unit.tasks}.values())
    views = task_views(unit.session, tasks) if tasks else []
    jobs = {job_id: unit.session.get_one(Job, job_id) for job_id in {t.job_id for t in tasks}}
    return [_row(jobs[t.job_id], "task", view, unit.now) for t, view in zip(tasks, views, strict=True)]


def _output_events(unit: Unit) -> list[dict[str, Any]]:
    rows = []
    for output in unit.outputs.values():
        job = unit.session.get_one(Job, output.job_id)
        rows.append(_row(job, "output", output_view(output), unit.now))
    return rows


def _instance_events(unit: Unit) -> list[dict[str, Any]]:
    instances = list(unit.instances.values())
    views = instance_views(unit.session, instances, unit.now) if instances else []
    return [
        {
            "account_id": i.account_id,
            "project_id": None,
            "job_id": None,
            "kind": "instance",
            "data": _dump(view),
            "created": unit.now,
        }
        for i, view in zip(instances, views, strict=True)
    ]


def _job_events(unit: Unit, counts: dict[str, Counts]) -> list[dict[str, Any]]:
    jobs = list(unit.jobs.values())
    views = job_summaries(unit.session, jobs, unit.now, counts) if jobs else []
    return [_row(job, "job", view, unit.now) for job, view in zip(jobs, views, strict=True)]


def newest(session: Session) -> int:
    """Return the number of the newest event."""
    return session.scalar(select(func.max(Event.seq))) or 0


def after(session: Session, seq: int, *, account_id: str, job_id: str = "", project_id: str = "") -> Sequence[Told]:
    """Return the events after number `seq`, at most `BATCH`, of an account, or of one job or project of it.

    Numbers are given in the order of commits, since SQLite has one writer. PostgreSQL gives them in the order of
    statements: there a reader must stay behind the oldest transaction that is open.
    """
    query = select(Event.seq, Event.kind, Event.data).where(Event.seq > seq, Event.account_id == account_id)
    if job_id:
        query = query.where(Event.job_id == job_id)
    if project_id:
        query = query.where(Event.project_id == project_id)
    return [Told(*row) for row in session.execute(query.order_by(Event.seq).limit(BATCH))]


def prune(unit: Unit, before: datetime) -> None:
    """Delete events from before a time; a reader who comes back later than that asks for the present state anyway."""
    unit.session.execute(delete(Event).where(Event.created < before), execution_options={"synchronize_session": False})
