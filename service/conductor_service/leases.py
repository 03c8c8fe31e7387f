"""What runners report of their attempts: beats, ends, losses. Only the current attempt's word changes a task.

Functions that a report can be too late for *return* `StaleAttempt` instead of raising it: the transaction commits, so
that the late report is on record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from conductor_service import licences, waiting
from conductor_service.clock import milliseconds_between
from conductor_service.database import Unit
from conductor_service.door import Why, move
from conductor_service.errors import Absent, Invalid, StaleAttempt
from conductor_service.jobs import submission_of
from conductor_service.licence_settings import LicenceSettings
from conductor_service.models import Attempt, Instance, Job, LateReport, OutputFile, Step, Task
from conductor_service.states import AttemptState, TaskState, Tries, after_attempt

CAUSES = frozenset(
    [
        "exit-code",
        "out-of-memory",
        "no-progress",
        "time-out",
        "bad-output",
        "missing-file",
        "crashed",
        "licence",
        "software-missing",
        "lost-instance",
        "preempted",
        "user",
        "disk-full",
        "scene-load",
        "internal",
    ]
)


#: for the pen; after more than this nobody's silence counts
LONGEST_WAIT = timedelta(seconds=2)


_LICENCE = LicenceSettings()


#: how often an attempt's lease and progress are written; runners may beat more often
WRITTEN_EVERY = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Beat:
    """What a runner says while it works."""

    fence: int
    progress: float = 0.0
    frame: int | None = None
    status: str = ""
    peak_memory: int = 0


@dataclass(frozen=True, slots=True)
class Finish:
    """What a runner says at the end."""

    fence: int
    state: Literal["success", "failed", "killed"]
    cause: str | None = None
    exit_code: int | None = None
    message: str = ""
    peak_memory: int = 0
    frames_done: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a cause that the API does not have."""
        if self.cause and self.cause not in CAUSES:
            raise ValueError(f"cause {self.cause!r} is not one of {', '.join(sorted(CAUSES))}")

    def outcome(self) -> AttemptState:
        """Return the state that this gives the attempt.

        A runner that stops by itself (its machine is taken away, or it is shut down) is not the task's fault.
        """
        if self.cause == "preempted":
            return AttemptState.PREEMPTED
        if self.state == "killed":
            return AttemptState.LOST
        return AttemptState(self.state)


def find_attempt(unit: Unit, attempt_id: str, instance_id: str) -> Attempt:
    """Return an attempt of an instance.

    Raises:
        Absent: the instance has no such attempt.
    """
    attempt = unit.session.get(Attempt, attempt_id)
    if attempt is None or attempt.instance_id != instance_id:
        raise Absent("attempt", attempt_id)
    return attempt


def staleness(attempt: Attempt, task: Task, fence: int) -> str:
    """Return why an attempt may not act on its task; empty where it may."""
    if fence != attempt.fence:
        return f"fence {fence} is not its own"
    if task.fence != attempt.fence:
        return "a later attempt has taken the task over"
    if attempt.state is not AttemptState.RUNNING:
        return f"it is {attempt.state.value}"
    return ""


def refuse(unit: Unit, attempt: Attempt, kind: str, fence: int, reason: str) -> StaleAttempt:
    """Put a late report on record, and return the error that answers it."""
    unit.session.add(LateReport(attempt_id=attempt.id, kind=kind, fence=fence, reason=reason, at=unit.now))
    return StaleAttempt(attempt.id, reason)


def beat(unit: Unit, attempt: Attempt, report: Beat, lease: timedelta) -> Literal["go-on", "kill"] | StaleAttempt:
    """Renew a lease, and say whether to go on.

    What comes within seconds of the last renewal is answered and not written: each write waits for the disk.
    """
    task = unit.session.get_one(Task, attempt.task_id)
    if attempt.state is AttemptState.KILLED and report.fence == attempt.fence:
        return "kill"
    stale = staleness(attempt, task, report.fence)
    if stale:
        return refuse(unit, attempt, "beat", report.fence, stale)
    if unit.now + lease - attempt.expires < min(WRITTEN_EVERY, lease / 4):
        return "go-on"
    attempt.expires = unit.now + lease
    attempt.peak_memory = max(attempt.peak_memory, report.peak_memory)
    shown = (min(1.0, max(0.0, report.progress)), report.frame, report.status[:500])
    if shown != (attempt.progress, attempt.frame, attempt.status):
        attempt.progress, attempt.frame, attempt.status = shown
        unit.task_progressed(task)
    return "go-on"


