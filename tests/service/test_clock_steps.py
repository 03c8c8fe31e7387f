"""Somebody sets the system's clock: nothing that is under way ends by it, lasts longer, or costs more or less."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conductor_core.digest import digest_of
from conductor_core.submission import Retries
from conductor_service import clock_steps, removals
from conductor_service.audit import Place, audit
from conductor_service.clock import SteadyClock, elapsed
from conductor_service.farm import open_farm
from conductor_service.models import Discarded
from conductor_service.settings import Settings

HOUR = 3600
STEPS = pytest.mark.parametrize("step", [25, 90, HOUR, -25, -90, -HOUR], ids=lambda s: f"{s:+d}s")
SET_BACK = pytest.mark.parametrize("step", [-90, -HOUR], ids=lambda s: f"{s:+d}s")


def sound(studio: Any) -> None:
    """See that the audit finds nothing."""
    farm = studio.farm
    place = Place(farm.database.engine, studio.store, farm.settings.data_folder, served=True)
    assert list(audit(place, farm.clock(), deep=True)) == []


def pass_time(studio: Any, seconds: int, *alive: Any) -> None:
    """Let time pass as it does: the scheduler ticks, and runners are heard of."""
    for _ in range(seconds // 5):
        studio.clock.pass_time(5)
        for runner in alive:
            studio.farm.seen[runner.id] = studio.farm.clock()
        studio.scheduler.tick()


@STEPS
def test_no_running_attempt_is_lost(studio: Any, step: int) -> None:
    """A lease has left what it had left before, be it the short first one or a renewed one."""
    job = studio.job(studio.commands("1-2"))
    first, second = studio.runners()
    fresh, renewed = first.take(), second.take()
    second.beat(renewed)
    studio.clock.set(step)
    studio.scheduler.tick()
    pass_time(studio, 15, first, second)
    assert studio.states(job) == ["running", "running"]
    assert first.beat(fresh).json()["action"] == "go-on"
    for runner, work in ((first, fresh), (second, renewed)):
        runner.render(work)
    assert studio.state(job) == "success"
    sound(studio)


@STEPS
def test_a_silent_runner_is_noticed_in_time(studio: Any, step: int) -> None:
    """A lease that nobody renews runs out after its seconds, and not after those and the step."""
    job = studio.job(studio.commands("1", retries=Retries(1, 2)))
    runner = studio.runner()
    runner.beat(runner.take())
    studio.clock.set(step)
    pass_time(studio, 55, runner)
    assert studio.states(job) == ["running"]
    pass_time(studio, 10, runner)
    assert studio.states(job) == ["ready"]
    sound(studio)


@STEPS
@pytest.mark.parametrize("ended", [False, True], ids=["there", "ended"])
def test_only_time_that_passed_is_billed(studio: Any, step: int, ended: bool) -> None:
    """Twenty minutes of an instance are twenty minutes, whatever the clock said meanwhile; the attempts' parts are theirs."""
    studio.job(studio.commands("1"))
    runner = studio.runner()
    work = runner.take()
    for half in range(2):
        for _ in range(12):
            runner.beat(work)
            pass_time(studio, 50, runner)
        if not half:
            studio.clock.set(step)
            studio.scheduler.tick()
    runner.render(work)
    if ended:
        runner.ask("POST", "/goodbye")
        studio.clock.set(step)
        studio.scheduler.tick()
    bills = studio.get("/cost")
    assert bills["billed_minutes"] == 20
    assert bills["jobs"][0]["billed_minutes"] == 20
    took = studio.get(f"/tasks/{work['task']['id']}")["attempts"][0]
    assert datetime.fromisoformat(took["ended"]) - datetime.fromisoformat(took["started"]) == timedelta(minutes=20)
    sound(studio)


@STEPS
def test_an_instance_gets_its_time_to_come_up(studio: Any, step: int) -> None:
    """An instance that is being launched is given up after its two minutes, not before and not an hour later."""
    studio.job(studio.commands("1"))
    studio.scheduler.tick()
    launched = list(studio.fleet.orders)
    studio.clock.set(step)
    pass_time(studio, 115)
    assert list(studio.fleet.orders) == launched
    pass_time(studio, 10)
    assert launched[0] in studio.fleet.terminated


@STEPS
def test_an_idle_instance_leaves_in_time(studio: Any, step: int) -> None:
    """The idle clock goes on where it was."""
    studio.job(studio.commands("1"))
    runner = studio.runner()
    runner.render(runner.take())
    pass_time(studio, 20, runner)
    studio.clock.set(step)
    pass_time(studio, 35, runner)
    assert runner.next().status_code == 204
    pass_time(studio, 10, runner)
    assert runner.next().status_code == 410


@SET_BACK
def test_progress_goes_on(studio: Any, step: int) -> None:
    """Beats are written after the clock was set back, not only when it has caught up."""
    studio.job(studio.commands("1"))
    runner = studio.runner()
    work = runner.take()
    runner.beat(work, progress=0.1)
    studio.clock.set(step)
    studio.scheduler.tick()
    pass_time(studio, 10, runner)
    runner.beat(work, progress=0.7)
    assert studio.get(f"/tasks/{work['task']['id']}")["progress"] == 0.7


@SET_BACK
def test_failed_launches_are_tried_again(studio: Any, step: int) -> None:
    """A provider that was out of machines is asked again within the pause, not after the step."""
    studio.job(studio.commands("1"))
    studio.fleet.broken = True
    studio.scheduler.tick()
    studio.fleet.broken = False
    studio.clock.set(step)
    pass_time(studio, 35)
    assert len(studio.fleet.orders) == 1


