"""Software that gets no licence: its job waits, costs nothing for it, and finds every way out."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from conductor_core.digest import digest_of
from conductor_core.submission import Retries, Step
from conductor_service.audit import Place, audit
from conductor_service.licence_settings import LicenceSettings
from conductor_service.models import LicenceWait
from sqlalchemy import select

WORDS = "The software ended: no licence for Arnold."
QUICK = LicenceSettings(first_wait_seconds=30, longest_wait_seconds=120, patience_seconds=3600)


def want(runner: Any, **ask: Any) -> dict[str, Any]:
    """Take a task, and get no licence for it."""
    taken: dict[str, Any] = runner.take(**ask)
    lack(runner, taken)
    return taken


def lack(runner: Any, assignment: dict[str, Any]) -> None:
    assert runner.finish(assignment, "failed", cause="licence", message=WORDS).status_code == 200


def idle(runner: Any) -> bool:
    """Tell whether there is nothing for a runner to do."""
    return bool(runner.next().status_code == 204)


def licence(studio: Any, job: dict[str, Any]) -> Any:
    return studio.get(f"/jobs/{job['id']}")["licence"]


def sound(studio: Any) -> None:
    """See that the audit finds nothing."""
    place = Place(studio.farm.database.engine, studio.store, studio.farm.settings.data_folder, served=True)
    assert list(audit(place, studio.farm.clock(), deep=True)) == []


def test_a_task_without_a_licence_waits_and_has_not_failed(studio: Any) -> None:
    """It is ready again however often that happens, where one real failure would have been the end; the job tells of it."""
    job = studio.job(studio.commands("1", retries=Retries(failure=0, preemption=0)))
    runner = studio.runner()
    for tries in range(1, 9):
        want(runner)
        shown = licence(studio, job)
        assert shown is not None
        assert (shown["waiting"], shown["tries"], shown["message"], shown["trying"]) == (1, tries, WORDS, False)
        (task,) = studio.tasks(job)
        assert (task["state"], task["cause"], task["message"]) == ("ready", "licence", WORDS)
        studio.clock.pass_time(1800)
    runner.render(runner.take())
    assert studio.state(job) == "success"
    assert licence(studio, job) is None
    sound(studio)


def test_the_wait_grows_up_to_its_limit(make_studio: Any) -> None:
    """Twice as long each time, and never longer than the longest."""
    studio = make_studio(licence=QUICK)
    job = studio.job(studio.commands("1"))
    runner = studio.runner()
    for seconds in (30, 60, 120, 120):
        want(runner)
        assert licence(studio, job)["next_try"] == _iso(studio.clock() + timedelta(seconds=seconds))
        studio.clock.pass_time(seconds - 1)
        assert idle(runner)
        studio.clock.pass_time(1)


def _iso(moment: Any) -> str:
    return str(moment.isoformat(timespec="milliseconds")).replace("+00:00", "Z")


def test_one_try_at_a_time(studio: Any) -> None:
    """What one instance did not get, the others do not ask for; when the wait is over one of them tries."""
    studio.job(studio.commands("1-9"))
    first, second, third, fourth = studio.runners()
    want(first)
    assert all(idle(runner) for runner in (first, second, third, fourth))
    studio.clock.pass_time(30)
    second.take()
    assert all(idle(runner) for runner in (first, third, fourth))


def test_who_fails_beside_the_first_makes_the_wait_no_longer(studio: Any) -> None:
    """Four instances that start together and get nothing are one try, and not four."""
    job = studio.job(studio.commands("1-9"))
    runners = studio.runners()
    for runner, taken in [(runner, runner.take()) for runner in runners]:
        lack(runner, taken)
    assert licence(studio, job)["tries"] == 1
    studio.clock.pass_time(30)
    assert not idle(runners[0])


def test_who_has_a_licence_goes_on(studio: Any) -> None:
    """An instance that has the scene loaded gets further tasks at once while others wait."""
    job = studio.job(studio.commands("1-4"))
    first, second = studio.runners()[:2]
    working = first.take()
    want(second)
    first.render(working)
    for _ in range(3):
        assert idle(second)
        first.render(first.take(sessions=[working["session"]]))
    assert studio.state(job) == "success"


def test_licences_that_come_free_are_found_faster_and_faster(studio: Any) -> None:
    """With the first frame of the one that tried the next may try; with each frame of those that got one, one more."""
    job = studio.job(studio.commands("1-9", chunk=2))
    first, second, third = studio.runners()[:3]
    want(first)
    studio.clock.pass_time(30)
    tried = second.take()
    assert (idle(first), licence(studio, job)["trying"]) == (True, True)
    publish(second, tried, tried["task"]["frames"][0])
    assert licence(studio, job) is None
    follower = third.take()
    assert idle(first)
    publish(second, tried, tried["task"]["frames"][1])
    assert not idle(first)
    publish(third, follower, follower["task"]["frames"][0])


def test_no_try_per_frame_when_all_licences_are_in_use(studio: Any) -> None:
    """Once a try found none, a frame of those who have one starts no further try before the wait is over."""
    job = studio.job(studio.commands("1-9"))
    first, second = studio.runners()[:2]
    working = first.take()
    want(second)
    first.render(working)
    assert idle(second)
    assert licence(studio, job)["waiting"] == 8


def publish(runner: Any, assignment: dict[str, Any], frame: int) -> None:
    data = f"picture {frame}".encode()
    runner.store(assignment, data)
    path = f"/job/out/f.{frame:04d}.png"
    facts = {"path": path, "digest": digest_of(data), "size": len(data), "frame": frame, "step": assignment["step"]["name"]}
    assert runner.publish(assignment, facts).status_code == 200


def test_the_instance_does_other_work_meanwhile(studio: Any) -> None:
    """Who got no licence renders for jobs that need none, though the one that waits is more urgent."""
    studio.job(studio.commands("1", priority=90))
    other = studio.job(studio.commands("1"))
    runner = studio.runner()
    want(runner)
    assert runner.take()["job"]["id"] == other["id"]


def test_no_instance_is_paid_to_wait(make_studio: Any) -> None:
    """Of the instances that wait none is kept beyond the minutes that are billed anyway, and none is launched before its time."""
    rules = LicenceSettings(first_wait_seconds=1200, longest_wait_seconds=2400)
    studio = make_studio(idle_seconds=60, licence=rules)
    job = studio.job(studio.commands("1-3"))
    runners = studio.runners()
    for runner, taken in [(runner, runner.take()) for runner in runners]:
        lack(runner, taken)
    for _ in range(29):
        assert [runner.next().status_code for runner in runners] == [204] * 3
        studio.clock.pass_time(20)
        studio.scheduler.tick()
    for runner in runners:
        assert runner.next().status_code == 410
        studio.fleet.vanish(runner.id)
        runner.ask("POST", "/goodbye")
    studio.clock.pass_time(600)
    studio.scheduler.tick()
    assert not studio.fleet.orders
    assert studio.get("/cost")["billed_minutes"] == 3 * 10
    studio.clock.pass_time(21)
    (runner,) = studio.runners()
    taken = runner.take()
    runner.render(taken)
    assert len(studio.runners()) == 1, "it is idle, and the next try is its own"
    runner.take(sessions=[taken["session"]])
    assert len(studio.runners()) == 2
    assert studio.states(job) == ["success", "running", "ready"]


def test_a_short_wait_is_spent_on_an_instance_that_is_paid_for(make_studio: Any) -> None:
    """Within the first ten minutes, which are billed in any case, the next try needs no other instance."""
    studio = make_studio(idle_seconds=10)
    studio.job(studio.commands("1"))
    runner = studio.runner()
    for seconds in (30, 60, 120):
        want(runner)
        studio.clock.pass_time(seconds)
        studio.farm.seen[runner.id] = studio.clock()
        studio.scheduler.tick()
    assert runner.take()
    assert list(studio.fleet.orders) == [runner.id]


def test_the_patience_ends(make_studio: Any) -> None:
    """A job that got no licence for so long fails as a whole, with that cause; what waited for it is skipped."""
    studio = make_studio(licence=QUICK)
    steps = (Step("a", "1-3", kind="command", command=("a",)), Step("b", "1", kind="command", command=("b",), after=("a",)))
    job = studio.job(studio.commands(steps=steps))
    runner = studio.runner()
    while studio.state(job) != "failed":
        want(runner)
        studio.clock.pass_time(120)
    tasks = studio.tasks(job)
    assert [(t["state"], t["cause"]) for t in tasks] == [("failed", "licence")] * 3 + [("skipped", None)]
    assert WORDS in tasks[1]["message"]
    assert (licence(studio, job), idle(runner)) == (None, True)
    sound(studio)
    assert studio.verb(job, "retry").json()["changed"] == 4
    assert not idle(runner)
    sound(studio)


def test_a_licence_now_and_then_keeps_the_patience(make_studio: Any) -> None:
    """The patience is for getting none at all: each frame that comes begins it anew."""
    studio = make_studio(licence=QUICK)
    job = studio.job(studio.commands("1-9"))
    first, second = studio.runners()[:2]
    working = first.take()
    want(second)
    for _ in range(4):
        studio.clock.pass_time(1500)
        first.render(working)
        want(second)
        working = first.take(sessions=[working["session"]])
    assert "failed" not in studio.states(job)


def test_a_time_in_which_nobody_asked_tries_no_patience(make_studio: Any) -> None:
    """A job that was held for longer than the patience waits on when somebody resumes it."""
    studio = make_studio(licence=QUICK)
    job = studio.job(studio.commands("1"))
    runner = studio.runner()
    want(runner)
    studio.verb(job, "hold")
    studio.clock.pass_time(QUICK.patience_seconds + 60)
    studio.verb(job, "resume")
    want(runner)
    assert (studio.states(job), licence(studio, job)["tries"]) == (["ready"], 2)


def test_a_retry_asks_at_once(studio: Any) -> None:
    """Who has mended the licence server need not wait: `retry` is offered, and every instance asks again."""
    job = studio.job(studio.commands("1-2"))
    first, second = studio.runners()
    want(first)
    assert "retry" in studio.get(f"/jobs/{job['id']}")["verbs"]
    answer = studio.verb(job, "retry")
    assert (answer.status_code, answer.json()["changed"]) == (200, 2)
    assert (idle(first), idle(second)) == (False, False)


def test_a_retry_of_what_does_not_wait_is_refused(studio: Any) -> None:
    """A task that is ready without having lacked a licence is nothing to retry."""
    job = studio.job(studio.commands("1-2"))
    assert studio.verb(job, "retry").status_code == 409
    assert "retry" not in studio.get(f"/jobs/{job['id']}")["verbs"]


@pytest.mark.parametrize("verb", ["kill", "hold"])
def test_people_have_the_last_word(studio: Any, verb: str) -> None:
    """A job that waits for a licence can be killed and held as any other; afterwards it is rendered."""
    job = studio.job(studio.commands("1"))
    runner = studio.runner()
    want(runner)
    assert studio.verb(job, verb).status_code == 200
    studio.clock.pass_time(60)
    assert (idle(runner), licence(studio, job)) == (True, None)
    assert studio.verb(job, "retry" if verb == "kill" else "resume").status_code == 200
    runner.render(runner.take())
    assert studio.state(job) == "success"
    sound(studio)


def test_a_hold_put_while_it_ran_holds(studio: Any) -> None:
    """A task that gets no licence while somebody has put a hold on it is held, and waits for a licence only then."""
    job = studio.job(studio.commands("1"))
    runner = studio.runner()
    taken = runner.take()
    studio.verb(job, "hold")
    lack(runner, taken)
    assert studio.states(job) == ["holding"]
    studio.clock.pass_time(30)
    assert idle(runner)
    studio.verb(job, "resume")
    assert not idle(runner)


def test_a_try_that_is_lost_is_followed_by_another(studio: Any) -> None:
    """The instance that tries goes away without a word: after the same wait the next one tries."""
    studio.job(studio.commands("1-2"))
    first, second = studio.runners()
    want(first)
    studio.clock.pass_time(30)
    first.take()
    studio.fleet.vanish(first.id)
    studio.scheduler.tick()
    assert idle(second)
    studio.clock.pass_time(30)
    assert not idle(second)


def test_a_restart_changes_nothing(make_studio: Any) -> None:
    """A service that is killed and started again knows how long the job waits."""
    studio = make_studio()
    job = studio.job(studio.commands("1"))
    want(studio.runner())
    before = licence(studio, job)
    studio = make_studio()
    assert licence(studio, job) == before
    runner = studio.runners()[0] if studio.fleet.orders else None
    assert runner is not None
    assert idle(runner)
    studio.clock.pass_time(30)
    assert not idle(runner)


@pytest.mark.parametrize("step", [3600, -3600])
def test_a_clock_that_is_set_changes_no_wait(studio: Any, step: int) -> None:
    """The wait has left what it had left."""
    studio.job(studio.commands("1"))
    runner = studio.runner()
    want(runner)
    studio.clock.set(step)
    studio.scheduler.tick()
    studio.clock.pass_time(29)
    assert idle(runner)
    studio.clock.pass_time(1)
    assert not idle(runner)


def test_a_clock_set_back_while_the_service_was_down(make_studio: Any) -> None:
    """A wait that would last for months lasts as long as it had from the start."""
    studio = make_studio()
    studio.job(studio.commands("1"))
    want(studio.runner())
    studio.clock.set(-10_000_000)
    studio = make_studio()
    runner = studio.runners()[0]
    studio.clock.pass_time(29)
    assert idle(runner)
    studio.clock.pass_time(1)
    assert not idle(runner)


def test_a_farm_without_patience(make_studio: Any) -> None:
    """With patience 0 a lacking licence is a failure that counts, and the task fails after the retries asked for."""
    studio = make_studio(licence=LicenceSettings(patience_seconds=0))
    job = studio.job(studio.commands("1", retries=Retries(failure=1, preemption=0)))
    runner = studio.runner()
    want(runner)
    assert (studio.states(job), licence(studio, job)) == (["ready"], None)
    want(runner)
    assert studio.states(job) == ["failed"]


def test_other_failures_are_counted_without_it(studio: Any) -> None:
    """A bad picture is tried once more, whatever licences lacked in between."""
    job = studio.job(studio.commands("1", retries=Retries(failure=3, preemption=0)))
    runner = studio.runner()
    runner.finish(runner.take(), "failed", cause="bad-output")
    want(runner)
    studio.clock.pass_time(30)
    runner.finish(runner.take(), "failed", cause="bad-output")
    assert studio.states(job) == ["failed"]


@pytest.mark.parametrize(
    "wrong",
    [{"first_wait_seconds": 0}, {"longest_wait_seconds": 1}, {"patience_seconds": -1}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_waits_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    """A licence server is not asked without a pause, and a growing wait does not shrink."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LicenceSettings(**wrong)