def finish(unit: Unit, attempt: Attempt, report: Finish, licence: LicenceSettings = _LICENCE) -> StaleAttempt | None:
    """End an attempt as its runner says; the same report again changes nothing."""
    task = unit.session.get_one(Task, attempt.task_id)
    if report.fence == attempt.fence and attempt.state is AttemptState.KILLED:
        _release(unit, attempt)
        return None
    if report.fence == attempt.fence and _same_end(attempt, report):
        return None
    stale = staleness(attempt, task, report.fence)
    if stale:
        return refuse(unit, attempt, "finish", report.fence, stale)
    unknown = set(report.frames_done) - set(task.frames)
    if unknown:
        raise Invalid("frames_done", f"has frame {min(unknown)}, which task {task.index} does not have")
    attempt.exit_code = report.exit_code
    attempt.peak_memory = max(attempt.peak_memory, report.peak_memory)
    outcome, cause, message = report.outcome(), report.cause or "internal", report.message[:4000]
    claimed = task.frames if outcome is AttemptState.SUCCESS else report.frames_done
    done = {*task.frames_done, *_published(unit, task, claimed)}
    task.frames_done = [f for f in task.frames if f in done]
    if outcome is AttemptState.SUCCESS:
        lacking = [f for f in task.frames if f not in done]
        cause = "bad-output" if lacking else ""
        if lacking:
            outcome, message = AttemptState.FAILED, f"The runner says success, but frame {lacking[0]} has no output."
    if outcome is AttemptState.SUCCESS:
        licences.note_rendered(unit, attempt)
    waits = None
    if outcome is AttemptState.FAILED and cause == licences.CAUSE and licence.patience_seconds:
        waits = licences.note_want(unit, attempt, message, licence)
    end(unit, attempt, outcome, cause=cause, message=message, actor="runner", waits=waits)
    return None


def _same_end(attempt: Attempt, report: Finish) -> bool:
    """Tell whether an attempt ended by this report before; a success without outputs was taken as a failure."""
    if attempt.state is AttemptState.FAILED and attempt.cause == "bad-output" and report.state == "success":
        return True
    return attempt.state is report.outcome()


def _published(unit: Unit, task: Task, frames: Iterable[int]) -> set[int]:
    """Return those frames that have an accepted output; all, where the step declares none.

    A file that is of no frame in particular (a film, a cache) stands for all of its task.
    """
    job, step = unit.session.get_one(Job, task.job_id), unit.session.get_one(Step, task.step_id)
    if not next(s for s in submission_of(job).steps if s.name == step.name).outputs:
        return set(frames)
    query = select(OutputFile.frame).where(OutputFile.task_id == task.id, OutputFile.generation == task.generation)
    found = set(unit.session.scalars(query.distinct()))
    return set(frames) if None in found else {frame for frame in frames if frame in found}


