"""The scheduler's deeds: instances come, work, go, get lost and are paid for."""

from __future__ import annotations

from typing import Any

import pytest
from conductor_core.digest import digest_of
from conductor_core.submission import Output, Step
from conductor_service.catalogue import InstanceType
from conductor_service.fleets import LaunchOrder


def test_instances_come_for_work_and_go_without(studio: Any) -> None:
    """Ready tasks launch instances; idle ones are asked to leave, say goodbye, and are billed ten minutes at least."""
    studio.job()
    runners = studio.runners()
    assert len(runners) == 3
    for runner in runners:
        runner.render(runner.take())
    shown = studio.get("/instances")["instances"]
    assert [(i["state"], i["type"], i["current"]) for i in shown] == [("ready", "small", [])] * 3
    for _ in range(7):
        studio.clock.pass_time(9)
        studio.scheduler.tick()
    for runner in runners:
        answer = runner.next()
        assert (answer.status_code, answer.json()["error"]["code"]) == (410, "retire")
        assert runner.ask("POST", "/goodbye").status_code == 200
        assert runner.ask("POST", "/goodbye").status_code == 401
    assert studio.get("/instances") == {"instances": []}
    bills = studio.get("/cost")
    assert (bills["billed_minutes"], bills["total"], bills["unattributed"]) == (30, "0.0501", "0.0000")
    assert bills["jobs"] == [
        {"job": bills["jobs"][0]["job"], "number": 1, "title": "a job", "billed_minutes": 30, "amount": "0.0501"}
    ]
    assert len(studio.get("/instances?all=true")["instances"]) == 3


def test_the_bill_stops_at_the_end(studio: Any) -> None:
    """A running instance is metered to now, an ended one to its end."""
    studio.job(studio.commands("1"))
    runner = studio.runner()
    runner.render(runner.take())
    studio.clock.pass_time(20 * 60)
    assert studio.get("/cost")["billed_minutes"] == 20
    runner.ask("POST", "/goodbye")
    studio.clock.pass_time(20 * 60)
    assert studio.get("/cost")["billed_minutes"] == 20
    assert studio.get("/cost?job=1")["total"] == studio.get("/jobs/1")["cost"] == "0.0333"