def test_young_bytes_are_not_swept(studio: Any) -> None:
    """After the clock went forward, bytes whose transaction is still to come do not pass for old; an hour later they are."""
    digest = digest_of(b"just written")
    studio.farm.store.write(digest, [b"just written"], 12)
    studio.clock.set(2 * HOUR)
    pass_time(studio, 600)
    assert studio.store.size(digest) == 12
    pass_time(studio, HOUR)
    assert studio.store.size(digest) is None


@pytest.mark.parametrize("step", [2 * HOUR, -2 * HOUR], ids=lambda s: f"{s:+d}s")
def test_what_was_called_present_stays_so(studio: Any, step: int) -> None:
    """An upload that spans a step can be committed."""
    job = studio.submit()
    studio.upload(b"a texture")
    studio.clock.set(step)
    studio.scheduler.tick()
    assert studio.commit(job)["state"] == "pending"
    sound(studio)


def test_set_back_while_the_service_was_down(make_studio: Any) -> None:
    """What seems to have begun in the future has begun now: leases end in time, bills are never negative."""
    studio = make_studio()
    job = studio.job(studio.commands("1-2", max_instances=1))
    runner = studio.runner()
    runner.beat(runner.take())
    pass_time(studio, 100, runner)
    work = runner.take()
    runner.store(work, b"p")
    runner.publish(work, studio.record(work, work["task"]["frames"][0], b"p"))
    studio.clock.set(-HOUR)
    studio = make_studio()
    sound(studio)
    runner.http = studio.http
    assert studio.states(job).count("running") == 1
    pass_time(studio, 55, runner)
    assert studio.states(job).count("running") == 1
    pass_time(studio, 15, runner)
    assert studio.states(job).count("running") == 0
    assert studio.get("/cost")["billed_minutes"] == 10
    sound(studio)
    runner.render(runner.take())
    sound(studio)


def test_the_clock_is_steady() -> None:
    """It follows what passed and not what was set, says how far the system is ahead, and follows that when told to."""
    passed, said = 0.0, datetime(2026, 1, 1, tzinfo=UTC)
    clock = SteadyClock(lambda: said, lambda: passed)
    passed, said = 5.0, said + timedelta(seconds=5)
    assert (clock(), clock.drift()) == (said, timedelta())
    said -= timedelta(hours=1)
    assert (clock() - said, clock.drift()) == (timedelta(hours=1), timedelta(hours=-1))
    clock.adopt(clock.drift())
    assert (clock(), clock.drift()) == (said, timedelta())


def test_looks_that_are_apart_say_nothing() -> None:
    """A process that stands still between its looks at two clocks takes that for no step."""
    passed = 0.0

    def slow() -> datetime:
        nonlocal passed
        passed += 5
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=passed)

    clock = SteadyClock(slow, lambda: passed)
    assert clock.drift() == timedelta()


def test_the_real_clocks_agree() -> None:
    """On this machine what passes by the one passes by the other."""
    clock = SteadyClock()
    before = elapsed()
    drifts = [abs(clock.drift()) for _ in range(100)]
    assert min(drifts) < clock_steps.STEP
    assert elapsed() >= before


def test_a_step_is_followed_whole_or_not_at_all(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the database cannot be written, the service's clock stays where it was, and follows at the next tick."""
    studio.job(studio.commands("1"))
    runner = studio.runner()
    runner.beat(runner.take())
    studio.clock.set(HOUR)
    before = studio.farm.clock()

    def full(_: Any) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(studio.farm.database, "_finish", full)
        with pytest.raises(OSError, match="full"):
            studio.scheduler.tick()
    assert studio.farm.clock() == before
    pass_time(studio, 50, runner)
    assert studio.farm.clock() == studio.clock.now
    assert studio.states({"id": "1"}) == ["running"]
    sound(studio)


@pytest.mark.parametrize("step", [90, -HOUR], ids=["forward", "back"])
def test_a_claim_is_let_go(studio: Any, step: int) -> None:
    """Bytes that a clean-up has for itself while the clock is set are found by it afterwards: nobody waits for half an hour."""
    digest = studio.upload(b"claimed")
    with studio.farm.database.write() as unit:
        claim = removals.claim_for_good(unit, digest)
    assert claim is not None
    studio.clock.set(step)
    studio.scheduler.tick()
    with studio.farm.database.write() as unit:
        removals.release(unit, claim)
    assert studio.upload(b"claimed") == digest
    with studio.farm.database.read() as session:
        assert session.get(Discarded, digest) is None


@SET_BACK
def test_who_said_goodbye_and_stays_is_terminated(studio: Any, step: int) -> None:
    """A machine that does not end gets its seconds, and not those and the step."""
    studio.job(studio.commands("1"))
    runner = studio.runner()
    runner.render(runner.take())
    runner.ask("POST", "/goodbye")
    studio.clock.set(step)
    pass_time(studio, 20)
    assert studio.fleet.terminated == [runner.id]


def test_a_real_service_tells_the_systems_time(tmp_path: Path) -> None:
    """A farm as `conductor serve` opens it tells the system's time."""
    farm = open_farm(Settings(data=str(tmp_path / "data"), find_software=False))
    try:
        assert min(abs(farm.clock.drift()) for _ in range(100)) < clock_steps.STEP
    finally:
        farm.close()
