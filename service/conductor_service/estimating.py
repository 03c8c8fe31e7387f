"""What a submission would cost and how long it would take, from what was rendered before."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from conductor_core.agent_answers import Estimate
from conductor_core.frames import FrameSet, scout_frames
from conductor_core.submission import Submission
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from conductor_service.catalogue import InstanceType
from conductor_service.clock import milliseconds_between
from conductor_service.marks import jobs_of_scene
from conductor_service.metering import money
from conductor_service.models import Attempt, Instance, Job, Step, Task
from conductor_service.run_plan import Machines, Work, plan_run
from conductor_service.states import TaskState

#: what is looked at of the past: the newest tell most
_JOBS, _STEPS, _LAUNCHES = 10, 50, 20
#: of each step
_TASKS = 50

Basis = Literal["scene", "project", "none"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A task that was rendered in one go."""

    instance_type: str
    step: str
    frames: int
    seconds: float

    @property
    def frame_seconds(self) -> float:
        """What one of its frames took, with its part of loading the scene."""
        return self.seconds / self.frames


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast frames of a step are."""

    frame_seconds: float
    basis: Basis
    #: frames that it rests on
    samples: int


UNKNOWN = Pace(0.0, "none", 0)


@dataclass(frozen=True, slots=True)
class Past:
    """What was rendered before, the scene's own and the whole project's."""

    scene: tuple[Sample, ...] = ()
    project: tuple[Sample, ...] = ()


def pace_of(step: str, kind: InstanceType, past: Past, types: Mapping[str, InstanceType]) -> Pace:
    """Return how fast a step is on an instance type: the median of what is most like it.

    The step itself before other steps of the scene, the scene before the rest of the project; of each the same instance type
    before others, whose frames are scaled by their cores, where both are known and the GPU is the same.
    """
    own = tuple(sample for sample in past.scene if sample.step == step)
    likely: tuple[tuple[Basis, Sequence[Sample]], ...] = (("scene", own), ("scene", past.scene), ("project", past.project))
    for basis, samples in likely:
        fitting = _same(samples, kind) or _scaled(samples, kind, types)
        if fitting:
            return Pace(statistics.median(seconds for seconds, _ in fitting), basis, sum(frames for _, frames in fitting))
    return UNKNOWN


def paces_of(submission: Submission, kind: InstanceType, past: Past, types: Mapping[str, InstanceType]) -> dict[str, Pace]:
    """Return how fast each step is; those that were never rendered are all alike."""
    known = {sample.step for sample in past.scene}
    others = pace_of("", kind, past, types)
    return {s.name: pace_of(s.name, kind, past, types) if s.name in known else others for s in submission.steps}


def _same(samples: Iterable[Sample], kind: InstanceType) -> list[tuple[float, int]]:
    return [(s.frame_seconds, s.frames) for s in samples if s.instance_type == kind.name]


def _scaled(samples: Iterable[Sample], kind: InstanceType, types: Mapping[str, InstanceType]) -> list[tuple[float, int]]:
    """Return what samples of other types come to; a GPU, or another one, is no matter of cores."""
    found = []
    for sample in samples:
        other = types.get(sample.instance_type)
        if other is not None and other.cores and kind.cores and other.gpu == kind.gpu:
            found.append((sample.frame_seconds * other.cores / kind.cores, sample.frames))
    return found


def works_of(submission: Submission, paces: Mapping[str, Pace]) -> list[Work]:
    """Return a submission's tasks as they become ready: of each step the scouts, then, as if released at once, the others."""
    works: list[Work] = []
    places = {step.name: (2 * i, 2 * i + 1) for i, step in enumerate(submission.steps)}
    for step in submission.steps:
        frames = FrameSet.parse(step.frames)
        scouts = frozenset(scout_frames(step.scouts, frames))
        seconds: dict[bool, list[float]] = {True: [], False: []}
        for chunk in frames.chunks(step.chunk_size):
            seconds[not scouts.isdisjoint(chunk)].append(len(chunk) * paces[step.name].frame_seconds)
        before = tuple(place for earlier in step.after for place in places[earlier])
        works.append(Work(tuple(seconds[True]), before, first=True))
        works.append(Work(tuple(seconds[False]), (*before, places[step.name][0])))
    return works


