"""Events: which thing changed, written in the transaction of the change, and read by number.

A row names its subject and holds no picture of it. The picture is made when an event is sent, of the subject as it is
then: several changes that a reader has not seen yet come as one, and where nobody listens nothing is computed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, delete, func, insert, literal_column, select
from sqlalchemy.orm import Session

from conductor_service import notices
from conductor_service.database import Unit
from conductor_service.models import Event, Instance, Job, OutputFile, Task
from conductor_service.states import ENDED, derive_job_state
from conductor_service.views import JsonObject, instance_views, job_summaries, output_view, task_counts, task_views

#: events read at once for one reader
BATCH = 500
# The table and not the class: the class's bulk insert makes a statement of its own for rows with a None.
_INSERT = insert(cast(Table, Event.__table__))
#: a task's progress alone: goes out as `task`, and is kept for minutes only (`prune`)
PROGRESS = "progress"


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it goes out."""

    seq: int
    kind: str
    data: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What one look found."""

    told: Sequence[Told]
    #: everything up to this number was looked at, whether it was of the reader's or not
    seq: int
    #: whether there may be more
    full: bool


def finish(unit: Unit, *, sends_email: bool = False) -> None:
    """Derive the states of the jobs that a transaction touched, and write its events, and its e-mails if there are to be any."""
    if not unit.changed:
        return
    _derive(unit, sends_email)
    unit.session.connection().execute(_INSERT, list(_rows(unit)))


def _derive(unit: Unit, sends_email: bool) -> None:
    """Bring `job.state` and `job.finished` up to date from the tasks."""
    for job_id in {t.job_id for t in unit.tasks.values()} - unit.jobs.keys():
        unit.job_changed(unit.session.get_one(Job, job_id))
    if not unit.jobs:
        return
    counts = task_counts(unit.session, list(unit.jobs))
    for job in unit.jobs.values():
        job.state = derive_job_state(uploading=job.manifest is None, tasks=counts[job.id])
        ended = all(state in ENDED for state in counts[job.id])
        just_ended = ended and job.finished is None
        job.finished = (job.finished or unit.now) if ended else None
        scouts = notices.follow_scouts(unit, job) and not ended
        if sends_email and (just_ended or scouts):
            notices.note(unit, job, ended=ended, scouts=scouts)
    unit.session.flush()


def _rows(unit: Unit) -> Iterable[dict[str, Any]]:
    """Yield the rows of a transaction's events; the job comes last, when a reader knows its tasks."""
    for kind, tasks in ((PROGRESS, unit.progress), ("task", unit.tasks)):
        for task in tasks.values():
            if kind == "task" or task.id not in unit.tasks:
                yield _row(unit, unit.session.get_one(Job, task.job_id), kind, task.id)
    for output in unit.outputs.values():
        yield _row(unit, unit.session.get_one(Job, output.job_id), "output", output.id)
    for instance in unit.instances.values():
        facts = {"account_id": instance.account_id, "project_id": None, "job_id": None}
        yield {**facts, "kind": "instance", "subject": instance.id, "created": unit.now}
    for job in unit.jobs.values():
        yield _row(unit, job, "job", job.id)


def _row(unit: Unit, job: Job, kind: str, subject: str) -> dict[str, Any]:
    return {
        "account_id": job.account_id,
        "project_id": job.project_id,
        "job_id": job.id,
        "kind": kind,
        "subject": subject,
        "created": unit.now,
    }


def newest(session: Session) -> int:
    """Return the number of the newest event."""
    return session.scalar(select(func.max(Event.seq))) or 0


def after(session: Session, seq: int, *, now: datetime, account_id: str, job_id: str = "", project_id: str = "") -> Batch:
    """Return what happened after number `seq` in an account, or in one job or project of it: each subject once, as it is.

    Numbers are given in the order of commits, since SQLite has one writer. PostgreSQL gives them in the order of
    statements: there a reader must stay behind the oldest transaction that is open.
    """
    last = max(seq, newest(session))
    query = select(Event.seq, Event.kind, Event.subject).where(Event.seq > seq, Event.account_id == account_id)
    if job_id:
        query = query.where(Event.job_id == job_id)
    if project_id:
        query = query.where(Event.project_id == project_id)
    rows = session.execute(query.order_by(Event.seq).limit(BATCH)).all()
    full = len(rows) == BATCH
    numbers = {("task" if kind == PROGRESS else kind, subject): number for number, kind, subject in rows}
    return Batch(_pictures(session, numbers, now), rows[-1].seq if full else last, full)


def _pictures(session: Session, numbers: Mapping[tuple[str, str], int], now: datetime) -> list[Told]:
    """Return each subject as it is now, under the number of its newest event."""
    views: dict[str, Callable[[Sequence[Any]], list[JsonObject]]] = {
        "task": lambda rows: task_views(session, rows),
        "output": lambda rows: [output_view(row) for row in rows],
        "instance": lambda rows: instance_views(session, rows, now),
        "job": lambda rows: job_summaries(session, rows, now),
    }
    told = []
    for kind, model in _MODELS.items():
        ids = [subject for of, subject in numbers if of == kind]
        if ids:
            found = session.scalars(select(model).where(model.id.in_(ids))).all()
            for view in views[kind](found):
                told.append(Told(numbers[kind, view["id"]], kind, json.dumps(view, separators=(",", ":"))))
    return sorted(told, key=lambda event: event.seq)


_MODELS: Mapping[str, type[Task | OutputFile | Instance | Job]] = {
    "task": Task,
    "output": OutputFile,
    "instance": Instance,
    "job": Job,
}


def prune_progress(unit: Unit, before: datetime) -> None:
    """Delete the events of mere progress from before a time."""
    # the text and not a parameter: a partial index is used only for what its condition says literally
    old = delete(Event).where(literal_column(f"kind = '{PROGRESS}'"), Event.created < before)
    unit.session.execute(old, execution_options={"synchronize_session": False})


def prune(unit: Unit, before: datetime) -> None:
    """Delete events from before a time; a reader who comes back later than that asks for the present state anyway."""
    unit.session.execute(delete(Event).where(Event.created < before), execution_options={"synchronize_session": False})