def end(
    unit: Unit,
    attempt: Attempt,
    outcome: AttemptState,
    *,
    cause: str,
    message: str,
    actor: str,
    at: datetime | None = None,
    waits: bool | None = None,
) -> None:
    """End the current attempt of a running task, and move the task on: to its end, or to another try.

    `at` is when it ended, if that was before now. `waits` says of one that got no licence whether its task waits for one.
    """
    with unit.session.no_autoflush:
        task = unit.session.get_one(Task, attempt.task_id)
        job = unit.session.get_one(Job, attempt.job_id)
    attempt.state = outcome
    attempt.ended = max(attempt.started, at or unit.now)
    attempt.released = unit.now
    attempt.milliseconds = milliseconds_between(attempt.started, attempt.ended)
    attempt.cause, attempt.message = cause, message
    tries = Tries(task.failures, task.preemptions)
    retries = submission_of(job).retries
    with unit.session.no_autoflush:  # one UPDATE per row, when the door writes
        held = task.id in waiting.held(unit.session, [task])
        same = failures_of(unit.session, task, cause) if outcome is AttemptState.FAILED else 0
    done = all_done(task)
    to, tries = after_attempt(outcome, cause=cause, tries=tries, retries=retries, held=held, done=done, same=same, waits=waits)
    task.failures, task.preemptions = tries.failures, tries.preemptions
    if to is TaskState.SUCCESS and outcome is not AttemptState.SUCCESS:
        cause, message = "", f"all its frames were accepted before this: {message}"
    task.cause, task.message = cause, message
    move(unit, [task], to, Why(actor, message or outcome.value, cause))
    if held and to in (TaskState.SUCCESS, TaskState.FAILED, TaskState.PREEMPTED):
        waiting.drop_holds(unit, [task])
    _note_idle(unit, attempt.instance_id)
    waiting.settle(unit, job)


def all_done(task: Task) -> bool:
    """Tell whether every frame of a task counts as done."""
    return set(task.frames) <= set(task.frames_done)


def failures_of(session: Session, task: Task, cause: str) -> int:
    """Return how many of a task's failures so far were of a cause, since somebody last asked for it; without the current one."""
    if not task.failures:
        return 0
    counted = (Attempt.state == AttemptState.FAILED, Attempt.cause != licences.CAUSE)
    query = select(Attempt.cause).where(Attempt.task_id == task.id, *counted)
    with session.no_autoflush:
        last = session.scalars(query.order_by(Attempt.number.desc()).limit(task.failures)).all()
    return last.count(cause)


def _note_idle(unit: Unit, instance_id: str) -> None:
    """Start the idle clock of an instance; it counts once nothing else runs there (`scheduler.py` looks)."""
    instance = unit.session.get_one(Instance, instance_id)
    instance.idle_since = unit.now
    unit.instance_changed(instance)


def expire(unit: Unit, asked: datetime, lease: timedelta) -> int:
    """End every lease that had run out when `asked`, and return how many there were.

    Who had to wait for the pen so long that runners may have waited for it too gives them a lease to be heard instead.
    """
    if unit.now - asked > LONGEST_WAIT:
        grace(unit, lease)
        return 0
    query = select(Attempt).where(Attempt.released.is_(None), Attempt.expires <= asked)
    attempts = unit.session.scalars(query).all()
    for attempt in attempts:
        lose(unit, attempt, "its runner was silent for longer than its lease")
    return len(attempts)


def lose(unit: Unit, attempt: Attempt, reason: str, at: datetime | None = None) -> None:
    """Give an attempt up: nothing of it runs any more, or nothing of it will be accepted."""
    if attempt.state is AttemptState.RUNNING:
        end(unit, attempt, AttemptState.LOST, cause="lost-instance", message=reason, actor="scheduler", at=at)
        return
    _release(unit, attempt)


def _release(unit: Unit, attempt: Attempt) -> None:
    """Note that nothing of a killed attempt runs any more: its task may be leased again, its instance is free."""
    if attempt.released is None:
        attempt.released = max(unit.now, attempt.ended or unit.now)
        unit.work = True
        _note_idle(unit, attempt.instance_id)


def lose_all(unit: Unit, instance_id: str, reason: str, at: datetime) -> None:
    """Give up all attempts of an instance that is gone since `at`."""
    query = select(Attempt).where(Attempt.instance_id == instance_id, Attempt.released.is_(None))
    for attempt in unit.session.scalars(query).all():
        lose(unit, attempt, reason, at)


def grace(unit: Unit, lease: timedelta) -> None:
    """Let every lease last one full lease from now.

    After the service was down, or its machine asleep, runners could not beat: that they were silent says nothing. A lease
    that lasted longer than that was given before the clock was set back.
    """
    until: datetime = unit.now + lease
    unit.session.execute(
        update(Attempt).where(Attempt.released.is_(None)).values(expires=until),
        execution_options={"synchronize_session": False},
    )
