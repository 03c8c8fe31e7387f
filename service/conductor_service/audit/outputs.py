"""Outputs: published once, by who might, and with bytes behind them."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator

from conductor_core.digest import Digest
from conductor_core.documents import from_json
from conductor_core.submission import Submission
from sqlalchemy import exists, func, or_, select

from conductor_service.audit.kinds import BATCH, Ground, Seen, kind
from conductor_service.clock import iso
from conductor_service.models import Attempt, Job, OutputFile, ProjectFile, Step, StoredObject, Task
from conductor_service.states import TaskState

_LOST = "Retry the task (`conductor retry JOB --frames N`): the frame is rendered again."
_REPORT = "Please report it, with the output: nothing that Conductor does leaves one like this."
_NAMED = (OutputFile.id, OutputFile.path, Job.number)


@kind("output-object", _LOST)
def output_object(ground: Ground) -> Iterator[Seen]:
    """An output names an object that the database does not know."""
    known = exists().where(StoredObject.digest == OutputFile.digest)
    for row in ground.rows(select(*_NAMED, OutputFile.digest).join(Job, Job.id == OutputFile.job_id).where(~known)):
        what = f"Output {row.path} of job {row.number} is object {row.digest}, which is not known."
        yield Seen(f"output {row.id}", what)


@kind("output-size", _LOST)
def output_size(ground: Ground) -> Iterator[Seen]:
    """An output is kept with another size than its object has."""
    query = select(*_NAMED, OutputFile.size, StoredObject.size.label("there")).join(Job, Job.id == OutputFile.job_id)
    query = query.join(StoredObject, StoredObject.digest == OutputFile.digest).where(StoredObject.size != OutputFile.size)
    for row in ground.rows(query):
        what = f"Output {row.path} of job {row.number} is kept with {row.size} bytes, its object has {row.there}."
        yield Seen(f"output {row.id}", what)


@kind("preview-object", "Nothing is lost but a small picture; retry the task if you want it.")
def preview_object(ground: Ground) -> Iterator[Seen]:
    """A preview is an object that neither the database nor the store knows."""
    known = exists().where(StoredObject.digest == OutputFile.preview)
    query = select(*_NAMED, OutputFile.preview).join(Job, Job.id == OutputFile.job_id)
    for row in ground.rows(query.where(OutputFile.preview.is_not(None), ~known)):
        if ground.store.size(Digest(row.preview)) is None:
            what = f"The preview of {row.path} of job {row.number} is object {row.preview}, which is not there."
            yield Seen(f"output {row.id}", what)


@kind("project-file-object", "Render it again, or submit it again: the project's file tree names a file without content.")
def project_file_object(ground: Ground) -> Iterator[Seen]:
    """A file of a project's tree names an object that the database does not know."""
    known = exists().where(StoredObject.digest == ProjectFile.digest)
    for row in ground.rows(select(ProjectFile.id, ProjectFile.path, ProjectFile.version, ProjectFile.digest).where(~known)):
        what = f"Version {row.version} of the project's file {row.path} is object {row.digest}, which is not known."
        yield Seen(f"project_file {row.id}", what)


@kind("output-stale", "Look at the picture; retry the task if you do not trust it. Please report it as well.")
def output_stale(ground: Ground) -> Iterator[Seen]:
    """An output was published by an attempt that had ended, and so under a fence that was stale."""
    query = select(*_NAMED, OutputFile.created, Attempt.id.label("attempt"), Attempt.ended, Attempt.generation)
    query = query.join(Job, Job.id == OutputFile.job_id).join(Attempt, Attempt.id == OutputFile.attempt_id)
    late = or_(OutputFile.created > Attempt.ended, OutputFile.generation != Attempt.generation)
    for row in ground.rows(query.where(late)):
        when = f"published at {iso(row.created)} by attempt {row.attempt}, which ended at {iso(row.ended)}"
        yield Seen(f"output {row.id}", f"Output {row.path} of job {row.number} was {when}.")


@kind("output-twice", _REPORT)
def output_twice(ground: Ground) -> Iterator[Seen]:
    """A task has two accepted outputs for one path and generation."""
    query = (
        select(OutputFile.path, OutputFile.generation, Task.id, Task.index, Job.number, func.count().label("files"))
        .join(Task, Task.id == OutputFile.task_id)
        .join(Job, Job.id == Task.job_id)
        .group_by(OutputFile.path, OutputFile.generation, Task.id, Task.index, Job.number)
        .having(func.count() > 1)
    )
    for row in ground.rows(query):
        what = f"Task {row.index} of job {row.number} has {row.files} accepted outputs {row.path} of generation {row.generation}."
        yield Seen(f"task {row.id}", what)


@kind("frames-done", "Retry the task: frames that count as done are not rendered again by themselves. Please report it as well.")
def frames_done(ground: Ground) -> Iterator[Seen]:
    """A frame counts as done without an output, or a task succeeded with frames that are not done."""
    columns = (Task.id, Task.index, Task.frames, Task.frames_done, Task.state, Task.generation)
    query = select(*columns, Job.number, Job.submission, Step.name).join(Job, Job.id == Task.job_id)
    query = query.join(Step, Step.id == Task.step_id).order_by(Task.id).limit(BATCH)
    last = ""
    while rows := ground.session.execute(query.where(Task.id > last)).all():
        last = rows[-1].id
        published = _published(ground, [row.id for row in rows])
        for row in rows:
            there = published.get((row.id, row.generation), set())
            free = None in there or not _has_outputs(row.submission, row.name)
            bare = [f for f in row.frames_done if f not in row.frames or not (free or f in there)]
            undone = [f for f in row.frames if f not in row.frames_done] if row.state is TaskState.SUCCESS else []
            task = f"Task {row.index} of job {row.number}"
            if bare:
                yield Seen(f"task {row.id}", f"{task} counts frame {bare[0]} as done, and has no output of it.")
            elif undone:
                yield Seen(f"task {row.id}", f"{task} succeeded, and frame {undone[0]} of it is not done.")


def _published(ground: Ground, tasks: list[str]) -> dict[tuple[str, int], set[int | None]]:
    query = select(OutputFile.task_id, OutputFile.generation, OutputFile.frame).where(OutputFile.task_id.in_(tasks))
    found: dict[tuple[str, int], set[int | None]] = {}
    for task, generation, frame in ground.session.execute(query):
        found.setdefault((task, generation), set()).add(frame)
    return found


@functools.lru_cache(maxsize=64)
def _has_outputs(submission: str, step: str) -> bool:
    """Tell whether a step says which files it writes; one that does not is believed."""
    steps = from_json(Submission, json.loads(submission)).steps
    return any(s.outputs for s in steps if s.name == step)