def test_who_waits_for_work_is_woken_when_a_wait_is_over(studio: Any) -> None:
    """An instance that asks for work by a long poll is not left to the end of it; each wait wakes once."""
    studio.job(studio.commands("1"))
    want(studio.runner())
    woken = studio.farm.signals.work
    counts = [woken.count]
    for seconds in (29, 1, 1):
        studio.clock.pass_time(seconds)
        studio.scheduler.tick()
        counts.append(woken.count)
    assert [b - a for a, b in itertools.pairwise(counts)] == [0, 1, 0]


def test_a_frame_that_takes_longer_than_the_patience(make_studio: Any) -> None:
    """While one instance renders, the job has a licence, however long its frame takes: the others wait on."""
    studio = make_studio(licence=QUICK)
    job = studio.job(studio.commands("1-3"))
    first, second = studio.runners()[:2]
    working = first.take()
    want(second)
    studio.clock.pass_time(QUICK.first_wait_seconds)
    tried = second.take()
    for _ in range(QUICK.patience_seconds // 20):
        studio.clock.pass_time(20)
        assert first.beat(working).status_code == second.beat(tried, progress=0.0).status_code == 200
    lack(second, tried)
    assert studio.states(job) == ["running", "ready", "ready"]


def test_the_wait_of_a_job_that_has_ended_is_forgotten(studio: Any) -> None:
    """Nothing is kept of it; a retry begins without a wait."""
    studio.job(studio.commands("1"))
    runner = studio.runner()
    want(runner)
    studio.clock.pass_time(60)
    runner.render(runner.take())
    studio.clock.pass_time(600)
    studio.scheduler.tick()
    with studio.farm.database.read() as session:
        assert session.scalars(select(LicenceWait)).all() == []
