"""Endings of instances beside the scheduler: however long one takes, nobody else waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from conductor_service.endings import AT_ONCE, Aside, AtOnce, Endings
from conductor_service.scheduler import Scheduler


def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("make", [AtOnce, Aside])
def test_an_ending_is_begun_once_and_told_once(make: Callable[[], Endings]) -> None:
    """Begun again while it is under way, nothing happens; when it is over that is told one time."""
    endings, ended = make(), list[str]()
    endings.begin("a", lambda: ended.append("a"))
    endings.wait(30)
    told: list[str] = []

    def is_told() -> bool:
        told.extend(endings.over())
        return bool(told)

    _eventually(is_told)
    assert (ended, told, endings.over(), endings.under_way("a")) == (["a"], ["a"], [], False)


def test_what_fails_can_be_begun_again() -> None:
    """An ending that raises is logged and no longer under way; it has not ended, and whoever waits is woken."""
    woken = threading.Event()
    endings = Aside(woken.set)

    def fail() -> None:
        raise OSError("the provider is away")

    endings.begin("a", fail)
    assert woken.wait(30)
    assert (endings.under_way("a"), endings.over()) == (False, [])


def test_an_instance_that_hangs_keeps_nobody_waiting(studio: Any) -> None:
    """While one instance takes its time to end, leases run out, and instances for other work come up."""
    let_go, hangs = threading.Event(), threading.Event()
    endings = Aside()
    scheduler = Scheduler(studio.farm, studio.fleet, service_url="http://127.0.0.1:1", endings=endings)
    studio.scheduler = scheduler
    job = studio.job(studio.commands("1", max_instances=1))
    runner = studio.runner()
    runner.take()
    terminate = studio.fleet.terminate

    def drains(instance_id: str) -> None:
        hangs.set()
        assert let_go.wait(60)
        terminate(instance_id)

    studio.fleet.terminate = drains
    try:
        for _ in range(20):  # silent for longer than three leases
            studio.clock.pass_time(10)
            scheduler.tick()
        assert hangs.wait(30)
        assert endings.under_way(runner.id)
        assert studio.states(job) == ["ready"]
        scheduler.tick()
        assert len(studio.fleet.orders) == 2, "another instance came up meanwhile"
    finally:
        let_go.set()
        endings.wait(30)
    _eventually(lambda: runner.id not in studio.fleet.orders)
    scheduler.tick()
    instances = studio.get("/instances?all=true")["instances"]
    assert {i["id"]: i["state"] for i in instances}[runner.id] == "ended"


def test_a_thread_that_cannot_start_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system gives no thread nothing is under way, and the next look begins it."""
    endings, ended = Aside(), list[str]()

    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as context:
        context.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError):
            endings.begin("a", lambda: ended.append("a"))
    assert not endings.under_way("a")
    endings.begin("a", lambda: ended.append("a"))
    _eventually(lambda: endings.over() == ["a"])
    assert ended == ["a"]


def test_not_all_at_once() -> None:
    """However many instances are to end, only so many threads do it; the others' turn comes when they are asked for again."""
    endings, let_go, ended = Aside(), threading.Event(), list[int]()

    def end(number: int) -> None:
        assert let_go.wait(60)
        ended.append(number)

    def begin() -> bool:
        for number in range(AT_ONCE + 5):
            if number not in ended:
                endings.begin(str(number), partial(end, number))
        return len(ended) == AT_ONCE + 5

    begin()
    assert sum(endings.under_way(str(n)) for n in range(AT_ONCE + 5)) == AT_ONCE
    let_go.set()
    _eventually(begin)


def test_an_instance_that_hangs_keeps_its_place(make_studio: Any) -> None:
    """Until it is gone it counts against the limits of account and fleet: it is billed, however useless."""
    studio = make_studio(account_instance_limit=1)
    let_go, endings = threading.Event(), Aside()
    studio.scheduler = Scheduler(studio.farm, studio.fleet, service_url="http://127.0.0.1:1", endings=endings)
    studio.job(studio.commands("1-9"))
    runner = studio.runner()
    runner.take()
    terminate = studio.fleet.terminate

    def drains(instance_id: str) -> None:
        assert let_go.wait(60)
        terminate(instance_id)

    studio.fleet.terminate = drains
    try:
        for _ in range(60):
            studio.clock.pass_time(10)
            studio.scheduler.tick()
        assert endings.under_way(runner.id)
        assert list(studio.fleet.orders) == [runner.id]
    finally:
        let_go.set()
        endings.wait(30)

    def replaced() -> bool:
        studio.scheduler.tick()
        return bool(studio.fleet.orders) and runner.id not in studio.fleet.orders

    _eventually(replaced)
    assert len(studio.fleet.orders) == 1