@dataclass(frozen=True, slots=True)
class Farmland:
    """What the farm would give: an instance type, and the limits and habits that hold for it."""

    kind: InstanceType
    #: instances that the account, and the fleet, may have at once
    limit: int
    boot_seconds: float
    idle_seconds: float
    currency: str


def plan_estimate(submission: Submission, land: Farmland, past: Past, types: Mapping[str, InstanceType]) -> Estimate:
    """Return the estimate of a submission: pure, from all that is known."""
    paces = paces_of(submission, land.kind, past, types)
    limit = max(1, min(land.limit, submission.max_instances or land.limit))
    run = plan_run(works_of(submission, paces), Machines(limit, land.boot_seconds, land.idle_seconds))
    instances = len({placed.machine for placed in run.placed})
    if any(pace.basis == "none" for pace in paces.values()):
        return Estimate(0.0, "none", 0, "", land.currency, 0.0, instances, 0)
    frames = {step.name: len(FrameSet.parse(step.frames)) for step in submission.steps}
    seconds = sum(paces[name].frame_seconds * count for name, count in frames.items())
    cost = run.cost(Decimal(land.kind.price(preemptible=submission.preemptible)))
    return Estimate(
        frame_seconds=round(seconds / sum(frames.values()), 3),
        basis="scene" if all(pace.basis == "scene" for pace in paces.values()) else "project",
        samples=max(pace.samples for pace in paces.values()),
        cost=money(cost.amount),
        currency=land.currency,
        wall_seconds=round(run.seconds, 1),
        instances=instances,
        billed_minutes=cost.billed_minutes,
    )


def past_of(session: Session, project_id: str, submission: Submission) -> Past:
    """Return what the project rendered before: of this scene, and of all."""
    newest = select(Job.id).where(Job.project_id == project_id)
    of_scene = jobs_of_scene(project_id, submission) if submission.scene else newest.where(Job.title == submission.title)
    return Past(_samples(session, of_scene), _samples(session, newest))


def _samples(session: Session, jobs: Select[str]) -> tuple[Sample, ...]:
    """Return tasks of the newest steps that one attempt rendered whole: of another's frames nobody knows who rendered which."""
    rendered = select(Task.id).where(Task.job_id == Job.id, Task.state == TaskState.SUCCESS).exists()
    ids = session.scalars(jobs.where(rendered).order_by(Job.number.desc()).limit(_JOBS)).all()
    steps = select(Step.id, Step.name, Job.instance_type).join(Job, Job.id == Step.job_id).where(Job.id.in_(ids))
    found: list[Sample] = []
    for step, name, kind in session.execute(steps.order_by(Job.number.desc(), Step.position).limit(_STEPS)).all():
        whole = (Task.step_id == step, Task.state == TaskState.SUCCESS, Task.attempts_made == 1)
        query = select(Task.frame_count, Attempt.milliseconds).join(Attempt, Attempt.id == Task.attempt_id).where(*whole)
        rows = session.execute(query.order_by(Task.id).limit(_TASKS))  # ids are random: frames of the whole range
        found += [Sample(kind, name, frames, milliseconds / 1000) for frames, milliseconds in rows]
    return tuple(found)


def boot_seconds(session: Session, account_id: str, kind: str) -> float:
    """Return what instances of a type took of late from their launch until they were ready; 0 where none was."""
    launches = select(Instance.launched, Instance.ready).where(
        Instance.account_id == account_id, Instance.type == kind, Instance.ready.is_not(None)
    )
    rows = session.execute(launches.order_by(Instance.launched.desc()).limit(_LAUNCHES)).all()
    taken: Sequence[float] = [milliseconds_between(launched, ready) / 1000 for launched, ready in rows if ready]
    return statistics.median(taken) if taken else 0.0
