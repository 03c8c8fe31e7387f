"""Endings of instances beside the scheduler: however long one takes, nobody else waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from conductor_service.endings import Aside, AtOnce, Endings
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


def test_what_fails_is_over_too() -> None:
    """An ending that raises is logged and over, so that it can be begun again; whoever waits is woken."""
    woken = threading.Event()
    endings = Aside(woken.set)

    def fail() -> None:
        raise OSError("the provider is away")

    endings.begin("a", fail)
    assert woken.wait(30)
    _eventually(lambda: endings.over() == ["a"])


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
