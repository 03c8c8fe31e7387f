"""The JSON shapes of docs/api.md, made from rows; for answers and events alike."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from conductor_service.clock import iso
from conductor_service.licences import is_waiting, waits_of
from conductor_service.metering import JobBill, money
from conductor_service.models import Attempt, Hold, Instance, Job, LicenceWait, OutputFile, Project, Step, Task
from conductor_service.states import ENDED, SCOUT_HOLD, TaskState, allowed_verbs, derive_job_state
from conductor_service.usage import bill_of, bills_of_jobs

JsonObject = dict[str, Any]


@dataclass(slots=True)
class Counts:
    """How many tasks and frames of a job are in each state, and what of it is held."""

    tasks: dict[TaskState, int] = field(default_factory=dict)
    frames: dict[TaskState, int] = field(default_factory=dict)
    scouts: dict[TaskState, int] = field(default_factory=dict)
    #: tasks with the hold of each name
    holds: dict[str, int] = field(default_factory=dict)


#: the states in which tasks may have holds
_HELD = frozenset({TaskState.HOLDING, TaskState.RUNNING})


def _all_states(counts: Mapping[TaskState, int]) -> dict[str, int]:
    return {state.value: counts.get(state, 0) for state in TaskState}


def counts_by_job(session: Session, jobs: Sequence[str]) -> dict[str, Counts]:
    """Count tasks, frames, scouts and holds of jobs."""
    columns = (func.count(), func.sum(Task.frame_count), func.sum(case((Task.scout, 1), else_=0)))
    query = select(Task.job_id, Task.state, *columns).where(Task.job_id.in_(jobs)).group_by(Task.job_id, Task.state)
    found: dict[str, Counts] = {job: Counts() for job in jobs}
    for job, state, tasks, frames, scouts in session.execute(query):
        found[job].tasks[state] = tasks
        found[job].frames[state] = int(frames)
        found[job].scouts[state] = int(scouts)
    with_holds = [job for job, counts in found.items() if _HELD & counts.tasks.keys()]
    held = (Task.job_id.in_(with_holds), Task.state.in_(_HELD))
    query_holds = select(Task.job_id, Hold.name, func.count()).join(Hold, Hold.task_id == Task.id).where(*held)
    for job, name, tasks in session.execute(query_holds.group_by(Task.job_id, Hold.name)) if with_holds else ():
        found[job].holds[name] = tasks
    return found


def task_counts(session: Session, jobs: Sequence[str]) -> dict[str, dict[TaskState, int]]:
    """Count tasks of jobs by state: the index alone answers, where `counts_by_job` reads every task."""
    query = select(Task.job_id, Task.state, func.count()).where(Task.job_id.in_(jobs)).group_by(Task.job_id, Task.state)
    found: dict[str, dict[TaskState, int]] = {job: {} for job in jobs}
    for job, state, count in session.execute(query):
        found[job][state] = count
    return found


def job_summaries(session: Session, jobs: Sequence[Job], now: datetime) -> list[JsonObject]:
    """Return Jobs without submission and steps."""
    ids = [job.id for job in jobs]
    counts = counts_by_job(session, ids)
    bills = bills_of_jobs(session, ids, now)
    projects = _names(session, jobs)
    waits = waits_of(session, ids)
    return [_summary(job, counts[job.id], bills[job.id], projects[job.project_id], waits.get(job.id)) for job in jobs]


def _names(session: Session, jobs: Sequence[Job]) -> dict[str, str]:
    return {id: session.get_one(Project, id).name for id in {job.project_id for job in jobs}}


def _summary(job: Job, counts: Counts, cost: JobBill, project: str, wait: LicenceWait | None) -> JsonObject:
    submission = json.loads(job.submission)
    ready = counts.tasks.get(TaskState.READY, 0)
    waits = ready > 0 and is_waiting(wait)
    return {
        "id": job.id,
        "number": job.number,
        "title": job.title,
        "project": project,
        "state": job.state.value,
        "uploading": job.manifest is None or job.for_scouts,
        "created": iso(job.created),
        "finished": iso(job.finished),
        "submitted_by": job.submitted_by,
        "priority": job.priority,
        "instance_type": job.instance_type,
        "preemptible": job.preemptible,
        "scene": submission.get("scene", ""),
        "metadata": submission.get("metadata", {}),
        "frames": _all_states(counts.frames),
        "tasks": _all_states(counts.tasks),
        "scouts": {
            "total": sum(counts.scouts.values()),
            "done": sum(count for state, count in counts.scouts.items() if state in ENDED),
            "held": counts.holds.get(SCOUT_HOLD, 0),
        },
        "licence": _licence(wait, ready) if wait is not None and waits else None,
        "verbs": list(allowed_verbs(counts.tasks, counts.holds, licence=waits)),
        "cost": money(cost.amount),
        "billed_minutes": cost.billed_minutes,
        "last_output": job.last_output,
    }


def _licence(wait: LicenceWait, tasks: int) -> JsonObject:
    """Return how a job waits for a licence."""
    return {
        "waiting": tasks,
        "tries": wait.tries,
        "since": iso(wait.since),
        "next_try": iso(wait.until),
        "trying": wait.probe is not None,
        "message": wait.message,
    }


def job_view(session: Session, job: Job, now: datetime) -> JsonObject:
    """Return one Job with its submission and steps."""
    summary = job_summaries(session, [job], now)[0]
    by_step: dict[str, dict[TaskState, int]] = defaultdict(dict)
    query = select(Task.step_id, Task.state, func.count()).where(Task.job_id == job.id).group_by(Task.step_id, Task.state)
    for step, state, count in session.execute(query):
        by_step[step][state] = count
    steps = session.scalars(select(Step).where(Step.job_id == job.id).order_by(Step.position))
    uploading = job.manifest is None
    summary["submission"] = json.loads(job.submission)
    summary["steps"] = [
        {
            "id": step.id,
            "name": step.name,
            "frames": step.frames,
            "state": derive_job_state(uploading=uploading, tasks=by_step[step.id]).value,
        }
        for step in steps
    ]
    return summary


def task_views(session: Session, tasks: Sequence[Task]) -> list[JsonObject]:
    """Return Tasks without their attempts."""
    ids = [task.id for task in tasks]
    holds: dict[str, list[Hold]] = defaultdict(list)
    steps = {id: session.get_one(Step, id).name for id in {t.step_id for t in tasks}}
    for some in _slices(ids):
        for hold in session.scalars(select(Hold).where(Hold.task_id.in_(some)).order_by(Hold.created)):
            holds[hold.task_id].append(hold)
    current = {t.attempt_id for t in tasks if t.state is TaskState.RUNNING and t.attempt_id}
    # A transaction that reports on an attempt has it at hand; only a list has to ask.
    running = {row.id: row for row in session.identity_map.values() if isinstance(row, Attempt) and row.id in current}
    for some in _slices(sorted(current - running.keys())):
        running.update((a.id, a) for a in session.scalars(select(Attempt).where(Attempt.id.in_(some))))
    return [_task(t, steps[t.step_id], holds[t.id], running.get(t.attempt_id or "")) for t in tasks]


def _slices(ids: Sequence[str], size: int = 5000) -> list[Sequence[str]]:
    """Return ids in runs that every database takes in one statement."""
    return [ids[i : i + size] for i in range(0, len(ids), size)]


def _task(task: Task, step: str, holds: Sequence[Hold], attempt: Attempt | None) -> JsonObject:
    progress = len(task.frames_done) / task.frame_count
    if task.state is TaskState.SUCCESS:
        progress = 1.0
    elif attempt is not None:
        progress = max(progress, attempt.progress)
    return {
        "id": task.id,
        "job": task.job_id,
        "step": step,
        "index": task.index,
        "frames": task.frames,
        "frames_done": task.frames_done,
        "scout": task.scout,
        "state": task.state.value,
        "version": task.version,
        "holds": [{"name": h.name, "actor": h.actor, "reason": h.reason} for h in holds],
        "progress": round(progress, 4),
        "attempts_made": task.attempts_made,
        "cause": task.cause or None,
        "message": attempt.status if attempt is not None else task.message,
    }


def attempt_view(attempt: Attempt, log_size: Callable[[str], int]) -> JsonObject:
    """Return an Attempt."""
    return {
        "id": attempt.id,
        "number": attempt.number,
        "task": attempt.task_id,
        "instance": attempt.instance_id,
        "state": attempt.state.value,
        "started": iso(attempt.started),
        "ended": iso(attempt.ended),
        "cause": attempt.cause or None,
        "exit_code": attempt.exit_code,
        "message": attempt.message,
        "peak_memory": attempt.peak_memory,
        "log_size": log_size(attempt.id),
    }


def output_view(output: OutputFile) -> JsonObject:
    """Return an OutputFile."""
    return {
        "seq": output.seq,
        "id": output.id,
        "job": output.job_id,
        "task": output.task_id,
        "attempt": output.attempt_id,
        "step": output.step,
        "frame": output.frame,
        "path": output.path,
        "digest": output.digest,
        "size": output.size,
        "mode": output.mode,
        "mtime_ns": output.mtime_ns,
        "width": output.width,
        "height": output.height,
        "layers": output.layers,
        "created": iso(output.created),
        "preview": output.preview is not None,
    }


def instance_views(session: Session, instances: Sequence[Instance], now: datetime) -> list[JsonObject]:
    """Return Instances."""
    work: dict[str, list[JsonObject]] = defaultdict(list)
    query = (
        select(Attempt.instance_id, Attempt.id, Job.id, Job.number, Job.title, Step.name, Task.frames)
        .join(Task, Task.id == Attempt.task_id)
        .join(Step, Step.id == Task.step_id)
        .join(Job, Job.id == Task.job_id)
        .where(Attempt.released.is_(None), Attempt.ended.is_(None), Attempt.instance_id.in_([i.id for i in instances]))
    )
    for instance, attempt, job, number, title, step, frames in session.execute(query.order_by(Attempt.started)):
        work[instance].append({"attempt": attempt, "job": job, "number": number, "title": title, "step": step, "frames": frames})
    return [_instance(i, work[i.id], now) for i in instances]


def _instance(instance: Instance, work: list[JsonObject], now: datetime) -> JsonObject:
    cost = bill_of(instance, now)
    return {
        "id": instance.id,
        "type": instance.type,
        "preemptible": instance.preemptible,
        "state": instance.state,
        "launched": iso(instance.launched),
        "ready": iso(instance.ready),
        "ended": iso(instance.ended),
        "minutes": str(cost.minutes),
        "billed_minutes": cost.billed_minutes,
        "amount": money(cost.amount),
        "current": [item["attempt"] for item in work],
        "work": work,
    }
