"""Events: small when they are written, pictured when they are sent, each change told under rising numbers."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from conductor_service import events
from conductor_service.models import Event


def read(studio: Any, seq: int = 0, **scope: str) -> events.Batch:
    """Read as a stream does."""
    with studio.farm.database.read() as session:
        account = session.scalars(sa.select(Event.account_id)).first()
        return events.after(session, seq, now=studio.clock(), account_id=account, **scope)


def test_several_changes_come_as_one(studio: Any) -> None:
    """Who has not seen a subject's changes gets it once, as it is now, under the number of the newest of them."""
    job = studio.job(studio.commands("1"))
    runner = studio.runner()
    runner.render(runner.take())
    with studio.farm.database.read() as session:
        newest = dict(session.execute(sa.select(Event.subject, sa.func.max(Event.seq)).group_by(Event.subject)).all())
    batch = read(studio)
    told = [(e.kind, json.loads(e.data)["id"], e.seq) for e in batch.told]
    assert [kind for kind, _, _ in told if kind != "output"].count("task") == 1
    assert all(newest[subject] == seq for _, subject, seq in told)
    assert [seq for *_, seq in told] == sorted(seq for *_, seq in told)
    shown = {e.kind: json.loads(e.data) for e in batch.told}
    assert (shown["task"]["state"], shown["job"]["state"]) == ("success", "success")
    assert shown["job"]["id"] == job["id"]


def test_what_is_not_the_readers_is_passed_over_once(studio: Any) -> None:
    """A reader of one job moves on past the events of others: it never looks at them a second time."""
    first, second = studio.job(), studio.job()
    studio.verb(second, "hold")
    batch = read(studio, job_id=first["id"])
    assert not batch.full
    assert batch.seq > batch.told[-1].seq
    assert read(studio, batch.seq, job_id=first["id"]) == events.Batch([], batch.seq, full=False)


def test_a_long_absence_is_caught_up_in_runs(studio: Any) -> None:
    """A full batch ends at its last row, and the next begins there: nothing is left out."""
    job = studio.job(studio.commands(f"1-{events.BATCH + 20}"))
    first = read(studio, job_id=job["id"])
    assert first.full
    second = read(studio, first.seq, job_id=job["id"])
    assert not second.full
    tasks = {json.loads(e.data)["id"] for e in (*first.told, *second.told) if e.kind == "task"}
    assert len(tasks) == events.BATCH + 20


def test_progress_is_told_now_and_then_and_not_kept(studio: Any) -> None:
    """A runner that beats each second has its progress written every five; minutes later such events are deleted."""
    studio.job(studio.commands("1"))
    runner = studio.runner()
    assignment = runner.take()

    def written() -> int:
        with studio.farm.database.read() as session:
            return len(session.scalars(sa.select(Event.seq).where(Event.kind == events.PROGRESS)).all())

    for second in range(20):
        assert runner.beat(assignment, progress=second / 100).json()["action"] == "go-on"
        studio.clock.pass_time(1)
    assert 3 <= written() <= 5
    for _ in range(90):
        studio.clock.pass_time(4)
        runner.beat(assignment)
        studio.scheduler.tick()
    studio.clock.pass_time(301)
    studio.scheduler.tick()
    assert written() == 0
