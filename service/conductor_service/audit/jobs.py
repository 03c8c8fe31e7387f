"""Jobs: what is kept of them for lists must be what their tasks come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import func, select

from conductor_service.audit.kinds import Ground, Seen, kind
from conductor_service.models import Job, Task
from conductor_service.notices import scouts_under_way
from conductor_service.states import ENDED, JobState, TaskState, derive_job_state

_RIGHTED = "Any change of the job, such as a hold and a resume, derives it anew; please report it as well."


@dataclass(frozen=True, slots=True)
class _Known:
    id: str
    number: int
    state: JobState
    finished: datetime | None
    uploading: bool
    tasks: dict[TaskState, int]


@kind("job-state", _RIGHTED)
def job_state(ground: Ground) -> Iterator[Seen]:
    """A job's state is not the one that its tasks come to."""
    for job in _jobs(ground):
        derived = derive_job_state(uploading=job.uploading, tasks=job.tasks)
        if job.state is not derived:
            says = f"Job {job.number} is kept as {job.state.value}; by its tasks it is {derived.value}."
            yield Seen(f"job {job.id}", says)


@kind("job-finished", _RIGHTED)
def job_finished(ground: Ground) -> Iterator[Seen]:
    """A job has ended without the time of its end, or has that time and has not ended."""
    for job in _jobs(ground):
        ended = all(state in ENDED for state in job.tasks)
        if ended and job.finished is None:
            yield Seen(f"job {job.id}", f"Job {job.number} has ended, and no time of its end is kept.")
        if not ended and job.finished is not None:
            yield Seen(f"job {job.id}", f"Job {job.number} has tasks to do, and yet a time of its end.")


@kind("job-scouts", _RIGHTED)
def job_scouts(ground: Ground) -> Iterator[Seen]:
    """A job's note on whether its scout frames have all ended is not what they come to."""
    wrong = Job.scouts_ended == scouts_under_way()
    query = select(Job.id, Job.number, Job.scouts_ended).where(Job.scouts_ended.is_not(None), wrong)
    for row in ground.rows(query):
        has = "have ended" if row.scouts_ended else "have not all ended"
        yield Seen(f"job {row.id}", f"Job {row.number} is kept as one whose scout frames {has}, and it is not so.")


def _jobs(ground: Ground) -> Iterator[_Known]:
    columns = (Job.id, Job.number, Job.state, Job.finished, Job.manifest)
    query = select(*columns, Task.state.label("task_state"), func.count().label("tasks"))
    query = query.join(Task, Task.job_id == Job.id).group_by(*columns, Task.state).order_by(Job.id)
    for _, group in groupby(ground.rows(query), key=lambda row: row.id):
        rows = list(group)
        first = rows[0]
        tasks = {row.task_state: row.tasks for row in rows}
        yield _Known(first.id, first.number, first.state, first.finished, first.manifest is None, tasks)
