"""Jobs whose software gets no licence: they wait, longer each time, and hold no instance meanwhile.

The wait is the job's and not a task's: what one instance did not get, the next would not get either, and each try starts the
software. While a job waits (`LicenceWait`), its tasks stay `ready` and go to instances alone that have its scene loaded: they
have their licence. When a wait is over one instance, the probe, tries; with its first accepted frame it opens the door for
the next one. An instance that got none takes other work or ends like any idle one.

Ways out: a licence comes; somebody asks for a `retry`, which tries at once; the patience of the settings ends, and with it
all tasks that wait; `kill`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from conductor_service.database import Unit
from conductor_service.door import Why, move
from conductor_service.licence_settings import LicenceSettings
from conductor_service.models import Attempt, Job, LicenceWait, Task
from conductor_service.states import AttemptState, TaskState

CAUSE = "licence"


def waits_of(session: Session, jobs: Collection[str]) -> dict[str, LicenceWait]:
    """Return how jobs wait for a licence, by job; those that do not are not in it."""
    rows: Iterable[LicenceWait] = session.scalars(select(LicenceWait).where(LicenceWait.job_id.in_(jobs))) if jobs else ()
    return {row.job_id: row for row in rows}


def is_waiting(wait: LicenceWait | None) -> bool:
    """Tell whether the last instance that asked for a licence got none."""
    return wait is not None and wait.tries > 0


def may_take(wait: LicenceWait | None, sessions: Sequence[str], now: datetime) -> bool:
    """Tell whether an instance may take a task of a job: it has a licence, or it is its turn to ask for one."""
    if wait is None or wait.until <= now:
        return True
    return _has_licence(wait, sessions)


def _has_licence(wait: LicenceWait, sessions: Sequence[str]) -> bool:
    return any(key.startswith(f"{wait.job_id}/") for key in sessions)


def to_try(wait: LicenceWait | None, ready: int, now: datetime) -> int:
    """Return how many of a job's ready tasks are worth an instance now."""
    return ready if wait is None else min(ready, int(wait.until <= now))


def due(session: Session, now: datetime) -> frozenset[tuple[str, datetime]]:
    """Return the waits that are over: job, and since when; whoever waits for work is to be told of each once."""
    query = select(LicenceWait.job_id, LicenceWait.until).where(LicenceWait.until <= now)
    return frozenset((job, until) for job, until in session.execute(query))


def note_lease(unit: Unit, attempt: Attempt, sessions: Sequence[str]) -> None:
    """Make a new attempt the probe of its job, if the job waits and the instance has no licence yet: nobody follows it now."""
    wait = unit.session.get(LicenceWait, attempt.job_id)
    if wait is not None and not _has_licence(wait, sessions):
        if wait.until < unit.now and wait.tries:
            wait.since += unit.now - wait.until  # nobody asked for one meanwhile: that tries no patience
        wait.probe = attempt.id
        wait.until = unit.now + timedelta(seconds=wait.pause)


def note_rendered(unit: Unit, attempt: Attempt) -> None:
    """Take note that something of an attempt was accepted: it has a licence, and the job's patience begins anew.

    Where it was the probe, or the last probe got one too, the next instance may ask: while licences are to be had, each frame
    brings one more. Otherwise there are as many as are in use, and a try for each frame would cost more than it finds.
    """
    wait = unit.session.get(LicenceWait, attempt.job_id)
    if wait is None:
        return
    wait.since = unit.now
    if wait.probe == attempt.id:
        wait.tries, wait.probe = 0, None
        unit.job_changed(unit.session.get_one(Job, attempt.job_id))
    if wait.tries == 0:
        wait.until = unit.now
        unit.work = True


def note_want(unit: Unit, attempt: Attempt, message: str, rules: LicenceSettings) -> bool:
    """Take note that an attempt got no licence; return whether its task waits for one: otherwise the patience is over."""
    job = unit.session.get_one(Job, attempt.job_id)
    wait = unit.session.get(LicenceWait, job.id)
    if wait is None:
        wait = LicenceWait(job_id=job.id, tries=0, since=unit.now, until=unit.now, pause=0, message="")
        unit.session.add(wait)
    elif unit.now - wait.since >= rules.patience and not _others_work(unit.session, attempt):
        _give_up(unit, job, message)
        return False
    if wait.probe == attempt.id or wait.until <= unit.now:
        # what others say, who had begun before the wait did, makes it no longer
        wait.tries += 1
        wait.probe = None
        wait.pause = rules.pause(wait.tries)
        wait.until = unit.now + timedelta(seconds=wait.pause)
    wait.message = message
    unit.job_changed(job)
    return True


def _others_work(session: Session, attempt: Attempt) -> bool:
    """Tell whether another attempt of the job is at work: it may have had its licence for longer than the patience."""
    others = (Attempt.job_id == attempt.job_id, Attempt.id != attempt.id, Attempt.state == AttemptState.RUNNING)
    return session.scalars(select(Attempt.id).where(*others, Attempt.released.is_(None)).limit(1)).first() is not None


def _give_up(unit: Unit, job: Job, message: str) -> None:
    """End what waits in a job: each further try would be paid for, and the patience is over."""
    ready = select(Task).where(Task.job_id == job.id, Task.state == TaskState.READY).order_by(Task.index)
    tasks = unit.session.scalars(ready).all()
    reason = f"no licence came in time: {message}"
    for task in tasks:
        task.cause, task.message = CAUSE, reason
    move(unit, tasks, TaskState.FAILED, Why("scheduler", reason, CAUSE))
    forget(unit, job)


def forget(unit: Unit, job: Job) -> bool:
    """Let a job wait for no licence any more; return whether it did."""
    wait = unit.session.get(LicenceWait, job.id)
    if wait is None:
        return False
    waited = is_waiting(wait)
    unit.session.delete(wait)
    unit.job_changed(job)
    unit.work = True
    return waited


def prune(unit: Unit) -> None:
    """Forget the waits of jobs that have ended."""
    ended = select(Job.id).where(Job.finished.is_not(None))
    statement = delete(LicenceWait).where(LicenceWait.job_id.in_(ended))
    unit.session.execute(statement, execution_options={"synchronize_session": False})
