"""The outbox: e-mails that are to be sent, written in the transaction of what they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from conductor_core.submission import Occasion
from sqlalchemy import ColumnElement, ColumnExpressionArgument, and_, delete, exists, not_, or_, select, update
from sqlalchemy.orm import Session

from conductor_service.database import Unit
from conductor_service.jobs import submission_of
from conductor_service.letters import News, write_letter
from conductor_service.models import Job, Notification, Project, Task, new_id
from conductor_service.states import ENDED, SCOUT_HOLD, JobState, TaskState
from conductor_service.views import counts_by_job

#: what was sent, or given up, is kept for so long
KEPT = timedelta(days=30)
#: a server that is down is asked again after this, then after twice as long, and so on
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
#: about twenty hours of trying
MOST_TRIES = 25

_OPEN = (Notification.sent.is_(None), Notification.given_up.is_(None))
_OCCASIONS: dict[JobState, Occasion] = {
    JobState.SUCCESS: "success",
    JobState.FAILED: "failed",
    JobState.KILLED: "killed",
}


def scouts_under_way() -> ColumnElement[bool]:
    """Return the condition, on a job, that scout frames of it are still to come before somebody has to look.

    Those of a step that waits for one whose other tasks are held come only after a release: nobody may wait for them to be told.
    """

    def some(*which: ColumnExpressionArgument[bool]) -> ColumnElement[bool]:
        return exists().where(Task.job_id == Job.id, *which)

    on_its_way = or_(Task.state.in_([TaskState.READY, TaskState.RUNNING]), and_(Task.scout, Task.state == TaskState.HOLDING))
    held = and_(Job.manifest.is_not(None), some(Task.awaits_release, Task.state == TaskState.HOLDING))
    return and_(some(Task.scout, Task.state.not_in(ENDED)), or_(some(on_its_way), not_(held)))


def follow_scouts(unit: Unit, job: Job) -> bool:
    """Keep whether a job's scouts have all ended, as far as they can now, and tell whether they just did."""
    if job.scouts_ended is None:
        return False
    still = select(scouts_under_way()).where(Job.id == job.id)
    before, job.scouts_ended = job.scouts_ended, not unit.session.scalar(still)
    return job.scouts_ended and not before


def note(unit: Unit, job: Job, *, ended: bool, scouts: bool) -> None:
    """Write the e-mails about what just happened: the end of the job, or else that of its scouts."""
    occasion = _OCCASIONS.get(job.state) if ended else "scouts" if scouts else None
    asked = submission_of(job).notifications
    if occasion is None or occasion not in asked.on or not asked.emails:
        return
    letter = write_letter(_news(unit.session, job, occasion))
    unit.session.add_all(
        Notification(
            id=new_id(),
            job_id=job.id,
            occasion=occasion,
            address=address,
            subject=letter.subject,
            text=letter.text,
            created=unit.now,
            next_try=unit.now,
        )
        for address in dict.fromkeys(asked.emails)
    )
    unit.letters = True


def _news(session: Session, job: Job, occasion: Occasion) -> News:
    counts = counts_by_job(session, [job.id])[job.id]
    project = session.get_one(Project, job.project_id).name
    failure = _first_failure(session, job) if occasion == "failed" else ""
    held = counts.holds.get(SCOUT_HOLD, 0)
    return News(occasion, job.number, job.title, project, counts.frames, counts.scouts, held, failure)


def _first_failure(session: Session, job: Job) -> str:
    bad = (TaskState.FAILED, TaskState.PREEMPTED)
    task = session.scalars(select(Task).where(Task.job_id == job.id, Task.state.in_(bad)).order_by(Task.index).limit(1)).first()
    return "" if task is None else ": ".join(part for part in (f"frame {task.frames[0]}", task.cause, task.message) if part)


def due(session: Session, now: datetime, limit: int) -> Sequence[Notification]:
    """Return what is to be sent now: what was tried least, the oldest of that first."""
    query = select(Notification).where(*_OPEN, Notification.next_try <= now)
    return session.scalars(query.order_by(Notification.tries, Notification.created, Notification.id).limit(limit)).all()


def next_due(session: Session) -> datetime | None:
    """Return when the next is to be sent; None where there is none."""
    return session.scalar(select(Notification.next_try).where(*_OPEN).order_by(Notification.next_try).limit(1))


def try_all_now(unit: Unit) -> None:
    """Have all that is unsent tried at once, whenever its turn was."""
    statement = update(Notification).where(*_OPEN).values(next_try=unit.now)
    unit.session.execute(statement, execution_options={"synchronize_session": False})


def sent(unit: Unit, notification_id: str) -> None:
    """Note that one was taken by the server."""
    row = unit.session.get_one(Notification, notification_id)
    row.tries += 1
    row.sent, row.error = unit.now, ""


def failed(unit: Unit, notification_id: str, reason: str, *, for_good: bool) -> bool:
    """Note that one could not be sent; return whether it is given up, since it was refused for good or tried often enough."""
    row = unit.session.get_one(Notification, notification_id)
    row.tries += 1
    row.error = reason[:1000]
    row.next_try = unit.now + min(FIRST_PAUSE * 2 ** min(row.tries - 1, 10), LONGEST_PAUSE)
    if for_good or row.tries >= MOST_TRIES:
        row.given_up = unit.now
    return row.given_up is not None


def prune(unit: Unit, before: datetime) -> None:
    """Delete what was sent or given up before a time."""
    over = or_(Notification.sent < before, Notification.given_up < before)
    unit.session.execute(delete(Notification).where(over), execution_options={"synchronize_session": False})
