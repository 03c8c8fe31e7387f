"""What the steps before a step made: it lies at its place when the step's tasks run, as if the artist had sent it.

Of a job's own steps, those that a step is `after`, and those that these are after. Exactly what was accepted: of each task that
has succeeded the files of its present generation; of two files with one path the later. A file of a frame that a command names by
its frame (`/job/x.{frame:04}.ass`) goes only to the tasks of that frame: an export of a thousand frames goes whole to no instance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conductor_core.manifest import Entry, Manifest, make_manifest
from conductor_core.paths import ClientPath, Flavour
from conductor_core.sequences import frame_path, has_frame_token
from conductor_core.submission import Step as SubmittedStep
from conductor_core.submission import Submission
from conductor_core.task_words import fill_words
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from conductor_service.errors import NotAllowedNow
from conductor_service.jobs import submission_of
from conductor_service.models import Job, OutputFile, Step, Task
from conductor_service.states import TaskState

#: numbers of different length: a word that is right for both is right for every frame
_FRAMES = (7, 12_345)


def steps_before(submission: Submission, name: str) -> tuple[SubmittedStep, ...]:
    """Return all steps that must have succeeded before a step: those that it is after, and so on, in the job's order."""
    after = {step.name: step.after for step in submission.steps}
    found: set[str] = set()
    waiting = list(after[name])
    while waiting:
        step = waiting.pop()
        if step not in found:
            found.add(step)
            waiting += after[step]
    return tuple(step for step in submission.steps if step.name in found)


def named_by_frame(step: SubmittedStep, before: SubmittedStep, flavour: Flavour) -> bool:
    """Tell whether a command names each output of the step before by its frame."""
    if step.kind != "command" or not before.outputs:
        return False
    words = {tuple(_spelled(fill_words((word,), (f,))[0], flavour) for f in _FRAMES) for word in step.command}
    return all(
        has_frame_token(o.path) and tuple(_spelled(frame_path(o.path, f), flavour) for f in _FRAMES) in words
        for o in before.outputs
    )


def _spelled(path: str, flavour: Flavour) -> str:
    """Return a path in one spelling, to be compared."""
    return path.replace("\\", "/").casefold() if flavour is Flavour.WINDOWS else path


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files that a task finds beside those of the job's manifest."""

    task: Task
    job: Job
    #: steps of which all files are there, and those of which only the task's own frames are
    whole: tuple[str, ...]
    by_frame: tuple[str, ...]

    def __bool__(self) -> bool:
        """Tell whether there is a step before the task's."""
        return bool(self.whole or self.by_frame)

    def key(self, session: Session) -> str:
        """Return what names this state of the files: any other file, or one more or less, makes another."""
        query = select(func.count(), func.max(OutputFile.seq)).join(Task, Task.id == OutputFile.task_id).where(*self._there())
        count, newest = session.execute(query).one()
        frames = f"-{self.task.index}" if self.by_frame else ""
        return f"{count}-{newest or 0}{frames}"

    def manifest(self, session: Session, key: str) -> Manifest:
        """Return the files, as a manifest of their own.

        Raises:
            NotAllowedNow: they are not those of `key` any more: somebody wants a step before this one again.
        """
        if self.key(session) != key:
            what = "A step that comes first is being made again: what it made before is not what this task was given for."
            raise NotAllowedNow(what, next_step="The task waits for it, and is tried again.")
        query = select(OutputFile).join(Task, Task.id == OutputFile.task_id).where(*self._there()).order_by(OutputFile.seq)
        flavour = submission_of(self.job).flavour
        newest = {ClientPath.parse(o.path, flavour).key: o for o in session.scalars(query)}
        return make_manifest(flavour, (_entry(o) for o in newest.values()))

    def has(self, session: Session, digest: str) -> bool:
        """Tell whether one of the files has this content."""
        query = select(OutputFile.id).join(Task, Task.id == OutputFile.task_id).where(*self._there(), OutputFile.digest == digest)
        return session.scalars(query.limit(1)).first() is not None

    def _there(self) -> Sequence[ColumnElement[bool]]:
        own = or_(OutputFile.frame.is_(None), OutputFile.frame.in_(self.task.frames))
        of_step = or_(OutputFile.step.in_(self.whole), and_(OutputFile.step.in_(self.by_frame), own))
        accepted = (OutputFile.generation == Task.generation, Task.state == TaskState.SUCCESS)
        return (OutputFile.job_id == self.job.id, of_step, *accepted)


def _entry(output: OutputFile) -> Entry:
    return Entry(output.path, digest=output.digest, size=output.size, mode=output.mode, mtime_ns=output.mtime_ns)


def inputs_of(session: Session, task: Task) -> Inputs:
    """Return what a task finds of the steps before its own."""
    job = session.get_one(Job, task.job_id)
    submission = submission_of(job)
    name = session.get_one(Step, task.step_id).name
    step = next(s for s in submission.steps if s.name == name)
    whole: list[str] = []
    by_frame: list[str] = []
    for before in steps_before(submission, name):
        (by_frame if named_by_frame(step, before, submission.flavour) else whole).append(before.name)
    return Inputs(task, job, tuple(whole), tuple(by_frame))