def test_jobs_share_an_instance_by_their_time(studio: Any) -> None:
    """Two jobs on one instance pay by the time of their attempts, and together exactly what it costs."""
    for _ in range(2):
        studio.job(studio.commands("1", max_instances=1))
    runner = studio.runner()
    for seconds in (150, 350):
        assignment = runner.take()
        for _ in range(seconds // 50):
            studio.clock.pass_time(50)
            runner.beat(assignment)
        runner.render(assignment)
    costs = {j["number"]: j["billed_minutes"] for j in studio.get("/cost")["jobs"]}
    other = [i for i in studio.get("/instances")["instances"] if i["id"] != runner.id]
    assert costs == {1: 3, 2: 7}
    assert sum(i["billed_minutes"] for i in other) == 10
    assert float(studio.get("/cost")["unattributed"]) > 0


def test_the_account_limit_holds(make_studio: Any) -> None:
    """No more instances than the account may have, however many tasks wait."""
    studio = make_studio(account_instance_limit=2)
    studio.job(studio.commands("1-50"))
    for _ in range(3):
        studio.scheduler.tick()
    assert len(studio.fleet.orders) == 2


def test_a_job_limit_holds(studio: Any) -> None:
    """A job uses no more instances than its submission says, although others are there."""
    studio.job(studio.commands("1-9", max_instances=1))
    studio.job(studio.commands("1-2", priority=10))
    first, *others = studio.runners()
    assert len(others) == 2
    assert first.take()["job"]["number"] == 1
    assert others[0].take()["job"]["number"] == 2
    assert first.take()["job"]["number"] == 1
    assert others[1].take()["job"]["number"] == 2
    assert others[0].next().status_code == 204


def test_urgent_jobs_come_first(studio: Any) -> None:
    """Tasks are given by priority, then by age, then in the order of the frames asked for."""
    studio.job(studio.commands("5,3", max_instances=1))
    studio.job(studio.commands("1", priority=90))
    runner = studio.runner()
    taken = [runner.take() for _ in range(3)]
    assert [(t["job"]["number"], t["task"]["frames"]) for t in taken] == [(2, [1]), (1, [5]), (1, [3])]


def test_a_loaded_scene_is_used_again(studio: Any) -> None:
    """Within a job, a runner gets tasks of the step that it has loaded before those of another."""
    output = Output("/job/out/f.####.png")
    steps = tuple(Step(name, "1-2", kind="command", command=("true",), outputs=(output,)) for name in "ab")
    studio.job(studio.commands(steps=steps))
    first, second = studio.runners()[:2]
    taken = first.take()
    loaded = second.take(sessions=[taken["session"].replace("/a", "/b")])
    assert (taken["step"]["name"], loaded["step"]["name"]) == ("a", "b")
    assert second.take(sessions=[loaded["session"]])["step"]["name"] == "b"
    assert second.take(sessions=[loaded["session"]])["step"]["name"] == "a"


def test_a_lost_machine_is_replaced(studio: Any) -> None:
    """When a machine vanishes its task goes to another, the end is terminated at the provider, and the runner is out."""
    job = studio.job(studio.commands("1"))
    runner = studio.runner()
    assignment = runner.take()
    studio.fleet.vanish(runner.id)
    studio.scheduler.tick()
    assert studio.states(job) == ["ready"]
    assert runner.id in studio.fleet.terminated
    assert runner.finish(assignment).status_code == 401
    (replacement,) = studio.runners()
    assert replacement.take()["attempt"]["fence"] == 2


def test_a_silent_machine_is_ended(studio: Any) -> None:
    """A machine that is there but whose runner says nothing for three leases is ended: it costs and does nothing."""
    studio.job(studio.commands("1"))
    (runner,) = studio.runners()
    for _ in range(40):
        studio.clock.pass_time(5)
        studio.scheduler.tick()
    assert runner.id in studio.fleet.terminated


@pytest.mark.parametrize(("preemptible", "total"), [(False, "0.2000"), (True, "0.0500")])
def test_a_preemptible_machine_is_billed_by_its_own_price(make_studio: Any, preemptible: bool, total: str) -> None:
    """Ten minutes of a machine that may be taken away cost what the catalogue says of it, exactly."""
    giant = InstanceType("giant", "1.20", preemptible_price_per_hour="0.30")
    studio = make_studio(instance_types=(giant,))
    studio.job(studio.commands("1", instance_type="giant", preemptible=preemptible))
    runner = studio.runner()
    runner.render(runner.take())
    assert (studio.get("/jobs/1")["cost"], studio.get("/cost")["total"]) == (total, total)


def test_a_machine_that_never_comes_up_costs_nothing(studio: Any) -> None:
    """An instance whose runner never said hello is given up, replaced, and not billed."""
    studio.job(studio.commands("1"))
    studio.scheduler.tick()
    (first,) = studio.fleet.orders
    for _ in range(25):
        studio.clock.pass_time(5)
        studio.scheduler.tick()
    assert first in studio.fleet.terminated
    studio.scheduler.tick()
    assert first not in studio.fleet.orders
    assert len(studio.fleet.orders) == 1
    ended = [i for i in studio.get("/instances?all=true")["instances"] if i["id"] == first]
    assert (ended[0]["amount"], ended[0]["billed_minutes"]) == ("0.0000", 0)


def test_a_failed_launch_is_tried_again_under_the_same_id(studio: Any) -> None:
    """While the provider has no machines the order stands; it is repeated with pauses, and filled once."""
    studio.job(studio.commands("1"))
    studio.fleet.broken = True
    studio.scheduler.tick()
    (waiting,) = studio.get("/instances")["instances"]
    studio.clock.pass_time(1)
    studio.scheduler.tick()
    studio.fleet.broken = False
    studio.scheduler.tick()
    assert not studio.fleet.orders
    studio.clock.pass_time(5)
    studio.scheduler.tick()
    assert list(studio.fleet.orders) == [waiting["id"]]
    assert studio.runner().take()["task"]["index"] == 0


def test_a_crash_between_writing_down_and_launching_is_repaired(make_studio: Any) -> None:
    """The next service launches what the last one wrote down and did not launch; nothing is there twice."""
    studio = make_studio()
    studio.job(studio.commands("1"))
    studio.fleet.broken = True
    studio.scheduler.tick()
    studio = make_studio()
    studio.fleet.broken = False
    studio.scheduler.tick()
    assert len(studio.fleet.orders) == 1
    assert studio.runner().take()["attempt"]["fence"] == 1


def test_strangers_at_the_provider_are_ended(studio: Any) -> None:
    """A machine that no row knows is ended; one that has just said goodbye may finish leaving."""
    studio.fleet.launch(LaunchOrder("stranger", "small", False, "http://127.0.0.1:1", "cdr_x"))
    studio.job(studio.commands("1"))
    studio.scheduler.tick()
    assert studio.fleet.terminated == ["stranger"]
    runner = studio.runner()
    runner.render(runner.take())
    runner.ask("POST", "/goodbye")
    studio.scheduler.tick()
    assert runner.id not in studio.fleet.terminated
    studio.clock.pass_time(16)
    studio.scheduler.tick()
    assert runner.id in studio.fleet.terminated


def test_work_that_comes_up_saves_an_idle_instance(studio: Any) -> None:
    """An instance that got a task since the plan was made is not retired."""
    studio.job(studio.commands("1-2", max_instances=1))
    runner = studio.runner()
    runner.render(runner.take())
    studio.clock.pass_time(61)
    runner.take()
    with studio.farm.database.write() as unit:
        studio.scheduler._retire(unit, [runner.id])
    assert runner.next().status_code == 204


def test_ending_all_leaves_nothing(studio: Any) -> None:
    """A service that is to leave nothing behind ends its instances, and the attempts on them."""
    job = studio.job()
    for runner in studio.runners():
        runner.take()
    studio.scheduler.end_all()
    assert not studio.fleet.orders
    assert studio.states(job) == ["ready"] * 3
    assert studio.get("/instances") == {"instances": []}


def test_a_restart_finds_everything_as_it_was(make_studio: Any) -> None:
    """Jobs, tasks and instances are the same after a restart, and running attempts go on."""
    studio = make_studio()
    job = studio.job()
    runners = studio.runners()
    assignments = [r.take() for r in runners]
    before = (studio.get("/jobs/1"), studio.tasks(job), studio.get("/instances"))
    studio = make_studio()
    assert (studio.get("/jobs/1"), studio.tasks(job), studio.get("/instances")) == before
    studio.scheduler.tick()
    assert not studio.fleet.terminated
    for runner, assignment in zip(runners, assignments, strict=True):
        runner.http = studio.http
        runner.render(assignment)
    assert studio.state(job) == "success"


def test_an_instance_at_work_is_not_idle(studio: Any) -> None:
    """The idle clock of an instance with two attempts starts when the second is over, also when that one is killed."""
    job = studio.job(studio.commands("1-2", max_instances=1))
    runner = studio.runner()
    first, second = runner.take(), runner.take()
    runner.render(first)
    for _ in range(10):
        studio.clock.pass_time(20)
        runner.beat(second)
    studio.verb(job, "kill", tasks=[second["task"]["id"]])
    studio.scheduler.tick()
    assert studio.get("/instances")["instances"][0]["state"] == "ready"
    assert runner.next().status_code == 204
    assert runner.finish(second, "killed").status_code == 200
    studio.scheduler.tick()
    assert runner.next().status_code == 204


def test_down_time_is_not_billed(make_studio: Any) -> None:
    """After a power cut on Friday, bills and attempts end when the runner was last heard of, not when somebody is back."""
    studio = make_studio()
    studio.job(studio.commands("1", max_instances=1))
    runner = studio.runner()
    assignment = runner.take()
    for _ in range(12):
        studio.clock.pass_time(10)
        runner.beat(assignment)
        studio.scheduler.tick()
    studio.fleet.vanish(runner.id)
    make_studio.close()
    studio.clock.pass_time(60 * 3600)
    back = make_studio()
    back.scheduler.tick()
    gone = next(i for i in back.get("/instances?all=true")["instances"] if i["id"] == runner.id)
    assert (gone["state"], gone["billed_minutes"]) == ("ended", 10)
    assert 1.0 <= float(gone["minutes"]) <= 2.0
    assert back.get("/cost")["billed_minutes"] == 10
    task = back.tasks({"id": "1"})[0]
    attempt = back.get(f"/tasks/{task['id']}")["attempts"][0]
    assert attempt["ended"] == gone["ended"]


def test_a_bill_ends_no_earlier_than_the_last_output(make_studio: Any) -> None:
    """What a killed service had only in memory is gone; an output on record shows that its instance was still there then."""
    studio = make_studio()
    studio.job(studio.commands("1-2", chunk=2, max_instances=1))
    runner = studio.runner()
    assignment = runner.take()
    studio.clock.pass_time(50)
    data = b"frame 1"
    runner.store(assignment, data)
    facts = {"path": "/job/out/f.0001.png", "size": len(data), "frame": 1, "step": "main"}
    assert runner.publish(assignment, {**facts, "digest": digest_of(data)}).status_code == 200
    studio.fleet.vanish(runner.id)
    studio.farm.seen.clear()  # kill -9: nothing is noted at the end
    make_studio.close()
    studio.clock.pass_time(3600)
    back = make_studio()
    back.scheduler.tick()
    gone = next(i for i in back.get("/instances?all=true")["instances"] if i["id"] == runner.id)
    output = back.get("/jobs/1/outputs")["outputs"][0]
    task = back.tasks({"id": "1"})[0]
    attempt = back.get(f"/tasks/{task['id']}")["attempts"][0]
    assert gone["ended"] == attempt["ended"] == output["created"]


def test_a_runner_that_survives_the_service_keeps_its_instance(make_studio: Any) -> None:
    """After a long absence of the service a runner gets its time to be heard of, and goes on."""
    studio = make_studio()
    studio.job(studio.commands("1", max_instances=1))
    runner = studio.runner()
    runner.take()
    make_studio.close()
    studio.clock.pass_time(60 * 3600)
    back = make_studio()
    back.scheduler.tick()
    assert back.get("/instances")["instances"][0]["state"] == "ready"


def test_what_an_instance_did_counts_as_a_sign_of_life(make_studio: Any) -> None:
    """One that is found gone after a restart is billed until its last task or output, if that is later than it was heard of."""
    studio = make_studio()
    studio.job(studio.commands("1"))
    runner = studio.runner()
    work = runner.take()
    for _ in range(82):
        studio.clock.pass_time(10)
        studio.scheduler.tick()
        runner.beat(work)
    studio.clock.pass_time(30)
    runner.store(work, b"p")
    runner.publish(work, studio.record(work, 1, b"p"))
    published = studio.clock.now
    studio.fleet.vanish(runner.id)
    studio = make_studio()  # after a crash: nobody could write down when it was heard of
    studio.clock.pass_time(1000)
    studio.scheduler.tick()
    gone = next(i for i in studio.get("/instances?all=true")["instances"] if i["id"] == runner.id)
    assert gone["ended"] == published.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert gone["billed_minutes"] == 15


def test_an_instance_that_did_nothing_yet_can_vanish(studio: Any) -> None:
    """One that came up and is gone before its first task ends when it was last heard of."""
    studio.job(studio.commands("1"))
    runner = studio.runner()
    heard = studio.clock.now
    studio.clock.pass_time(5)
    studio.fleet.vanish(runner.id)
    studio.scheduler.tick()
    gone = next(i for i in studio.get("/instances?all=true")["instances"] if i["id"] == runner.id)
    assert gone["ended"] == heard.isoformat(timespec="milliseconds").replace("+00:00", "Z")
