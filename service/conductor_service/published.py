"""What jobs have published, across jobs: what agents that follow a project, or everything, ask for."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from conductor_service.models import Job, OutputFile, Project
from conductor_service.views import JsonObject, output_view

#: numbers looked at for one answer, of whatever account or project: no answer takes long
WINDOW = 50_000


@dataclass(frozen=True, slots=True)
class Page:
    """Files by rising number."""

    outputs: list[JsonObject]
    #: everything up to this number was looked at
    seq: int
    #: whether there may be more behind it
    more: bool


def published(session: Session, account_id: str, *, project_id: str = "", after: int = 0, limit: int) -> Page:
    """Return what an account, or one project of it, published after a number, with number and project of each job.

    Numbers are given in the order of commits, since SQLite has one writer; for PostgreSQL the word of `events.after` holds.
    """
    newest = session.scalar(select(func.max(OutputFile.seq))) or 0
    end = min(newest, after + WINDOW)
    query = (
        select(OutputFile, Job.number, Project.name)
        .join(Job, Job.id == OutputFile.job_id)
        .join(Project, Project.id == Job.project_id)
        .where(OutputFile.seq > after, OutputFile.seq <= end, Job.account_id == account_id)
    )
    if project_id:
        query = query.where(Job.project_id == project_id)
    rows = session.execute(query.order_by(OutputFile.seq).limit(limit)).all()
    found = [{**output_view(output), "number": number, "project": name} for output, number, name in rows]
    seq = rows[-1][0].seq if len(rows) == limit else max(end, after)
    return Page(found, seq, seq < newest)
